"""The file table of a unit: the header of its line program."""

from __future__ import annotations

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import FORM
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["FileTable", "LineHeader", "read_header"]

_PATH, _DIRECTORY_INDEX = 1, 2
MAX_FILES = 1_000_000


@dataclass(frozen=True, slots=True)
class LineHeader:
    """What a line program says before its first instruction."""

    version: int
    program: int
    """Offset of the first instruction in ``.debug_line``."""
    end: int
    min_instruction: int
    default_is_stmt: bool
    line_base: int
    line_range: int
    opcode_base: int
    opcode_lengths: tuple[int, ...]
    directories: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    """Name and directory number of each file."""


class FileTable:
    """Turns a unit's file numbers into paths."""

    def __init__(self, unit: Unit, header: LineHeader) -> None:
        self._comp_dir = unit.comp_dir
        self._header = header

    def file(self, number: int) -> tuple[str, str] | None:
        """Return path and compilation directory of a DW_AT_decl_file number."""
        header = self._header
        index = number if header.version >= 5 else number - 1
        if not 0 <= index < len(header.files):
            return None
        name, directory = header.files[index]
        if name.startswith("/"):
            return name, self._comp_dir
        folder = ""
        if header.version >= 5:
            if 0 < directory < len(header.directories):
                folder = header.directories[directory]
        elif 0 < directory <= len(header.directories):
            folder = header.directories[directory - 1]
        return (f"{folder}/{name}" if folder else name), self._comp_dir


def read_header(sections: Sections, unit: Unit) -> LineHeader:
    """Read the header of a unit's line program.

    Raises:
        NoDebugInfoError: the unit has none, or it is cut off.
    """
    if unit.stmt_list is None:
        raise NoDebugInfoError(f"the unit {unit.name} has no line table")
    try:
        return _Reader(sections, unit, unit.stmt_list).header()
    except (IndexError, ValueError) as error:
        raise NoDebugInfoError(f"the line table of {unit.name} is cut off") from error


class _Reader:
    def __init__(self, sections: Sections, unit: Unit, offset: int) -> None:
        self._sections = sections
        self._unit = unit
        self._blob = sections.lines
        self._at = offset

    def _number(self, size: int) -> int:
        self._at += size
        return self._blob.number(self._at - size, size)

    def _leb(self) -> int:
        value, at = uleb(self._blob.buffer, self._blob.base + self._at)
        self._at = at - self._blob.base
        if self._at > self._blob.size:
            raise IndexError(self._at)
        return value

    def _string(self) -> str:
        text = self._blob.text(self._at)
        end = self._blob.find(b"\0", self._at)
        if end < 0:
            raise IndexError(self._at)
        self._at = end + 1
        return text

    def header(self) -> LineHeader:
        length = self._number(4)
        end = self._at + length
        if length >= 0xFFFFFFF0 or end > self._blob.size:
            raise IndexError(end)
        version = self._number(2)
        if not 2 <= version <= 5:
            raise ValueError(version)
        if version >= 5:
            self._number(2)
        program = self._number(4)
        program += self._at
        minimum = self._number(1)
        if version >= 4:
            self._number(1)
        default_is_stmt = self._number(1) != 0
        base = self._number(1)
        line_range, opcode_base = self._number(1), self._number(1)
        lengths = tuple(self._number(1) for _ in range(max(opcode_base - 1, 0)))
        if version >= 5:
            directories = tuple(name for name, _ in self._entries())
            files = tuple(self._entries())
        else:
            directories, files = self._old_tables()
        return LineHeader(
            version, program, end, minimum, default_is_stmt, base - 256 if base > 127 else base,
            line_range or 1, opcode_base, lengths, directories, files,
        )  # fmt: skip

    def _old_tables(self) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
        directories: list[str] = []
        while len(directories) < MAX_FILES and (text := self._string()):
            directories.append(text)
        files: list[tuple[str, int]] = []
        while len(files) < MAX_FILES and (text := self._string()):
            directory = self._leb()
            self._leb()
            self._leb()
            files.append((text, directory))
        return tuple(directories), tuple(files)

    def _entries(self) -> list[tuple[str, int]]:
        formats = [(self._leb(), self._leb()) for _ in range(self._number(1))]
        count = self._leb()
        if count > MAX_FILES or (count and not formats):
            raise ValueError(count)
        entries = []
        for _ in range(count):
            name, directory = "", 0
            for content, form in formats:
                value = self._value(form)
                if content == _PATH:
                    name = value if isinstance(value, str) else ""
                elif content == _DIRECTORY_INDEX and isinstance(value, int):
                    directory = value
            entries.append((name, directory))
        return entries

    def _value(self, form: int) -> int | str:
        if form == FORM.STRING:
            return self._string()
        if form == FORM.LINE_STRP:
            return self._sections.line_strings.text(self._number(4))
        if form == FORM.STRP:
            return self._sections.strings.text(self._number(4))
        if form == FORM.UDATA:
            return self._leb()
        sizes = {FORM.DATA1: 1, FORM.DATA2: 2, FORM.DATA4: 4, FORM.DATA8: 8, FORM.DATA16: 16}
        if form in sizes:
            return self._number(sizes[form])
        if form == FORM.BLOCK:
            size = self._leb()
            self._at += size
            return 0
        if form in (FORM.STRX, FORM.STRX1, FORM.STRX2, FORM.STRX4):
            widths = {FORM.STRX1: 1, FORM.STRX2: 2, FORM.STRX4: 4}
            raw = self._leb() if form == FORM.STRX else self._number(widths[form])
            return self._sections.text(self._unit, form, raw) or ""
        raise ValueError(form)
