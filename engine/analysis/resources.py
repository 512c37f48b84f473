"""The records of resources: their state, who waits for them in what order, and who has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from adp_tui.engine.adp.schema import ResourceRule
from adp_tui.engine.analysis.holders import Holding, Spot
from adp_tui.engine.analysis.replay import by_type
from adp_tui.engine.analysis.rules import Bound
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.model import (
    MAX_OWNERS,
    Confidence,
    Holder,
    Owner,
    Resource,
    ResourceColumns,
    TaskState,
)
from adp_tui.engine.rust.coroutine import is_temporary
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.analysis.survey import Survey

__all__ = ["Resources"]

_CERTAIN, _DERIVED = Confidence.CERTAIN, Confidence.DERIVED
_RUNNING = TaskState.RUNNING
"""Asked of each task: an enum looks its members up by a call each time."""
_State: TypeAlias = tuple[tuple[str, int | None], ...]
MAX_SHORT = 2
"""Wakers of a queue that may be like others."""


class Resources:
    """Makes the records of the resources that waits name, with their queues and their holders."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._queues: dict[int, tuple[Any, ...]] = {}
        """The wakers in a resource's queue, by its address, where that is known beforehand."""
        self._states: dict[int, _State] = {}
        """What a resource's own fields say, likewise."""
        self._alike: dict[tuple[int, tuple[Any, ...]], _State] = {}
        """States by their rules (by identity) and their numbers: there is one of each."""
        self._sources: dict[int, str] = {}
        """The names of descriptors (by identity)."""
        self._lines: dict[int, int | None] = {}
        """The lines at which variables begin, by their spots (by identity)."""
        self._keys = [f"t{number + 1}" for number in range(len(survey.tasks))]

    def columns(self) -> ResourceColumns:
        """Return the records of all resources that were numbered."""
        survey, resources = self._survey, self._survey.numbering.resources
        if not resources:
            return ResourceColumns()
        waiting: list[list[int]] = [[] for _ in resources]
        for task in survey.tasks:
            for wait in task.waits:
                if wait.resource >= 0:
                    waiting[wait.resource].append(task.index)
        asleep: dict[int, list[int]] = {}
        for thread in survey.threads:
            if thread.lock is not None:
                asleep.setdefault(thread.lock.resource, []).append(thread.tid)
        self._foresee([value for value, _ in resources])
        queues = [self._queue(value, kind) for value, kind in resources]
        queued = iter(survey.wakers.resolve_all([waker for queue in queues for waker in queue]))
        keys, target_of = self._keys, survey.target_of
        records = []
        for number, (value, kind) in enumerate(resources):
            resolved = islice(queued, len(queues[number]))
            targets = [target_of(wakes) for wakes in resolved if wakes is not None]
            indexes = [task.index for task in targets if task is not None]
            indexes += waiting[number]
            state = self._state(value)
            guards, ends = self._kept(number)
            records.append(
                Resource(
                    f"r{number + 1}", kind, value.type.name, value.address, state,
                    holders=self._holders(value, guards) if guards else (),
                    waiters=tuple([keys[index] for index in dict.fromkeys(indexes)]),
                    waiting_threads=tuple(asleep.get(number, ())),
                    owners=self._owners(value, ends, dict(state)) if ends else (),
                    inside=self._inside(value, waiting[number]),
                )
            )  # fmt: skip
        return ResourceColumns(records)

    def _inside(self, value: Value, waiting: Sequence[int]) -> str | None:
        """Return the task in whose own future a resource lies, of those that wait for it."""
        for index in waiting[:MAX_SHORT]:
            future = self._survey.tasks[index].future
            if future is not None and 0 <= value.address - future.address < future.type.size:
                return self._keys[index]
        return None

    def _kept(self, number: int) -> tuple[Sequence[Holding], Sequence[Holding]]:
        """Return the guards and the ends that were found of a resource."""
        holders = self._survey.holders
        if holders is None:
            return (), ()
        return holders.guards.get(number, ()), holders.ends.get(number, ())

    def _holders(self, value: Value, guards: Sequence[Holding]) -> tuple[Holder, ...]:
        """Return who has guards of a resource: as sure as its own state agrees with them."""
        taken = self._taken(value)
        if taken is not None and _found(guards) > taken:
            guards = _named(guards, taken)
        found = _found(guards)
        return tuple(
            Holder(
                *self._who(each),
                line=self._line(each.spot),
                amount=each.amount,
                mode=each.spot.rule.rule.mode,
                conf=_holder_conf(each, found, taken),
                src=each.spot.rule.applied.source,
                frame=each.spot.frame,
            )
            for each in sorted(guards, key=_order)
        )

    def _owners(
        self, value: Value, ends: Sequence[Holding], state: Mapping[str, int | None]
    ) -> tuple[Owner, ...]:
        """Return who has the other ends of a resource."""
        if len(ends) > MAX_OWNERS:
            self._survey.losses.add(
                "owners", f"more than {MAX_OWNERS} are not listed", value.address, missing=False
            )
        counts = Counter(role for role, _ in {(e.spot.rule.rule.role, e.guard) for e in ends})
        owners = [
            self._owner(each, counts[each.spot.rule.rule.role], state)
            for each in sorted(ends, key=_order)[:MAX_OWNERS]
        ]
        # Those of different tasks differ: nothing else of them needs to be compared.
        if len({(owner.task, owner.thread) for owner in owners}) == len(owners):
            return tuple(owners)
        return tuple(dict.fromkeys(owners))

    def _owner(self, end: Holding, found: int, state: Mapping[str, int | None]) -> Owner:
        """Return the record of an end, of whose role so many were found."""
        spot = end.spot
        rule = spot.rule.rule
        told = 1 if rule.only else state.get(f"{rule.role}s")
        return Owner(
            *self._who(end),
            line=self._line(spot),
            role=rule.role,
            conf=Confidence.DOUBTFUL if told is not None and told < found else _owner_conf(end),
            src=self._source(spot),
            frame=spot.frame,
        )

    def _source(self, spot: Spot) -> str:
        """Return what names the descriptor that knows an end: of few there are thousands."""
        applied = spot.rule.applied
        known = self._sources.get(id(applied))
        if known is None:
            known = self._sources[id(applied)] = applied.source
        return known

    @staticmethod
    def _who(holding: Holding) -> tuple[str | None, int | None, str, str, str | None]:
        """Return task, thread, function, variable and path."""
        task, thread, spot = holding.task, holding.thread, holding.spot
        return (
            None if task is None else f"t{task.index + 1}",
            None if thread is None else thread.tid,
            spot.function,
            spot.variable,
            spot.path,
        )

    def _line(self, spot: Spot) -> int | None:
        """Return the line at which a variable begins."""
        if spot.owner is None:
            return spot.line
        if id(spot) not in self._lines:
            self._lines[id(spot)] = self._survey.walker.coroutines.declared(
                spot.owner, spot.variable, spot.type, spot.before
            )
        return self._lines[id(spot)]

    def _taken(self, value: Value) -> int | None:
        """Return how much of a resource is held by its own word; None where it does not say."""
        bound = self._survey.book.resources.first(value.type.name)
        if bound is None:
            return None
        return bound.applied.number(bound.rule.taken, {"it": value})

    def _foresee(self, values: Sequence[Value]) -> None:
        replays = self._survey.replays
        for type_, addresses in by_type(values):
            bound = self._survey.book.resources.first(type_.name)
            if bound is None:
                continue
            if bound.rule.detail:
                for cohort in replays.cohorts(type_, addresses, partial(_details, bound), bound):
                    own = map(addresses.__getitem__, cohort.rows.tolist())
                    states = map(self._shared, repeat(bound), cohort.tuples())
                    self._states.update(zip(own, states, strict=True))
            if bound.rule.waiters is not None:
                short = partial(_short_queue, bound)
                for cohort in replays.cohorts(type_, addresses, short, bound, _short_queue):
                    own = map(addresses.__getitem__, cohort.rows.tolist())
                    self._queues.update(zip(own, cohort.tuples(), strict=True))

    def _queue(self, value: Value, kind: str) -> tuple[Any, ...]:
        """Return the wakers of those that are queued for a resource."""
        known = self._queues.get(value.address)
        if known is not None:
            return known
        bound = self._survey.book.resources.first(value.type.name)
        if bound is None or bound.rule.waiters is None:
            return ()
        return bound.applied.values(bound.rule.waiters, {"it": value}, f"waiters of a {kind}")

    def _state(self, value: Value) -> _State:
        """Return what a resource's own fields say."""
        known = self._states.get(value.address)
        if known is not None:
            return known
        bound = self._survey.book.resources.first(value.type.name)
        if bound is None or not bound.rule.detail:
            return ()
        numbers = self._survey.replays.ask(value, partial(_details, bound), bound)
        return self._shared(bound, numbers)

    def _shared(self, bound: Bound[ResourceRule], numbers: tuple[Any, ...]) -> _State:
        """Return the state that resources with these numbers share."""
        key = id(bound), numbers
        state = self._alike.get(key)
        if state is None:
            state = self._alike[key] = tuple(zip(bound.rule.detail, numbers, strict=True))
        return state


