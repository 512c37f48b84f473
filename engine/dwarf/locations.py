"""Where a variable is at an address: the one expression that counts there."""

from __future__ import annotations

import struct

from adp_tui.engine.dwarf.constants import AT, FORM
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["expression_at"]

MAX_ENTRIES = 100_000
_MASK = (1 << 64) - 1
_LISTS = frozenset({FORM.SEC_OFFSET, FORM.LOCLISTX, FORM.DATA4, FORM.DATA8})


def expression_at(die: Die, address: int, attribute: int = AT.LOCATION) -> bytes | None:
    """Return the location expression that holds at an address of the file.

    None where the DIE has none there: the variable was optimized out.

    Raises:
        NoDebugInfoError: its location list is cut off or malformed.
    """
    found = die.raw(attribute)
    if found is None:
        return None
    form, raw = found
    if isinstance(raw, bytes):
        return raw
    if not isinstance(raw, int) or form not in _LISTS:
        return None
    try:
        if die.unit.version < 5:
            return _list4(die.sections, die.unit, raw, address)
        return _list5(die.sections, die.unit, form, raw, address)
    except (IndexError, struct.error) as error:
        raise NoDebugInfoError(f"the location list of {die.offset:#x} is malformed") from error


def _list4(sections: Sections, unit: Unit, offset: int, address: int) -> bytes | None:
    blob, base = sections.locations, unit.base or 0
    for _ in range(MAX_ENTRIES):
        low, high = blob.number(offset, 8), blob.number(offset + 8, 8)
        offset += 16
        if not low and not high:
            return None
        if low == _MASK:
            base = high
            continue
        size = blob.number(offset, 2)
        offset += 2
        if offset + size > blob.size:
            raise IndexError(offset)
        if base + low <= address < base + high:
            return blob.slice(offset, offset + size)
        offset += size
    return None


def _list5(sections: Sections, unit: Unit, form: int, raw: int, address: int) -> bytes | None:
    blob = sections.location_lists
    offset = raw
    if form == FORM.LOCLISTX:
        offset = unit.loclists_base + blob.number(unit.loclists_base + 4 * raw, 4)
    return _List5(sections, unit, offset).find(address)


class _List5:
    """One list of ``.debug_loclists`` (DWARF 5, section 7.7.3)."""

    def __init__(self, sections: Sections, unit: Unit, offset: int) -> None:
        self._sections = sections
        self._unit = unit
        self._blob = sections.location_lists
        self._at = offset

    def find(self, address: int) -> bytes | None:
        base = self._unit.base or 0
        default: bytes | None = None
        for _ in range(MAX_ENTRIES):
            kind = self._number(1)
            if kind == 0:
                return default
            if kind == 1:
                base = self._indexed()
                continue
            if kind == 6:
                base = self._number(8)
                continue
            if kind == 9:  # GNU view numbers: no place of their own
                self._leb()
                self._leb()
                continue
            span = self._span(kind, base)
            code = self._block()
            if span is None:
                default = code
            elif span[0] <= address < span[1]:
                return code
        return default

    def _span(self, kind: int, base: int) -> tuple[int, int] | None:
        """Return the addresses of an entry; None for the default one."""
        if kind == 2:
            return self._indexed(), self._indexed()
        if kind == 3:
            low = self._indexed()
            return low, low + self._leb()
        if kind == 4:
            return base + self._leb(), base + self._leb()
        if kind == 5:
            return None
        if kind == 7:
            return self._number(8), self._number(8)
        if kind == 8:
            low = self._number(8)
            return low, low + self._leb()
        raise IndexError(kind)

    def _number(self, size: int) -> int:
        self._at += size
        return self._blob.number(self._at - size, size)

    def _leb(self) -> int:
        if not 0 <= self._at < self._blob.size:
            raise IndexError(self._at)
        value, at = uleb(self._blob.buffer, self._blob.base + self._at)
        self._at = at - self._blob.base
        return value

    def _indexed(self) -> int:
        found = self._sections.indexed_address(self._unit, self._leb())
        if found is None:
            raise IndexError("addrx")
        return found

    def _block(self) -> bytes:
        size = self._leb()
        if self._at + size > self._blob.size:
            raise IndexError(self._at)
        self._at += size
        return self._blob.slice(self._at - size, self._at)
