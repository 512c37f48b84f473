"""What an ELF file is and which build: a small, bounded reader of headers and notes.

It reads a file and an image in a target's memory alike, and trusts neither.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import FaultError

__all__ = [
    "DYNAMIC",
    "EXEC",
    "HEADER_LAYOUT",
    "LOAD",
    "NOTE_LAYOUT",
    "PAGE",
    "PHDR",
    "PN_XNUM",
    "SECTION_LAYOUT",
    "SEGMENT_LAYOUT",
    "ElfImage",
    "Header",
    "Note",
    "Reader",
    "Segment",
    "bias_of",
    "iter_notes",
    "read_image",
]

PAGE = 4096

# System V gABI: e_type, p_type, p_flags, sh_type.
EXEC, DYN, CORE = 2, 3, 4
LOAD, DYNAMIC, INTERP, NOTE, PHDR = 1, 2, 3, 4, 6
GNU_RELRO = 0x6474E552
PF_X, PF_W = 1, 2
SHT_NOBITS = 8
SHF_EXECINSTR = 4

NT_GNU_BUILD_ID = 3

PN_XNUM = 0xFFFF
"""More segments than e_phnum can count: the number is sh_info of section 0 (elf(5))."""

HEADER_LAYOUT = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT_LAYOUT = struct.Struct("<IIQQQQQQ")
SECTION_LAYOUT = struct.Struct("<IIQQQQIIQQ")
NOTE_LAYOUT = struct.Struct("<III")

MAX_SEGMENTS = 512
"""A linker makes about a dozen; the bound is for damaged headers."""
MAX_SECTIONS = 65536
MAX_NOTES = 256
"""Of one image; a linker makes two or three."""
MAX_OWNER = 64

Reader: TypeAlias = Callable[[int, int], bytes]
"""Returns exactly so many bytes at an offset or address, or raises FaultError."""


class Header(NamedTuple):
    """The ELF header, without its last fields."""

    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


class Segment(NamedTuple):
    """A program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


class Note(NamedTuple):
    """An ELF note: whose it is, and where its contents stand."""

    owner: bytes
    type: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class ElfImage:
    """What the headers of an ELF file, or of its image in memory, say."""

    header: Header
    segments: tuple[Segment, ...]
    """Empty when the program headers cannot be read."""
    build_id: str | None

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The segments that are mapped."""
        return tuple(each for each in self.segments if each.type == LOAD)

    @property
    def layout(self) -> tuple[object, ...]:
        """What stripping leaves alone: equal for two files of one build."""
        return (
            self.header.type,
            self.header.entry,
            tuple((each.flags, each.vaddr, each.memsz) for each in self.loads),
        )

    def first(self, kind: int) -> Segment | None:
        """Return the first segment of a type."""
        return next((each for each in self.segments if each.type == kind), None)


def parse_header(data: bytes) -> Header | None:
    """Return the header of a 64-bit little-endian ELF file; None for anything else."""
    if len(data) < HEADER_LAYOUT.size or data[:6] != b"\x7fELF\x02\x01":
        return None
    return Header._make(HEADER_LAYOUT.unpack_from(data))


def read_image(read: Reader, base: int | None = None) -> ElfImage | None:
    """Read the headers and the build-id; None when it is no 64-bit little-endian ELF file.

    Args:
        read: by file offset, or by address.
        base: the address of the ELF header when ``read`` takes addresses; None for a file.

    Raises:
        FaultError: the ELF header itself cannot be read.
    """
    header = parse_header(read(base or 0, HEADER_LAYOUT.size))
    if header is None:
        return None
    segments = _read_segments(read, (base or 0) + header.phoff, header)
    return ElfImage(header, segments, _build_id(read, base, segments))


def bias_of(base: int, segments: tuple[Segment, ...]) -> int | None:
    """Return run-time address minus file address, the ELF header being at ``base``."""
    for each in segments:
        if each.type == LOAD and each.offset < PAGE:
            return base + each.offset - each.vaddr
    return None


def iter_notes(read: Reader, at: int, size: int, align: int, limit: int) -> Iterator[Note]:
    """Yield the notes from ``at`` on; stops at the first that is damaged or not there."""
    mask = 7 if align == 8 else 3
    end = at + size
    for _ in range(limit):
        if at + NOTE_LAYOUT.size > end:
            return
        try:
            name_size, contents_size, kind = NOTE_LAYOUT.unpack(read(at, NOTE_LAYOUT.size))
            owner = read(at + NOTE_LAYOUT.size, min(name_size, MAX_OWNER)).rstrip(b"\0")
        except FaultError:
            return
        start = at + ((NOTE_LAYOUT.size + name_size + mask) & ~mask)
        if start + contents_size > end:
            return
        yield Note(owner, kind, start, contents_size)
        at = start + ((contents_size + mask) & ~mask)


def has_no_code(read: Reader, header: Header) -> bool:
    """Return True for a file of separate debug information: its code takes no space."""
    count = min(header.shnum, MAX_SECTIONS)
    if header.shentsize != SECTION_LAYOUT.size or not header.shoff or not count:
        return False
    try:
        table = read(header.shoff, count * SECTION_LAYOUT.size)
    except FaultError:
        return False
    return any(
        kind == SHT_NOBITS and flags & SHF_EXECINSTR
        for _, kind, flags, *_ in SECTION_LAYOUT.iter_unpack(table)
    )


def _read_segments(read: Reader, at: int, header: Header) -> tuple[Segment, ...]:
    if header.phentsize != SEGMENT_LAYOUT.size:
        return ()
    try:
        table = read(at, min(header.phnum, MAX_SEGMENTS) * SEGMENT_LAYOUT.size)
    except FaultError:
        return ()
    return tuple(map(Segment._make, SEGMENT_LAYOUT.iter_unpack(table)))


def _build_id(read: Reader, base: int | None, segments: tuple[Segment, ...]) -> str | None:
    bias = None if base is None else bias_of(base, segments)
    if base is not None and bias is None:
        return None
    for each in segments:
        if each.type != NOTE:
            continue
        at = each.offset if bias is None else bias + each.vaddr
        for note in iter_notes(read, at, each.filesz, each.align, MAX_NOTES):
            if note.owner == b"GNU" and note.type == NT_GNU_BUILD_ID and 0 < note.size <= 64:
                try:
                    return read(note.start, note.size).hex()
                except FaultError:
                    break
    return None
