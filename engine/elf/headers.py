"""An ELF file of which only the headers are here: the rest was asked before."""

from __future__ import annotations

import re
from collections.abc import Iterator

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.file import Blob, ElfFile, Section, Segment
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["ElfHeaders", "HeadersOnly"]


@dataclass(frozen=True, slots=True)
class ElfHeaders:
    """What the headers of a file say of it."""

    name: str
    type: int
    machine: int
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    build_id: str | None
    debuglink: tuple[str, int] | None

    @classmethod
    def of(cls, elf: ElfFile) -> ElfHeaders:
        """Return the headers of a file."""
        return cls(
            elf.name, elf.type, elf.machine, elf.entry, elf.segments,
            tuple(elf.sections.values()), elf.build_id, elf.debuglink,
        )  # fmt: skip


class HeadersOnly(ElfFile):
    """A file that knows its headers; whatever else is read of it is said to be missing."""

    def __init__(self, headers: ElfHeaders) -> None:
        self._headers = headers
        self.name = headers.name
        self.buffer = b""
        self.type, self.machine, self.entry = headers.type, headers.machine, headers.entry
        self.segments = headers.segments
        self.sections = {section.name: section for section in headers.sections}

    def blob(self, name: str) -> Blob:
        """Return a section that cannot be read."""
        return _Missing(f"{name} of {self.name} was not saved with the snapshot")

    @property
    def build_id(self) -> str | None:
        """The GNU build-id, in hex."""
        return self._headers.build_id

    @property
    def debuglink(self) -> tuple[str, int] | None:
        """Name and CRC-32 of the separate debug file that the file asks for."""
        return self._headers.debuglink


class _Missing(Blob):
    """A section without bytes: a search says why it finds nothing."""

    __slots__ = ("_problem",)

    def __init__(self, problem: str) -> None:
        super().__init__(b"")
        self._problem = problem

    def _refuse(self) -> NoDebugInfoError:
        return NoDebugInfoError(self._problem)

    def find(self, needle: bytes, start: int = 0, end: int | None = None) -> int:
        raise self._refuse()

    def occurrences(self, needle: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
        raise self._refuse()

    def matches(self, pattern: re.Pattern[bytes], longest: int) -> Iterator[re.Match[bytes]]:
        raise self._refuse()

    def rfind(self, needle: bytes, start: int, end: int) -> int:
        raise self._refuse()

    def slice(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        raise self._refuse()

    def view(self, start: int = 0, end: int | None = None) -> memoryview:
        raise self._refuse()

    def number(self, offset: int, size: int) -> int:
        raise self._refuse()

    def text(self, offset: int, limit: int = 65_536) -> str:
        raise self._refuse()
