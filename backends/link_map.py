"""Modules of a target that has no list of mapped files: its own link map, as ld.so keeps it."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping

from adp_tui.backends.elf_image import (
    DYNAMIC,
    LOAD,
    PAGE,
    PF_X,
    PHDR,
    SEGMENT_LAYOUT,
    Segment,
    bias_of,
    read_image,
)
from adp_tui.backends.modules import AT_PHDR, MappedFile
from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Memory

__all__ = ["mapped_files"]

# getauxval(3).
AT_PHENT, AT_PHNUM, AT_EXECFN = 4, 5, 31

# elf.h; link.h: struct r_debug {int version; link_map* map; …}, struct link_map {l_addr,
# l_name, l_ld, l_next, l_prev}.
DT_NULL, DT_DEBUG = 0, 21
_DYN = struct.Struct("<QQ")
_LINK_MAP = struct.Struct("<QQQQ")

MAX_DYNAMIC = 256
MAX_LINKS = 4096
MAX_HEADERS = 64
MAX_PATH = 4096


def mapped_files(
    memory: Memory,
    auxv: Mapping[int, int],
    segments_of: Callable[[bytes], tuple[Segment, ...]],
) -> list[MappedFile]:
    """Return what the program and its libraries must have mapped, by their program headers.

    Args:
        memory: what the core holds.
        auxv: the auxiliary vector.
        segments_of: program headers of a file by its path, for headers that memory lacks.
    """
    name = b""
    with contextlib.suppress(FaultError):
        name = _text(memory, auxv.get(AT_EXECFN, 0))
    segments, bias = _program(memory, auxv, segments_of(name))
    found = list(_ranges(segments, bias, name or b"program"))
    dynamic = next((each for each in segments if each.type == DYNAMIC), None)
    if dynamic is not None:
        for base, path in _links(memory, bias + dynamic.vaddr):
            found += _library(memory, base, path, segments_of)
    return found


def _program(
    memory: Memory, auxv: Mapping[int, int], on_disk: tuple[Segment, ...]
) -> tuple[tuple[Segment, ...], int]:
    """Return the program's own headers and its bias, which AT_PHDR leads to."""
    at = auxv.get(AT_PHDR, 0)
    count = min(auxv.get(AT_PHNUM, 0), MAX_HEADERS)
    if not at or not count or auxv.get(AT_PHENT) != SEGMENT_LAYOUT.size:
        return (), 0
    try:
        table = memory.read(at, count * SEGMENT_LAYOUT.size)
        segments = tuple(map(Segment._make, SEGMENT_LAYOUT.iter_unpack(table)))
    except FaultError:
        segments = on_disk
    itself = next((each for each in segments if each.type == PHDR), None)
    if itself is not None:
        return segments, at - itself.vaddr
    return segments, bias_of(at & -PAGE, segments) or 0


def _ranges(segments: tuple[Segment, ...], bias: int, path: bytes) -> Iterator[MappedFile]:
    for each in segments:
        if each.type == LOAD and each.filesz:
            start = (each.vaddr + bias) & -PAGE
            end = (each.vaddr + bias + each.filesz + PAGE - 1) & -PAGE
            if 0 <= start < end <= 1 << 64:
                yield MappedFile(start, end, each.offset & -PAGE, path, bool(each.flags & PF_X))


def _links(memory: Memory, dynamic: int) -> Iterator[tuple[int, bytes]]:
    """Yield load address and path of each library."""
    try:
        link = 0
        for index in range(MAX_DYNAMIC):
            tag, value = _DYN.unpack(memory.read(dynamic + index * _DYN.size, _DYN.size))
            if tag == DT_DEBUG and value:
                link = int.from_bytes(memory.read(value + 8, 8), "little")
            if tag in (DT_NULL, DT_DEBUG):
                break
        seen: set[int] = set()
        while link and link not in seen and len(seen) < MAX_LINKS:
            seen.add(link)
            base, name_at, _, following = _LINK_MAP.unpack(memory.read(link, _LINK_MAP.size))
            link = following
            path = b""
            with contextlib.suppress(FaultError):
                path = _text(memory, name_at)
            # The program itself has an empty name, and the vdso one that is no path.
            if path.startswith(b"/"):
                yield base, path
    except FaultError:
        return


def _library(
    memory: Memory, base: int, path: bytes, segments_of: Callable[[bytes], tuple[Segment, ...]]
) -> Iterator[MappedFile]:
    segments: tuple[Segment, ...] = ()
    try:
        image = read_image(memory.read, base)
        segments = image.segments if image else ()
    except FaultError:
        pass
    yield from _ranges(segments or segments_of(path), base, path)


def _text(memory: Memory, address: int) -> bytes:
    """Return a C string; raises FaultError when it cannot be read at all."""
    if not address:
        return b""
    text = bytearray()
    while len(text) < MAX_PATH:
        try:
            text += memory.read(address + len(text), 64)
        except FaultError:
            text += memory.read(address + len(text), 1)
        if 0 in text:
            break
    return bytes(text.split(b"\0")[0])
