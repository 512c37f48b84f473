"""A file in the making that nobody else can read, and that appears when it is whole."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Self

from adp_tui.engine.errors import OpenError

__all__ = ["PrivateFile"]

_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""What open(2) says where a file system, or the kernel, has no files without a name."""


class PrivateFile:
    """A file in the making, without a name where the file system can do that.

    Such a file is gone when adp-tui ends before it is kept, also by SIGKILL.

    Args:
        path: its name when it is whole.
        overwrite: whether a file that has this name may be replaced.

    Raises:
        OpenError: there is such a file, or none can be made there.
    """

    def __init__(self, path: Path, overwrite: bool) -> None:
        self.path = path
        self._overwrite = overwrite
        self._folder = path.parent
        self._name: Path | None = None
        self._check_name()
        self.handle = self._open()
        """Its file descriptor."""

    @property
    def quoted(self) -> str:
        """The name as a shell takes it."""
        return quote(str(self.path))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._name is not None:
            with suppress(OSError):
                self._name.unlink()
        if kind is None or issubclass(kind, Exception):
            os.close(self.handle)
        # Else adp-tui ends, and the thread that holds the process may be about to write: a number
        # that is free again could be that of another file by then.

    def write(self, data: bytes) -> None:
        """Write all of the bytes behind those that were written.

        Raises:
            OpenError: they cannot be written.
        """
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.handle, view) :]
            except OSError as error:
                raise self.failure(error) from None

    def keep(self, size: int | None = None) -> int:
        """Give the file its name, and a length; return how many bytes it takes on the disk.

        Raises:
            OpenError: there is a file of that name by now, or it cannot be given.
        """
        try:
            if size is not None:
                os.ftruncate(self.handle, size)
            taken = os.fstat(self.handle).st_blocks * 512
            if self._overwrite:
                os.replace(self._named(), self.path)
                self._name = None
            else:
                self._link(self.path)
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            raise self.failure(error) from None
        return taken

    def _check_name(self) -> None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise self.failure(error) from None
        if not stat.S_ISREG(found.st_mode):
            raise OpenError(f"{self.path} is no regular file", help="name another one: -o FILE")
        if not self._overwrite:
            raise self._exists()

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CLOEXEC
        try:
            try:
                handle = os.open(self._folder, flags | os.O_TMPFILE, 0o600)
            except OSError as error:
                if error.errno not in _NO_NAMELESS or not self._folder.is_dir():
                    raise
                handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self._folder)
                self._name = Path(name)
            # Whatever the umask.
            os.fchmod(handle, 0o600)
        except OSError as error:
            raise self.failure(error) from None
        return handle

    def _link(self, name: Path) -> None:
        if self._name is not None:
            os.link(self._name, name)
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # With a folder Python calls linkat(2), which follows the link in /proc.
            own = f"/proc/self/fd/{self.handle}"
            os.link(own, name.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)

    def _named(self) -> Path:
        """Return a name of the file beside that which it shall get."""
        if self._name is None:
            name = self._folder / f".{self.path.name}.{secrets.token_hex(8)}"
            self._link(name)
            self._name = name
        return self._name

    def _exists(self) -> OpenError:
        return OpenError(
            f"{self.path} is there already",
            help="name another file, or replace it: --force",
        )

    def failure(self, error: OSError | ValueError) -> OpenError:
        """Return what to say of an error of the file system."""
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return OpenError(f"{self.path} cannot be written: {reason}", help="name another: -o FILE")
