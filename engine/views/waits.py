"""The waits view: resources with the tasks that wait for them, then timers, joins and the rest."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from itertools import islice

from adp_tui.engine.model import Confidence, Resource, Snapshot, Wait
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.records import Cell, Column, Tone
from adp_tui.engine.views.tasks import Tasks, task_name
from adp_tui.engine.views.words import (
    count_of,
    key_order,
    resource_state,
    type_name,
    wait_target,
)

__all__ = ["Waits"]

MAX_LISTED = 4
"""Waiters and holders named in a resource's own row."""
_ORDER = {"timer": 0, "join": 1, "unknown": 3}
_FOREVER = float("inf")
_NONE = Cell("")


class Waits(Table):
    """Rows of waits.

    A resource with several waiters has a row of its own, its waiters below it in the order
    of its queue; with one waiter both share a row. Keys are ``r3`` for a resource's row and
    ``t7/0`` for the first wait of task ``t7`` (``t7/r3`` for a task that is queued at a
    resource without a wait that says so).
    """

    columns = (
        Column("what", "Waits for", 17),
        Column("on", "On", 26, flex=True),
        Column("task", "Task", 12),
        Column("at", "Awaiting at", 20, priority=1),
        Column("state", "State", 20, priority=2),
        Column("sure", "Sure", 8, priority=3),
    )

    def __init__(self, snapshot: Snapshot, tasks: Tasks) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._tasks = tasks
        self._lines = _Lines(snapshot)
        self._numbers: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._lines.task)

    def key(self, index: int) -> str:
        """Return ``r3`` or ``t7/0``."""
        lines = self._lines
        resource = lines.resource[index]
        if resource >= 0 and lines.parent[index] < 0:
            return f"r{resource + 1}"
        number = lines.number[index]
        return f"t{lines.task[index] + 1}/{number if number >= 0 else f'r{resource + 1}'}"

    def index(self, key: str) -> int | None:
        """Return the row with a key."""
        if self._numbers is None:
            self._numbers = {self.key(i): i for i in range(len(self))}
        return self._numbers.get(key)

    def parents(self) -> Sequence[int]:
        """Return the rows of the resources above their waiters'."""
        return self._lines.parent

    @property
    def always_tree(self) -> bool:
        """True: waiters stand below their resource."""
        return True

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        lines = self._lines
        everything = range(len(self))
        match column:
            case "what":
                return Cells(self._kinds, lambda code: _what(*code))
            case "on":
                return Cells(lambda: everything, self._on, self._on_order)
            case "task":
                codes: Callable[[], Sequence[Hashable]] = lambda: [  # noqa: E731
                    t if t >= 0 else -2 - r for t, r in zip(lines.task, lines.resource, strict=True)
                ]
                return Cells(codes, self._who)
            case "at":
                above = self._tasks.cells("at")
                codes = lambda: [None if t < 0 else above.codes[t] for t in lines.task]  # noqa: E731
                return Cells(codes, lambda code: _NONE if code is None else above.cell(code))
            case "state":
                return Cells(self._states, lambda code: self._state(*code))
            case "sure":
                codes = lambda: [None if w is None else w.conf for w in lines.wait]  # noqa: E731
                return Cells(codes, _sure)
        raise KeyError(column)

    def _resource(self, index: int) -> Resource | None:
        number = self._lines.resource[index]
        return self._snapshot.resources[number] if number >= 0 else None

    def _kinds(self) -> list[tuple[str, str | None]]:
        resources, lines = self._snapshot.resources, self._lines
        return [
            (resources[r].kind, None) if wait is None else (wait.kind, wait.mode)
            for wait, r in zip(lines.wait, lines.resource, strict=True)
        ]

    def _on(self, index: int) -> Cell | str:
        wait, resource = self._lines.wait[index], self._resource(index)
        fd = None if wait is None else wait.fd
        leads = "" if fd is None else self._snapshot.fds.get(fd, "")
        if resource is not None:
            words = resource.key if fd is None else f"{resource.key} fd {fd}"
            if self._lines.parent[index] >= 0:
                return Cell(f"{words} {leads}".rstrip(), Tone.MUTED)
            # A socket's addresses say more than the type of what stands for it.
            return f"{words} {leads or type_name(resource.type)}"
        if wait is None:
            return ""
        target = wait_target(wait)
        if wait.task is not None:
            index = self._snapshot.tasks.index(wait.task)
            return f"{target} {task_name(self._snapshot, index)}".strip()
        if leads:
            return f"{target} {leads}"
        overdue = wait.kind == "timer" and wait.remaining_s is not None and wait.remaining_s < 0
        return Cell(target, Tone.WARNING) if overdue else target

    def _on_order(self, index: int) -> object:
        wait = self._lines.wait[index]
        if wait is not None and wait.kind == "timer" and wait.remaining_s is not None:
            return (0, wait.remaining_s, ())
        return (1, 0.0, key_order(self.cells("on").text(index)))

    def _who(self, code: int) -> str:
        if code >= 0:
            return f"t{code + 1}"
        waiters = self._snapshot.resources[-2 - code].waiters
        words = " ".join(waiters[:MAX_LISTED])
        if len(waiters) > MAX_LISTED:
            words += f" +{len(waiters) - MAX_LISTED}"
        return words

    def _states(self) -> list[tuple[int, bool, bool, str | None]]:
        """Return resource (-1 below its row), whether it is alone there, armed and branch."""
        lines = self._lines
        columns = zip(lines.resource, lines.parent, lines.task, lines.wait, strict=True)
        return [
            (
                r if p < 0 else -1,
                t < 0,
                wait is None or wait.armed,
                None if wait is None else wait.branch,
            )
            for r, p, t, wait in columns
        ]

    def _state(self, resource: int, alone: bool, armed: bool, branch: str | None) -> str:
        parts = []
        if resource >= 0:
            record = self._snapshot.resources[resource]
            parts.append(resource_state(record))
            parts.append(_held(record))
            if record.waiting_threads:
                asleep = count_of(len(record.waiting_threads), "thread")
                parts.append(f"{asleep} asleep in it")
            if alone:
                parts.append(f"{count_of(len(record.waiters), 'task')} waiting")
        if not armed:
            parts.append("not polled")
        if branch is not None:
            parts.append(f"branch {branch}")
        return ", ".join(part for part in parts if part)


