"""Who holds what others wait for, and who can end their waits: guards and ends in the frames of
tasks.

A lock does not say who has it. But a guard is a value with a pointer to its resource, and it lies
in a variable of some frame, in what that owns, or behind an Arc of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from adp_tui.engine.adp.schema import HolderRule, OwnerRule
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.parents import walk_frames
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.rules import Bound, RuleBook
from adp_tui.engine.analysis.stacks import (
    LiveFrame,
    LiveStack,
    StackShape,
    StackWalker,
    frames_by_path,
)
from adp_tui.engine.analysis.waits import Numbering
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Member, Type
from adp_tui.engine.model import MAX_OWNERS, FramePath, TaskState
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import AWAITEE, kept_members
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort

__all__ = ["Holders", "Holding", "Spot"]

_COMPLETE = TaskState.COMPLETE
"""Asked of each task: an enum looks its members up by a call each time."""
_GROUP = 5
"""Items that are found for one guard: spot, guard, resource, amount, weight."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a guard or an end is kept: what tasks that stand at one place have in common."""

    rule: Bound[Any]
    """Of a ``HolderRule`` or an ``OwnerRule``."""
    frame: FramePath | None
    """Which frame of the stack it is, as ``Holder`` has it; None in a thread's own frames."""
    function: str
    variable: str
    path: str | None
    """From the variable to the guard; None where the variable is the guard."""
    shared: bool
    """Whether others may own it as well: it lies behind an Arc."""
    owner: Type | None
    """The coroutine that has the variable."""
    type: str
    """Of the variable."""
    before: int | None
    """The line at which its function stands."""
    line: int | None = None
    """Where the variable of a native frame is declared."""

    @property
    def is_end(self) -> bool:
        """Whether it is an end of a channel and the like, and no guard."""
        return isinstance(self.rule.rule, OwnerRule)


class Holding(NamedTuple):
    """A guard of a resource, or an end of it, that a task or a thread has."""

    spot: Spot
    task: TaskFacts | None
    thread: ThreadFacts | None
    guard: int
    """Address of the guard; 0 for one in registers."""
    amount: int
    weight: int
    """How much that is in what the resource calls taken."""


