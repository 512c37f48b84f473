"""The memory of a core: what it saved, what it left out, what the mapped files fill in."""

from __future__ import annotations

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from adp_tui.backends.elf_image import (
    LOAD,
    NOTE,
    PF_W,
    PF_X,
    PN_XNUM,
    SECTION_LAYOUT,
    SEGMENT_LAYOUT,
    Header,
    Segment,
    bias_of,
)
from adp_tui.backends.files import FilePages
from adp_tui.backends.modules import FoundModule, MappedFile
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.memory import ADDRESS_LIMIT, Piece, SplicedMemory

__all__ = [
    "CoreSegments", "Load", "core_memory", "file_pieces", "has_all_writable", "read_segments",
    "saved_pieces",
]  # fmt: skip


MAX_LOADS = 1 << 20
"""vm.max_map_count, which bounds the mappings of a process, is a million where it is raised."""
MAX_NOTE_SEGMENTS = 16
"""Cores have one."""

NOT_SAVED = "not saved in the core"
CUT_OFF = "cut off: the core is truncated"


class Load(NamedTuple):
    """A mapping of the process; ``present`` bytes of its ``filesz`` are really in the core."""

    start: int
    end: int
    offset: int
    filesz: int
    present: int
    flags: int


@dataclass(frozen=True, slots=True)
class CoreSegments:
    """What the program headers of a core say."""

    loads: tuple[Load, ...]
    """Sorted by address."""
    notes: tuple[tuple[int, int], ...]
    """Offset and size."""
    expected: int
    """Bytes that the core has when it is whole."""
    problems: tuple[str, ...]

    def load_at(self, address: int) -> Load | None:
        """Return the mapping that holds an address."""
        index = bisect_right(self.loads, address, key=lambda load: load.start) - 1
        if index >= 0 and address < self.loads[index].end:
            return self.loads[index]
        return None