def _held(resource: Resource) -> str:
    """Return who has a resource: ``held by t4 t5 +3``."""
    names = dict.fromkeys(h.task or f"thread {h.thread}" for h in resource.holders)
    if not names:
        return ""
    more = f" +{len(names) - MAX_LISTED}" if len(names) > MAX_LISTED else ""
    return f"held by {' '.join(islice(names, MAX_LISTED))}{more}"


class _Lines:
    """The rows as columns, in their natural order.

    ``resource`` is -1 for a wait without one, ``task`` and ``number`` (of the wait among the
    task's) -1 for a resource's own row, ``parent`` the row of the resource above.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.resource, self.task = array("i"), array("i")
        self.number, self.parent = array("i"), array("i")
        self.wait: list[Wait | None] = []
        self._waiting: dict[str, list[tuple[int, int, Wait | None]]] = {}
        self._snapshot = snapshot
        rest = self._split()
        for index in range(len(snapshot.resources)):
            self._add_resource(index, snapshot.resources[index])
        rest.sort(key=lambda item: _rank(item[2]))
        for task, number, wait in rest:
            self._add(-1, task, number, -1, wait)

    def _split(self) -> list[tuple[int, int, Wait]]:
        """Sort waits by resource; return those without one."""
        rest = []
        tasks = self._snapshot.tasks
        waits = tasks.waits
        spans = zip(tasks.wait_start, tasks.wait_count, strict=True)
        for task, (start, count) in enumerate(spans):
            for number in range(count):
                wait = waits[start + number]
                if wait.resource is None:
                    rest.append((task, number, wait))
                else:
                    self._waiting.setdefault(wait.resource, []).append((task, number, wait))
        return rest

    def _add_resource(self, index: int, resource: Resource) -> None:
        waiting = self._waiting.get(resource.key, [])
        places: dict[int, int] = {}
        for key in resource.waiters:
            places.setdefault(self._snapshot.tasks.index(key), len(places))
        known = {task for task, _, _ in waiting}
        waiting = waiting + [(task, -1, None) for task in places if task not in known]
        waiting.sort(key=lambda item: places.get(item[0], len(places)))
        if len(waiting) == 1:
            task, number, wait = waiting[0]
            self._add(index, task, number, -1, wait)
            return
        above = len(self.wait)
        self._add(index, -1, -1, -1, None)
        for task, number, wait in waiting:
            self._add(index, task, number, above, wait)

    def _add(self, resource: int, task: int, number: int, parent: int, wait: Wait | None) -> None:
        self.resource.append(resource)
        self.task.append(task)
        self.number.append(number)
        self.parent.append(parent)
        self.wait.append(wait)


def _rank(wait: Wait) -> tuple[int, float, str]:
    left = _FOREVER if wait.remaining_s is None else wait.remaining_s
    return (_ORDER.get(wait.kind, 2), left if wait.kind == "timer" else 0.0, wait.kind)


def _what(kind: str, mode: str | None) -> Cell:
    words = f"{kind} {mode}" if mode else kind
    return Cell(words, Tone.WARNING if kind == "unknown" else Tone.NORMAL)


def _sure(conf: Confidence | None) -> Cell:
    if conf is None:
        return _NONE
    doubt = conf in (Confidence.DOUBTFUL, Confidence.TORN)
    return Cell(conf.value, Tone.WARNING if doubt else Tone.MUTED)
