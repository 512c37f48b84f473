"""What changed between two snapshots of a live process: which tasks are new, gone, or moved.

A task stands still when it is the same task, at the same await, waiting for the same thing until
the same time, and when all that it owns has the same bytes: a loop that comes back to the same
await has moved.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import TypeAlias

from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack
from adp_tui.engine.analysis.survey import Survey
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import Changes, Snapshot, TaskState

__all__ = ["Census", "compare", "take_census"]

Identity: TypeAlias = tuple[object, ...]

SAME_MS = 2
"""Deadlines that differ by less are the same one: both are told in whole milliseconds."""
MAX_OWNED = 64 << 10
"""Bytes of one frame that are compared."""


@dataclass(slots=True)
class _Entry:
    """How a task stood: ``still`` is how many snapshots before showed it so."""

    standing: int
    deadlines: tuple[int, ...]
    still: int = 0


@dataclass(frozen=True, slots=True)
class Census:
    """How each task of a snapshot stood."""

    identities: list[Identity]
    entries: dict[Identity, _Entry]
    derived: int
    """Tasks without a number, which are told apart by address and type."""


def take_census(survey: Survey, snapshot: Snapshot) -> Census:
    """Note how each task stands.

    Args:
        survey: its tasks are those of the snapshot, in the same order; their memory is still there.
        snapshot: what was found out about them.
    """
    clock = survey.program.target.facts.clock_ns or 0
    tasks, waits = snapshot.tasks, snapshot.tasks.waits
    names = list(map(_identity, survey.tasks))
    entries: dict[Identity, _Entry] = {}
    for index, task in enumerate(survey.tasks):
        start = tasks.wait_start[index]
        numbers = range(start, start + tasks.wait_count[index])
        # Numbers of resources and tasks are another snapshot's tomorrow.
        standing = tuple(
            (
                (shape.kind, shape.mode, shape.branch, waits.fd[at], shape.armed),
                None if waits.resource[at] < 0 else snapshot.resources[waits.resource[at]].address,
                None if waits.task[at] < 0 else names[waits.task[at]],
            )
            for at, shape in ((at, waits.shapes[waits.shape[at]]) for at in numbers)
        )
        deadlines = tuple(
            clock // 1_000_000 + round(waits.remaining[at] * 1000)
            for at in numbers
            if not math.isnan(waits.remaining[at])
        )
        stack = tasks.stack[index]
        digest = snapshot.stacks[stack].hash if stack >= 0 else None
        owned = _owned(survey, task)
        entries[names[index]] = _Entry(hash((digest, standing, owned)), deadlines)
    return Census(names, entries, sum(task.id is None for task in survey.tasks))


def compare(before: Census, after: Census, states: Iterator[TaskState]) -> Changes:
    """Tell what became of each task, and count in ``after`` how long it stands still.

    Args:
        before: of the snapshot before.
        after: of this one.
        states: of each task of this one; one that runs does not stand still.
    """
    still = array("i")
    for identity, state in zip(after.identities, states, strict=True):
        old, new = before.entries.get(identity), after.entries[identity]
        if old is None:
            still.append(Changes.NEW)
            continue
        if state is not TaskState.RUNNING and _same(old, new):
            new.still = old.still + 1
        still.append(new.still)
    gone = len(before.entries.keys() - after.entries.keys())
    return Changes(still, gone, after.derived)


def _same(old: _Entry, new: _Entry) -> bool:
    return (
        old.standing == new.standing
        and len(old.deadlines) == len(new.deadlines)
        and all(abs(a - b) <= SAME_MS for a, b in zip(old.deadlines, new.deadlines, strict=True))
    )


def _identity(task: TaskFacts) -> Identity:
    """Return what tells a task from all others of the process, now and later."""
    runtime = task.applied.descriptor.id
    if task.id is not None:
        return runtime, None if task.executor is None else task.executor.address, task.id
    return runtime, task.kind, task.address, None if task.type is None else task.type.name


def _owned(survey: Survey, task: TaskFacts) -> int:
    """Return a digest of what the coroutines of a task own; not of the futures that they await."""
    if task.future is None:
        return 0
    stack = task.stack or survey.walker.walk(task.future)
    return hash(tuple(_bytes(stack)))


def _bytes(stack: LiveStack) -> Iterator[bytes]:
    frames = list(_flat(stack.frames))
    places = sorted((f.value.address, f.value.address + (f.value.type.size or 0)) for f in frames)
    for frame in frames:
        if frame.frame.kind == "future":
            # Its links to other waiters change while it waits.
            continue
        start = frame.value.address
        end = start + min(frame.value.type.size or 0, MAX_OWNED)
        at = start
        for low, high in places:
            if (low, high) == (start, end) or high <= at or low >= end or low < start:
                continue
            yield from _read(frame, at, low)
            at = max(at, high)
        yield from _read(frame, at, end)


def _flat(frames: tuple[LiveFrame, ...]) -> Iterator[LiveFrame]:
    for frame in frames:
        yield frame
        for branch in frame.branches:
            yield from _flat(branch.frames)


def _read(frame: LiveFrame, start: int, end: int) -> Iterator[bytes]:
    if start < end:
        try:
            yield frame.value.memory.read(start, end - start)
        except AdpError:
            yield b""
