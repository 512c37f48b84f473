"""Places in source text, shortened for people, and which of them are the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from adp_tui.engine.model import Frame, NativeFrame
from adp_tui.engine.text import clean

__all__ = ["is_library", "place", "short_path", "user_frame", "user_native_frame"]

_CRATE = re.compile(r"(?:^|/)([A-Za-z][\w-]*-\d+\.\d+\.\d+[^/]*/.*)$")
"""``…/registry/src/HASH/tokio-1.54.1/src/x.rs``: cargo's folders are named so (also vendored
with ``--versioned-dirs``, and behind ``--remap-path-prefix``)."""
_STD = re.compile(r"(?:^|/)(?:rustc/[0-9a-f]{7,40}|rustlib/src/rust)/(.*)$")
_STD_CRATE = re.compile(r"(?:^|/)library/(?:std|core|alloc|panic_unwind|panic_abort|test)/")
_CHECKOUT = re.compile(r"/git/checkouts/([^/]+)-[0-9a-f]{16}/[0-9a-f]+/(.*)$")
_LIBRARY_DIR = re.compile(
    r"/registry/src/|/git/checkouts/|(?:^|/)rustc/[0-9a-f]{7,40}(?:/|$)|(?:^|/)vendor/[^/]+/?$"
    r"|(?:^|/)(?:registry|vendor|\.?cargo)/(?:.*/)?[A-Za-z][\w-]*-\d+\.\d+\.\d+[^/]*(?:/|$)"
)
"""Where cargo keeps crates, also behind ``--remap-path-prefix`` and after ``cargo vendor``."""
MAX_FRAMES = 512


@lru_cache(maxsize=16_384)
def short_path(file: str) -> str:
    """Shorten a path: crates by name and version, std from ``library/``."""
    file = clean(file, 4096)
    found = _CHECKOUT.search(file)
    if found is not None:
        return f"{found.group(1)}/{found.group(2)}"
    for pattern in (_CRATE, _STD):
        found = pattern.search(file)
        if found is not None:
            return found.group(1)
    return file


@lru_cache(maxsize=16_384)
def is_library(file: str, dir: str | None = None) -> bool:
    """Tell whether a file belongs to std or to a crate that cargo fetched.

    A relative path (a workspace's own crate, and what cargo compiles from a crate's own
    folder) is foreign when its folder is cargo's.
    """
    if _CRATE.search(file) or _STD.search(file) or _STD_CRATE.search(file):
        return True
    if _CHECKOUT.search(file):
        return True
    return not file.startswith("/") and _LIBRARY_DIR.search(f"{dir or ''}/") is not None


def place(file: str | None, line: int | None, dir: str | None = None) -> str:
    """Return ``src/main.rs:35``; empty where the file is not known.

    A relative path in a folder of cargo's gets the name of its crate in front.
    """
    if file is None:
        return ""
    if dir and not file.startswith("/") and _LIBRARY_DIR.search(f"{dir}/"):
        file = f"{dir.rstrip('/')}/{file}"
    return short_path(file) if line is None else f"{short_path(file)}:{line}"


def user_frame(frames: Sequence[Frame]) -> Frame | None:
    """Return the innermost frame of the user's own code, else the innermost with a place.

    It goes on into branches where just one of them has the user's code pending in it.
    """
    any_place = None
    found = None
    for frame in _walk(frames):
        if frame.file is None:
            continue
        any_place = frame
        if not is_library(frame.file, frame.dir):
            found = frame
    return found or any_place


def _walk(frames: Sequence[Frame]) -> Iterator[Frame]:
    for _ in range(MAX_FRAMES):
        yield from frames
        if not frames:
            return
        pending = [
            b.frames
            for b in frames[-1].branches
            if b.state in ("pending", "polling") and any(map(_own, b.frames))
        ]
        if len(pending) != 1:
            return
        frames = pending[0]


def _own(frame: Frame) -> bool:
    if frame.file is not None and not is_library(frame.file, frame.dir):
        return True
    return any(_own(inner) for branch in frame.branches for inner in branch.frames)


def user_native_frame(frames: Sequence[NativeFrame]) -> NativeFrame | None:
    """Return the innermost native frame (the first) of the user's own Rust code."""
    for frame in frames:
        file = frame.file
        if file is not None and file.endswith(".rs") and not is_library(file, frame.dir):
            return frame
    return None
