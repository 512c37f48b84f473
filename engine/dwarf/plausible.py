"""Tell a DIE from bytes that only look like one: a search finds both."""

from __future__ import annotations

from adp_tui.engine.dwarf.constants import AT, FORM
from adp_tui.engine.dwarf.die import Die, Raw
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["is_plausible"]

FOLLOWING = 16
"""DIEs that are read after one."""
_WITHIN_UNIT = frozenset({FORM.REF1, FORM.REF2, FORM.REF4, FORM.REF8, FORM.REF_UDATA})
_REGISTERS, _CFA = range(0x50, 0x70), b"\x9c"
"""DW_OP_reg0 to 31 and DW_OP_call_frame_cfa: what a frame base begins with."""


def is_plausible(die: Die) -> bool:
    """Tell whether a DIE has values that its attributes can have, and DIEs after it.

    Of a Rust program's types, the few that are told wrong have names whose offsets are small
    numbers: such bytes stand everywhere.
    """
    try:
        return _has_possible_values(die) and _reads_on(die)
    except (IndexError, NoDebugInfoError):
        return False


def _has_possible_values(die: Die) -> bool:
    unit_size, strings_size = die.unit.end - die.unit.offset, die.sections.strings.size
    for attribute, form, value in die.values():
        if form in _WITHIN_UNIT and not _is_below(value, unit_size):
            return False
        if form == FORM.STRP and not _is_below(value, strings_size):
            return False
        if attribute == AT.FRAME_BASE and not _is_frame_base(value):
            return False
    return True


def _is_below(value: Raw, size: int) -> bool:
    return isinstance(value, int) and value < size


def _is_frame_base(value: Raw) -> bool:
    """Tell whether a value is an expression: a register, or the CFA and more.

    LLVM and GCC write no other; where it is in a location list, a number stands for that.
    """
    if not isinstance(value, bytes):
        return True
    return value[:1] == _CFA or (len(value) == 1 and value[0] in _REGISTERS)


def _reads_on(die: Die) -> bool:
    """Tell whether DIEs follow a DIE, up to the end of its unit."""
    info, table = die.sections.info, die.sections.table(die.unit)
    data, at, end = info.buffer, info.base + die.after, info.base + die.unit.end
    for _ in range(FOLLOWING):
        if at >= end:
            break
        code, at = uleb(data, at)
        if code:
            declaration = table.get(code)
            if declaration is None:
                return False
            at = declaration.skip(data, at)
    return at <= end
