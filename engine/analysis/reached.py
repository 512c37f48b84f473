"""What tasks wait for whose futures nobody described: the object that keeps their waker.

From the innermost frames of such a wait the pointers are followed that its variables have, until
a waker of this very task is met. What the last pointer led to is the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.adp.schema import Expression, OwnerRule
from adp_tui.engine.analysis.facts import TaskFacts, WaitRow
from adp_tui.engine.analysis.holders import Holding, Spot
from adp_tui.engine.analysis.parents import walk_frames
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.rules import Bound, Losses, RuleBook
from adp_tui.engine.analysis.stacks import LiveFrame, frames_by_path
from adp_tui.engine.analysis.waits import Leaf, Numbering, WaitReader, leaves
from adp_tui.engine.analysis.wakers import WakerResolver, Wakes
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import MAX_OWNERS
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import live_variables
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value
from adp_tui.engine.views.words import short_function

__all__ = ["Reached"]

WAKER = "core::task::wake::Waker"
MAX_FRAMES = 3
"""Innermost frames of a wait that are searched."""
MAX_SEARCHED = 1000
"""Waits that are searched for, and tasks whose variables are compared with what was found."""
MAX_NODES = 300
"""Pointers, enums and sequences entered from one frame, or from one variable."""
SOURCE = "reach"
"""``src`` of what was found so."""


@dataclass(frozen=True, slots=True)
class _Named:
    """Stands where a descriptor would: what is found so follows from none."""

    source: str = SOURCE


_SHARES: Bound[OwnerRule] = Bound(
    _Named(),  # type: ignore[arg-type]  # only its source is asked for
    OwnerRule(on="", resource=Expression("it"), role="shares"),
)
"""What makes a task a likely other side: its variables lead to the same object."""


class Reached:
    """Gives waits that nobody described their resource, and resources their other sides."""

    def __init__(
        self,
        program: Program,
        book: RuleBook,
        wakers: WakerResolver,
        target_of: Callable[[Wakes], TaskFacts | None],
        numbering: Numbering,
        losses: Losses,
    ) -> None:
        self._program = program
        self._book = book
        self._wakers = wakers
        self._target_of = target_of
        self._numbering = numbering
        self._losses = losses
        self._reach = Reach(
            program, lambda name: name == WAKER, book.opaque, Follow.SHARED, book.lens
        )
        self._searched = 0
        self._found: dict[int, Value] = {}
        """The resources by their numbers."""

    def complete(self, task: TaskFacts, reader: WaitReader) -> None:
        """Find the resources of a task's waits that have none."""
        if task.stack is None or all(wait.shape.kind != "unknown" for wait in task.waits):
            return
        waits: list[WaitRow] = []
        undescribed = [leaf for leaf in leaves(task.stack) if leaf.rule is None]
        for wait in task.waits:
            shape = wait.shape
            leaf = next((each for each in undescribed if each.branch == shape.branch), None)
            if shape.kind == "unknown" and leaf is not None and shape.armed:
                undescribed.remove(leaf)
                found = self._search(task, leaf)
                if found is not None:
                    resource, way = found
                    number = self._numbering.resource(resource, "unknown")
                    self._found[number] = resource
                    detail = clean(f"{shape.detail} via {way}", 1024)
                    wait = reader.changed(wait, detail=detail, src=SOURCE)
                    wait = wait._replace(resource=number)
            waits.append(wait)
        task.waits = waits

    def _search(self, task: TaskFacts, leaf: Leaf) -> tuple[Value, str] | None:
        """Return what keeps the task's waker and the way there, as ``Wait::poll.self.slot``."""
        self._searched += 1
        if self._searched > MAX_SEARCHED:
            if self._searched == MAX_SEARCHED + 1:
                self._losses.add(
                    "waits", f"more than {MAX_SEARCHED} of kinds unknown: no resource was looked"
                    " for of the others", missing=False,
                )  # fmt: skip
            return None
        for live in (leaf.frame, *reversed(leaf.above[-(MAX_FRAMES - 1) :])):
            for waker, path, home in self._reach.homes(live.value, MAX_NODES):
                wakes = self._wakers.resolve(waker)
                if wakes is not None and self._target_of(wakes) is task:
                    return home, f"{short_function(live.frame.function)}{path}"
        return None

    def find_others(self, tasks: Sequence[TaskFacts], ends: dict[int, list[Holding]]) -> None:
        """Add those whose variables lead to a resource that was found so, and who wait for
        something else.
        """
        if not self._found:
            return
        numbers = {(v.address, v.type.name): number for number, v in self._found.items()}
        names = {name for _, name in numbers}
        reach = Reach(
            self._program, names.__contains__, self._book.opaque, Follow.SHARED, self._book.lens
        )
        searched = 0
        for task in tasks:
            if task.stack is None or not any(
                reach.promising(live.value.type) for live in walk_frames(task.stack.frames)
            ):
                continue
            searched += 1
            if searched > MAX_SEARCHED:
                break
            own = {wait.resource for wait in task.waits}
            for spot, found in self._shared(task.stack.frames, reach):
                number = numbers.get((found.address, found.type.name))
                if number is None or number in own:
                    continue
                known = ends.setdefault(number, [])
                if len(known) <= MAX_OWNERS:
                    own.add(number)
                    known.append(Holding(spot, task, None, found.address, 1, 1))

    def _shared(self, frames: Sequence[LiveFrame], reach: Reach) -> Iterator[tuple[Spot, Value]]:
        for at, live in frames_by_path(frames):
            start = live.payload or live.value
            for name, value, _ in live_variables(start):
                if value is None or not reach.promising(value.type):
                    continue
                for found, path, _ in reach.paths(value, MAX_NODES):
                    yield (
                        Spot(
                            rule=_SHARES,
                            frame=at,
                            function=live.frame.function,
                            variable=clean(name, 256),
                            path=clean(path, 1024) or None,
                            shared=True,
                            owner=live.value.type if live.payload is not None else None,
                            type=value.type.name,
                            before=live.frame.line if live.frame.state == "suspended" else None,
                        ),
                        found,
                    )
