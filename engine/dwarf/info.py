"""The debug information of one file: types, functions and variables, found lazily."""

from __future__ import annotations

import enum
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from adp_tui.engine.answers import Answers
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.files import FileTable, read_header
from adp_tui.engine.dwarf.functions import Function, Variable, origin_of, template_types
from adp_tui.engine.dwarf.lines import LineTable
from adp_tui.engine.dwarf.names import INDEXED, UnitIndex, split_path
from adp_tui.engine.dwarf.plain import function_from, place_from, plain_function, plain_place
from adp_tui.engine.dwarf.ranges import AddressMap
from adp_tui.engine.dwarf.scopes import ScopeReader
from adp_tui.engine.dwarf.search import Search
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.typereader import TypeReader
from adp_tui.engine.dwarf.types import Body, Place, Type
from adp_tui.engine.dwarf.unit import Unit, read_units
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.errors import AdpError, NoDebugInfoError

__all__ = ["DebugInfo", "Level"]

TYPE_TAGS = frozenset({TAG.STRUCTURE, TAG.UNION, TAG.ENUMERATION, TAG.BASE, TAG.CLASS, TAG.POINTER})
MAX_SAME_NAME = 512
"""Copies of one type looked at: a type stands in each unit that uses it."""
MAX_MAPPED = 256
"""Places of a large section that are read before its memory is given back: each maps 64 kB."""
_PATH = re.compile(r"\w+::")
_NO_PATHS = ("dyn ", "fn(", "unsafe ", "extern ", "alloc::boxed::Box<")
_RUST = 0x1C
"""DW_LANG_Rust."""


class Level(enum.Enum):
    """How much a file's debug information tells."""

    FULL = "full"
    LIMITED = "limited"
    """Functions and lines, no types (``debug = 1``)."""
    LINES = "line tables only"
    NONE = "none"
    SPLIT = "split"
    """Lines only: the rest is in .dwo files, or in a .dwp file, which are not read."""
    FOREIGN = "no Rust"
    """There is debug information, but not of Rust code."""


