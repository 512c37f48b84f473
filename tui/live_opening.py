"""Opening a live process: what can be refused at once, and what is read with a progress line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from adp_tui.backends.core_refusals import named_places
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Progress
from adp_tui.tui.opening import FilePlaces, debug_files_of, fetching, opened

__all__ = ["LiveOpener"]


class LiveOpener:
    """Opens a process in two steps, as ``CoreOpener`` does a core.

    Args:
        pid: the process.
        files: where its files are.
        max_pause: seconds that it may stand for a snapshot.
        stops: whether it may be stopped at all.

    Raises:
        OpenError: the process, or a file that goes with it, cannot be used.
    """

    def __init__(
        self,
        pid: int,
        files: FilePlaces | None = None,
        *,
        max_pause: float = 0.1,
        stops: bool = True,
    ) -> None:
        self._files = files = files or FilePlaces()
        places = named_places(
            files.executable, files.sysroot, f"adp-tui --pid {pid}", files.servers
        )
        self._process = LiveProcess(pid, places, max_pause=max_pause, stops=stops)
        self.title = f"{self._process.name} — pid {pid}"
        """What is opened, for the head of a screen."""

    def __call__(self, progress: Callable[[Progress], None]) -> Session:
        """Read the process; ``progress`` is told what is being read.

        Raises:
            AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
        """
        return opened(self._process, self._files, self._debug_files(progress), progress)

    def _debug_files(self, progress: Callable[[Progress], None]) -> Sequence[Path]:
        """Look at the files that the user named, and fetch those that are missing if wanted."""
        servers = self._files.servers
        if servers is not None:
            servers.tell = fetching(progress)
        elif not self._files.debug_files:
            return ()
        return debug_files_of(self._process.modules(), self._files, servers)

    def close(self) -> None:
        """Let go of a process that was opened and never read."""
        self._process.close()
