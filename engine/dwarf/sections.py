"""The debug sections of one file, and how values stored in DIEs refer to them."""

from __future__ import annotations

from typing import Final

from adp_tui.engine.dwarf.abbrev import Abbreviations, Declaration
from adp_tui.engine.dwarf.constants import AT, FORM
from adp_tui.engine.dwarf.die import Die, Raw
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.elf.file import Blob, ElfFile

__all__ = ["Sections"]

_STRX: Final = {FORM.STRX, FORM.STRX1, FORM.STRX2, FORM.STRX3, FORM.STRX4}
_ADDRX: Final = {FORM.ADDRX, FORM.ADDRX1, FORM.ADDRX2, FORM.ADDRX3, FORM.ADDRX4}
_UNIT_REFERENCES: Final = {FORM.REF1, FORM.REF2, FORM.REF4, FORM.REF8, FORM.REF_UDATA}

MAX_TEXTS: Final = 100_000
"""Strings that are kept decoded."""


class Sections:
    """Debug sections by role, with the string, address and reference tables applied."""

    def __init__(self, elf: ElfFile) -> None:
        self.elf = elf
        self._texts: dict[int, str] = {}
        self._info: Blob | None = None
        self._others: dict[str, Blob] = {}
        self._abbreviations = Abbreviations(elf.blob(".debug_abbrev"))

    # Sections may be compressed: each is opened when it is needed.

    @property
    def info(self) -> Blob:
        """The DIEs."""
        if self._info is None:
            self._info = self.elf.blob(".debug_info")
        return self._info

    @property
    def strings(self) -> Blob:
        """Strings of DIEs."""
        return self._other(".debug_str")

    @property
    def line_strings(self) -> Blob:
        """Paths (DWARF 5)."""
        return self._other(".debug_line_str")

    @property
    def string_offsets(self) -> Blob:
        """Strings by index (DWARF 5)."""
        return self._other(".debug_str_offsets")

    @property
    def addresses(self) -> Blob:
        """Addresses by index (DWARF 5)."""
        return self._other(".debug_addr")

    @property
    def lines(self) -> Blob:
        """Line tables."""
        return self._other(".debug_line")

    @property
    def ranges(self) -> Blob:
        """Range lists up to DWARF 4."""
        return self._other(".debug_ranges")

    @property
    def range_lists(self) -> Blob:
        """Range lists of DWARF 5."""
        return self._other(".debug_rnglists")

    @property
    def locations(self) -> Blob:
        """Location lists up to DWARF 4."""
        return self._other(".debug_loc")

    @property
    def location_lists(self) -> Blob:
        """Location lists of DWARF 5."""
        return self._other(".debug_loclists")

    @property
    def aranges(self) -> Blob:
        """Which unit an address belongs to."""
        return self._other(".debug_aranges")

    def _other(self, name: str) -> Blob:
        blob = self._others.get(name)
        if blob is None:
            blob = self._others[name] = self.elf.blob(name)
        return blob

    def table(self, unit: Unit) -> dict[int, Declaration]:
        """Return the abbreviations of a unit; its first DIE is read on the way."""
        if unit.table is None:
            unit.table = self._abbreviations.table(unit.abbreviations)
            self._read_first(unit)
        return unit.table

    def _read_first(self, unit: Unit) -> None:
        """Set the unit's bases first, then what needs them."""
        first = Die.at(self, unit, unit.first)
        for attribute, name in (
            (AT.STR_OFFSETS_BASE, "str_offsets_base"),
            (AT.ADDR_BASE, "addr_base"),
            (AT.RNGLISTS_BASE, "rnglists_base"),
            (AT.LOCLISTS_BASE, "loclists_base"),
            (AT.STMT_LIST, "stmt_list"),
        ):
            number = first.number(attribute)
            if number is not None:
                setattr(unit, name, number)
        unit.name = first.text(AT.NAME) or ""
        unit.comp_dir = first.text(AT.COMP_DIR) or ""
        unit.base = first.address(AT.LOW_PC)

    def text(self, unit: Unit, form: int, raw: Raw) -> str | None:
        """Return the string that a stored value names."""
        if isinstance(raw, str):
            return raw
        if not isinstance(raw, int):
            return None
        try:
            if form == FORM.STRP:
                return self.string(raw)
            if form == FORM.LINE_STRP:
                return self.line_strings.text(raw)
            if form in _STRX:
                at = unit.str_offsets_base + 4 * raw
                return self.string(self.string_offsets.number(at, 4))
        except IndexError:
            return None
        return None

    def string(self, offset: int) -> str:
        """Return the string at an offset of ``.debug_str``: the same few are asked for often.

        Raises:
            IndexError: the section is not so long.
        """
        known = self._texts.get(offset)
        if known is None:
            if len(self._texts) >= MAX_TEXTS:
                self._texts.clear()
            known = self._texts[offset] = self.strings.text(offset)
        return known

    def string_offset(self, unit: Unit, form: int, raw: Raw) -> int | None:
        """Return the offset in ``.debug_str`` that a stored value names, or None."""
        if not isinstance(raw, int):
            return None
        if form == FORM.STRP:
            return raw
        if form in _STRX:
            try:
                return self.string_offsets.number(unit.str_offsets_base + 4 * raw, 4)
            except IndexError:
                return None
        return None

    def address(self, unit: Unit, form: int, raw: Raw) -> int | None:
        """Return the address that a stored value names."""
        if not isinstance(raw, int):
            return None
        if form == FORM.ADDR:
            return raw
        return self.indexed_address(unit, raw) if form in _ADDRX else None

    def indexed_address(self, unit: Unit, index: int) -> int | None:
        """Return entry ``index`` of the unit's part of ``.debug_addr``."""
        try:
            return self.addresses.number(unit.addr_base + 8 * index, 8)
        except IndexError:
            return None

    @staticmethod
    def reference(unit: Unit, form: int, raw: Raw) -> int | None:
        """Return the offset of the DIE that a stored value names."""
        if not isinstance(raw, int):
            return None
        if form in _UNIT_REFERENCES:
            return unit.offset + raw
        return raw if form == FORM.REF_ADDR else None

    def die(self, unit: Unit, offset: int) -> Die:
        """Return the DIE at an offset.

        Raises:
            NoDebugInfoError: there is none.
        """
        return Die.at(self, unit, offset)
