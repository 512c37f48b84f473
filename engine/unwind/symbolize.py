"""Native frames for people: names, files and lines, inlined functions as frames of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import origin_of
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.plain import place_from, plain_place
from adp_tui.engine.dwarf.types import Place
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.model import NativeFrame
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import function_name, is_closure
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.unwinder import RawFrame

__all__ = ["Symbolizer"]

MAX_KNOWN = 65_536


@dataclass(frozen=True, slots=True)
class _Named:
    """What is known of an address without regard to the frame: one for each function there."""

    function: str | None
    place: Place | None
    inlined: bool


class Symbolizer:
    """Turns raw frames into named ones; each address is looked up once."""

    def __init__(self, program: Program, lost: Callable[[str, int], object] | None = None) -> None:
        """``lost`` is told why something at an address cannot be known, and the address."""
        self._program = program
        self._lost = lost
        self._known: dict[int, tuple[_Named, ...]] = {}
        self._problems = 0
        """What could not be known of the address that is looked up."""

    def frames(self, raw: RawFrame) -> tuple[NativeFrame, ...]:
        """Return the functions at a frame's address, the innermost inlined one first, the
        function that was compiled last. There is always one at least: where nothing is known,
        its ``function`` is None.
        """
        module = None if raw.image is None else clean(raw.image.name, 1024)
        return tuple(
            NativeFrame(
                function=named.function,
                file=named.place.file if named.place is not None else None,
                dir=named.place.dir if named.place is not None else None,
                line=named.place.line if named.place is not None else None,
                column=named.place.column if named.place is not None else None,
                module=module,
                pc=raw.pc,
                inlined=named.inlined,
                origin="inline" if named.inlined else raw.origin,
            )
            for named in self._named(raw)
        )

    def _named(self, raw: RawFrame) -> tuple[_Named, ...]:
        known = self._known.get(raw.lookup)
        if known is None:
            known = self._look_up(raw)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[raw.lookup] = known
        return known

    def _look_up(self, raw: RawFrame) -> tuple[_Named, ...]:
        """Ask the debug information, then the symbols."""
        image = raw.image
        if image is None:
            return (_Named(None, None, inlined=False),)
        debug = image.debug
        address = image.file_address(raw.lookup)
        known = image.answers.table("frames")
        if address in known:
            return tuple(
                _Named(name, place_from(at), inlined) for name, at, inlined in known[address]
            )
        self._problems = 0
        named = self._ask(image, debug, raw)
        if not self._problems:
            known[address] = tuple((n.function, plain_place(n.place), n.inlined) for n in named)
        return named

    def _ask(self, image: Image, debug: DebugInfo | None, raw: RawFrame) -> tuple[_Named, ...]:
        found: list[_Named] = []
        place: Place | None = None
        if debug is not None:
            address = image.file_address(raw.lookup)
            try:
                place = _cleaned(debug.line_at(address))
            except AdpError as error:
                self._tell(error, raw)
            try:
                found = self._functions(debug, raw, place)
            except AdpError as error:
                self._tell(error, raw)
        if found and found[-1].function:
            return tuple(found)
        symbol = self._symbol(raw.lookup)
        if found:
            return (*found[:-1], replace(found[-1], function=symbol))
        return (_Named(symbol, place, inlined=False),)

    def _tell(self, error: AdpError, raw: RawFrame) -> None:
        self._problems += 1
        if self._lost is not None:
            self._lost(error.message, raw.lookup)

    def _functions(self, debug: DebugInfo, raw: RawFrame, place: Place | None) -> list[_Named]:
        assert raw.image is not None
        found: list[_Named] = []
        for die in reversed(debug.scopes.around(raw.image.file_address(raw.lookup))):
            if die.tag == TAG.LEXICAL_BLOCK:
                continue
            inlined = die.tag == TAG.INLINED_SUBROUTINE
            name, call = None, None
            try:
                name = self._name(debug, die)
                call = self._call(debug, die) if inlined else None
            except AdpError as error:
                self._tell(error, raw)
            found.append(_Named(name, place, inlined))
            place = call
        return found

    @staticmethod
    def _name(debug: DebugInfo, die: Die) -> str | None:
        named = origin_of(debug, die)
        linkage = die.text(AT.LINKAGE_NAME) or named.text(AT.LINKAGE_NAME)
        if linkage is not None and linkage.startswith(("_ZN", "_R")):
            plain = function_name(linkage)
            # Only closures need DWARF's names, and only those inside others need all of the path,
            # which costs a pass over the unit.
            if "{" not in plain:
                return plain
            own = named.text() or ""
            if plain.count("{") == 1 and is_closure(own):
                return function_name(linkage, own)
        return function_name(linkage, debug.qualified_name(named)) or None

    @staticmethod
    def _call(debug: DebugInfo, die: Die) -> Place | None:
        """Return where an inlined function was called."""
        number, line = die.number(AT.CALL_FILE), die.number(AT.CALL_LINE)
        table = debug.files(die.unit)
        file = None if table is None or number is None else table.file(number)
        if file is None or not line:
            return None
        return _cleaned(Place(file[0], file[1], line, die.number(AT.CALL_COLUMN)))

    def _symbol(self, address: int) -> str | None:
        try:
            symbol = self._program.symbol_at(address)
        except AdpError:
            return None
        return None if symbol is None else function_name(symbol.name) or None


def _cleaned(place: Place | None) -> Place | None:
    if place is None:
        return None
    return replace(place, file=clean(place.file, 4096), dir=clean(place.dir, 4096))
