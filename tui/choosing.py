"""Finds processes and cores to choose from, and opens what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from adp_tui.backends.processes import Running, running
from adp_tui.backends.programs import Programs
from adp_tui.backends.recent_cores import cores_in, cores_of_systemd
from adp_tui.engine.errors import OpenError
from adp_tui.engine.views.records import Door, Progress
from adp_tui.tui.choices import Choice, Choices
from adp_tui.tui.door_thread import Opener
from adp_tui.tui.live_opening import LiveOpener
from adp_tui.tui.opening import CoreOpener, FilePlaces

__all__ = ["choices"]


def choices(files: FilePlaces, *, max_pause: float, stops: bool) -> Choices:
    """Return what there is on this machine, each to be opened with the same options.

    Args:
        files: where the files of a target are.
        max_pause: seconds that a process may stand for a snapshot.
        stops: whether it may be stopped at all.
    """
    programs = Programs()

    def read() -> Iterator[Choice]:
        yield from running(programs)
        yield from cores_in(Path.cwd())
        yield from cores_of_systemd()

    def opener(choice: Choice) -> Opener:
        def opened(progress: Callable[[Progress], None]) -> Door:
            made = _opener(choice, files, max_pause, stops)
            try:
                return made(progress)
            except BaseException:
                made.close()
                raise

        return opened

    return Choices(read, opener)


def _opener(
    choice: Choice, files: FilePlaces, max_pause: float, stops: bool
) -> LiveOpener | CoreOpener:
    """Return what opens a choice.

    Raises:
        OpenError: it cannot be opened.
    """
    if isinstance(choice, Running):
        return LiveOpener(choice.pid, files, max_pause=max_pause, stops=stops)
    if choice.path is None:
        raise OpenError(
            f"the core of {choice.program}, pid {choice.pid}, is not to be read here",
            help=choice.problem,
        )
    return CoreOpener(choice.path, files)
