"""Compile units: their headers, and what their first DIE says of all the others."""

from __future__ import annotations

import struct

from adp_tui.engine.dwarf.abbrev import Declaration
from adp_tui.engine.elf.file import Blob
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["Unit", "read_units"]

_DW_UT_TYPE, _DW_UT_SKELETON, _DW_UT_SPLIT, _DW_UT_SPLIT_TYPE = 2, 4, 5, 6
MAX_UNITS = 1_000_000


class Unit:
    """One unit of ``.debug_info``; the bases of DWARF 5 are set when its first DIE was read."""

    __slots__ = (
        "abbreviations",
        "addr_base",
        "base",
        "comp_dir",
        "end",
        "first",
        "loclists_base",
        "name",
        "offset",
        "rnglists_base",
        "stmt_list",
        "str_offsets_base",
        "table",
        "version",
    )

    def __init__(self, offset: int, end: int, version: int, abbreviations: int, first: int) -> None:
        self.offset = offset
        self.end = end
        self.version = version
        self.abbreviations = abbreviations
        self.first = first
        """Offset of the first DIE."""
        self.table: dict[int, Declaration] | None = None
        self.base: int | None = None
        """DW_AT_low_pc of the unit: the base of its range and location lists."""
        self.name = ""
        self.comp_dir = ""
        self.stmt_list: int | None = None
        self.str_offsets_base = 8
        self.addr_base = 8
        self.rnglists_base = 12
        self.loclists_base = 12

    def __repr__(self) -> str:
        return f"<Unit {self.name!r} at {self.offset:#x}>"


def read_units(info: Blob) -> list[Unit]:
    """Return the units of ``.debug_info``, by offset.

    Raises:
        NoDebugInfoError: 64-bit DWARF, or a unit header that makes no sense.
    """
    units: list[Unit] = []
    offset = 0
    try:
        while offset + 11 <= info.size and len(units) < MAX_UNITS:
            length = info.number(offset, 4)
            if length >= 0xFFFFFFF0:
                raise NoDebugInfoError("64-bit DWARF is not supported")
            end = offset + 4 + length
            if end > info.size or length < 7:
                raise NoDebugInfoError(f".debug_info is cut off in the unit at {offset:#x}")
            units.append(_unit(info, offset, end))
            offset = end
    except (IndexError, struct.error) as error:
        raise NoDebugInfoError(f".debug_info is cut off at {offset:#x}") from error
    # Around each header the system has mapped 64 kB: of thousands of units that is half of them.
    info.forget()
    return units


def _unit(info: Blob, offset: int, end: int) -> Unit:
    version = info.number(offset + 4, 2)
    if not 2 <= version <= 5:
        raise NoDebugInfoError(f"DWARF version {version} is not supported")
    if version < 5:
        return Unit(offset, end, version, info.number(offset + 6, 4), offset + 11)
    kind = info.number(offset + 6, 1)
    first = offset + 12
    if kind in (_DW_UT_SKELETON, _DW_UT_SPLIT):
        first += 8
    elif kind in (_DW_UT_TYPE, _DW_UT_SPLIT_TYPE):
        first += 12
    return Unit(offset, end, version, info.number(offset + 8, 4), first)