def read_segments(pages: mmap.mmap, header: Header) -> CoreSegments:
    """Read the program headers of a core, whatever part of them is there."""
    size = len(pages)
    count = _count(pages, header)
    loads: list[Load] = []
    notes: list[tuple[int, int]] = []
    expected = header.phoff + count * SEGMENT_LAYOUT.size
    at = min(header.phoff, size)
    read = min(count, MAX_LOADS + MAX_NOTE_SEGMENTS, (size - at) // SEGMENT_LAYOUT.size)
    with memoryview(pages) as view, view[at : at + read * SEGMENT_LAYOUT.size] as table:
        for each in map(Segment._make, SEGMENT_LAYOUT.iter_unpack(table)):
            if each.type == NOTE and len(notes) < MAX_NOTE_SEGMENTS:
                notes.append((each.offset, each.filesz))
            elif each.type == LOAD:
                load = _load(each, size)
                if load is not None:
                    loads.append(load)
            else:
                continue
            expected = max(expected, each.offset + each.filesz)
    loads.sort()
    problems = _problems(size, expected, loads, count - read)
    return CoreSegments(tuple(loads), tuple(notes), expected, problems)


def saved_pieces(segments: CoreSegments, pages: mmap.mmap) -> list[Piece]:
    """Return what the core has of memory."""
    return [
        Piece(
            load.start,
            load.start + load.present,
            pages,
            load.offset,
            "",
            bool(load.flags & PF_W),
            bool(load.flags & PF_X),
            True,
        )
        for load in segments.loads
        if load.present
    ]


def core_memory(
    segments: CoreSegments, saved: Sequence[Piece], files: Iterable[Piece]
) -> SplicedMemory:
    """Splice what the core saved over the pages of files.

    ``files`` that are marked writable fill in only what the core left out as unchanged; the
    others also what it has lost by being cut off.
    """
    cut: list[Piece] = []
    left_out: list[Piece] = []
    for load in segments.loads:
        edge, saved_end = load.start + load.present, load.start + load.filesz
        if edge < saved_end:
            cut.append(Piece(edge, saved_end, None, 0, CUT_OFF))
        if saved_end < load.end:
            left_out.append(Piece(saved_end, load.end, None, 0, NOT_SAVED))
    constant: list[Piece] = []
    unchanged: list[Piece] = []
    for piece in files:
        (unchanged if piece.writable else constant).append(piece)
    return SplicedMemory(saved, constant, cut, unchanged, left_out)


def has_all_writable(
    segments: CoreSegments, memory: SplicedMemory, mapped: Sequence[MappedFile]
) -> bool:
    """Tell whether everything that the process has written can be read.

    A core that has private anonymous memory has every such mapping that was touched, so one that
    was left out has nothing in it (fs/coredump.c, vma_dump_size); not so a file that is shared.

    Args:
        segments: of a core that has private anonymous memory.
        memory: what the core saved, spliced over files.
        mapped: the files that were mapped, by the core's own list.
    """
    if segments.problems:
        return False
    files = sorted((each.start, each.end) for each in mapped)
    for load in segments.loads:
        at = load.start + load.present
        while load.flags & PF_W and at < load.end:
            piece = memory.piece_at(at)
            if piece is None:
                return False
            if piece.source is None and (load.filesz or _touches(files, piece)):
                return False
            at = piece.end
    return True


def _touches(files: Sequence[tuple[int, int]], piece: Piece) -> bool:
    """Tell whether a piece of memory is of one of some mapped files, sorted by address."""
    index = bisect_left(files, piece.end, key=itemgetter(0)) - 1
    return index >= 0 and piece.start < files[index][1]


def file_pieces(module: FoundModule, pages: FilePages, anonymous_saved: bool) -> Iterator[Piece]:
    """Yield the ranges of a module whose bytes its file can give.

    What the program may have written to (data, and pointers that ld.so relocated) is in the
    file only as it was at the start. A core that has private anonymous memory also has every
    such page that was touched (fs/coredump.c, vma_dump_size), so what it lacks is unchanged;
    those pieces are marked writable. A core without it tells nothing, and they are left out.
    """
    disk = module.disk
    if disk is None:
        return
    bias = bias_of(module.module.start, module.segments) or 0
    written = [
        (each.vaddr + bias, each.vaddr + bias + each.memsz)
        for each in module.segments
        if each.type == LOAD and each.flags & PF_W
    ]
    for mapping in module.module.mappings:
        if not 0 <= mapping.offset < disk.size:
            continue
        end = min(mapping.end, mapping.start + disk.size - mapping.offset)
        changeable = any(low < mapping.end and mapping.start < high for low, high in written)
        if changeable and not anonymous_saved:
            continue
        yield Piece(mapping.start, end, pages, mapping.offset, "", changeable, False)


def _count(pages: mmap.mmap, header: Header) -> int:
    """Return how many program headers there are, in the form for many if need be."""
    if header.phentsize != SEGMENT_LAYOUT.size:
        return 0
    if header.phnum == PN_XNUM and header.shoff:
        section = pages[header.shoff : header.shoff + SECTION_LAYOUT.size]
        if len(section) == SECTION_LAYOUT.size:
            return int(SECTION_LAYOUT.unpack(section)[7])
    return header.phnum


def _load(segment: Segment, size: int) -> Load | None:
    start = segment.vaddr
    end = min(start + max(segment.memsz, segment.filesz), ADDRESS_LIMIT)
    if start >= end:
        return None
    filesz = min(segment.filesz, end - start)
    present = max(0, min(filesz, size - segment.offset))
    return Load(start, end, segment.offset, filesz, present, segment.flags)


def _problems(
    size: int, expected: int, loads: Sequence[Load], lost_headers: int
) -> tuple[str, ...]:
    problems = []
    if expected > size:
        missing = expected - size
        problems.append(
            f"the core is truncated: {missing:,} of {expected:,} bytes "
            f"({_percent(missing, expected)}) are missing"
        )
    if lost_headers:
        problems.append(f"{lost_headers:,} program headers of the core could not be read")
    if not any(load.present for load in loads):
        problems.append("the core has no memory in it")
    return tuple(problems)


def _percent(part: int, whole: int) -> str:
    """Return a share that is not 0 and not all: never ``0 %`` or ``100 %``."""
    return f"{min(max(round(100 * part / whole), 1), 99)} %"
