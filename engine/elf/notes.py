"""Notes of an ELF file: named, numbered records that linkers concatenate and never drop."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.file import PT_NOTE, ElfFile
from adp_tui.engine.errors import LayoutError

__all__ = ["Note", "notes"]

MAX_RECORDS = 4096
_HEAD = struct.Struct("<III")


@dataclass(frozen=True, slots=True)
class Note:
    """A record: who defined it, which of that one's types it is, and its bytes."""

    owner: bytes
    type: int
    data: bytes


def notes(elf: ElfFile, section: str, limit: int) -> Iterator[Note]:
    """Yield the notes of a section; of all segments of notes where sections have no names.

    Args:
        elf: the file.
        section: its name (``.note.adp``).
        limit: bytes that are looked at.

    Raises:
        LayoutError: a record does not end where its section does, or there are too many.
    """
    data = elf.blob(section)
    if data:
        yield from _records(data.slice(0, min(data.size, limit)), section, data.size > limit)
    elif not elf.sections:
        for segment in elf.segments:
            if segment.type == PT_NOTE:
                end = segment.offset + min(segment.file_size, limit)
                yield from _records(bytes(elf.buffer[segment.offset : end]), "a segment", False)


def _records(data: bytes, where: str, cut: bool) -> Iterator[Note]:
    """Yield records aligned to four bytes: sizes of name and bytes, type, name, bytes."""
    at = number = 0
    while at + _HEAD.size <= len(data):
        name_size, size, kind = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size + ((name_size + 3) & ~3)
        end = begin + size
        if end > len(data):
            why = "it is too long" if cut else "it is cut off, or claims a wrong size"
            raise LayoutError(f"record {number + 1} of {where}: {why}")
        number += 1
        if number > MAX_RECORDS:
            raise LayoutError(f"{where} has more than {MAX_RECORDS} records")
        name = data[at + _HEAD.size : at + _HEAD.size + name_size]
        yield Note(name.rstrip(b"\0"), kind, data[begin:end])
        at = (end + 3) & ~3
    if at < len(data) and data[at:].strip(b"\0"):
        raise LayoutError(f"{len(data) - at} bytes behind the last record of {where} are none")
