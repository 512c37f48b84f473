"""The file that a core is written to."""

from __future__ import annotations

import os

from adp_tui.backends.sparse import bytes_text, write_sparse
from adp_tui.engine.errors import OpenError
from adp_tui.engine.private_file import PrivateFile

__all__ = ["CoreOutput"]

SPARE = 1 << 20
"""Bytes of room for what is not memory: notes and headers."""


class CoreOutput(PrivateFile):
    """A core in the making: pages of zeros take no room in it."""

    def check_room(self, needed: int) -> None:
        """Pass so many bytes.

        Raises:
            OpenError: there is no room for them.
        """
        facts = os.fstatvfs(self.handle)
        free = facts.f_bavail * facts.f_frsize
        if needed + SPARE > free:
            raise OpenError(
                f"there is no room for {self.path}: it needs {bytes_text(needed)}, and "
                f"{bytes_text(free)} are free in {self.path.parent}",
                help="name a file on a larger disk: -o FILE",
            )

    def put(self, block: bytes, offset: int) -> None:
        """Write a block, and leave holes for pages of zeros.

        Raises:
            OpenError: it cannot be written.
        """
        try:
            write_sparse(self.handle, block, offset)
        except OSError as error:
            raise self.failure(error) from None
