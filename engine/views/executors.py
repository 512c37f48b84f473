"""The executors view: runtimes, and below each what lives inside it (a LocalSet)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adp_tui.engine.model import Executor, Queues, Snapshot
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.records import Align, Cell, Column, Tone

__all__ = ["Executors", "queue_words"]


class Executors(Table):
    """Rows of executors."""

    columns = (
        Column("executor", "Executor", 8),
        Column("kind", "Kind", 20, flex=True),
        Column("name", "Name", 12, priority=4),
        Column("version", "Version", 8, priority=3),
        Column("workers", "Workers", 7, Align.RIGHT),
        Column("idle", "Idle", 6, Align.RIGHT),
        Column("scheduled", "Sched", 6, Align.RIGHT),
        Column("running", "Run", 6, Align.RIGHT),
        Column("complete", "Done", 6, Align.RIGHT, priority=1),
        Column("queues", "Queues", 12, priority=2),
        Column("blocking", "Blocking", 8, Align.RIGHT, priority=2),
        Column("timers", "Timers", 6, Align.RIGHT, priority=1),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._executors = snapshot.executors
        self._versions = {r.name: r.version for r in snapshot.target.runtimes}
        self._ranges = {r.name: r.descriptor for r in snapshot.target.runtimes}
        self._numbers = {e.key: i for i, e in enumerate(self._executors)}

    def __len__(self) -> int:
        return len(self._executors)

    def key(self, index: int) -> str:
        """Return ``x1`` for the first row."""
        return self._executors[index].key

    def index(self, key: str) -> int | None:
        """Return the row of ``x1``."""
        return self._numbers.get(key)

    def parents(self) -> Sequence[int]:
        """Return the executors that the others live in."""
        return [self._numbers.get(e.parent or "", -1) for e in self._executors]

    @property
    def always_tree(self) -> bool:
        """True: a LocalSet stands below its runtime."""
        return True

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        makers: dict[str, Callable[[Executor], Cell]] = {
            "executor": lambda e: Cell(e.key),
            "kind": lambda e: Cell(clean(e.kind, 64)),
            "name": lambda e: Cell(clean(e.name or "", 64)),
            "version": self._version,
            "workers": lambda e: Cell(str(len(e.workers))),
            "idle": lambda e: _count(e.tasks.idle, Tone.NORMAL),
            "scheduled": lambda e: _count(e.tasks.scheduled, Tone.NOTICE),
            "running": lambda e: _count(e.tasks.running, Tone.GOOD),
            "complete": lambda e: _count(e.tasks.complete, Tone.NORMAL),
            "queues": lambda e: Cell(queue_words(e.queues)),
            "blocking": lambda e: Cell(str(len(e.blocking_threads))),
            "timers": lambda e: Cell("" if e.timers is None else str(e.timers)),
        }
        make = makers[column]
        return Cells(lambda: range(len(self)), lambda i: make(self._executors[i]))

    def _version(self, executor: Executor) -> Cell:
        version = self._versions.get(executor.runtime)
        if version is not None:
            return Cell(clean(version, 32))
        descriptor = self._ranges.get(executor.runtime, "").removeprefix(executor.runtime)
        return Cell(clean(descriptor.strip(), 32), Tone.MUTED)


def queue_words(queues: Queues) -> str:
    """Return lengths of queues: ``g0 l0,2 b1``: global, local ones, blocking; ``?`` for unknown."""
    parts = []
    if queues.global_ is not None:
        parts.append(f"g{queues.global_}")
    if queues.local:
        shown = ",".join("?" if n is None else str(n) for n in queues.local[:64])
        parts.append(f"l{shown}")
    if queues.blocking is not None:
        parts.append(f"b{queues.blocking}")
    return " ".join(parts)


def _count(number: int, tone: Tone) -> Cell:
    return Cell(str(number), tone if number else Tone.MUTED)
