"""Find DIEs by name or by address without an index: byte searches that are then checked."""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from adp_tui.engine.dwarf.abbrev import FIXED_SIZE, Declaration
from adp_tui.engine.dwarf.constants import AT, FORM, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.names import UnitIndex
from adp_tui.engine.dwarf.plausible import is_plausible
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.strings import StringFinder
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["Search"]

MAX_INDEXES = 4096
MAX_STANDING = 1 << 20
"""Addresses that are gathered; a program with 300 MB of debug information has 60,000."""
VISITED = 4 << 20
"""Bytes of units after which memory is given back."""
MAX_HITS = 200_000
"""Candidates looked at for one name."""
MAX_FRAME_BASE = 8
"""Bytes of the expression of a function's frame base."""
_STRUCTURE = frozenset({TAG.STRUCTURE})
_SUBPROGRAM = frozenset({TAG.SUBPROGRAM})


_ADDRESS = b"\x09\x03"
"""A block of nine bytes that begins with DW_OP_addr."""
_ADDRESSES = re.compile(re.escape(_ADDRESS) + rb"(?=(.{8}))", re.S)


class Search:
    """Byte searches over the units of one file."""

    def __init__(self, sections: Sections, units: Sequence[Unit]) -> None:
        self._sections = sections
        self._units = units
        self._starts = [unit.offset for unit in units]
        self._indexes: OrderedDict[int, UnitIndex] = OrderedDict()
        self._named: dict[tuple[int, int, frozenset[int]], list[tuple[bytes, int]]] = {}
        self._lows: dict[int, dict[int, list[int]]] = {}
        self._split: bool | None = None
        self.strings = StringFinder(sections.strings)
        self._last: dict[str, Unit] = {}
        self._bases: list[tuple[int, int]] | None = None
        self._visited = 0
        self._all_stand = False
        self._standings: dict[bytes, array[int]] | None = None
        """Where each address stands as a location."""

    def unit_of(self, offset: int) -> Unit:
        """Return the unit that holds an offset of ``.debug_info``.

        Raises:
            NoDebugInfoError: none does.
        """
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset >= self._units[index].end:
            raise NoDebugInfoError(f"there is no unit at {offset:#x} of .debug_info")
        return self._units[index]

    def index(self, unit: Unit) -> UnitIndex:
        """Return the names of a unit, read once.

        Raises:
            NoDebugInfoError: the unit is cut off.
        """
        known = self._indexes.get(unit.offset)
        if known is None:
            self._relax(unit.end - unit.offset)
            known = self._indexes[unit.offset] = UnitIndex(self._sections, unit)
            if len(self._indexes) > MAX_INDEXES:
                self._indexes.popitem(last=False)
        return known

    def _relax(self, size: int) -> None:
        """Give back now and then what was mapped while units were visited, of a large file."""
        self._visited += size
        if self._visited > VISITED:
            self._visited = 0
            self._sections.info.forget()
            self._sections.strings.forget()

    def by_name(self, text: str, tags: frozenset[int], near: Unit | None = None) -> Iterator[Die]:
        """Yield the DIEs with these tags whose DW_AT_name is exactly ``text``.

        Those of a unit come first if one is named, then those where another instance of the
        same generic was found: often nobody asks for more.
        """
        base, generic, _ = text.partition("<")
        for string in self.strings.offsets(text):
            yield from self._from_last(string, tags, base, near, generic=bool(generic))

    def _from_last(
        self, string: int, tags: frozenset[int], base: str, near: Unit | None, *, generic: bool
    ) -> Iterator[Die]:
        """Yield what has a name, first where ``near`` says or another of the generic was found."""
        first = [near, self._last.get(base) if generic else None]
        units = [unit for unit in dict.fromkeys(first) if unit is not None]
        for unit in units:
            for die in self._within(unit, string, tags):
                self._last[base] = unit
                yield die
        for die in self.by_string(string, tags):
            if die.unit not in units:
                self._last[base] = die.unit
                yield die

    def has(self, text: str) -> bool:
        """Tell whether anything can have this name."""
        return bool(self.strings.offsets(text))

    def by_string(self, string: int, tags: frozenset[int]) -> Iterator[Die]:
        """Yield the DIEs with these tags whose name is the string at this offset."""
        yield from self._by_strp(string, tags)
        if self._sections.string_offsets:
            yield from self._by_strx(string, tags)

    def pinned(self, type_name: str) -> Iterator[Die]:
        """Yield the DIEs of ``Pin<&mut T>`` for the type with this full name."""
        string = self.strings.pinned(type_name)
        if string is not None:
            yield from self._from_last(string, _STRUCTURE, "Pin<&mut", None, generic=True)

    def in_unit(self, unit: Unit, text: str, tags: frozenset[int]) -> Iterator[Die]:
        """Yield the DIEs of one unit with these tags whose DW_AT_name is exactly ``text``."""
        for string in self.strings.offsets(text):
            yield from self._within(unit, string, tags)

    def _within(self, unit: Unit, string: int, tags: frozenset[int]) -> Iterator[Die]:
        yield from self._by_strp(string, tags, unit)
        if unit.version >= 5:
            index = self.index(unit)
            for entry in index.named(frozenset({string})):
                if index.tags[entry] in tags:
                    yield Die.at(self._sections, unit, index.offsets[entry])

    def linked(self, unit: Unit, string: int) -> Iterator[Die]:
        """Yield the functions of one unit whose linkage name is the string at this offset."""
        yield from self._by_strp(string, _SUBPROGRAM, unit, AT.LINKAGE_NAME)

    def _by_strp(
        self,
        string: int,
        tags: frozenset[int],
        within: Unit | None = None,
        attribute: int = AT.NAME,
    ) -> Iterator[Die]:
        needle, info = struct.pack("<I", string), self._sections.info
        first, last = (0, info.size) if within is None else (within.first, within.end)
        for at in islice(info.occurrences(needle, first, last), MAX_HITS):
            try:
                unit = self.unit_of(at)
                yield from self._check(unit, at, attribute, tags, string)
            except NoDebugInfoError:
                continue

    def _by_strx(self, string: int, tags: frozenset[int]) -> Iterator[Die]:
        """Search the string offsets of DWARF 5 units, then the units they belong to."""
        table = self._sections.string_offsets
        needle = struct.pack("<I", string)
        hits = set(islice(table.occurrences(needle), MAX_HITS))
        if not hits:
            return
        bases = self._string_bases()
        starts = [base for base, _ in bases]
        # The units of one object (codegen units that LTO merged) share one table.
        shared = {starts[i] for i in (bisect_right(starts, h) - 1 for h in hits) if i >= 0}
        touched = {number for base, number in bases if base in shared}
        for number in sorted(touched):
            index = self.index(self._units[number])
            for entry in index.named(frozenset({string})):
                if index.tags[entry] in tags:
                    yield Die.at(self._sections, index.unit, index.offsets[entry])

    def _string_bases(self) -> list[tuple[int, int]]:
        """Return where each DWARF 5 unit's string offsets begin, sorted, and its number."""
        if self._bases is None:
            self._bases = []
            for number, unit in enumerate(self._units):
                if unit.version >= 5:
                    try:
                        self._sections.table(unit)
                    except NoDebugInfoError:
                        continue
                    self._bases.append((unit.str_offsets_base, number))
            self._bases.sort()
        return self._bases

    def _shapes(self, unit: Unit, attribute: int, tags: frozenset[int]) -> list[tuple[bytes, int]]:
        """Return the bytes of each declaration's code and how far before the name a DIE begins."""
        table = self._sections.table(unit)
        key = (unit.abbreviations, attribute, tags)
        known = self._named.get(key)
        if known is None:
            known = []
            for code, declaration in table.items():
                if declaration.tag not in tags:
                    continue
                raw = _encode(code)
                for place, form in _places(declaration, attribute):
                    if form == FORM.STRP:
                        known.append((raw, len(raw) + place))
            known.sort(key=lambda shape: -shape[1])
            self._named[key] = known
        return known

    def _check(
        self, unit: Unit, at: int, attribute: int, tags: frozenset[int], string: int
    ) -> Iterator[Die]:
        """Yield the DIEs whose name stands at an offset.

        A byte before the name may look like the code of another declaration, whose name would
        stand there as well. LLVM's frame base before a function's name does: it ends in a small
        number, 0x56 for rbp. So DIEs with a frame base are tried first, and none is looked for
        within one; the others must have possible values, and DIEs after them.
        """
        info = self._sections.info
        for code, back in self._shapes(unit, attribute, tags):
            start = at - back
            if start < unit.first or info.slice(start, start + len(code)) != code:
                continue
            die = Die.at(self._sections, unit, start)
            if is_plausible(die) and die.number(attribute) == string:
                yield die
                if AT.FRAME_BASE in die:
                    return

    def by_expression(self, expression: bytes, tag: int, near: Unit | None = None) -> Iterator[Die]:
        """Yield the DIEs with this tag whose DW_AT_location is exactly ``expression``.

        Those of a unit come first if one is named: often nobody asks for more.
        """
        if near is not None:
            yield from self.located(near, expression, tag)
        for at in self._standing(bytes([len(expression)]) + expression):
            die = self._with_location(at, tag)
            if die is not None and die.unit is not near:
                yield die

    def located(self, unit: Unit, expression: bytes, tag: int) -> Iterator[Die]:
        """Yield the DIEs of one unit with this tag and DW_AT_location."""
        needle = bytes([len(expression)]) + expression
        for at in self._sections.info.occurrences(needle, unit.first, unit.end):
            die = self._with_location(at, tag)
            if die is not None:
                yield die

    def _standing(self, needle: bytes) -> Iterable[int]:
        """Return where an expression stands with its length before it.

        All addresses that stand anywhere are gathered in one pass: most programs are asked for
        several, of the vtables of their boxed futures.
        """
        info = self._sections.info
        if needle[:2] != _ADDRESS or len(needle) != 10:
            return islice(info.occurrences(needle), MAX_HITS)
        if self._standings is None:
            self._standings = {}
            matches = info.matches(_ADDRESSES, len(needle))
            for match in islice(matches, MAX_STANDING):
                self._standings.setdefault(match[1], array("Q")).append(match.start() - info.base)
            self._all_stand = next(matches, None) is None
        found = self._standings.get(needle[2:], ())
        return found if self._all_stand else islice(info.occurrences(needle), MAX_HITS)

    def _with_location(self, at: int, tag: int) -> Die | None:
        try:
            unit = self.unit_of(at)
            table = self._sections.table(unit)
        except NoDebugInfoError:
            return None
        info = self._sections.info
        for code, declaration in table.items():
            fixed = declaration.fixed.get(AT.LOCATION)
            if declaration.tag != tag or fixed is None:
                continue
            raw = _encode(code)
            start = at - fixed[0] - len(raw)
            if start >= unit.first and info.slice(start, start + len(raw)) == raw:
                die = Die.at(self._sections, unit, start)
                if is_plausible(die):
                    return die
        return None

    def beginning(self, unit: Unit, low: int) -> Iterator[int]:
        """Yield the offsets of what may be a function of the unit that begins at an address.

        Cheaper than ``functions`` for a few addresses.
        """
        info, needle = self._sections.info, struct.pack("<Q", low)
        shapes = [
            (_encode(code), fixed[0])
            for code, declaration in self._sections.table(unit).items()
            if declaration.tag == TAG.SUBPROGRAM
            and (fixed := declaration.fixed.get(AT.LOW_PC)) is not None
        ]
        for at in islice(info.occurrences(needle, unit.first, unit.end), MAX_HITS):
            for code, before in shapes:
                start = at - before - len(code)
                if start >= unit.first and info.slice(start, start + len(code)) == code:
                    yield start

    def functions(self, unit: Unit) -> dict[int, list[int]]:
        """Return the offsets of a unit's functions by the address they begin at, in the file.

        One pass of a regular expression over the unit: every place that could be a subprogram
        with an address where its DW_AT_low_pc stands. Look-ups check the DIE.
        """
        known = self._lows.get(unit.offset)
        if known is None:
            table = self._sections.table(unit)
            known = self._lows[unit.offset] = self._scan_functions(unit, table)
        return known

    def _scan_functions(self, unit: Unit, table: dict[int, Declaration]) -> dict[int, list[int]]:
        shapes: dict[tuple[int, bytes], list[bytes]] = {}
        for code, declaration in table.items():
            if declaration.tag != TAG.SUBPROGRAM:
                continue
            fixed = declaration.fixed.get(AT.LOW_PC)
            if fixed is not None and fixed[1] == FORM.ADDR:
                first, rest = _encode(code)[:1], _encode(code)[1:]
                shapes.setdefault((fixed[0], rest), []).append(first)
            elif any(attribute == AT.LOW_PC for attribute, _, _ in declaration.attributes):
                return self._walk_functions(unit)
        lows: dict[int, list[int]] = {}
        data = self._sections.info.slice(unit.offset, unit.end)
        width = self._address_width()
        for (before, rest), firsts in shapes.items():
            pattern = b"[%b]%b(?=.{%d}(.{%d})\\x00{%d})" % (
                b"".join(map(re.escape, firsts)), re.escape(rest), before, width, 8 - width,
            )  # fmt: skip
            for match in re.finditer(pattern, data, re.S):
                low = int.from_bytes(match.group(1), "little")
                lows.setdefault(low, []).append(unit.offset + match.start())
        return lows

    def _address_width(self) -> int:
        """Return how many bytes of an address of the file can differ from zero: the fewer, the
        fewer false candidates.
        """
        last = max((s.address + s.memory_size for s in self._sections.elf.loads), default=0)
        return min((max(last, 1).bit_length() + 7) // 8, 7)

    def _walk_functions(self, unit: Unit) -> dict[int, list[int]]:
        """Ask every function of the unit: where addresses are indexes (DWARF 5)."""
        index = self.index(unit)
        index.complete()
        lows: dict[int, list[int]] = {}
        for tag, offset in zip(index.tags, index.offsets, strict=True):
            if tag == TAG.SUBPROGRAM:
                low = Die.at(self._sections, unit, offset).address(AT.LOW_PC)
                if low is not None:
                    lows.setdefault(low, []).append(offset)
        return lows


def _places(declaration: Declaration, wanted: int) -> Iterator[tuple[int, int]]:
    """Yield where a name (or linkage name) may stand, with its form.

    LLVM writes DW_AT_frame_base before a function's: an expression of one byte for a register, of
    a few where it is counted from the CFA.
    """
    fixed = declaration.fixed.get(wanted)
    if fixed is not None:
        yield fixed
        return
    at, vary = 0, False
    for attribute, form, _ in declaration.attributes:
        if attribute == wanted:
            sizes = range(2, MAX_FRAME_BASE + 2) if vary else (0,)
            yield from ((at + size, form) for size in sizes)
            return
        size = FIXED_SIZE.get(form)
        if size is not None:
            at += size
        elif attribute == AT.FRAME_BASE and form == FORM.EXPRLOC and not vary:
            vary = True
        else:
            return


def _encode(code: int) -> bytes:
    out = bytearray()
    while True:
        byte, code = code & 0x7F, code >> 7
        out.append(byte | (0x80 if code else 0))
        if not code:
            return bytes(out)
