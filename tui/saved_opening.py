"""Opening a saved snapshot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from adp_tui.engine.adp.folder import Provision
from adp_tui.engine.saved.file import check, read
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Progress
from adp_tui.tui.opening import shown_extensions

if TYPE_CHECKING:
    from adp_tui.engine.macros.library import Library

__all__ = ["SavedOpener"]


class SavedOpener:
    """Opens a snapshot in two steps, as ``CoreOpener`` does a core.

    Raises:
        OpenError: the file is no saved snapshot, or of another version.
    """

    def __init__(
        self,
        path: Path,
        provision: Provision | None = None,
        library: Library | None = None,
        *,
        explains: bool = False,
    ) -> None:
        check(path)
        self._explains = explains
        self._path = path
        self._provision = provision or Provision()
        self._library = library
        self.title = path.name
        """What is opened, for the head of a screen."""

    def __call__(self, progress: Callable[[Progress], None]) -> Session:
        """Read the snapshot; ``progress`` is told what is being read.

        Raises:
            AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
        """
        session = Session(
            read(self._path, lambda text: progress(Progress(text))),
            descriptors=self._provision.descriptors,
            extensions=shown_extensions(self._provision, self._library),
            library=self._library,
            explains=self._explains,
            progress=progress,
        )
        session.open()
        return session

    def close(self) -> None:
        """Let go of nothing."""
