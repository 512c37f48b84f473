"""Who must act before a wait ends: holders of what is wanted, owners of the other end, tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import (
    MAX_OWNERS,
    Confidence,
    FramePath,
    Holder,
    Owner,
    Resource,
    Snapshot,
    Wait,
)

__all__ = ["FREE", "Condition", "Party", "Waiting", "least_sure"]

_ROLES = {"recv": "sender", "changed": "sender", "send": "receiver", "closed": "receiver"}
"""Who completes a wait of a channel, by its mode."""
_LOCKS = ("mutex", "semaphore")
_CHANNELS = ("mpsc", "oneshot", "watch", "broadcast", "channel")
_KNOWN = frozenset(
    (
        "timer", "rwlock", "notify", "event", "barrier", "once_cell", "join", "io", "process",
        "signal", "unknown", *_LOCKS, *_CHANNELS,
    )
)  # fmt: skip
"""Kinds of waits that docs/report.md names: of each it is known here what ends it, or nothing."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who must act: a task or a thread, by what it has or by its end."""

    task: int
    """Number of the task; -1 for none."""
    tid: int
    """Thread; -1 for none."""
    path: FramePath | None
    """The frame whose variable must be dropped or used; None for the whole task."""
    through: Holder | Owner | None
    """What it has."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a wait takes to end: one of the parties, or all of them. Without parties it may end."""

    parties: tuple[Party, ...]
    needs_all: bool = False
    conf: Confidence = Confidence.CERTAIN


FREE = Condition(())
"""Of a wait that may end."""


