"""A snapshot as plain data: its records as they are, its columns as bytes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import (
    Changes,
    Executor,
    Finding,
    Loss,
    Resource,
    ResourceColumns,
    Snapshot,
    Stack,
    TargetFacts,
    TaskColumns,
    Thread,
    Wait,
    WaitColumns,
)
from adp_tui.engine.saved.plain import Column, PlainError

__all__ = ["PlainSnapshot", "plain_snapshot", "snapshot_from"]

_Columns: TypeAlias = tuple[tuple[str, Column], ...]
_TEXTS = ("kind", "runtime", "future")
_OPTIONAL_TEXTS = ("name", "panic", "defined_file", "spawned_file")


@dataclass(frozen=True, slots=True)
class PlainSnapshot:
    """The parts of a snapshot."""

    epoch: int
    target: TargetFacts
    executors: tuple[Executor, ...]
    threads: tuple[Thread, ...]
    stacks: tuple[Stack, ...]
    texts: tuple[str, ...]
    tasks: _Columns
    shapes: tuple[Wait, ...]
    waits: _Columns
    resources: tuple[Resource, ...]
    findings: tuple[Finding, ...]
    losses: tuple[Loss, ...]
    unwoken: tuple[int, ...]
    still: Column | None
    gone: int
    derived: int
    fds: Mapping[int, str]
    extensions: tuple[Extension, ...]
    unreached: tuple[int, ...] = ()


def plain_snapshot(snapshot: Snapshot) -> PlainSnapshot:
    """Take a snapshot apart."""
    tasks, changes = snapshot.tasks, snapshot.changes
    texts = tasks.texts
    return PlainSnapshot(
        snapshot.epoch, snapshot.target, snapshot.executors, snapshot.threads, snapshot.stacks,
        tuple(map(texts.text, range(len(texts)))), tuple(_columns(tasks)),
        tuple(tasks.waits.shapes), tuple(_columns(tasks.waits)), tuple(snapshot.resources),
        snapshot.findings, snapshot.losses, snapshot.unwoken,
        None if changes is None else changes.still,
        0 if changes is None else changes.gone,
        0 if changes is None else changes.derived,
        snapshot.fds, snapshot.extensions, snapshot.unreached,
    )  # fmt: skip


def snapshot_from(plain: PlainSnapshot) -> Snapshot:
    """Put a snapshot together.

    Raises:
        PlainError: something in it names what is not there.
    """
    tasks = TaskColumns()
    _fill(tasks, plain.tasks)
    for text in plain.texts:
        tasks.texts.number(text)
    for shape in plain.shapes:
        tasks.waits.share(shape)
    _fill(tasks.waits, plain.waits)
    still = plain.still
    if still is not None and (still.typecode != "i" or len(still) != len(tasks)):
        raise PlainError("the changes are not those of its tasks")
    snapshot = Snapshot(
        plain.epoch, plain.target, plain.executors, plain.threads, plain.stacks, tasks,
        ResourceColumns(plain.resources), plain.findings, plain.losses, plain.unwoken,
        None if still is None else Changes(still, plain.gone, plain.derived), plain.fds,
        plain.extensions, plain.unreached,
    )  # fmt: skip
    _Links(snapshot, len(plain.shapes)).check()
    return snapshot


def _columns(owner: TaskColumns | WaitColumns) -> Iterator[tuple[str, Column]]:
    for name, column in vars(owner).items():
        if isinstance(column, array):
            yield name, column


def _fill(owner: TaskColumns | WaitColumns, columns: _Columns) -> None:
    """Fill the columns of tasks or waits, all of which must be there and be equally long."""
    wanted = dict(_columns(owner))
    if set(wanted) != {name for name, _ in columns} or len(columns) != len(wanted):
        raise PlainError("columns are missing, or there are more")
    if len({len(column) for _, column in columns}) > 1:
        raise PlainError("columns are not equally long")
    for name, column in columns:
        if column.typecode != wanted[name].typecode:
            raise PlainError(f"the column {name} is of another kind")
        wanted[name].extend(column)


class _Links:
    """Checks that whatever a snapshot names by number or key is there."""

    def __init__(self, snapshot: Snapshot, shapes: int) -> None:
        self._snapshot = snapshot
        self._shapes = shapes
        self._executors = {e.key for e in snapshot.executors}
        self._tids = {t.tid for t in snapshot.threads}

    def check(self) -> None:
        """Raise PlainError for what is not there."""
        snapshot = self._snapshot
        for records, letter in (
            (snapshot.executors, "x"), (snapshot.stacks, "s"), (snapshot.resources, "r"),
        ):  # fmt: skip
            _require(
                [r.key for r in records] == [f"{letter}{i + 1}" for i in range(len(records))],
                "keys are not in order",
            )
        self._check_tasks()
        self._check_records()

    def _check_tasks(self) -> None:
        snapshot, tasks = self._snapshot, self._snapshot.tasks
        waits, texts = tasks.waits, len(tasks.texts)
        count = len(tasks)
        for name in _TEXTS:
            _within(getattr(tasks, name), 0, texts)
        for name in _OPTIONAL_TEXTS:
            _within(getattr(tasks, name), -1, texts)
        _within(tasks.state, 0, len(tasks.STATES))
        _within(tasks.executor, -1, len(snapshot.executors))
        _within(tasks.parent, -1, count)
        _within(snapshot.unwoken, 0, count)
        _within(snapshot.unreached, 0, count)
        _within(tasks.stack, -1, len(snapshot.stacks))
        _within(waits.shape, 0, self._shapes)
        _within(waits.resource, -1, len(snapshot.resources))
        _within(waits.task, -1, count)
        _require(not any(map(math.isinf, waits.remaining)), "a time has no end")
        ends = map(sum, zip(tasks.wait_start, tasks.wait_count, strict=True))
        _within(list(ends), 0, len(waits) + 1)
        _require(not _turns(tasks.parent), "a task is its own ancestor")

    def _check_records(self) -> None:
        snapshot = self._snapshot
        for executor in snapshot.executors:
            self._executor(executor.parent)
        for thread in snapshot.threads:
            self._executor(thread.executor)
            self._task(thread.task)
            if thread.doing.wait is not None:
                self._resource(thread.doing.wait.resource)
            if thread.splice is not None:
                self._task(thread.splice.task)
                _within([thread.splice.frame], 0, len(thread.stack) + 1)
        for resource in snapshot.resources:
            self._task(resource.inside)
            for task in resource.waiters:
                self._task(task)
            for holder in resource.holders:
                self._task(holder.task)
            for owner in resource.owners:
                self._task(owner.task)
        for finding in snapshot.findings:
            for task in finding.tasks:
                self._task(task)
            for key in finding.resources:
                self._resource(key)

    def _executor(self, key: str | None) -> None:
        _require(key is None or key in self._executors, f"there is no executor {key}")

    def _resource(self, key: str | None) -> None:
        number = "" if key is None else key[1:]
        known = key is not None and key[:1] == "r" and number.isascii() and number.isdecimal()
        _require(known and 0 < int(number) <= len(self._snapshot.resources), f"no {key}")

    def _task(self, key: str | None) -> None:
        if key is not None:
            try:
                self._snapshot.tasks.index(key)
            except KeyError:
                raise PlainError(f"there is no task {key}") from None


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise PlainError(problem)


def _within(numbers: Sequence[int] | Column, low: int, end: int) -> None:
    if len(numbers):
        _require(min(numbers) >= low and max(numbers) < end, "a number names nothing")


def _turns(parents: Iterable[int]) -> bool:
    """Tell whether some way from parent to parent comes back to where it was."""
    parents = list(parents)
    done = bytearray(len(parents))
    for start in range(len(parents)):
        at, way = start, []
        while at >= 0 and not done[at]:
            done[at] = 1
            way.append(at)
            at = parents[at]
        if at >= 0 and done[at] == 1:
            return True
        for each in way:
            done[each] = 2
    return False
