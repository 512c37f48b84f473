"""What a task waits on, found from the leaves of its logical stack and from the resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import WaitRule
from adp_tui.engine.analysis.facts import TaskFacts, WaitRow
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.rules import Bound
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack
from adp_tui.engine.analysis.tree import Place
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import Confidence, Wait
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort

__all__ = [
    "Draft",
    "Leaf",
    "Numbering",
    "Registered",
    "WaitReader",
    "asked",
    "is_unpolled",
    "is_untold",
    "leaves",
]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Where a pending path of a stack ends: the frame that names the wait, or the last frame."""

    frame: LiveFrame
    branch: str | None
    armed: bool
    rule: Bound[WaitRule] | None
    below: tuple[LiveFrame, ...] = ()
    """The frames further in than the one that names the wait."""
    above: tuple[LiveFrame, ...] = ()
    """The frames of its branch further out."""


@dataclass(slots=True, eq=False)
class Registered:
    """A resource that holds a waker of a task: a socket, a timer."""

    kind: str
    mode: str | None
    resource: Value
    remaining_ms: int | None = None
    branch: str | None = None


Draft: TypeAlias = tuple[Wait, Value | None, Value | None, float | None]
"""A wait that was not numbered yet: shape, resource, header of the joined task, seconds."""
_PENDING = ("pending", "polling", "unpolled")


def leaves(stack: LiveStack) -> Iterator[Leaf]:
    """Yield one leaf for each pending path; the outermost frame with a rule names the wait."""
    yield from _leaves(stack.frames, None, True)


def _leaves(frames: Sequence[LiveFrame], branch: str | None, armed: bool) -> Iterator[Leaf]:
    for index, live in enumerate(frames):
        if isinstance(live.rule, Bound) and _applies(live.rule.rule, frames[index + 1 :]):
            rest = tuple(frames[index + 1 :])
            yield Leaf(live, branch, armed, live.rule, rest, tuple(frames[:index]))
            return
        if live.branches:
            for arm in live.branches:
                if arm.state not in _PENDING:
                    continue
                label = arm.label if branch is None else f"{branch}.{arm.label}"
                yield from _leaves(arm.frames, label, armed and arm.state != "unpolled")
            return
    if frames:
        last = frames[-1]
        if last.frame.state not in ("returned", "panicked"):
            yield Leaf(last, branch, armed, None, (), tuple(frames[:-1]))


def _applies(rule: WaitRule, below: Sequence[LiveFrame]) -> bool:
    """Tell whether a rule names the wait of a future that awaits what stands below it."""
    if rule.awaits is None:
        return True
    return bool(below) and Glob(rule.awaits).match(below[0].value.type.name)