class Holders:
    """Finds the guards and ends of resources in the variables of tasks."""

    def __init__(
        self,
        program: Program,
        book: RuleBook,
        walker: StackWalker,
        replays: Replays,
        numbering: Numbering,
        check: Callable[[], None],
    ) -> None:
        self._book = book
        self._walker = walker
        self._replays = replays
        self._numbering = numbering
        self._check = check
        self.reach = Reach(program, self.wanted, book.opaque, Follow.COUNTED, book.lens)
        self.guards: dict[int, list[Holding]] = {}
        """By the number of their resource."""
        self.ends: dict[int, list[Holding]] = {}
        """At most ``MAX_OWNERS`` and one more by the number of their resource."""
        self._modes: set[tuple[int, str | None]] = set()
        """The numbers of resources with the modes in which tasks wait for them."""
        self._inner: set[int] = set()
        self._aliases: dict[int, int] = {}
        self.places: set[int] = set()
        """The addresses of all that was kept."""
        self._spots: dict[Spot, Spot] = {}
        self._kept: dict[int, tuple[Member, ...]] = {}
        self._leading: dict[int, bool] = {}
        """Whether a shape of stacks (by identity) can have guards."""
        self._shapes: list[StackShape] = []

    def search(self, tasks: Sequence[TaskFacts], inner: Set[int]) -> None:
        """Look through the variables of all tasks, which have their stacks and waits.

        Args:
            tasks: all of them.
            inner: numbers of the locks that threads sleep in: of those the innermost part is known.
        """
        self._inner = set(inner)
        self._note_waits(tasks)
        alike: dict[int, list[TaskFacts]] = {}
        for task in tasks:
            if self._may_hold(task) and task.future is not None:
                alike.setdefault(id(task.future.type), []).append(task)
        for own in alike.values():
            self._check()
            rest = self._together(own)
            for number, task in enumerate(rest):
                if number % 256 == 0:
                    self._check()
                self.note(task, None, self._of_task(task))

    def wanted(self, name: str) -> bool:
        """Tell whether a type is that of a guard or an end."""
        return bool(self._book.holders.all(name) or self._book.owners.all(name))

    def note(
        self, task: TaskFacts | None, thread: ThreadFacts | None, items: Sequence[Any]
    ) -> None:
        """Keep what was found of a task or a thread, where it concerns a resource."""
        for spot, *rest in zip(*(items[part::_GROUP] for part in range(_GROUP)), strict=True):
            self._note(spot, task, thread, *rest)

    def _note(
        self,
        spot: Spot,
        task: TaskFacts | None,
        thread: ThreadFacts | None,
        guard: Value,
        resource: Value,
        amount: int,
        weight: int,
    ) -> None:
        number = self._number(spot, resource, listed=task is not None and thread is None)
        if number is None:
            return
        if not spot.is_end:
            known = self.guards.setdefault(number, [])
        elif self._concerns(spot.rule.rule, number, task):
            known = self.ends.setdefault(number, [])
        else:
            return
        self.places.add(guard.address)
        known.append(Holding(spot, task, thread, guard.address, amount, weight))

    def _concerns(self, rule: OwnerRule, number: int, task: TaskFacts | None) -> bool:
        """Tell whether an end can complete a wait at a resource, and is to be kept."""
        if len(self.ends.get(number, ())) > MAX_OWNERS:
            return False
        if rule.mode is not None:
            return (number, rule.mode) in self._modes
        # An end that serves both sides is no other end in the hands of one who waits.
        return task is None or all(wait.resource != number for wait in task.waits)

    def kept(self, frames: Sequence[LiveFrame]) -> tuple[object, ...]:
        """Return spot, guard, resource, amount and weight of each guard and end in frames."""
        found: dict[tuple[int, str, int], tuple[object, ...]] = {}
        for at, live in frames_by_path(frames):
            for name, start in self._starts(live):
                for guard, path, shared in self.inside(start):
                    # What a frame further in has is its own: it comes later and is told of it.
                    self._read(found, at, live, name, start, guard, path, shared)
        return tuple(item for group in found.values() for item in group)

    def guard_items(
        self, spot: Callable[[Bound[Any]], Spot], guard: Value
    ) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield for each rule of a guard its number, and what ``kept`` has of it."""
        name = guard.type.name
        bounds: Sequence[Bound[Any]] = (*self._book.holders.all(name), *self._book.owners.all(name))
        for number, bound in enumerate(bounds):
            applied, env = bound.applied, {"it": guard}
            resource = applied.value(bound.rule.resource, env)
            if resource is None or resource.data is not None:
                continue
            amount: int | None = 1
            weight: int | None = None
            if isinstance(bound.rule, HolderRule):
                if bound.rule.amount is not None:
                    amount = applied.number(bound.rule.amount, env)
                weight = applied.number(bound.rule.weight, env)
            if amount:
                yield number, (spot(bound), guard, resource, amount, weight or amount)

    def _read(
        self,
        found: dict[tuple[int, str, int], tuple[object, ...]],
        at: FramePath,
        live: LiveFrame,
        name: str,
        start: Value,
        guard: Value,
        path: str,
        shared: bool,
    ) -> None:
        coroutine = live.payload is not None

        def spot(bound: Bound[Any]) -> Spot:
            made = Spot(
                rule=bound,
                frame=at,
                function=live.frame.function,
                variable=clean(name, 256),
                path=clean(path, 1024) or None,
                shared=shared,
                owner=live.value.type if coroutine else None,
                type=start.type.name,
                before=live.frame.line if live.frame.state == "suspended" else None,
            )
            return self._spots.setdefault(made, made)

        for number, group in self.guard_items(spot, guard):
            key = guard.address, guard.type.name, number
            found.pop(key, None)
            found[key] = group

    def inside(self, start: Value) -> Iterator[tuple[Value, str, bool]]:
        """Yield the guards and ends in a variable, as ``Reach.paths`` does."""
        if self.wanted(start.type.name):
            yield start, "", False
        else:
            yield from self.reach.paths(start)

    def _starts(self, live: LiveFrame) -> Iterator[tuple[str, Value]]:
        """Yield the variables of a frame that lead to guards; a future written by hand is one."""
        if live.payload is None:
            if self.leads(live.value.type):
                yield "self", live.value
            return
        for member in self._members(live):
            yield member.name, live.payload.of(member)

    def _members(self, live: LiveFrame) -> tuple[Member, ...]:
        """Return the variables of a coroutine's state that lead to guards."""
        assert live.payload is not None
        payload = live.payload.type
        known = self._kept.get(id(payload))
        if known is None:
            part = live.value.type.variant_part
            variants = () if part is None else part.variants
            known = self._kept[id(payload)] = tuple(
                member
                for variant in variants
                if variant.member.type is payload
                for member in kept_members(live.value.type, variant)
                if member.name != AWAITEE and self.leads(member.type)
            )
        return known

    def leads(self, type_: Type) -> bool:
        """Tell whether a value of a type is a guard or an end, or can have one."""
        return self.wanted(type_.name) or self.reach.promising(type_)

    def _may_hold(self, task: TaskFacts) -> bool:
        """Tell whether a task's variables can lead to guards, by types alone."""
        stack = task.stack
        if stack is None or task.state is _COMPLETE or task.kind == "blocking":
            return False
        known = self._leading.get(id(stack.shape))
        if known is None:
            self._shapes.append(stack.shape)
            starts = (start for live in walk_frames(stack.frames) for start in self._starts(live))
            known = self._leading[id(stack.shape)] = next(starts, None) is not None
        return known

    def _of_task(self, task: TaskFacts) -> tuple[Any, ...]:
        future, stack = task.future, task.stack
        assert future is not None
        assert stack is not None

        def ask(it: Value) -> tuple[object, ...]:
            return self.kept(stack.frames) if it is future else self._of_future(it)

        return self._replays.ask(future, ask, self)

    def _of_future(self, future: Value) -> tuple[object, ...]:
        shape, *values = self._walker.flat(future)
        assert isinstance(shape, StackShape)
        return self.kept(LiveStack(shape, (v for v in values if isinstance(v, Value))).frames)

    def _together(self, tasks: Sequence[TaskFacts]) -> Sequence[TaskFacts]:
        """Look through tasks with futures of one type in columns; return those that are left."""
        futures = [task.future for task in tasks if task.future is not None]
        addresses = [future.address for future in futures]
        cohorts = self._replays.cohorts(futures[0].type, addresses, self._of_future, self)
        left = set(range(len(tasks))) if cohorts else set()
        for cohort in cohorts:
            rows = cohort.rows.tolist()
            left.difference_update(rows)
            for at in range(0, len(cohort.items), _GROUP):
                spot: Any = cohort.items[at]
                if spot.is_end:
                    self._note_ends(spot, cohort, at, tasks)
                    continue
                columns = (cohort.column(at + part) for part in range(1, _GROUP))
                for row, *rest in zip(rows, *columns, strict=False):
                    self._note(spot, tasks[row], None, *rest)
        return [tasks[row] for row in sorted(left)] if cohorts else tasks

    def _note_ends(self, spot: Spot, cohort: Cohort, at: int, tasks: Sequence[TaskFacts]) -> None:
        """Keep the ends that tasks of a cohort have: most are of what nobody waits for."""
        places: Any = cohort.items[at + 1 : at + 3]
        guards, resources = map(cohort.addresses, places)
        known, rule, ends = map(self._numbering.known, resources), spot.rule.rule, self.ends
        for row, guard, number in zip(cohort.rows.tolist(), guards, known, strict=True):
            # Of what thousands have an end of, most are not kept.
            if number is None or len(ends.get(number, ())) > MAX_OWNERS:
                continue
            if self._concerns(rule, number, tasks[row]):
                self.places.add(guard)
                holding = Holding(spot, tasks[row], None, guard, 1, 1)
                ends.setdefault(number, []).append(holding)

    # Resources.

    def _note_waits(self, tasks: Sequence[TaskFacts]) -> None:
        """Note in which modes tasks wait for each resource, and by what else guards name it."""
        self._modes = {
            (wait.resource, wait.shape.mode)
            for task in tasks
            for wait in task.waits
            if wait.resource >= 0
        }
        aliased: dict[int, bool] = {}
        for number, (value, _) in enumerate(self._numbering.resources):
            known = aliased.get(id(value.type))
            if known is None:
                bound = self._book.resources.first(value.type.name)
                known = aliased[id(value.type)] = bound is not None and bound.rule.alias is not None
            if known:
                self._note_alias(number, value)

    def _outer(self, resource: Value, number: int | None) -> int | None:
        """Return the number of a lock that threads sleep in; from then on it is the whole lock."""
        if number is None:
            bound = self._book.resources.first(resource.type.name)
            if bound is not None and bound.rule.alias is not None:
                inner = bound.applied.value(bound.rule.alias, {"it": resource})
                number = None if inner is None else self._numbering.known(inner.address)
        if number in self._inner:
            self._inner.discard(number)
            self._numbering.improve(number, resource)
        return number

    def _note_alias(self, number: int, value: Value) -> None:
        bound = self._book.resources.first(value.type.name)
        if bound is not None and bound.rule.alias is not None:
            alias = bound.applied.value(bound.rule.alias, {"it": value})
            if alias is not None and alias.data is None:
                self._aliases.setdefault(alias.address, number)

    def _number(self, spot: Spot, resource: Value, listed: bool) -> int | None:
        """Return the number of the resource that a guard or an end is of; None where that is not
        shown.
        """
        number = self._numbering.known(resource.address)
        if number is None:
            number = self._aliases.get(resource.address)
        if self._inner and (number is None or number in self._inner):
            number = self._outer(resource, number)
        rule = spot.rule.rule
        if number is None and listed and isinstance(rule, HolderRule) and rule.listed:
            bound = self._book.resources.first(resource.type.name)
            if bound is not None:
                number = self._numbering.resource(resource, bound.rule.kind)
                self._note_alias(number, resource)
        return number
