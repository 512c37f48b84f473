"""The file that a core is written to: nobody else can read it, and it appears when it is whole."""

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

from adp_tui.backends.sparse import bytes_text, write_sparse
from adp_tui.engine.errors import OpenError

__all__ = ["CoreOutput"]

_NO_NAMELESS = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""What open(2) says where a file system, or the kernel, has no files without a name."""
SPARE = 1 << 20
"""Bytes of room for what is not memory: notes and headers."""


class CoreOutput:
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
        self._handle = self._open()

    @property
    def quoted(self) -> str:
        """The name as a shell takes it."""
        return quote(str(self.path))

    def __enter__(self) -> CoreOutput:
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
            os.close(self._handle)
        # Else adp-tui ends, and the thread that holds the process may be about to write: a number
        # that is free again could be that of another file by then.

    def check_room(self, needed: int) -> None:
        """Pass so many bytes.

        Raises:
            OpenError: there is no room for them.
        """
        facts = os.fstatvfs(self._handle)
        free = facts.f_bavail * facts.f_frsize
        if needed + SPARE > free:
            raise OpenError(
                f"there is no room for {self.path}: it needs {bytes_text(needed)}, and "
                f"{bytes_text(free)} are free in {self._folder}",
                help="name a file on a larger disk: -o FILE",
            )

    def write(self, block: bytes, offset: int) -> None:
        """Write a block, and leave holes for pages of zeros.

        Raises:
            OpenError: it cannot be written.
        """
        try:
            write_sparse(self._handle, block, offset)
        except OSError as error:
            raise self._failure(error) from None

    def keep(self, size: int) -> int:
        """Give the file its length and its name; return how many bytes it takes on the disk.

        Raises:
            OpenError: there is a file of that name by now, or it cannot be given.
        """
        try:
            os.ftruncate(self._handle, size)
            taken = os.fstat(self._handle).st_blocks * 512
            if self._overwrite:
                os.replace(self._named(), self.path)
                self._name = None
            else:
                self._link(self.path)
        except FileExistsError:
            raise self._exists() from None
        except OSError as error:
            raise self._failure(error) from None
        return taken

    def _check_name(self) -> None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise self._failure(error) from None
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
            raise self._failure(error) from None
        return handle

    def _link(self, name: Path) -> None:
        if self._name is not None:
            os.link(self._name, name)
            return
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # With a folder Python calls linkat(2), which follows the link in /proc.
            own = f"/proc/self/fd/{self._handle}"
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

    def _failure(self, error: OSError | ValueError) -> OpenError:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return OpenError(f"{self.path} cannot be written: {reason}", help="name another: -o FILE")