def _order(holding: Holding) -> tuple[int, int]:
    """Sort by task, then by thread."""
    task, thread = holding.task, holding.thread
    return (1 << 62 if task is None else task.index, 0 if thread is None else thread.tid)


def _found(guards: Sequence[Holding]) -> int:
    """Return how much of a resource guards have: what is behind an Arc of several tasks is one."""
    return sum({each.guard or id(each): each.weight for each in guards}.values())


def _named(guards: Sequence[Holding], taken: int) -> Sequence[Holding]:
    """Leave out guards that a variable of the same frame was made of, if the rest is all there is.

    ``match lock.acquire().await { Ok(permit) => … }`` keeps what it looks at, of which the pattern
    moved the guard into ``permit``: its bytes stand in both.
    """
    places = {_place(each) for each in guards if not is_temporary(each.spot.variable)}
    named = [g for g in guards if not is_temporary(g.spot.variable) or _place(g) not in places]
    return named if _found(named) >= taken else guards


def _place(holding: Holding) -> tuple[int, object, object]:
    """Return whose a guard is, and in which frame."""
    return id(holding.task), holding.thread and holding.thread.tid, holding.spot.frame


def _holder_conf(holding: Holding, found: int, taken: int | None) -> Confidence:
    """Say how sure a holder is, of whose resource so much was found in guards."""
    if taken is not None and found > taken:
        return Confidence.DOUBTFUL
    if taken is None or holding.spot.shared or (holding.task and holding.task.searched):
        return Confidence.DERIVED
    moving = holding.thread is not None or (
        holding.task is not None and holding.task.state is TaskState.RUNNING
    )
    return Confidence.DERIVED if moving and found < taken else Confidence.CERTAIN


def _owner_conf(holding: Holding) -> Confidence:
    task = holding.task
    sure = task is not None and not task.searched and task.state is not _RUNNING
    return _CERTAIN if sure and not holding.spot.shared else _DERIVED


def _details(bound: Bound[ResourceRule], it: Value) -> tuple[object, ...]:
    applied = bound.applied
    return tuple(applied.number(e, {"it": it}) for e in bound.rule.detail.values())


def _short_queue(bound: Bound[ResourceRule], it: Value) -> tuple[object, ...]:
    """Return the wakers in a queue of which many are equally long."""
    found = bound.applied.values(bound.rule.waiters, {"it": it}, "waiters")
    if len(found) > MAX_SHORT:
        raise LayoutError("a long queue is like no other")
    return found
