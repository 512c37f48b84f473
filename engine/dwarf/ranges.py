"""Address ranges of DIEs and units; which unit an address belongs to."""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from adp_tui.engine.dwarf.constants import AT, FORM
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import AdpError, NoDebugInfoError

__all__ = ["AddressMap", "contains", "ranges_of"]

MAX_RANGES = 100_000
_MASK = (1 << 64) - 1


def ranges_of(die: Die) -> list[tuple[int, int]]:
    """Return the half-open address ranges of a DIE; empty for one without code.

    Raises:
        NoDebugInfoError: its range list is cut off.
    """
    low = die.address(AT.LOW_PC)
    high = die.raw(AT.HIGH_PC)
    if low is not None and high is not None:
        end = die.address(AT.HIGH_PC) if high[0] in _ADDRESS_FORMS else None
        if end is None and isinstance(high[1], int):
            end = low + high[1]
        return [(low, end)] if end is not None and end > low else []
    found = die.raw(AT.RANGES)
    if found is None or not isinstance(found[1], int):
        return []
    try:
        if die.unit.version < 5:
            return _ranges4(die.sections, die.unit, found[1])
        return _ranges5(die.sections, die.unit, found[0], found[1])
    except (IndexError, struct.error) as error:
        raise NoDebugInfoError(f"the ranges of the DIE at {die.offset:#x} are cut off") from error


_ADDRESS_FORMS = {
    FORM.ADDR, FORM.ADDRX, FORM.ADDRX1, FORM.ADDRX2, FORM.ADDRX3, FORM.ADDRX4,
}  # fmt: skip


def contains(die: Die, address: int) -> bool:
    """Tell whether an address of the file lies in a DIE's code."""
    return any(low <= address < high for low, high in ranges_of(die))


def _ranges4(sections: Sections, unit: Unit, offset: int) -> list[tuple[int, int]]:
    base, result = unit.base or 0, []
    for _ in range(MAX_RANGES):
        low = sections.ranges.number(offset, 8)
        high = sections.ranges.number(offset + 8, 8)
        offset += 16
        if not low and not high:
            break
        if low == _MASK:
            base = high
        elif high > low:
            result.append((base + low, base + high))
    return result


def _ranges5(sections: Sections, unit: Unit, form: int, raw: int) -> list[tuple[int, int]]:
    blob = sections.range_lists
    offset = raw
    if form == FORM.RNGLISTX:
        offset = unit.rnglists_base + blob.number(unit.rnglists_base + 4 * raw, 4)
    data, at = blob.buffer, blob.base + offset
    base, result = unit.base or 0, []

    def indexed(index: int) -> int:
        return sections.indexed_address(unit, index) or 0

    for _ in range(MAX_RANGES):
        if not blob.base <= at < blob.base + blob.size:
            raise IndexError(at)
        kind = data[at]
        at += 1
        if kind == 0:
            break
        if kind in (1, 2, 3, 4):
            first, at = uleb(data, at)
            if kind == 1:
                base = indexed(first)
                continue
            second, at = uleb(data, at)
            if kind == 2:
                result.append((indexed(first), indexed(second)))
            elif kind == 3:
                result.append((indexed(first), indexed(first) + second))
            else:
                result.append((base + first, base + second))
            continue
        first = int.from_bytes(data[at : at + 8], "little")
        at += 8
        if kind == 5:
            base = first
        elif kind == 6:
            result.append((first, int.from_bytes(data[at : at + 8], "little")))
            at += 8
        elif kind == 7:
            length, at = uleb(data, at)
            result.append((first, first + length))
        else:
            raise IndexError(at)
    return [(low, high) for low, high in result if high > low]


class AddressMap:
    """Finds the unit of an address: by ``.debug_aranges``, else by the units' own ranges."""

    def __init__(self, sections: Sections, units: Sequence[Unit]) -> None:
        self._sections = sections
        self._listed, owners = _aranges(sections)
        self._units = [unit for unit in units if unit.offset not in owners]
        self._others: _Spans | None = None

    def unit_offset(self, address: int) -> int | None:
        """Return the offset of the unit that holds an address of the file."""
        found = self.span(address)
        return None if found is None else found[2]

    def span(self, address: int) -> tuple[int, int, int] | None:
        """Return the run of a unit's code that holds an address: start, end, unit offset."""
        found = self._listed.find(address)
        if found is not None:
            return found
        if self._others is None:
            self._others = self._read_units()
        return self._others.find(address)

    def _read_units(self) -> _Spans:
        """Ask the first DIE of each unit that the table leaves out."""
        spans = _Spans()
        for unit in self._units:
            try:
                first = Die.at(self._sections, unit, unit.first)
                for start, end in ranges_of(first):
                    # Hostile ranges may end beyond the last address, or before they begin.
                    if start < end <= _MASK:
                        spans.add(array("Q", (start, end - start)), unit.offset)
            except AdpError:
                continue
        return spans


class _Spans:
    """Ranges of addresses with their owners, searched by bisection."""

    def __init__(self) -> None:
        self._starts, self._sizes, self._owners = array("Q"), array("Q"), array("Q")
        self._is_sorted = False

    def add(self, pairs: array[int], owner: int) -> None:
        """Add ranges, each a start and a size: all are added before one is found."""
        self._starts += pairs[::2]
        self._sizes += pairs[1::2]
        self._owners += array("Q", (owner,)) * (len(pairs) // 2)

    def _sort(self) -> None:
        # Functions that the linker dropped stand at 0 or 1.
        starts = self._starts.tolist()
        rows = enumerate(zip(starts, self._sizes, strict=True))
        order = [number for number, (start, size) in rows if size and start > 1]
        order.sort(key=starts.__getitem__)
        self._starts = array("Q", map(starts.__getitem__, order))
        self._sizes = array("Q", map(self._sizes.__getitem__, order))
        self._owners = array("Q", map(self._owners.__getitem__, order))
        self._is_sorted = True

    def find(self, address: int) -> tuple[int, int, int] | None:
        """Return start, end and owner of the range that holds an address."""
        if not self._is_sorted:
            self._sort()
        index = bisect_right(self._starts, address) - 1
        for at in range(index, max(index - 8, -1), -1):
            start = self._starts[at]
            end = start + self._sizes[at]
            # Hostile ranges end beyond the last address.
            if address < end <= _MASK:
                return start, end, self._owners[at]
        return None


def _aranges(sections: Sections) -> tuple[_Spans, set[int]]:
    """Return the entries with the offsets of their units, and the units that have a set.

    Where a set makes no sense the table is broken: no unit is taken to be listed in full.
    """
    blob, offset = sections.aranges, 0
    spans, owners = _Spans(), set[int]()
    while offset + 16 <= blob.size:
        length, owner = blob.number(offset, 4), blob.number(offset + 6, 4)
        end = offset + 4 + length
        address_size = blob.number(offset + 10, 1)
        if length >= 0xFFFFFFF0 or length < 12 or end > blob.size:
            return spans, set()
        owners.add(owner)
        if address_size == 8 and blob.number(offset + 11, 1) == 0:
            pairs = array("Q")
            pairs.frombytes(blob.slice(offset + 16, offset + 16 + (end - offset - 16) // 16 * 16))
            spans.add(pairs, owner)
        offset = end
    return spans, owners
