"""Which async Rust runtimes a program carries, told by its file alone, without debug information.

Panic messages name their place in the source, and those paths stay in stripped release builds:
``…/tokio-1.54.1/src/runtime/park.rs``, ``/rustc/HASH/library/…`` for the standard library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adp_tui.backends.elf_image import LOAD, PF_W, PF_X, read_image
from adp_tui.engine.errors import FaultError

__all__ = ["Program", "Programs", "read_program"]

RUNTIMES = {
    "tokio": b"runtime/",
    "async-std": b"",
    "smol": b"",
    "async-executor": b"",
    "embassy-executor": b"",
    "monoio": b"",
    "glommio": b"",
    "futures-executor": b"",
}
"""Crates that run tasks, and the folder below ``src/`` whose files tell that a program uses that
part of it. Where a program has several, the first ones matter more."""

CHUNK = 256 << 10
"""Bytes that are searched at once: no other thread of ours runs meanwhile."""
OVERLAP = 256
"""Bytes that a path may take."""
MAX_SEARCHED = 256 << 20
"""Bytes of one program."""

_SRC = b"/src/"
_CRATE = re.compile(
    rb"(?<![\w.+-])(" + b"|".join(map(str.encode, RUNTIMES)) + rb")(?:-(\d+\.\d+\.\d+[\w.+-]*))?$"
)
"""What stands before ``/src/``: the folder of a crate from the registry, or one without version."""
_RUSTC = re.compile(rb"/rustc/[0-9a-f]{40}/")
"""The standard library's own places."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a program was made of."""

    is_rust: bool
    runtimes: tuple[tuple[str, str | None], ...] = ()
    """Name and version of each runtime; None where its path tells no version."""


def read_program(path: Path) -> Program:
    """Look for crates in the constants of a program.

    Raises:
        OSError: it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found: dict[str, str | None] = {}
        is_rust = False
        for data in _constants(handle):
            is_rust = is_rust or _RUSTC.search(data) is not None
            for name, version in _crates(data):
                found[name] = version or found.get(name)
        runtimes = tuple((name, found[name]) for name in RUNTIMES if name in found)
        return Program(is_rust or bool(runtimes), runtimes)
    finally:
        os.close(handle)


def _crates(data: bytes) -> Iterator[tuple[str, str | None]]:
    """Yield name and version of each runtime whose source files are named."""
    at = data.find(_SRC)
    while at >= 0:
        match = _CRATE.search(data, max(at - OVERLAP, 0), at)
        if match is not None:
            name = match[1].decode("ascii")
            if data.startswith(RUNTIMES[name], at + len(_SRC)):
                yield name, None if match[2] is None else match[2].decode("ascii", "replace")
        at = data.find(_SRC, at + 1)


def _constants(handle: int) -> Iterator[bytes]:
    """Yield what a program maps and neither writes to nor runs, in pieces that overlap."""

    def read(offset: int, size: int) -> bytes:
        data = os.pread(handle, size, offset)
        if len(data) != size:
            raise FaultError(offset, size, "beyond the end of the file")
        return data

    try:
        image = read_image(read)
    except FaultError:
        return
    if image is None:
        return
    loads = [each for each in image.segments if each.type == LOAD and not each.flags & PF_W]
    # Older linkers put constants and code into one segment.
    apart = [each for each in loads if not each.flags & PF_X] or loads
    left = MAX_SEARCHED
    for each in apart:
        end = each.offset + min(each.filesz, left)
        left -= min(each.filesz, left)
        for at in range(each.offset, end, CHUNK):
            data = os.pread(handle, min(CHUNK + OVERLAP, end - at), at)
            if not data:
                return
            yield data


class Programs:
    """What was found out about programs, each of which is read once. One thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], Program] = {}

    def of(self, path: Path) -> Program:
        """Return what a program was made of.

        Raises:
            OSError: it cannot be read.
        """
        facts = os.stat(path)
        key = facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size
        if key not in self._known:
            self._known[key] = read_program(path)
        return self._known[key]
