"""The head of the screen."""

from __future__ import annotations

from adp_tui.engine.model import Snapshot
from adp_tui.engine.text import clean
from adp_tui.engine.views.records import Summary

__all__ = ["summary", "title"]


def summary(snapshot: Snapshot) -> Summary:
    """Return what the head of the screen shows of a snapshot."""
    return Summary(
        epoch=snapshot.epoch,
        target=snapshot.target,
        title=title(snapshot),
        counts=(
            ("executors", len(snapshot.executors)),
            ("threads", len(snapshot.threads)),
            ("tasks", len(snapshot.tasks)),
            ("waits", len(snapshot.tasks.waits)),
            ("findings", len(snapshot.findings)),
            ("losses", sum(loss.count for loss in snapshot.losses)),
        ),
        runtimes=snapshot.target.runtimes,
        losses=snapshot.losses,
        changes=_changes(snapshot),
        extensions=snapshot.extensions,
    )


def _changes(snapshot: Snapshot) -> tuple[tuple[str, int], ...]:
    changes = snapshot.changes
    if changes is None:
        return ()
    new, moved = changes.still.count(changes.NEW), changes.still.count(0)
    still = len(changes.still) - new - moved
    return (("new", new), ("gone", changes.gone), ("moved", moved), ("still", still))


def title(snapshot: Snapshot) -> str:
    """Return ``bank (pid 3419), killed by SIGABRT on thread 3420 bank-worker``."""
    target = snapshot.target
    name = (target.exe or target.core or "a process").rstrip("/").rpartition("/")[2]
    words = clean(name, 100)
    if target.pid is not None:
        words += f" (pid {target.pid})"
    signal = target.signal
    if signal is None:
        return words
    words += f", killed by {signal.name}"
    if signal.fault_address is not None:
        words += f" at {signal.fault_address:#x}"
    if signal.tid is not None:
        thread = next((t for t in snapshot.threads if t.tid == signal.tid), None)
        name = "" if thread is None or not thread.name else f" {clean(thread.name, 64)}"
        words += f" on thread {signal.tid}{name}"
    return words
