"""Opening a live process: what can be refused at once, and what is read with a progress line."""

from __future__ import annotations

from collections.abc import Callable

from adp_tui.backends.core_refusals import open_executable
from adp_tui.backends.live import LiveProcess
from adp_tui.backends.modules import Places
from adp_tui.engine.errors import OpenError
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Progress
from adp_tui.tui.opening import FilePlaces, check_debug_files, fetch_debug_files, fetching

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
        if files.sysroot is not None and not files.sysroot.is_dir():
            raise OpenError(
                f"--sysroot {files.sysroot} is not a folder",
                help="pass a folder with the files of the process: --sysroot DIR",
            )
        places = Places(
            executable=None if files.executable is None else open_executable(files.executable),
            sysroot=files.sysroot,
            command=f"adp-tui --pid {pid}",
            servers=files.servers,
        )
        self._process = LiveProcess(pid, places, max_pause=max_pause, stops=stops)
        self._debug_files = files.debug_files
        self.title = f"{self._process.name} — pid {pid}"
        """What is opened, for the head of a screen."""

    def __call__(self, progress: Callable[[Progress], None]) -> Session:
        """Read the process; ``progress`` is told what is being read.

        Raises:
            AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
        """
        self._check_files(progress)
        session = Session(
            self._process,
            debug_files=self._debug_files,
            sysroot=self._files.sysroot,
            cache=self._files.cache,
            progress=progress,
        )
        try:
            session.open()
        except BaseException:
            session.close()
            raise
        return session

    def _check_files(self, progress: Callable[[Progress], None]) -> None:
        """Look at the files that the user named, and fetch those that are missing if wanted."""
        servers = self._files.servers
        if servers is None and not self._debug_files:
            return
        modules = self._process.modules()
        check_debug_files(self._debug_files, modules)
        if servers is not None:
            servers.tell = fetching(progress)
            more = fetch_debug_files(servers, self._files, modules)
            self._debug_files = (*self._debug_files, *more)

    def close(self) -> None:
        """Let go of a process that was opened and never read."""
        self._process.close()