class WaitReader:
    """Makes waits; resources and tasks are numbered in the order of reading."""

    def __init__(self, numbering: Numbering, replays: Replays) -> None:
        self._numbering = numbering
        self._replays = replays
        self._shapes: dict[Wait, Wait] = {}
        self._of_leaf: dict[tuple[object, ...], Wait] = {}

    def read(
        self,
        task: TaskFacts,
        ends: Sequence[Leaf],
        registered: Sequence[Registered],
        fds: Mapping[int, int],
    ) -> list[WaitRow]:
        """Return a task's waits: one for each pending leaf, then what only resources tell.

        ``ends`` are the leaves of its stack.
        """
        waits: list[WaitRow] = []
        unknown: list[Leaf] = []
        seen: set[object] = set()
        if task.stack is not None and not is_unpolled(task.stack):
            for leaf in ends:
                if leaf.rule is None:
                    unknown.append(leaf)
                    continue
                wait = self._described(leaf, fds)
                if wait.resource >= 0:
                    if wait.resource in seen:
                        continue
                    seen.add(wait.resource)
                waits.append(wait)
        extra = self._from_resources(registered, seen, ends, fds) if registered else []
        waits.extend(extra)
        if not extra:
            waits.extend(self.unknown(leaf) for leaf in unknown)
        if task.searched:
            waits = [self.changed(wait, conf=_doubted(wait.shape.conf)) for wait in waits]
        return waits

    def _described(self, leaf: Leaf, fds: Mapping[int, int]) -> WaitRow:
        bound = leaf.rule
        assert bound is not None
        answer = self._replays.ask(leaf.frame.value, partial(asked, bound), bound)
        left = self._remaining(leaf.below) if is_untold(bound, answer) else None
        return self.numbered(self.draft(leaf, answer, left), fds)

    def draft(self, leaf: Leaf, answer: Sequence[Any], left: int | None = None) -> Draft:
        """Return the wait of a leaf, to be numbered.

        Args:
            leaf: it has a rule.
            answer: what ``asked`` gives for it.
            left: how long it has to run, where only frames further in tell.
        """
        resource, joined, remaining, *common = answer
        if remaining is None:
            remaining = left
        shape = self._shape(leaf, remaining is None, *common)
        return shape, resource, joined, None if remaining is None else _signed(remaining) / 1000

    def drafts(self, leaf: Leaf, cohort: Cohort) -> Iterable[Draft]:
        """Return the waits of a leaf that has a rule, of which ``asked`` gives a cohort."""
        armed, amount, mode = cohort.items[3:]
        if any(isinstance(item, Place) for item in (armed, amount, mode)):
            return [self.draft(leaf, answer) for answer in cohort.tuples()]
        untimed = cohort.items[2] is None
        shape = self._shape(leaf, untimed, armed, amount, mode)
        resources, joined, left = cohort.shared_column(0), cohort.column(1), cohort.column(2)
        seconds = left if untimed else [_signed(number) / 1000 for number in left]
        return zip(repeat(shape, len(cohort)), resources, joined, seconds, strict=True)

    def numbered(self, draft: Draft, fds: Mapping[int, int]) -> WaitRow:
        """Return a wait; ``fds`` are file descriptors by the address of their resource."""
        shape, resource, joined, seconds = draft
        task = -1 if joined is None else self._numbering.task(joined)
        if resource is None:
            return WaitRow(shape, -1, task, None, seconds)
        number = self._numbering.resource(resource, shape.kind)
        return WaitRow(shape, number, task, fds.get(resource.address), seconds)

    def _shape(
        self, leaf: Leaf, untimed: bool, armed: object, amount: object, mode: object
    ) -> Wait:
        key = (leaf, armed, amount, mode, untimed)
        shape = self._of_leaf.get(key)
        if shape is None:
            shape = self._of_leaf[key] = self._made(leaf, untimed, armed, amount, mode)
        return shape

    def _made(self, leaf: Leaf, untimed: bool, armed: Any, amount: Any, mode: Any) -> Wait:
        bound = leaf.rule
        assert bound is not None
        wait = Wait(
            kind=bound.rule.kind,
            mode=mode,
            branch=leaf.branch,
            armed=leaf.armed and armed != 0,
            conf=Confidence.CERTAIN if untimed else Confidence.DERIVED,
            src=bound.applied.source,
            detail=None if amount is None else f"{amount} wanted",
        )
        return self._shapes.setdefault(wait, wait)

    def changed(self, row: WaitRow, **fields: Any) -> WaitRow:
        """Return a wait that differs in what many have in common."""
        shape = replace(row.shape, **fields)
        return row._replace(shape=self._shapes.setdefault(shape, shape))

    def _remaining(self, frames: Sequence[LiveFrame]) -> int | None:
        """Ask the rules of the frames further in how long a timer has to run."""
        for live in frames:
            bound = live.rule
            if isinstance(bound, Bound):
                ask = partial(asked, bound)
                found: int | None = self._replays.ask(live.value, ask, bound)[2]
                if found is not None:
                    return found
        return None

    def _from_resources(
        self,
        registered: Sequence[Registered],
        seen: set[object],
        ends: Sequence[Leaf],
        fds: Mapping[int, int],
    ) -> list[WaitRow]:
        """Make waits of the resources that hold the task's waker and lie under no leaf."""
        found: dict[object, WaitRow] = {}
        spans = _spans(ends)
        for entry in registered:
            address = entry.resource.address
            if any(start <= address < end for start, end in spans):
                continue
            # A timer has no resource in the report; its address still tells two apart.
            timer = entry.kind == "timer"
            number = -1 if timer else self._numbering.resource(entry.resource, entry.kind)
            key = f"timer {address:#x}" if timer else number
            if key in seen:
                continue
            left = entry.remaining_ms
            shape = Wait(
                kind=entry.kind,
                mode=entry.mode,
                branch=entry.branch,
                conf=Confidence.DERIVED,
                src="resource",
            )
            wait = WaitRow(
                self._shapes.setdefault(shape, shape),
                number,
                -1,
                fds.get(address),
                None if left is None else _signed(left) / 1000,
            )
            if key in found and found[key].shape.mode != shape.mode:
                wait = self.changed(wait, mode=f"{found[key].shape.mode}|{shape.mode}")
            found[key] = wait
        return list(found.values())

    def unknown(self, leaf: Leaf) -> WaitRow:
        """Return the wait of a leaf without a rule."""
        wait = Wait(
            kind="unknown",
            branch=leaf.branch,
            armed=leaf.armed,
            conf=Confidence.DERIVED,
            src="stack",
            detail=leaf.frame.frame.problem or leaf.frame.frame.type,
        )
        return WaitRow(self._shapes.setdefault(wait, wait))

    def undescribed(self, leaf: Leaf) -> Draft:
        """Return the same, to be numbered."""
        return self.unknown(leaf).shape, None, None, None


