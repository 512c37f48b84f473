"""Files of macros, read once and safely: what was read is what is hashed, shown and run."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError

__all__ = ["FOLDER", "MacroFile", "macro_files", "real_folder"]

FOLDER = "macros"
"""The folder in an ``.adp`` folder that holds them."""
SUFFIX = ".py"
MAX_FILES = 256
MAX_SIZE = 1 << 20
"""Bytes of one file."""
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class MacroFile:
    """A file as it was read. ``problem`` says why it must not be run, whoever trusts it."""

    name: str
    path: str
    data: bytes = b""
    digest: str = ""
    """SHA-256 of ``data``."""
    problem: str = ""


def real_folder(folder: Path) -> Path:
    """Return the path under which trust in a folder is kept: without links."""
    return Path(os.path.realpath(folder))


def macro_files(folder: Path) -> list[MacroFile]:
    """Read the macros of an ``.adp`` folder; none where it has none.

    Nothing is read that somebody else could change: folders and files must belong to this user (or
    root) and be writable by nobody else, and links are not followed.
    """
    real = real_folder(folder)
    place = real / FOLDER
    try:
        place.lstat()
    except OSError:
        return []
    try:
        with _opened(real.parent) as above, _opened(real) as outer:
            for path, handle in ((real.parent, above), (real, outer)):
                _check(os.fstat(handle), path)
            with _opened(FOLDER, outer) as inner:
                _check(os.fstat(inner), place)
                return list(_files(inner, place))
    except OSError as error:
        problem = f"{place} is no folder that can be read: {error.strerror}"
        return [MacroFile(f"{FOLDER}/", str(place), problem=problem)]
    except AdpError as error:
        return [MacroFile(f"{FOLDER}/", str(place), problem=f"{error.message}; {error.help}")]


@contextmanager
def _opened(path: Path | str, folder: int | None = None) -> Iterator[int]:
    handle = os.open(path, _READ | os.O_DIRECTORY, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def _files(folder: int, place: Path) -> Iterator[MacroFile]:
    names = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    for name in names[:MAX_FILES]:
        path = place / name
        try:
            data = _read(folder, name, path)
        except OSError as error:
            link = path.is_symlink()
            why = "it is a link" if link else f"it cannot be read: {error.strerror}"
            yield MacroFile(name, str(path), problem=why)
        except AdpError as error:
            words = f"{error.message}; {error.help}" if error.help else error.message
            yield MacroFile(name, str(path), problem=words)
        else:
            yield MacroFile(name, str(path), data, hashlib.sha256(data).hexdigest())
    if len(names) > MAX_FILES:
        rest = len(names) - MAX_FILES
        yield MacroFile("…", str(place), problem=f"{rest} more files than {MAX_FILES} are left out")


def _read(folder: int, name: str, path: Path) -> bytes:
    handle = os.open(name, _READ, dir_fd=folder)
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise AdpError("it is no regular file")
        _check(status, path)
        data = file.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise AdpError(f"it has more than {MAX_SIZE} bytes")
    return data


def _check(status: os.stat_result, path: Path) -> None:
    """Pass what only this user (or root) can change; of a folder for all, nobody else's names.

    Raises:
        AdpError: others can.
    """
    if status.st_uid not in (os.geteuid(), 0):
        raise AdpError(f"{path} belongs to another user", help="copy it to a folder of your own")
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & _WRITABLE and not sticky:
        raise AdpError(f"others can write to {path}", help=f"chmod go-w {path}")
