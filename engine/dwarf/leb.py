"""Numbers as DWARF stores them: of a fixed size, and LEB128."""

from __future__ import annotations

import mmap
from typing import Final

__all__ = ["fixed", "sleb", "uleb"]

MAX_BYTES: Final = 19
"""A 128-bit number takes 19 bytes; more is a broken or hostile file."""


def fixed(data: bytes, offset: int, size: int) -> int:
    """Return the little-endian number of ``size`` bytes at an offset.

    Raises:
        IndexError: the data ends before.
    """
    # Compiled, a slice that begins behind the end is an error of its own kind.
    if offset + size > len(data):
        raise IndexError(offset)
    return int.from_bytes(data[offset : offset + size], "little")


def uleb(data: bytes | mmap.mmap, offset: int) -> tuple[int, int]:
    """Return an unsigned number and the offset after it."""
    byte = data[offset]
    offset += 1
    if byte < 0x80:
        return byte, offset
    result, shift = byte & 0x7F, 7
    while True:
        byte = data[offset]
        offset += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return result, offset
        if shift > 7 * MAX_BYTES:
            raise IndexError(offset)


def sleb(data: bytes | mmap.mmap, offset: int) -> tuple[int, int]:
    """Return a signed number and the offset after it."""
    start = offset
    result, offset = uleb(data, offset)
    bits = 7 * (offset - start)
    if data[offset - 1] & 0x40:
        result -= 1 << bits
    return result, offset
