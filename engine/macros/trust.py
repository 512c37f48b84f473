"""Which files of macros the user trusts: by folder, each with the hash of what was looked at."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adp_tui.engine.adp.folder import user_folder
from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros.files import real_folder
from adp_tui.engine.private_file import PrivateFile

__all__ = ["Trust", "default_trust"]

VERSION = 1
MAX_SIZE = 4 << 20
"""Bytes of the list."""
_NAME = "trusted.json"


class Trust:
    """The list of trusted files, which only this user can read and write.

    A list that others could have written trusts nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def folders(self) -> Mapping[str, Mapping[str, str]]:
        """Return the trusted folders, each with its files and their hashes.

        Raises:
            AdpError: the list cannot be read, or is not to be trusted itself.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror}") from None
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise self._unusable("is no regular file of yours")
            if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise self._unusable("can be written by others")
            data = file.read(MAX_SIZE + 1)
        try:
            found = json.loads(data[: MAX_SIZE + 1])
            folders = found["folders"]
            if found["version"] != VERSION or not isinstance(folders, dict):
                raise ValueError
            return {
                str(folder): {str(name): str(digest) for name, digest in files.items()}
                for folder, files in folders.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._unusable("makes no sense") from None

    def of(self, folder: Path) -> Mapping[str, str]:
        """Return the trusted files of a folder, with their hashes."""
        return self.folders().get(str(real_folder(folder)), {})

    def approve(self, folder: Path, files: Mapping[str, str]) -> None:
        """Trust these files of a folder, by their hashes, and no others of it.

        Raises:
            AdpError: the list cannot be written.
        """
        with self._alone():
            kept = dict(self.folders())
            kept[str(real_folder(folder))] = dict(files)
            self._write(kept)

    def forget(self, folder: Path) -> bool:
        """Trust a folder no more; tell whether it was trusted.

        Raises:
            AdpError: the list cannot be written.
        """
        with self._alone():
            kept = dict(self.folders())
            # Also one that is not there any more.
            found = any(
                kept.pop(str(name), None) is not None for name in (real_folder(folder), folder)
            )
            if found:
                self._write(kept)
            return found

    def _write(self, folders: Mapping[str, Mapping[str, str]]) -> None:
        data = json.dumps({"version": VERSION, "folders": folders}, indent=1).encode()
        with PrivateFile(self.path, True) as file:
            file.write(data)
            os.fsync(file.handle)
            file.keep()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let no other adp-tui change the list meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(
                self.path.with_suffix(".lock"),
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                0o600,
            )
        except OSError as error:
            raise self._unusable(f"cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _unusable(self, why: str) -> AdpError:
        return AdpError(
            f"the list of trusted macros, {self.path}, {why}", help=f"look at it: {self.path}"
        )


def default_trust(environment: Mapping[str, str]) -> Trust | None:
    """Return the user's own list; None for a user without a home."""
    folder = user_folder(environment)
    return None if folder is None else Trust(folder / _NAME)
