"""An ELF file, read lazily: headers, sections, build-id."""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import OpenError
from adp_tui.engine.text import clean

__all__ = ["Blob", "ElfFile", "Section", "Segment"]

PT_LOAD, PT_NOTE, PT_TLS = 1, 4, 7
_NOBITS, _COMPRESSED = 8, 0x800
_ZLIB, _ZSTD = 1, 2
MAX_SECTIONS = 65_536
MAX_INFLATED = 4 << 30
"""Bytes that one compressed section may grow to."""
_NT_GNU_BUILD_ID = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section header."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


_LONG = 1 << 18
"""Bytes from which on a search repays the compilation of a regular expression."""
_LARGE = 16 << 20
"""Bytes from which on a section does not stay in memory: to read it again takes time, too."""
_WINDOW = 4 << 20
"""Bytes of a large section that are in memory at once."""


class Blob:
    """A range of a buffer that can be searched: a section without a copy of it.

    Offsets are into the section. Reads past its end raise ``IndexError`` or ``struct.error``;
    readers of whole structures turn those into errors that say what was read.
    """

    __slots__ = ("base", "buffer", "size")

    def __init__(self, buffer: bytes | mmap.mmap, base: int = 0, size: int | None = None) -> None:
        self.buffer = buffer
        self.base = base
        self.size = len(buffer) - base if size is None else size

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return self.size > 0

    @property
    def is_large(self) -> bool:
        """Whether going through the section takes a good part of a second."""
        return self.size >= _LARGE

    def find(self, needle: bytes, start: int = 0, end: int | None = None) -> int:
        """Return the offset of the next occurrence, or -1."""
        stop = self.size if end is None else min(end, self.size)
        if not self.is_large:
            at = self.buffer.find(needle, self.base + start, self.base + stop)
            return at - self.base if at >= 0 else -1
        for first, last in self._windows(start, stop):
            until = min(last + len(needle) - 1, stop)
            at = self.buffer.find(needle, self.base + first, self.base + until)
            if at >= 0:
                return at - self.base
            self._forget(first, last)
        return -1

    def occurrences(self, needle: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Yield the offsets of all occurrences, overlapping ones too.

        ``find`` is slow for needles that end in bytes as common as zero, as numbers do: over a
        long range a regular expression takes a third of the time.
        """
        stop = self.size if end is None else min(end, self.size)
        if stop - start < _LONG:
            at = self.find(needle, start, stop)
            while at >= 0:
                yield at
                at = self.find(needle, at + 1, stop)
            return
        search = re.compile(re.escape(needle), re.S).search
        for first, last in self._windows(start, stop):
            until = self.base + min(last + len(needle) - 1, stop)
            match = search(self.buffer, self.base + first, until)
            while match is not None:
                yield match.start() - self.base
                match = search(self.buffer, match.start() + 1, until)
            self._forget(first, last)

    def matches(self, pattern: re.Pattern[bytes], longest: int) -> Iterator[re.Match[bytes]]:
        """Yield the matches of a pattern in the whole section, at most ``longest`` bytes each.

        They stand in the buffer: ``start() - base`` is the offset in the section.
        """
        for first, last in self._windows(0, self.size):
            until = self.base + min(last + longest, self.size)
            for match in pattern.finditer(self.buffer, self.base + first, until):
                if match.start() >= self.base + last:
                    break
                yield match
            self._forget(first, last)

    def pieces(self, size: int, more: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """Yield where the pieces of the whole section begin and end, with copies of them.

        A copy holds so many bytes ``more``, of the next piece, as there are.
        """
        for first, last in self._windows(0, self.size):
            for at in range(first, last, size):
                end = min(at + size, last)
                yield at, end, self.slice(at, end + more)
            self._forget(first, last)

    def _windows(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Cut a range into pieces that are gone through one after the other."""
        first, size = start, _WINDOW if self.is_large else self.size
        while first < stop:
            last = min(first + size, stop)
            yield first, last
            first = last

    def forget(self) -> None:
        """Give back the memory of a large section: what is asked for again is read again."""
        self._forget(0, self.size)

    def _forget(self, start: int, end: int) -> None:
        """Give back the memory of a long range that was gone through: it is read again if needed.

        A pass of all debug information would else hold as much memory as that has.
        """
        if not self.is_large or end - start < _WINDOW or not isinstance(self.buffer, mmap.mmap):
            return
        first = -(-(self.base + start) // mmap.PAGESIZE) * mmap.PAGESIZE
        size = (self.base + end) // mmap.PAGESIZE * mmap.PAGESIZE - first
        if size > 0:
            self.buffer.madvise(mmap.MADV_DONTNEED, first, size)

    def rfind(self, needle: bytes, start: int, end: int) -> int:
        """Return the offset of the last occurrence in a range, or -1."""
        stop = min(end, self.size)
        if not self.is_large:
            at = self.buffer.rfind(needle, self.base + start, self.base + stop)
            return at - self.base if at >= 0 else -1
        last = stop
        while last > start:
            first = max(last - _WINDOW, start)
            until = min(last + len(needle) - 1, stop)
            at = self.buffer.rfind(needle, self.base + first, self.base + until)
            if at >= 0:
                return at - self.base
            self._forget(first, last)
            last = first
        return -1

    def slice(self, start: int, end: int) -> bytes:
        """Return a copy of a range, cut at the end of the section."""
        return self.buffer[self.base + start : self.base + min(end, self.size)]

    def view(self, start: int = 0, end: int | None = None) -> memoryview:
        """Return a range without a copy."""
        stop = self.size if end is None else min(end, self.size)
        return memoryview(self.buffer)[self.base + start : self.base + stop]

    def number(self, offset: int, size: int) -> int:
        """Return a little-endian number."""
        if offset < 0 or offset + size > self.size:
            raise IndexError(offset)
        at = self.base + offset
        return int.from_bytes(self.buffer[at : at + size], "little")

    def text(self, offset: int, limit: int = 65_536) -> str:
        """Return the NUL-terminated string at an offset, fit to be shown."""
        if not 0 <= offset < self.size:
            raise IndexError(offset)
        start = self.base + offset
        end = self.buffer.find(b"\0", start, min(start + limit, self.base + self.size))
        if end < 0:
            end = min(start + limit, self.base + self.size)
        return clean(self.buffer[start:end].decode("utf-8", "replace"))


class ElfFile:
    """A 64-bit little-endian ELF file, kept open by its mapping."""

    def __init__(self, buffer: bytes | mmap.mmap, name: str) -> None:
        self.name = name
        self.buffer = buffer
        try:
            self._read_header()
        except (struct.error, IndexError, OverflowError) as error:
            raise OpenError(f"{name}: its ELF headers are cut off") from error
        self._inflated: dict[str, Blob] = {}

    @classmethod
    def open(cls, path: Path) -> ElfFile:
        """Map a file.

        Raises:
            OpenError: it cannot be read or is no 64-bit little-endian ELF file.
        """
        try:
            with path.open("rb") as file:
                return cls(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ), str(path))
        except (OSError, ValueError) as error:
            raise OpenError(f"{path} cannot be read: {error}") from error

    @classmethod
    def from_bytes(cls, image: bytes, name: str) -> ElfFile:
        """Read an image that lies in memory (the vdso)."""
        return cls(image, name)

    def close(self) -> None:
        """Let go of the file. Nobody may read it any more."""
        if isinstance(self.buffer, mmap.mmap):
            # What was handed out of a search that was interrupted keeps it open until it is gone.
            with suppress(BufferError):
                self.buffer.close()

    def _read_header(self) -> None:
        buffer = self.buffer
        if buffer[:4] != b"\x7fELF":
            raise OpenError(f"{self.name} is no ELF file")
        if buffer[4:6] != b"\x02\x01":
            raise OpenError(f"{self.name} is no 64-bit little-endian ELF file")
        fields = struct.unpack_from("<HHIQQQIHHHHHH", buffer, 16)
        self.type, self.machine, _, self.entry, phoff, shoff = fields[:6]
        phentsize, phnum, shentsize, shnum, shstrndx = fields[8:13]
        self.segments = tuple(self._segments(phoff, phentsize, phnum))
        self.sections: dict[str, Section] = {}
        if shoff and shoff < len(buffer) and shentsize >= 64:
            self._read_sections(shoff, shentsize, shnum, shstrndx)

    def _segments(self, offset: int, entry_size: int, count: int) -> Iterator[Segment]:
        for index in range(count if entry_size >= 56 else 0):
            kind, flags, at, address, _, in_file, in_memory, align = struct.unpack_from(
                "<IIQQQQQQ", self.buffer, offset + index * entry_size
            )
            yield Segment(kind, flags, at, address, in_file, in_memory, align)

    def _read_sections(self, offset: int, entry_size: int, count: int, names: int) -> None:
        buffer = self.buffer
        if count == 0:
            count = struct.unpack_from("<Q", buffer, offset + 32)[0]
        count = min(count, MAX_SECTIONS, (len(buffer) - offset) // entry_size)
        rows = [
            struct.unpack_from("<IIQQQQIIQQ", buffer, offset + i * entry_size) for i in range(count)
        ]
        if not names < len(rows):
            return
        table = Blob(buffer, min(rows[names][4], len(buffer)), None)
        self.section_names: list[str] = []
        for name, kind, flags, address, at, size, link, _, _, entry in rows:
            try:
                text = table.text(name, 256)
            except IndexError:
                text = ""
            self.section_names.append(text)
            self.sections.setdefault(
                text, Section(text, kind, flags, address, at, size, link, entry)
            )

    def blob(self, name: str) -> Blob:
        """Return a section's contents; empty where the file has no such section.

        A compressed section (SHF_COMPRESSED, or ``.zdebug_…``) is inflated once.

        Raises:
            OpenError: the section is compressed in a way that cannot be undone.
        """
        section = self.sections.get(name)
        if section is None and name.startswith(".debug_"):
            section = self.sections.get(f".z{name[1:]}")
        if section is None or section.type == _NOBITS or section.offset >= len(self.buffer):
            return Blob(b"")
        size = min(section.size, len(self.buffer) - section.offset)
        raw = Blob(self.buffer, section.offset, size)
        if not section.flags & _COMPRESSED and not section.name.startswith(".z"):
            return raw
        if name not in self._inflated:
            self._inflated[name] = Blob(self._inflate(section, raw))
        return self._inflated[name]

    def _inflate(self, section: Section, raw: Blob) -> bytes:
        try:
            if section.name.startswith(".z"):
                size = int.from_bytes(raw.slice(4, 12), "big")
                return _zlib(raw.slice(12, raw.size), size)
            kind, _, size, _ = struct.unpack("<IIQQ", raw.slice(0, 24))
            body = raw.slice(24, raw.size)
            if kind == _ZLIB:
                return _zlib(body, size)
            if kind == _ZSTD:
                return _zstd(body, size)
        except (zlib.error, ValueError, struct.error) as error:
            raise OpenError(f"{self.name}: {section.name} cannot be inflated: {error}") from error
        raise OpenError(f"{self.name}: {section.name} is compressed in an unknown way ({kind})")

    def has(self, name: str) -> bool:
        """Tell whether the file holds the contents of a section."""
        section = self.sections.get(name) or self.sections.get(f".z{name[1:]}")
        return section is not None and section.type != _NOBITS and section.size > 0

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The segments that are mapped."""
        return tuple(s for s in self.segments if s.type == PT_LOAD)

    @property
    def tls(self) -> Segment | None:
        """The thread-local storage template."""
        return next((s for s in self.segments if s.type == PT_TLS), None)

    @property
    def build_id(self) -> str | None:
        """The GNU build-id, in hex."""
        for segment in self.segments:
            if segment.type == PT_NOTE:
                found = _build_id(self.buffer[segment.offset : segment.offset + min(
                    segment.file_size, 65_536)])  # fmt: skip
                if found is not None:
                    return found
        section = self.blob(".note.gnu.build-id")
        return _build_id(section.slice(0, 65_536))

    @property
    def debuglink(self) -> tuple[str, int] | None:
        """Name and CRC-32 of the separate debug file that the file asks for."""
        data = self.blob(".gnu_debuglink").slice(0, 4096)
        end = data.find(b"\0")
        at = (end + 4) & ~3
        if end <= 0 or at + 4 > len(data):
            return None
        return clean(data[:end].decode("utf-8", "replace")), int.from_bytes(
            data[at : at + 4], "little"
        )

    def offset_of(self, address: int) -> int | None:
        """Return the file offset of an address of the file, or None."""
        for segment in self.loads:
            if segment.address <= address < segment.address + segment.file_size:
                return segment.offset + address - segment.address
        return None


def _zlib(body: bytes, size: int) -> bytes:
    if size > MAX_INFLATED:
        raise ValueError(f"it claims to be {size} bytes long")
    stream = zlib.decompressobj()
    # One byte more than it should be: then the end and its checksum are read as well.
    data = stream.decompress(body, size + 1)
    if len(data) != size or not stream.eof:
        raise ValueError("its length does not fit its header")
    return data


def _zstd(body: bytes, size: int) -> bytes:
    import zstandard

    if size > MAX_INFLATED:
        raise ValueError(f"it claims to be {size} bytes long")
    try:
        # A frame that names its own size is given that much memory, whatever the limit.
        if zstandard.frame_content_size(body) > size:
            raise ValueError("its length does not fit its header")
        data = zstandard.ZstdDecompressor().decompress(body, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(data) != size:
        raise ValueError("its length does not fit its header")
    return data


def _build_id(notes: bytes) -> str | None:
    offset = 0
    while offset + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, offset)
        name_at = offset + 12
        data_at = name_at + ((name_size + 3) & ~3)
        if data_at > len(notes):
            break
        if kind == _NT_GNU_BUILD_ID and notes[name_at : name_at + 4] == b"GNU\0" and size <= 64:
            return notes[data_at : data_at + size].hex()
        offset = data_at + ((size + 3) & ~3)
    return None
