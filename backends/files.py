"""Files of this machine that a target names: opened with care, told apart by build-id."""

from __future__ import annotations

import mmap
import os
import stat
import unicodedata
from pathlib import Path

from adp_tui.backends.elf_image import ElfImage, Reader, has_no_code, read_image
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import FaultError

__all__ = ["ElfOnDisk", "FilePages", "clean", "map_file", "open_elf", "reader_of"]

MAX_TEXT = 4096
"""PATH_MAX of Linux."""


def clean(text: bytes) -> str:
    """Return text from a target as it can be shown: no control characters, no surrogates."""
    decoded = text[:MAX_TEXT].decode("utf-8", "replace")
    if decoded.isascii() and decoded.isprintable():
        return decoded
    return "".join(
        each for each in decoded if unicodedata.category(each) not in ("Cc", "Cf", "Zl", "Zp")
    )


def map_file(path: str | bytes | Path) -> mmap.mmap | bytes:
    """Map a regular file for reading; an empty file is ``b""``.

    Paths come from targets, so nothing but regular files is opened: opening a FIFO or a
    device waits or acts.

    Raises:
        OSError: it cannot be opened, or is no regular file.
        ValueError: the path has a NUL in it, or the file shrinks just now.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "not a regular file")
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(0, "not a regular file")
        if not facts.st_size:
            return b""
        return mmap.mmap(handle, facts.st_size, access=mmap.ACCESS_READ)
    finally:
        os.close(handle)


def reader_of(pages: mmap.mmap | bytes) -> Reader:
    """Return a reader by file offset."""
    length = len(pages)

    def read(offset: int, size: int) -> bytes:
        if not 0 <= offset <= offset + size <= length:
            raise FaultError(offset, size, "beyond the end of the file")
        return pages[offset : offset + size]

    return read


@dataclass(frozen=True, slots=True)
class ElfOnDisk:
    """An ELF file of this machine."""

    path: Path
    image: ElfImage
    size: int
    debug_only: bool
    """Separate debug information: has symbols and types, but none of the program's bytes."""


def open_elf(path: Path | bytes) -> ElfOnDisk | None:
    """Read the headers of a file; None when it is no 64-bit little-endian ELF file.

    Raises:
        OSError, ValueError: it cannot be opened.
    """
    pages = map_file(path)
    try:
        read = reader_of(pages)
        try:
            image = read_image(read)
        except FaultError:
            return None
        if image is None:
            return None
        where = path if isinstance(path, Path) else Path(os.fsdecode(path))
        return ElfOnDisk(where, image, len(pages), has_no_code(read, image.header))
    finally:
        if isinstance(pages, mmap.mmap):
            pages.close()


class FilePages:
    """The bytes of a file, mapped when they are first read: a process may have 1,000 libraries."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pages: mmap.mmap | bytes | None = None

    def __call__(self) -> mmap.mmap | bytes:
        """Return the file's bytes; none when it cannot be opened any more."""
        if self._pages is None:
            try:
                self._pages = map_file(self.path)
            except (OSError, ValueError):
                self._pages = b""
        return self._pages

    def close(self) -> None:
        """Unmap the file."""
        if isinstance(self._pages, mmap.mmap):
            self._pages.close()
        self._pages = None