class DebugInfo:
    """Questions to the DWARF of one ELF file. Addresses are those of the file."""

    def __init__(self, elf: ElfFile, answers: Answers | None = None) -> None:
        self.elf = elf
        self.answers = Answers() if answers is None else answers
        self.sections = Sections(elf)
        self._units: Sequence[Unit] | None = None
        self._search: Search | None = None
        self.scopes = ScopeReader(self)
        self._map: AddressMap | None = None
        self._files: dict[int, FileTable | None] = {}
        self._lines: dict[int, LineTable | None] = {}
        self._types = TypeReader(self)
        self._functions: dict[int, Function | None] = {}
        self._names = self.answers.table("names")
        self._places = self.answers.table("places")
        self._level: Level | None = None
        self._split: str | None = None

    # Units.

    @property
    def units(self) -> Sequence[Unit]:
        """The units, by offset."""
        if self._units is None:
            self._units = read_units(self.sections.info)
        return self._units

    def check(self) -> None:
        """Go through the units' headers, unless an earlier run found them whole.

        Raises:
            NoDebugInfoError: they are cut off, or make no sense.
        """
        whole = self.answers.table("units")
        if "count" not in whole:
            whole["count"] = len(self.units)

    @property
    def search(self) -> Search:
        """Look-ups by name and address."""
        if self._search is None:
            self._search = Search(self.sections, self.units)
        return self._search

    @property
    def level(self) -> Level:
        """How much there is: judged by the tags that the abbreviations of Rust units declare.

        std's own units don't count: they come with a little debug information of their own.
        """
        if self._level is None:
            known = self.answers.table("level")
            if "level" not in known:
                level = self._judge()
                known["level"], known["split"] = level.value, self._split
            self._level, self._split = Level(known["level"]), known["split"]
        return self._level

    def _judge(self) -> Level:
        tags: set[int] = set()
        has_std = False
        for unit in self.units:
            try:
                declared = self.sections.table(unit).values()
                first = Die.at(self.sections, unit, unit.first)
                if first.number(AT.LANGUAGE) != _RUST:
                    # What is left of a unit that was split has no language.
                    self._split = self._split or first.text(AT.DWO_NAME)
                    self._split = self._split or first.text(AT.GNU_DWO_NAME)
                    continue
            except AdpError:
                continue
            if self._is_std(unit):
                has_std = True
                continue
            tags |= {d.tag for d in declared}
            if TAG.MEMBER in tags:
                return Level.FULL
        if tags:
            return Level.LIMITED if TAG.NAMESPACE in tags else Level.LINES
        if self._split:
            return Level.SPLIT
        return Level.NONE if has_std or not self.units else Level.FOREIGN

    @property
    def split(self) -> str | None:
        """The path of one .dwo file that holds what was split off; None where nothing was."""
        return self._split if self.level is Level.SPLIT else None

    @staticmethod
    def _is_std(unit: Unit) -> bool:
        return unit.comp_dir.startswith(("/rustc/", "/rust/deps/"))

    @property
    def addresses(self) -> AddressMap:
        """Which unit each address belongs to."""
        if self._map is None:
            self._map = AddressMap(self.sections, self.units)
        return self._map

    def unit_at(self, address: int) -> Unit | None:
        """Return the unit whose code holds an address, or None."""
        offset = self.addresses.unit_offset(address)
        if offset is None:
            return None
        try:
            unit = self.search.unit_of(offset)
            self.sections.table(unit)
        except NoDebugInfoError:
            return None
        return unit

    def units_at(self, addresses: Collection[int]) -> tuple[int, ...]:
        """Return the offsets of the units that addresses belong to, each once."""
        known = self.answers.table("units by address")
        for address in addresses:
            if address not in known:
                unit = self.unit_at(address)
                known[address] = None if unit is None else unit.offset
        found = dict.fromkeys(known[address] for address in addresses)
        return tuple(offset for offset in found if offset is not None)

    def index(self, unit: Unit) -> UnitIndex:
        """Return the names of a unit, read once."""
        return self.search.index(unit)

    def die(self, offset: int) -> Die:
        """Return the DIE at an offset of ``.debug_info``.

        Raises:
            NoDebugInfoError: there is none.
        """
        return Die.at(self.sections, self.search.unit_of(offset), offset)

    def files(self, unit: Unit) -> FileTable | None:
        """Return the file table of a unit; None where it has no readable one."""
        if unit.offset not in self._files:
            self.sections.table(unit)
            try:
                table = FileTable(unit, read_header(self.sections, unit))
            except NoDebugInfoError:
                table = None
            self._files[unit.offset] = table
        return self._files[unit.offset]

    def line_at(self, address: int) -> Place | None:
        """Return file, line and column of the code at an address; None where none is known.

        Raises:
            NoDebugInfoError: the line table makes no sense.
        """
        if address not in self._places:
            self._places[address] = plain_place(self._line_at(address))
        return place_from(self._places[address])

    def _line_at(self, address: int) -> Place | None:
        unit = self.unit_at(address)
        if unit is None:
            return None
        if unit.offset not in self._lines:
            # A broken table is said once.
            self._lines[unit.offset] = None
            if unit.stmt_list is not None:
                self._lines[unit.offset] = LineTable(self.sections, unit)
        table = self._lines[unit.offset]
        return None if table is None else table.place(address)

    def place_of(self, die: Die) -> Place | None:
        """Return where a DIE says it was declared."""
        number, line = die.number(AT.DECL_FILE), die.number(AT.DECL_LINE)
        if number is None or line is None:
            return None
        table = self.files(die.unit)
        found = table.file(number) if table is not None else None
        if found is None:
            return None
        return Place(found[0], found[1], line, die.number(AT.DECL_COLUMN))

    def name_at(self, offset: int) -> str:
        """Return the full path of the named DIE at an offset.

        Raises:
            NoDebugInfoError: there is none.
        """
        known: str | None = self._names.get(offset)
        return self.qualified_name(self.die(offset)) if known is None else known

    def qualified_name(self, die: Die) -> str:
        """Return the full path of a named DIE; its own name where the unit's index has it not."""
        known: str | None = self._names.get(die.offset)
        if known is None:
            index, own = self.index(die.unit), die.text() or ""
            position = index.position(die.offset)
            known = own if position is None or not own else index.path(position, own)
            self._names[die.offset] = known
        return known

    # Types.

    def type_at(self, offset: int) -> Type:
        """Return the type whose DIE stands at ``offset`` (0 is the unit type ``()``)."""
        return self._types.type_at(offset)

    def body_of(self, type_: Type) -> Body:
        """Read the parts of a type that are not read at once."""
        return self._types.body_of(type_)

    def type_named(self, name: str, near: Type | None = None) -> Type | None:
        """Return a complete copy of the type with a qualified name, else one without parts."""
        known = self.answers.table("types by name")
        if name not in known:
            empty = None
            for type_ in self.types_named(name, near):
                if type_.size or type_.members:
                    known[name] = type_.offset
                    return type_
                empty = empty or type_
            known[name] = None if empty is None else empty.offset
        offset = known[name]
        return None if offset is None else self.type_at(offset)

    def types_named(self, name: str, near: Type | None = None) -> Iterator[Type]:
        """Yield the copies of the type with a qualified name; broken ones are left out.

        Those in the unit of the type ``near`` come first: it uses both.
        """
        _, last = split_path(name)
        unit = None
        if near is not None and near.source is self and near.offset:
            unit = self.search.unit_of(near.offset)
        found = False
        # The name of a pointer or a vtable holds paths, and stands as a whole in its DIE; so does
        # that of a box of what has no size.
        is_path = _PATH.match(name) is not None and not name.startswith(_NO_PATHS)
        if is_path and not self.search.has(name.partition("::")[0]):
            # Nothing of its crate is here; many crates have a type with such a last name.
            return
        for text in (last,) if is_path else dict.fromkeys((last, name)):
            for die in islice(self.search.by_name(text, TYPE_TAGS, unit), MAX_SAME_NAME):
                type_ = self._type_called(name, die)
                if type_ is not None:
                    found = True
                    yield type_
            if found:
                return

    def _type_called(self, name: str, die: Die) -> Type | None:
        """Return the type of a DIE if it is a definition and has this name."""
        try:
            if AT.DECLARATION in die:
                return None
            if die.tag in INDEXED and self.index(die.unit).position(die.offset) is None:
                return None  # It only looks like a DIE.
            type_ = self.type_at(die.offset)
        except NoDebugInfoError:
            return None
        return type_ if type_.name == name else None

    # Functions.

    def function_at(self, address: int) -> Function | None:
        """Return the function that begins exactly at an address."""
        if address not in self._functions:
            known = self.answers.table("functions")
            if address not in known:
                known[address] = plain_function(self._find_function(address))
            self._functions[address] = function_from(self, known[address])
        return self._functions[address]

    def _find_function(self, address: int) -> Function | None:
        unit = self.unit_at(address)
        if unit is None:
            return None
        for offset in self.search.functions(unit).get(address, ()):
            die = self._subprogram(unit, offset, address)
            if die is not None:
                return self.function(die)
        return None

    def _subprogram(self, unit: Unit, offset: int, address: int) -> Die | None:
        """Check a candidate of the byte search: it must be a subprogram that begins here."""
        try:
            die = Die.at(self.sections, unit, offset)
            if die.tag == TAG.SUBPROGRAM and die.address(AT.LOW_PC) == address:
                return die if AT.HIGH_PC in die else None
        except AdpError:
            return None
        return None

    def function_of(self, offset: int) -> Function | None:
        """Return the function of the subprogram, or of the inlined call, at an offset.

        Raises:
            NoDebugInfoError: there is none.
        """
        known = self.answers.table("subprograms")
        if offset not in known:
            known[offset] = plain_function(self.function(self.die(offset)))
        return function_from(self, known[offset])

    def function(self, die: Die) -> Function:
        """Make the record of a subprogram DIE, its specification and origin followed."""
        named = origin_of(self, die)
        low, size = die.address(AT.LOW_PC), die.number(AT.HIGH_PC)
        return Function(
            source=self,
            offset=die.offset,
            name=self.qualified_name(named),
            linkage_name=die.text(AT.LINKAGE_NAME) or named.text(AT.LINKAGE_NAME),
            low=low or 0,
            size=size or 0,
            params=template_types(self, die),
            place=self.place_of(named) or self.place_of(die),
        )

    # Variables.

    def has_name(self, name: str) -> bool:
        """Tell whether anything can have this name: a crate that isn't there has nothing."""
        known = self.answers.table("held names")
        if name not in known:
            known[name] = self.search.has(name)
        return bool(known[name])

    def variables_named(self, name: str) -> tuple[Variable, ...]:
        """Return the variables with this last name."""
        known = self.answers.table("variables")
        if name not in known:
            dies = self.search.by_name(name, frozenset({TAG.VARIABLE}))
            known[name] = tuple(map(self._plain_variable, dies))
        return tuple(Variable(*plain) for plain in known[name])

    def variables_in(self, unit: int, name: str) -> tuple[Variable, ...]:
        """Return the variables of the unit at an offset with this last name."""
        known = self.answers.table("variables of units")
        key = (unit, name)
        if key not in known:
            owner = self.search.unit_of(unit)
            dies = self.search.in_unit(owner, name, frozenset({TAG.VARIABLE}))
            known[key] = tuple(map(self._plain_variable, dies))
        return tuple(Variable(*plain) for plain in known[key])

    def _plain_variable(self, die: Die) -> tuple[object, ...]:
        return (
            self.qualified_name(die), die.offset, die.unit.offset, die.reference(AT.TYPE),
            die.text(AT.LINKAGE_NAME), die.block(AT.LOCATION),
        )  # fmt: skip

    def indexed_address(self, unit: int, index: int) -> int | None:
        """Return the address with a number of the unit at an offset (DWARF 5).

        Raises:
            NoDebugInfoError: there is no such unit.
        """
        known = self.answers.table("addresses")
        key = (unit, index)
        if key not in known:
            owner = self.search.unit_of(unit)
            self.sections.table(owner)
            known[key] = self.sections.indexed_address(owner, index)
        address: int | None = known[key]
        return address

    def in_paths(self, pattern: re.Pattern[bytes], longest: int) -> Iterator[re.Match[bytes]]:
        """Yield the matches of a pattern that begins with a slash in what holds paths.

        Those are the sections of line tables (from DWARF 5 on, then that of before, which are
        relative to their unit's), and what has those of units.
        """
        strings, searched = self.sections.strings, [self.sections.line_strings, self.sections.lines]
        table = self.search.strings.table() if strings else None
        if table is None:
            searched.append(strings)
        # Sections that are not there hold nothing; in a saved snapshot none is.
        for section in filter(None, searched):
            yield from section.matches(pattern, longest)
        for number, at in enumerate(() if table is None else table.slashes):
            match = pattern.match(strings.slice(at, at + longest))
            if match is not None:
                yield match
            if not number % MAX_MAPPED:
                strings.forget()
