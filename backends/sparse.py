"""Files with holes: pages of zeros take no room on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator

from adp_tui.backends.elf_image import PAGE

__all__ = ["bytes_text", "data_runs", "write_sparse"]

_ZEROS = bytes(PAGE)


def data_runs(block: bytes) -> Iterator[tuple[int, int]]:
    """Yield the parts of a block, begin and end, that hold more than pages of zeros."""
    start: int | None = None
    for at in range(0, len(block), PAGE):
        if block.startswith(_ZEROS[: len(block) - at], at):
            if start is not None:
                yield start, at
                start = None
        elif start is None:
            start = at
    if start is not None:
        yield start, len(block)


def write_sparse(handle: int, block: bytes, offset: int) -> None:
    """Write a block into a file, and leave holes for its zeros.

    Raises:
        OSError: there is no room for it.
    """
    with memoryview(block) as view:
        for start, end in data_runs(block):
            while start < end:
                start += os.pwrite(handle, view[start:end], offset + start)


def bytes_text(number: int) -> str:
    """Return a number of bytes for people."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1000:.0f} kB"
