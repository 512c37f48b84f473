"""Answers about files, kept on disk from one run to the next.

One file for each module, named by its build-id. It holds for those files alone that it was made
of, unchanged, and for the code that made it. Losing it costs nothing but time.
"""

from __future__ import annotations

import fcntl
import hashlib
import marshal
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from adp_tui.engine.answers import Answers
from adp_tui.engine.kept import kept_folder, outgrown

__all__ = ["Cache", "default_folder"]

MAX_FILE = 64 << 20
"""Bytes of one file: what would be larger is not kept."""
MAX_FOLDER = 512 << 20
"""Bytes of all files: beyond, those that were used longest ago go."""
_MAGIC = b"adp-tui answers 1\n"
_DIGEST = 32


def default_folder() -> Path | None:
    """Return the user's own folder; None for a user without a home."""
    root = kept_folder(os.environ)
    return None if root is None else root / "answers"


class Cache:
    """A folder of answers. What cannot be read or written is as if it were not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, build_id: str, files: Sequence[Path]) -> Answers:
        """Return what is known of files (a program, its separate debug information)."""
        with suppress(OSError):
            path = self._path(build_id)
            tables = _unpack(_own(path), _stamp(files))
            if tables is not None:
                # The time of the last use decides what goes first.
                os.utime(path)
                return Answers(tables)
        return Answers()

    def write(self, build_id: str, files: Sequence[Path], answers: Answers) -> None:
        """Keep answers, joined with what another process kept meanwhile."""
        with suppress(OSError, ValueError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                self._replace(build_id, _stamp(files), answers)
                self._trim()

    def _replace(self, build_id: str, stamp: bytes, answers: Answers) -> None:
        path = self._path(build_id)
        tables = {name: dict(table) for name, table in answers.tables.items()}
        with suppress(OSError):
            for name, table in (_unpack(_own(path), stamp) or {}).items():
                tables[name] = table | tables.get(name, {})
        payload = marshal.dumps(tables)
        if len(payload) > MAX_FILE:
            return
        # Made with mode 0600, and put in place at once: a reader sees the old or the new one.
        handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + _digest(stamp, payload) + payload)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise

    def _path(self, build_id: str) -> Path:
        if not build_id.isalnum():
            raise FileNotFoundError(build_id)
        return self._folder / build_id[:128]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time write; it goes on without where another takes too long."""
        with (self._folder / ".lock").open("w") as file:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def _trim(self) -> None:
        """Remove what was used longest ago, until the rest is small enough."""
        for path in outgrown(filter(Path.is_file, self._folder.iterdir()), MAX_FOLDER):
            with suppress(OSError):
                path.unlink()


def _own(path: Path) -> bytes:
    """Return what a file holds that nobody else can have written.

    Raises:
        OSError: it cannot be read, is another user's, open to others, or too large.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        others = status.st_uid != os.geteuid() or status.st_mode & 0o022
        if others or status.st_size > MAX_FILE + 4096:
            raise PermissionError(f"{path} is not ours alone")
        return file.read()


def _unpack(data: bytes, stamp: bytes) -> dict[str, dict[object, object]] | None:
    """Return the tables of a file; None where they are of other files, other code, or damaged."""
    start = len(_MAGIC) + _DIGEST
    payload = data[start:]
    if data[:start] != _MAGIC + _digest(stamp, payload):
        return None
    found: dict[str, dict[object, object]] = marshal.loads(payload)
    return found


def _digest(stamp: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(stamp + payload, digest_size=_DIGEST).digest()


def _stamp(files: Sequence[Path]) -> bytes:
    """Return what tells that files and code are those that the answers were made of and by."""
    statuses = [path.stat() for path in files]
    return repr(
        ([(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in statuses], _code())
    ).encode()


@cache
def _code() -> tuple[object, ...]:
    """Return what changes with each change of this package and with Python's own format."""
    root = Path(__file__).resolve().parent
    sources: list[tuple[str, int, int]] = []
    for folder in ("", "dwarf", "elf", "rust", "unwind", "analysis"):
        for entry in os.scandir(root / folder):
            if entry.name.endswith(".py"):
                status = entry.stat()
                sources.append((entry.name, status.st_size, status.st_mtime_ns))
    return (marshal.version, sys.version_info[:2], *sorted(sources))
