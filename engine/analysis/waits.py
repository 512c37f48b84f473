"""What a task waits on, found from the leaves of its logical stack and from the resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from adp_tui.engine.adp.descriptor import WaitRule
from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.rules import Bound
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import Confidence, Wait
from adp_tui.engine.value import Value

__all__ = ["Leaf", "Registered", "WaitReader", "leaves"]


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
    """Makes ``Wait`` records; resources and tasks are numbered by the caller's functions."""

    def __init__(self, numbering: Numbering, replays: Replays) -> None:
        self._numbering = numbering
        self._replays = replays

    def read(
        self,
        task: TaskFacts,
        ends: Sequence[Leaf],
        registered: Sequence[Registered],
        fds: dict[int, int],
    ) -> list[Wait]:
        """Return a task's waits: one for each pending leaf, then what only resources tell.

        ``ends`` are the leaves of its stack.
        """
        waits: list[Wait] = []
        unknown: list[Leaf] = []
        seen: set[str] = set()
        if task.stack is not None and not _unpolled(task.stack):
            for leaf in ends:
                if leaf.rule is None:
                    unknown.append(leaf)
                    continue
                wait = self._described(leaf, fds, task)
                if wait.resource is not None:
                    if wait.resource in seen:
                        continue
                    seen.add(wait.resource)
                waits.append(wait)
        extra = self._from_resources(registered, seen, ends, fds) if registered else []
        waits.extend(extra)
        if not extra:
            waits.extend(self._unknown(leaf) for leaf in unknown)
        if task.searched:
            sure = Confidence.CERTAIN
            waits = [replace(w, conf=Confidence.DERIVED) if w.conf is sure else w for w in waits]
        return waits

    def _described(self, leaf: Leaf, fds: dict[int, int], task: TaskFacts) -> Wait:
        bound = leaf.rule
        assert bound is not None
        resource, joined, remaining, armed, amount, mode = self._replays.ask(
            leaf.frame.value, partial(_asked, bound), bound
        )
        rule = bound.rule
        if remaining is None and rule.kind == "timer":
            remaining = self._remaining(leaf.below)
        return Wait(
            kind=rule.kind,
            mode=mode,
            branch=leaf.branch,
            resource=None if resource is None else self._numbering.resource(resource, rule.kind),
            task=None if joined is None else self._numbering.task(joined),
            fd=None if resource is None else fds.get(resource.address),
            remaining_s=None if remaining is None else _signed(remaining) / 1000,
            armed=leaf.armed and armed != 0,
            conf=Confidence.DERIVED if remaining is not None else Confidence.CERTAIN,
            src=bound.applied.source,
            detail=None if amount is None else f"{amount} wanted",
        )

    def _remaining(self, frames: Sequence[LiveFrame]) -> int | None:
        """Ask the rules of the frames further in how long a timer has to run."""
        for live in frames:
            bound = live.rule
            if isinstance(bound, Bound):
                ask = partial(_asked, bound)
                found: int | None = self._replays.ask(live.value, ask, bound)[2]
                if found is not None:
                    return found
        return None

    def _from_resources(
        self,
        registered: Sequence[Registered],
        seen: set[str],
        ends: Sequence[Leaf],
        fds: dict[int, int],
    ) -> list[Wait]:
        """Make waits of the resources that hold the task's waker and lie under no leaf."""
        found: dict[str, Wait] = {}
        spans = _spans(ends)
        for entry in registered:
            address = entry.resource.address
            if any(start <= address < end for start, end in spans):
                continue
            # A timer has no resource in the report; its address still tells two apart.
            timer = entry.kind == "timer"
            resource = None if timer else self._numbering.resource(entry.resource, entry.kind)
            key = resource or f"timer {address:#x}"
            if key in seen:
                continue
            left = entry.remaining_ms
            wait = Wait(
                kind=entry.kind,
                mode=entry.mode,
                branch=entry.branch,
                resource=resource,
                fd=fds.get(address),
                remaining_s=None if left is None else _signed(left) / 1000,
                conf=Confidence.DERIVED,
                src="resource",
            )
            if key in found and found[key].mode != wait.mode:
                wait = replace(wait, mode=f"{found[key].mode}|{wait.mode}")
            found[key] = wait
        return list(found.values())

    @staticmethod
    def _unknown(leaf: Leaf) -> Wait:
        return Wait(
            kind="unknown",
            branch=leaf.branch,
            armed=leaf.armed,
            conf=Confidence.DERIVED,
            src="stack",
            detail=leaf.frame.frame.problem or leaf.frame.frame.type,
        )


def _asked(bound: Bound[WaitRule], it: Value) -> tuple[object, ...]:
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


class Numbering:
    """Keys of resources and tasks, given out in the order of asking."""

    def __init__(self) -> None:
        self.resources: dict[int, tuple[str, Value, str]] = {}
        """Key, value and kind of each resource, by address."""
        self._tasks: dict[int, int] = {}

    def set_tasks(self, tasks: Sequence[TaskFacts]) -> None:
        """Fix the order of the tasks: their keys follow from it."""
        self._tasks = {t.address: i for i, t in enumerate(tasks) if t.header is not None}

    def task(self, header: Value) -> str | None:
        """Return the key of the task whose header stands at a value; None for an unknown one."""
        index = self._tasks.get(header.address)
        return None if index is None else f"t{index + 1}"

    def resource(self, value: Value, kind: str) -> str:
        """Return the key of the resource at a value."""
        known = self.resources.get(value.address)
        if known is None:
            known = (f"r{len(self.resources) + 1}", value, kind)
            self.resources[value.address] = known
        return known[0]


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


def _unpolled(stack: LiveStack) -> bool:
    return bool(stack.frames) and stack.frames[0].frame.state == "unresumed"


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number