def asked(bound: Bound[WaitRule], it: Value) -> tuple[object, ...]:
    """Return resource, joined task, remaining time, whether armed, amount and mode of a wait."""
    applied, rule = bound.applied, bound.rule
    env: dict[str, object] = {"it": it}
    return (
        applied.value(rule.resource, env, f"resource of a {rule.kind} wait"),
        applied.value(rule.task, env),
        applied.number(rule.remaining_ms, env),
        applied.number(rule.armed, env),
        applied.number(rule.amount, env),
        applied.text(rule.mode_of, env) if rule.mode_of else rule.mode,
    )


def is_untold(bound: Bound[WaitRule], answer: Sequence[Any]) -> bool:
    """Tell whether frames further in may tell how long a timer has to run."""
    return bound.rule.kind == "timer" and answer[2] is None


def _doubted(conf: Confidence) -> Confidence:
    return Confidence.DERIVED if conf is Confidence.CERTAIN else conf


class Numbering:
    """Numbers of resources and tasks, given out in the order of asking."""

    def __init__(self) -> None:
        self.resources: list[tuple[Value, str]] = []
        """Value and kind of each resource."""
        self._resources: dict[int, int] = {}
        self.known: Callable[[int], int | None] = self._resources.get
        """Return the number of the resource at an address; None for one that has none."""
        self._tasks: dict[int, int] = {}

    def set_tasks(self, tasks: Sequence[TaskFacts]) -> None:
        """Fix the order of the tasks: their numbers follow from it."""
        self._tasks = {t.address: i for i, t in enumerate(tasks) if t.header is not None}

    def task(self, header: Value) -> int:
        """Return the number of the task whose header stands at a value; -1 for an unknown one."""
        return self._tasks.get(header.address, -1)

    def resource(self, value: Value, kind: str) -> int:
        """Return the number of the resource at a value."""
        known = self._resources.setdefault(value.address, len(self.resources))
        if known == len(self.resources):
            self.resources.append((value, kind))
        return known

    def improve(self, number: int, value: Value) -> None:
        """Take for a resource what it is part of, of which the type says more."""
        self.resources[number] = value, self.resources[number][1]
        self._resources.setdefault(value.address, number)


def _spans(ends: Sequence[Leaf]) -> list[tuple[int, int]]:
    """Return the memory of each described leaf and of what lies below it.

    A timer that is registered inside it is the leaf's own.
    """
    spans = []
    for leaf in ends:
        if leaf.rule is not None:
            for live in (leaf.frame, *leaf.below):
                spans.append((live.value.address, live.value.address + live.value.type.size))
    return spans


def is_unpolled(stack: LiveStack) -> bool:
    """Tell whether a future, behind what a runtime puts around it, was never polled: it waits
    on nothing.
    """
    for live in stack.frames:
        if live.frame.kind != "future" or live.branches:
            return live.frame.state == "unresumed"
    return False


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
