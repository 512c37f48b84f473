"""The threads view: one row for each thread of the operating system."""

from __future__ import annotations

from collections.abc import Callable

from adp_tui.engine.model import Snapshot, Thread
from adp_tui.engine.target import Scheduling
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.places import place, user_native_frame
from adp_tui.engine.views.records import Align, Cell, Column, Tone
from adp_tui.engine.views.words import doing, duration, short_function

__all__ = ["Threads", "role_words"]

_TONES = {
    "polling": Tone.GOOD,
    "running": Tone.GOOD,
    "blocking_job": Tone.NOTICE,
    "futex": Tone.NOTICE,
    "unknown": Tone.WARNING,
    "parked": Tone.MUTED,
    "driver": Tone.MUTED,
}
_CPU = Column("cpu", "CPU", 8, Align.RIGHT, priority=4)


class Threads(Table):
    """Rows of threads, in the order of the target; the one that got the signal is marked.

    Only of a live process it is known what the kernel does with them.
    """

    columns: tuple[Column, ...] = (
        Column("tid", "Thread", 8),
        Column("name", "Name", 15, priority=2),
        Column("role", "Role", 9, priority=1),
        Column("doing", "Doing", 28),
        Column("task", "Task", 6, priority=1),
        Column("at", "At", 30, flex=True),
        Column("executor", "Executor", 8, priority=3),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._threads = snapshot.threads
        if any(thread.scheduling is not None for thread in self._threads):
            self.columns = (*Threads.columns, _CPU)
        self._signal = snapshot.target.signal
        self._numbers = {f"tid:{t.tid}": i for i, t in enumerate(self._threads)}

    def __len__(self) -> int:
        return len(self._threads)

    def key(self, index: int) -> str:
        """Return ``tid:3419``."""
        return f"tid:{self._threads[index].tid}"

    def index(self, key: str) -> int | None:
        """Return the row of ``tid:3419``."""
        return self._numbers.get(key)

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        if column == "cpu":
            return Cells(lambda: [t.scheduling for t in self._threads], _cpu, _used)
        makers: dict[str, Callable[[Thread], Cell]] = {
            "tid": lambda t: Cell(str(t.tid), Tone.ERROR if t.signal else Tone.NORMAL),
            "name": lambda t: Cell(clean(t.name or "", 64)),
            "role": lambda t: Cell(role_words(t)),
            "doing": self._doing,
            "task": lambda t: Cell(t.task or ""),
            "at": lambda t: Cell(_at(t)),
            "executor": lambda t: Cell(t.executor or ""),
        }
        make = makers[column]
        return Cells(lambda: range(len(self)), lambda i: make(self._threads[i]))

    def _doing(self, thread: Thread) -> Cell:
        words = doing(thread.doing, thread.task)
        if thread.signal:
            name = "signal" if self._signal is None else self._signal.name
            return Cell(f"{name}; {words}", Tone.ERROR)
        return Cell(words, _TONES.get(thread.doing.kind, Tone.NORMAL))


def _cpu(scheduling: Scheduling | None) -> Cell:
    if scheduling is None:
        return Cell("")
    state = clean(scheduling.state, 8)
    tone = {"R": Tone.GOOD, "D": Tone.NOTICE}.get(state, Tone.MUTED)
    return Cell(f"{state} {duration(scheduling.cpu_s)}", tone)


def _used(scheduling: Scheduling | None) -> float:
    return 0.0 if scheduling is None else scheduling.cpu_s


def role_words(thread: Thread) -> str:
    """Return ``worker 0``, ``blocking``, ``block_on``, ``other``."""
    if thread.role == "worker" and thread.worker is not None:
        return f"worker {thread.worker}"
    return clean(thread.role, 32)


def _at(thread: Thread) -> str:
    """Return the innermost function of the user's own, else of Rust, else with a name."""
    own = user_native_frame(thread.stack)
    if own is not None:
        function = short_function(own.function or "")
        return f"{function} {place(own.file, own.line, own.dir)}".strip()
    named = [f for f in thread.stack if f.function]
    rust = [f for f in named if f.file is not None and f.file.endswith(".rs")]
    return short_function((rust or named)[0].function or "") if named else ""
