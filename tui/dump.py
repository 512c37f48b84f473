"""``adp-tui dump``: a core file of a process that lives on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from adp_tui.backends.core_writer import write_core
from adp_tui.backends.sparse import bytes_text
from adp_tui.engine.text import clean
from adp_tui.engine.views.records import Progress
from adp_tui.tui.progress_line import ProgressLine

__all__ = ["dump"]

NOT_WHOLE = 1


def dump(pid: int, path: Path, max_pause: float | None, *, force: bool) -> int:
    """Write a core of a process and say on standard error what it cost it.

    Returns:
        The exit status: 0, or 1 where something is missing from the core.

    Raises:
        OpenError: there is no core now; the message says why.
    """
    progress = ProgressLine(sys.stderr)

    def tell(doing: str, done: int, total: int) -> None:
        progress(Progress(f"{doing}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"))

    try:
        with _ended_by_signals():
            core = write_core(pid, path, overwrite=force, max_pause=max_pause, tell=tell)
    finally:
        progress.clear()
    _say(
        f"{core.path}: {bytes_text(core.size)}, {core.threads} "
        f"thread{'s' if core.threads != 1 else ''}; process {pid} stood for "
        f"{core.stood * 1000:,.0f} ms and runs on"
    )
    for problem in core.problems:
        _say(f"  missing: {problem}")
    return NOT_WHOLE if core.problems else 0


def _say(text: str) -> None:
    print(clean(text), file=sys.stderr)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Make an end by ``kill`` or a closed terminal an exception: what was written is removed."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    kept = {n: signal.signal(n, leave) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
