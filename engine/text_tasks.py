"""The tasks of a text report: a tree, each with its waits and its logical stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adp_tui.engine.model import (
    Confidence,
    Frame,
    Snapshot,
    Stack,
    Task,
    TaskColumns,
    TaskState,
    Wait,
)
from adp_tui.engine.report import FrameDetail, Options, TaskDetails, Variable
from adp_tui.engine.text_lines import Line, line, quoted
from adp_tui.engine.views.places import place
from adp_tui.engine.views.words import wait_kind, wait_words

__all__ = ["TaskTree", "frame_lines"]

MIN_GROUP = 4
"""So many siblings that say the same and have no children are one entry."""
MAX_NAMED = 6
"""Keys named of such a group."""
MAX_DEPTH = 24
"""Levels that a tree is indented; what is deeper stands at this level and names its parent."""


class TaskTree:
    """Writes the tasks of one snapshot, each below its parent.

    A stack that several tasks share is written once, below the first of them.
    """

    def __init__(self, snapshot: Snapshot, options: Options, details: TaskDetails | None) -> None:
        self._tasks = snapshot.tasks
        self._stacks = snapshot.stacks
        self._fds = snapshot.fds
        self._options = options
        self._details = details if options.addresses or options.locals else None
        self._holders = {r.key: r.holders for r in snapshot.resources if r.holders}
        self._children, self._roots = families(snapshot.tasks)
        self._shown: dict[str, str] = {}

    def lines(self) -> Iterator[Line]:
        """Yield the lines of all tasks, without recursion: a tree may be deep."""
        pending = [(group, 0) for group in reversed(self._groups(self._roots))]
        while pending:
            group, depth = pending.pop()
            yield from self._entry(group, min(depth, MAX_DEPTH), depth > MAX_DEPTH)
            if len(group) == 1:
                inner = self._groups(self._children.get(group[0], ()))
                pending.extend((each, depth + 1) for each in reversed(inner))

    def _groups(self, indexes: Sequence[int]) -> list[tuple[int, ...]]:
        """Bring together siblings that say the same; each group stands where its first does."""
        alike: dict[object, list[int]] = {}
        for index in indexes:
            alone = index in self._children or self._details is not None
            alike.setdefault(index if alone else self._likeness(index), []).append(index)
        groups: list[tuple[int, ...]] = []
        for members in alike.values():
            if len(members) >= MIN_GROUP:
                groups.append(tuple(members))
            else:
                groups.extend((member,) for member in members)
        return sorted(groups)

    def _likeness(self, index: int) -> tuple[object, ...]:
        tasks = self._tasks
        columns = (
            tasks.stack, tasks.future, tasks.state, tasks.kind, tasks.executor, tasks.cancelled,
            tasks.panic, tasks.thread, tasks.name, tasks.spawned_file, tasks.spawned_line,
        )  # fmt: skip
        waits = tuple((w.kind, w.mode, w.branch, w.armed, w.conf) for w in tasks.waits_of(index))
        return (*(column[index] for column in columns), waits)

    def _entry(self, group: tuple[int, ...], depth: int, deep: bool) -> Iterator[Line]:
        task = self._tasks.record(group[0])
        many = len(group) > 1
        yield line(
            depth,
            self._names(group) if many else task.key,
            None if many or task.id is None else f"id {task.id}",
            quoted(task.name),
            task.state,
            "cancelled" if task.cancelled else None,
            None if task.kind == "spawned" else task.kind,
            task.executor,
            None if task.thread is None else f"on thread {task.thread}",
            f"child of {task.parent}" if deep else None,
            task.future or "unknown future",
            None if task.defined_at is None else f"defined at {place(*task.defined_at)}",
            None if task.spawned_at is None else f"spawned at {place(*task.spawned_at)}",
        )
        if task.panic is not None:
            yield line(depth + 1, f"panicked: {task.panic}")
        for wait in task.waits:
            yield line(depth + 1, self._wait(wait, many))
        yield from self._stack_of(task, group[0], depth + 1)

    def _stack(self, key: str) -> Stack:
        return self._stacks[int(key[1:]) - 1]

    def _names(self, group: tuple[int, ...]) -> str:
        named = ", ".join(self._tasks.key(i) for i in group[:MAX_NAMED])
        more = ", …" if len(group) > MAX_NAMED else ""
        return f"{len(group):,} tasks ({named}{more})"

    def _wait(self, wait: Wait, many: bool) -> str:
        words = ["waits on", wait_kind(wait) if many else wait_words(wait)]
        holders = () if many else self._holders.get(wait.resource or "", ())
        if holders:
            names = (h.task or f"thread {h.thread}" for h in holders)
            words.append(f"held by {', '.join(names)}")
        if wait.branch is not None:
            words.append(f"in branch {wait.branch}")
        if wait.detail is not None and not many:
            words.append(f"({wait.detail})")
        leads = None if many or wait.fd is None else self._fds.get(wait.fd)
        if leads is not None:
            words.append(f"({leads})")
        if wait.conf is not Confidence.CERTAIN:
            words.append(f"[{wait.conf}]")
        return " ".join(words)

    def _stack_of(self, task: Task, index: int, depth: int) -> Iterator[Line]:
        if task.stack is None:
            if task.state is not TaskState.COMPLETE and task.kind != "blocking":
                yield line(depth, "its logical stack is unknown")
            return
        shown = self._shown.setdefault(task.stack, task.key)
        if shown != task.key and self._details is None:
            yield line(depth, f"stands where {shown} does ({task.stack})")
            return
        details: Sequence[FrameDetail] = ()
        if self._details is not None:
            details = self._details.frames(index, variables=self._options.locals)
        frames = self._stack(task.stack).frames
        yield from frame_lines(frames, depth, details, addresses=self._options.addresses)


def frame_lines(
    frames: Sequence[Frame],
    depth: int,
    details: Iterable[FrameDetail] = (),
    *,
    addresses: bool = False,
) -> Iterator[Line]:
    """Write frames and, below each, its branches; ``details`` come in the same order."""
    rest = iter(details)
    for frame in frames:
        detail = next(rest, None)
        address = detail.address if detail is not None and addresses else None
        macro = frame.macro
        yield line(
            depth,
            f"at {frame.function}",
            None if address is None else f"{address:#x}",
            quoted(frame.label),
            place(frame.file, frame.line, frame.dir),
            None if macro is None else f"(in a macro: {place(macro.file, macro.line)})",
            None if frame.state == "suspended" else frame.state,
            None if frame.problem is None else f"cut here: {frame.problem}",
        )
        for variable in detail.variables if detail is not None else ():
            yield from _variable(variable, depth + 2)
        for branch in frame.branches:
            yield line(depth + 1, f"branch {branch.label}: {branch.state}")
            yield from frame_lines(branch.frames, depth + 2, rest, addresses=addresses)


def families(tasks: TaskColumns) -> tuple[dict[int, list[int]], list[int]]:
    """Return the children of each parent, and the tasks that stand at the top.

    Where parents go round in a circle, as only a damaged dump has it, one of them is a root.
    """
    parents = tasks.parent
    top = _circles(tasks)
    children: dict[int, list[int]] = {}
    roots = []
    for index, parent in enumerate(parents):
        if parent < 0 or index in top:
            roots.append(index)
        else:
            children.setdefault(parent, []).append(index)
    return children, roots


def _circles(tasks: TaskColumns) -> set[int]:
    """Return one task of each circle of parents."""
    parents = tasks.parent
    found: set[int] = set()
    # 0: not seen; else the number of the walk that came by.
    seen = [0] * len(parents)
    for walk, start in enumerate(range(len(parents)), 1):
        current = start
        while current >= 0 and not seen[current]:
            seen[current] = walk
            current = parents[current]
        if current >= 0 and seen[current] == walk:
            found.add(current)
    return found


def _variable(variable: Variable, depth: int) -> Iterator[Line]:
    yield line(depth, f"{variable.name}: {variable.type} = {variable.value}")
    for child in variable.children:
        yield from _variable(child, min(depth + 1, MAX_DEPTH))