class Waiting:
    """What the waits of a snapshot take to end, looked up once for each resource and mode."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[tuple[int, str | None], Condition] = {}
        self._queues: dict[str, tuple[frozenset[int], Condition]] = {}
        self._sets: dict[int, Condition] = {}
        """What the LocalSets inside each executor wait for."""
        self._members: dict[int, list[int]] = {}
        for index, parent in enumerate(snapshot.tasks.parent):
            if parent >= 0:
                self._members.setdefault(parent, []).append(index)

    def of_row(self, task: int, row: int) -> Condition:
        """Return what a wait of a task takes to end, by the row in which it stands."""
        waits = self._snapshot.tasks.waits
        shape, number = waits.shapes[waits.shape[row]], waits.resource[row]
        if number < 0 and shape.kind != "join":
            # As below: most are timers.
            return FREE
        return self._condition(task, shape, number, waits.task[row])

    def condition(self, task: int, wait: Wait) -> Condition:
        """Return what a wait of a task takes to end."""
        resource = -1 if wait.resource is None else self._snapshot.resources.number(wait.resource)
        joined = -1 if wait.task is None else self._snapshot.tasks.index(wait.task)
        return self._condition(task, wait, resource, joined)

    def _condition(self, task: int, wait: Wait, number: int, joined: int) -> Condition:
        """Return it, of a wait for a resource and a task with these numbers (-1 for none)."""
        if not wait.armed:
            return FREE
        if wait.kind == "join":
            return self._join(task, wait, joined)
        if number < 0:
            return FREE
        resources = self._snapshot.resources
        if wait.kind == "rwlock" and wait.mode == "read":
            # Who waits before it in the queue differs from task to task.
            return self._read(resources[number], task)
        key = (number, wait.mode)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._of(resources[number], wait)
        return known

    def _join(self, task: int, wait: Wait, joined: int) -> Condition:
        if joined >= 0:
            return Condition((Party(joined, -1, None, None),), conf=wait.conf)
        if wait.mode == "any":
            members = self._members.get(task, [])
            return Condition(tuple(Party(m, -1, None, None) for m in members), conf=wait.conf)
        if wait.mode == "all":
            return self._everybody(task, wait)
        return FREE

    def _everybody(self, task: int, wait: Wait) -> Condition:
        """Wait for all tasks of a LocalSet: it may go on as long as one of them does."""
        outer = self._snapshot.tasks.executor[task]
        known = self._sets.get(outer)
        if known is None:
            executors = enumerate(self._snapshot.executors)
            inner = {at for at, each in executors if each.parent == f"x{outer + 1}"}
            every = enumerate(self._snapshot.tasks.executor)
            parties = tuple(Party(i, -1, None, None) for i, own in every if own in inner)
            known = self._sets[outer] = Condition(parties, conf=wait.conf)
        return known

    def _of(self, resource: Resource, wait: Wait) -> Condition:
        if wait.kind in _LOCKS:
            return self._held(resource, needs_all=False)
        if wait.kind == "rwlock":
            return self._held(resource, needs_all=True)
        if wait.kind in _CHANNELS:
            return self._ended(resource, wait)
        # A kind that only a descriptor knows is a lock where its guards are exclusive.
        own = wait.kind == resource.kind and wait.kind not in _KNOWN
        if own and all(h.mode == "exclusive" for h in resource.holders):
            found = self._held(resource, needs_all=True)
            return replace(found, conf=least_sure((found.conf, Confidence.DERIVED)))
        return FREE

    def _held(self, resource: Resource, *, needs_all: bool) -> Condition:
        """Wait for holders: one release may be enough, or all must let go."""
        holders = resource.holders
        sure = tuple(h for h in holders if h.conf is not Confidence.DOUBTFUL)
        if needs_all and sure:
            holders = sure
        else:
            # Of doubtful ones some have it, nobody knows which: the wait ends if any may let go.
            needs_all = False
        if not holders or (len(holders) == 1 and not sure):
            # A single doubtful one has nothing: nobody is known who has it.
            return FREE
        parties = tuple(self._party(holder) for holder in holders)
        conf = least_sure(holder.conf for holder in holders)
        if resource.kind == "semaphore":
            # How many permits there are in all stands nowhere: another holder may be unknown.
            conf = least_sure((conf, Confidence.DERIVED))
        return Condition(parties, needs_all, conf)

    def _read(self, resource: Resource, task: int) -> Condition:
        """Wait to read: for a writer that holds, else for those that wait to write before."""
        before, behind = self._readers(resource)
        return FREE if task in before else behind

    def _readers(self, resource: Resource) -> tuple[frozenset[int], Condition]:
        """Return who waits before all that want to write, and what other readers wait for."""
        known = self._queues.get(resource.key)
        if known is None:
            known = self._queues[resource.key] = self._read_queue(resource)
        return known

    def _read_queue(self, resource: Resource) -> tuple[frozenset[int], Condition]:
        if any(h.mode == "write" for h in resource.holders):
            return frozenset(), self._held(resource, needs_all=True)
        before: list[int] = []
        number = self._snapshot.resources.number(resource.key)
        for key in resource.waiters:
            index = self._snapshot.tasks.index(key)
            if self._wants_to_write(index, number):
                # Other writers behind it wait for this one as well.
                party = Party(index, -1, None, None)
                return frozenset(before), Condition((party,), conf=Confidence.DERIVED)
            before.append(index)
        return frozenset(), FREE

    def _wants_to_write(self, task: int, resource: int) -> bool:
        """Tell whether a task waits to write, by the number of what to."""
        waits = self._snapshot.tasks.waits
        return any(
            waits.resource[row] == resource and waits.shapes[waits.shape[row]].mode == "write"
            for row in self._snapshot.tasks.rows_of(task)
        )

    def _ended(self, resource: Resource, wait: Wait) -> Condition:
        """Wait for the other end of a channel; also for who has room in it."""
        role = _ROLES.get(wait.mode or "")
        if role is None:
            return FREE
        owners = [o for o in resource.owners if o.role == role]
        if not owners or len(resource.owners) >= MAX_OWNERS:
            # Nobody is known who has it, or not all are.
            return FREE
        told = dict(resource.state).get(f"{role}s")
        if told is not None and not 0 < told <= len(owners):
            return FREE
        parties = [self._party(owner) for owner in owners]
        parties += [self._party(h) for h in resource.holders if wait.mode == "send"]
        return Condition(tuple(parties), conf=least_sure(o.conf for o in owners))

    def _party(self, end: Holder | Owner) -> Party:
        task = -1 if end.task is None else self._snapshot.tasks.index(end.task)
        return Party(task, -1 if end.thread is None else end.thread, end.frame, end)


def least_sure(found: Iterable[Confidence]) -> Confidence:
    """Return the least sure of some; certain where there are none."""
    return max(found, key=lambda conf: conf.doubt, default=Confidence.CERTAIN)
