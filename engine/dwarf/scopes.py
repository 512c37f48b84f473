"""Which functions an address lies in: the one that was compiled, and those inlined into it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.constants import AT, FORM, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import origin_of
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.ranges import contains, ranges_of
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import AdpError, NoDebugInfoError

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.info import DebugInfo

__all__ = ["ScopeReader"]

MAX_NESTING = 512
MAX_KNOWN = 65_536
MAX_FINDS = 16
"""Functions of a unit that are searched for one by one, before all are found in one pass."""
MAX_CANDIDATES = 64
"""Functions before an address that are looked at: byte searches offer false ones."""
_ELSEWHERE = frozenset({FORM.GNU_REF_ALT, FORM.GNU_STRP_ALT})
_SUBPROGRAM, _INLINED, _BLOCK = int(TAG.SUBPROGRAM), int(TAG.INLINED_SUBROUTINE), int(
    TAG.LEXICAL_BLOCK
)  # fmt: skip


class ScopeReader:
    """Finds the nested scopes around addresses of one file, each address once."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._known: dict[int, tuple[Die, ...]] = {}
        self._lows: dict[int, list[int]] = {}
        self._asked: dict[int, int] = {}
        self._scattered: dict[int, list[tuple[int, int, int]]] = {}

    def around(self, address: int) -> tuple[Die, ...]:
        """Return the scopes that hold an address, outermost first: a DW_TAG_subprogram, then
        lexical blocks and DW_TAG_inlined_subroutine; empty where no function is known.

        Raises:
            NoDebugInfoError: the debug information makes no sense there.
        """
        known = self._known.get(address)
        if known is None:
            known = self._find(address)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[address] = known
        return known

    def _find(self, address: int) -> tuple[Die, ...]:
        unit, span = self._info.unit_at(address), self._info.addresses.span(address)
        if unit is None or span is None:
            return ()
        problem: NoDebugInfoError | None = None
        for function in self._candidates(unit, span[0], address):
            # The code of a true function is one run of its unit's code; it has a name.
            ranges = ranges_of(function)
            one = len(ranges) == 1 and AT.LOW_PC in function
            if one and not (span[0] <= ranges[0][0] and ranges[0][1] <= span[1]):
                continue
            try:
                if self._is_named(function):
                    return function, *self._nested(function, address)
            except NoDebugInfoError as error:
                problem = problem or error
        if problem is not None:
            raise problem
        return ()

    def _is_named(self, function: Die) -> bool:
        named = origin_of(self._info, function)
        if named.text():
            return True
        # What dwz moved to a file of its own is not read: the function is one all the same.
        found = (named.raw(a) for a in (AT.NAME, AT.ABSTRACT_ORIGIN))
        return any(each is not None and each[0] in _ELSEWHERE for each in found)

    def _candidates(self, unit: Unit, start: int, address: int) -> Iterator[Die]:
        """Yield what may be the function that holds an address, the likeliest first."""
        # rustc gives each function a section, and so a run of its own.
        asked = self._asked[unit.offset] = self._asked.get(unit.offset, 0) + 1
        if asked <= MAX_FINDS:
            for offset in self._info.search.beginning(unit, start):
                die = self._checked(unit, offset, start)
                if die is not None and contains(die, address):
                    yield die
        functions = self._info.search.functions(unit)
        lows = self._lows.get(unit.offset)
        if lows is None:
            lows = self._lows[unit.offset] = sorted(functions)
        at = bisect_right(lows, address)
        for low in reversed(lows[max(at - MAX_CANDIDATES, 0) : at]):
            for offset in functions[low]:
                die = self._checked(unit, offset, low)
                if die is not None and contains(die, address):
                    yield die
        part = self._in_parts(unit, address)
        if part is not None:
            yield part

    def _checked(self, unit: Unit, offset: int, low: int) -> Die | None:
        """Return the subprogram that a byte search offers; None where there is another thing."""
        try:
            die = Die.at(self._info.sections, unit, offset)
            if die.tag == _SUBPROGRAM and die.address(AT.LOW_PC) == low and AT.HIGH_PC in die:
                return die
        except AdpError:
            return None
        return None

    def _in_parts(self, unit: Unit, address: int) -> Die | None:
        """Look among the functions that were split into parts (gcc moves cold code away)."""
        parts = self._scattered.get(unit.offset)
        if parts is None:
            parts = self._scattered[unit.offset] = list(self._split_functions(unit))
        for low, high, offset in parts:
            if low <= address < high:
                return Die.at(self._info.sections, unit, offset)
        return None

    def _split_functions(self, unit: Unit) -> Iterator[tuple[int, int, int]]:
        table = self._info.sections.table(unit)
        codes = {
            code
            for code, declaration in table.items()
            if declaration.tag == _SUBPROGRAM
            and any(attribute == AT.RANGES for attribute, _, _ in declaration.attributes)
        }
        if not codes:
            return
        data, base = self._info.sections.info.buffer, self._info.sections.info.base
        at, end = base + unit.first, base + unit.end
        try:
            while at < end:
                code, after = uleb(data, at)
                if not code:
                    at = after
                    continue
                if code in codes:
                    die = Die.at(self._info.sections, unit, at - base)
                    for low, high in ranges_of(die):
                        yield low, high, die.offset
                at = table[code].skip(data, after)
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"the unit at {unit.offset:#x} is cut off") from error

    def _nested(self, function: Die, address: int) -> list[Die]:
        """Walk a function's tree once, into the scopes that hold the address only."""
        if not function.declaration.children:
            return []
        unit, sections = function.unit, function.sections
        data, base, end = sections.info.buffer, sections.info.base, sections.info.base + unit.end
        table = sections.table(unit)
        found: list[Die] = []
        at, depth = base + function.after, 0
        try:
            while at < end:
                code = data[at]
                if not code:
                    if not depth:
                        return found
                    depth -= 1
                    at += 1
                    continue
                start = at
                at += 1
                if code > 127:
                    code, at = uleb(data, start)
                declaration = table[code]
                if not depth and declaration.tag in (_INLINED, _BLOCK):
                    scope = Die.at(sections, unit, start - base)
                    if contains(scope, address):
                        found.append(scope)
                        at = base + scope.after
                        if not declaration.children or len(found) >= MAX_NESTING:
                            return found
                        continue
                size = declaration.size
                at = at + size if size >= 0 else declaration.skip(data, at)
                if declaration.children:
                    depth += 1
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(
                f"the function at {function.offset:#x} of .debug_info is cut off"
            ) from error
        return found
