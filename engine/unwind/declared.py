"""What a file declares to be in scope at an address: variables, and where they would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import origin_of
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.locations import expression_at
from adp_tui.engine.errors import AdpError

__all__ = ["FUNCTIONS", "Declared", "declarations"]

MAX_VARIABLES = 4096
MAX_CONSTANT = 1 << 20
FUNCTIONS = (TAG.SUBPROGRAM, TAG.INLINED_SUBROUTINE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter or local variable at one address, without regard to any frame.

    Attributes:
        name: as DWARF has it.
        type_offset: of its type's DIE.
        scope: the number of its function among those at the address, the innermost first.
        constant: DW_AT_const_value, or None.
        expression: the location expression that holds at the address, or None.
        is_placed: whether it has a location somewhere.
        problem: why it cannot be said where it is; None where it can.
        line: where it is declared, or None.
    """

    name: str
    type_offset: int
    scope: int
    constant: bytes | int | None
    expression: bytes | None
    is_placed: bool
    problem: str | None = None
    line: int | None = None


def declarations(debug: DebugInfo, address: int) -> tuple[int, bytes | None, tuple[Declared, ...]]:
    """Return the unit's offset and the frame base of the function at an address of the file, and
    its variables whose block holds the address, those of inlined functions included.

    Raises:
        NoDebugInfoError: the debug information makes no sense there.
    """
    known = debug.answers.table("locals")
    if address in known:
        unit, base, plain = known[address]
        return unit, base, tuple(Declared(*each) for each in plain)
    chain = debug.scopes.around(address)
    if not chain:
        known[address] = 0, None, ()
        return 0, None, ()
    unit, base, whole = chain[0].unit.offset, None, True
    try:
        base = expression_at(chain[0], address, AT.FRAME_BASE)
    except AdpError:
        whole = False
    found = tuple(_all(debug, chain, address))
    if whole and not any(each.problem for each in found):
        known[address] = unit, base, tuple(map(_plain, found))
    return unit, base, found


def _plain(declared: Declared) -> Any:
    return (
        declared.name, declared.type_offset, declared.scope, declared.constant,
        declared.expression, declared.is_placed, None, declared.line,
    )  # fmt: skip


def _all(debug: DebugInfo, chain: Sequence[Die], address: int) -> Iterator[Declared]:
    number = count = 0
    for scope in reversed(chain):
        for child in scope.children():
            if child.tag in (TAG.FORMAL_PARAMETER, TAG.VARIABLE):
                found = _declared(debug, child, number, address)
                if found is not None:
                    yield found
                    count += 1
                    if count >= MAX_VARIABLES:
                        return
        number += scope.tag in FUNCTIONS


def _declared(debug: DebugInfo, die: Die, scope: int, address: int) -> Declared | None:
    """Return a variable; None where it has no name or no type."""
    try:
        named = origin_of(debug, die)
        name = named.text(AT.NAME)
        target = named.reference(AT.TYPE)
        if target is None:
            target = die.reference(AT.TYPE)
    except AdpError:
        return None
    if not name or target is None:
        return None
    owner = die if AT.LOCATION in die else named
    is_placed = AT.LOCATION in owner
    try:
        constant = _constant(die)
        if constant is None:
            constant = _constant(named)
        expression = None if constant is not None else expression_at(owner, address)
    except AdpError as error:
        return Declared(name, target, scope, None, None, is_placed, error.message)
    line = named.raw(AT.DECL_LINE)
    number = line[1] if line is not None and isinstance(line[1], int) else None
    return Declared(name, target, scope, constant, expression, is_placed, None, number)


def _constant(die: Die) -> bytes | int | None:
    """Return DW_AT_const_value, or None."""
    found = die.raw(AT.CONST_VALUE)
    if found is None or isinstance(found[1], str):
        return None
    return found[1][:MAX_CONSTANT] if isinstance(found[1], bytes) else found[1]
