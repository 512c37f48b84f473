"""The tasks view: one row for each task, flat or as a tree by parent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adp_tui.engine.model import Snapshot, TaskState, Thread
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.places import place, user_frame, user_native_frame
from adp_tui.engine.views.records import Cell, Column, Tone
from adp_tui.engine.views.words import future_name, key_order, wait_words

__all__ = ["STATE_TONES", "Tasks", "task_name"]

STATE_TONES = {
    TaskState.RUNNING: Tone.GOOD,
    TaskState.SCHEDULED: Tone.NOTICE,
    TaskState.IDLE: Tone.NORMAL,
    TaskState.COMPLETE: Tone.MUTED,
    TaskState.UNKNOWN: Tone.WARNING,
}
MAX_WAITS = 3
"""Waits that are spelled out in one cell."""


_SINCE = Column("since", "Since", 6)
"""What became of a task since the snapshot before; only where there is one."""


class Tasks(Table):
    """Rows of tasks over the snapshot's columns: no ``Task`` record is made to filter or sort."""

    columns: tuple[Column, ...] = (
        Column("task", "Task", 6),
        Column("state", "State", 9),
        Column("future", "Future", 26, flex=True),
        Column("at", "Awaiting at", 20, priority=1),
        Column("waits", "Waits on", 20),
        Column("where", "Where", 9, priority=3),
        Column("id", "Id", 5, priority=4),
        Column("kind", "Kind", 8, priority=5),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._snapshot = snapshot
        if snapshot.changes is not None:
            self.columns = (*self.columns[:2], _SINCE, *self.columns[2:])
        self._tasks = snapshot.tasks
        self._threads = {t.tid: t for t in snapshot.threads}

    def __len__(self) -> int:
        return len(self._tasks)

    def key(self, index: int) -> str:
        """Return ``t1`` for the first row."""
        return self._tasks.key(index)

    def index(self, key: str) -> int | None:
        """Return the row of ``t1``."""
        try:
            return self._tasks.index(key)
        except KeyError:
            return None

    def parents(self) -> Sequence[int]:
        """Return the tasks that hold the others' join handles."""
        return self._tasks.parent

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        tasks = self._tasks
        everything = range(len(tasks))
        match column:
            case "task":
                return Cells(lambda: everything, tasks.key, lambda i: i)
            case "id":
                return Cells(lambda: tasks.id, lambda i: "" if i < 0 else str(i))
            case "kind":
                return Cells(lambda: tasks.kind, tasks.texts.text)
            case "state":
                return Cells(lambda: list(zip(tasks.state, tasks.panic, strict=True)), self._state)
            case "since":
                changes = self._snapshot.changes
                assert changes is not None
                still = changes.still
                return Cells(lambda: still, _since, lambda n: -n)
            case "where":
                codes = lambda: list(zip(tasks.executor, tasks.thread, strict=True))  # noqa: E731
                return Cells(codes, _where)
            case "future":
                return Cells(lambda: tasks.future, self._future)
            case "at":
                codes = lambda: list(zip(tasks.stack, tasks.thread, strict=True))  # noqa: E731
                return Cells(codes, self._at)
            case "waits":
                return Cells(lambda: everything, self._waits, self._waits_order)
        raise KeyError(column)

    def _state(self, code: tuple[int, int]) -> Cell:
        state = self._tasks.STATES[code[0]]
        return Cell(state.value, STATE_TONES[state] if code[1] < 0 else Tone.ERROR)

    def _future(self, code: int) -> Cell:
        text = self._tasks.texts.text(code)
        return Cell(future_name(text)) if text else Cell("unknown", Tone.WARNING)

    def _at(self, code: tuple[int, int]) -> str:
        return _place_of(self._snapshot, self._threads, *code)

    def _waits(self, index: int) -> Cell | str:
        tasks = self._tasks
        start, count = tasks.wait_start[index], tasks.wait_count[index]
        if count == 0:
            words, tone = self._instead(index)
        else:
            waits = [tasks.waits[start + n] for n in range(min(count, MAX_WAITS))]
            words = " | ".join(map(wait_words, waits)) if count > 1 else wait_words(waits[0])
            if count > MAX_WAITS:
                words += f" +{count - MAX_WAITS}"
            unknown = any(wait.kind == "unknown" for wait in waits)
            tone = Tone.WARNING if unknown else Tone.NORMAL
        if tasks.cancelled[index]:
            words = f"cancelled; {words}" if words else "cancelled"
        return words if tone is Tone.NORMAL else Cell(words, tone)

    def _instead(self, index: int) -> tuple[str, Tone]:
        """Return what to say of a task that waits on nothing."""
        tasks = self._tasks
        panic = tasks.texts.optional_text(tasks.panic[index])
        if panic is not None:
            return f"panicked: {clean(panic, 200)}", Tone.ERROR
        stack = tasks.stack[index]
        frames = self._snapshot.stacks[stack].frames if stack >= 0 else ()
        if frames and frames[0].state == "unresumed":
            return "not polled yet", Tone.MUTED
        return "", Tone.NORMAL

    def _waits_order(self, index: int) -> Any:
        """Sort by kind, timers by the time left, the rest by their words."""
        tasks = self._tasks
        wait = tasks.waits[tasks.wait_start[index]] if tasks.wait_count[index] else None
        if wait is not None and wait.kind == "timer":
            left = wait.remaining_s
            return ("timer", left is None, left or 0.0, ())
        words = self.cells("waits").text(index)
        return ("~" if wait is None else wait.kind, False, 0.0, key_order(words))


def _since(still: int) -> Cell:
    """Say how many snapshots show a task as it is: ``new``, ``moved``, ``=3``."""
    if still < 0:
        return Cell("new", Tone.NOTICE)
    return Cell("moved", Tone.GOOD) if still == 0 else Cell(f"={still}", Tone.MUTED)


def task_name(snapshot: Snapshot, index: int) -> str:
    """Return the short name of a task's future; empty where its type is not known."""
    text = snapshot.tasks.texts.text(snapshot.tasks.future[index])
    return future_name(text) if text else ""


def _place_of(snapshot: Snapshot, threads: dict[int, Thread], stack: int, tid: int) -> str:
    frame = user_frame(snapshot.stacks[stack].frames) if stack >= 0 else None
    if frame is not None:
        return place(frame.file, frame.line, frame.dir)
    # A blocking task has no coroutine: its thread tells.
    thread = threads.get(tid)
    native = user_native_frame(thread.stack) if thread is not None else None
    return "" if native is None else place(native.file, native.line, native.dir)


def _where(code: tuple[int, int]) -> str:
    executor, thread = code
    parts = [] if executor < 0 else [f"x{executor + 1}"]
    if thread >= 0:
        parts.append(str(thread))
    return " ".join(parts)
