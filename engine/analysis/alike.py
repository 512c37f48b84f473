"""What tasks wait on that stand at the same place: asked about all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from adp_tui.engine.analysis.facts import TaskFacts, WaitRow
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.rules import Bound
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack, shape_of
from adp_tui.engine.analysis.stored import Stored
from adp_tui.engine.analysis.waits import (
    Draft,
    Leaf,
    Registered,
    WaitReader,
    asked,
    is_unpolled,
    is_untold,
    leaves,
)

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort

__all__ = ["AlikeWaits"]

_Answer = tuple[Any, ...]


class AlikeWaits:
    """Prepares the waits of tasks whose stacks are alike; they are numbered when taken."""

    def __init__(
        self,
        replays: Replays,
        reader: WaitReader,
        stored: Stored,
        registered: Mapping[int, Sequence[Registered]],
        tasks: int,
    ) -> None:
        self._replays = replays
        self._reader = reader
        self._numbered = reader.numbered
        self._stored = stored
        self._registered = registered
        self._drafts: list[Sequence[Draft] | None] = [None] * tasks
        """By the number of the task."""
        self.undescribed: set[int] = set()
        """Numbers of tasks some of whose prepared waits are unknown."""

    def foresee(self, cohort: Cohort, tasks: Sequence[TaskFacts]) -> None:
        """Prepare the waits of tasks of a cohort, as far as their leaves alone tell them."""
        places = _Places(cohort)
        ends = list(leaves(places.stack))
        if self._stored.may_hold(ends):
            return
        if is_unpolled(places.stack):
            ends = []
        # Waits that are not known come last.
        ends.sort(key=lambda leaf: leaf.rule is None)
        columns = [self._leaf(leaf, places) for leaf in ends]
        rows: Iterable[tuple[Any, ...]]
        rows = zip(*columns, strict=True) if columns else [()] * len(tasks)
        if any(leaf.rule is None or leaf.rule.rule.kind == "unknown" for leaf in ends):
            self.undescribed.update(task.index for task in tasks)
        held, prepared = self._held(places, ends, tasks), self._drafts
        for number, (task, drafts) in enumerate(zip(tasks, rows, strict=True)):
            if number not in held and None not in drafts:
                prepared[task.index] = drafts

    def take(self, task: TaskFacts, fds: Mapping[int, int]) -> Sequence[WaitRow] | None:
        """Return the waits of a task; None where they were not prepared."""
        drafts = self._drafts[task.index]
        if drafts is None:
            return None
        self._drafts[task.index] = None
        numbered = self._numbered
        if len(drafts) == 1:
            return (numbered(drafts[0], fds),)
        waits: list[WaitRow] = []
        for draft in drafts:
            wait = numbered(draft, fds)
            if wait.resource < 0 or all(wait.resource != each.resource for each in waits):
                waits.append(wait)
        return waits

    def _leaf(self, leaf: Leaf, places: _Places) -> Sequence[Draft | None]:
        """Return what is known of a leaf in each row; None where that is not all."""
        bound = leaf.rule
        if bound is None:
            return [self._reader.undescribed(leaf)] * len(places)
        drafts: list[Draft | None] = [None] * len(places)
        untold: dict[int, _Answer] = {}
        for cohort in self._cohorts(leaf.frame, bound, places.addresses(leaf.frame)):
            rows = cohort.rows.tolist()
            if is_untold(bound, cohort.items):
                untold.update(zip(rows, cohort.tuples(), strict=True))
                continue
            for row, draft in zip(rows, self._reader.drafts(leaf, cohort), strict=True):
                drafts[row] = draft
        self._ask_further(leaf, places, untold, drafts)
        return drafts

    def _ask_further(
        self,
        leaf: Leaf,
        places: _Places,
        untold: Mapping[int, _Answer],
        drafts: list[Draft | None],
    ) -> None:
        """Add the timers of the rows in which only frames further in may tell how long they run."""
        for live in leaf.below if untold else ():
            if not isinstance(live.rule, Bound):
                continue
            addresses, rows = places.addresses(live), list(untold)
            further = {}
            for cohort in self._cohorts(live, live.rule, [addresses[row] for row in rows]):
                own = map(rows.__getitem__, cohort.rows.tolist())
                for row, each in zip(own, cohort.column(2), strict=True):
                    if each is None:
                        further[row] = untold[row]
                    else:
                        drafts[row] = self._reader.draft(leaf, untold[row], each)
            untold = further
        for row, answer in untold.items():
            drafts[row] = self._reader.draft(leaf, answer)

    def _cohorts(
        self, live: LiveFrame, bound: Bound[Any], addresses: Sequence[int]
    ) -> Sequence[Cohort]:
        """Ask the rule of a frame at some addresses; what is in no cohort is asked one by one."""
        return self._replays.cohorts(live.value.type, addresses, partial(asked, bound), bound)

    def _held(self, places: _Places, ends: Sequence[Leaf], tasks: Sequence[TaskFacts]) -> set[int]:
        """Return the rows of tasks that wait on something that is in no leaf."""
        registered = self._registered
        rows = [row for row, task in enumerate(tasks) if task.index in registered]
        if not rows:
            return set()
        frames = [f for leaf in ends if leaf.rule for f in (leaf.frame, *leaf.below)]
        spans = [(places.addresses(f), f.value.type.size) for f in frames]
        held = set()
        for row in rows:
            for entry in registered[tasks[row].index]:
                at = entry.resource.address
                for starts, size in spans:
                    if starts[row] <= at < starts[row] + size:
                        break
                else:
                    held.add(row)
        return held


class _Places:
    """The stack of a cohort's first row, and where its frames stand in all rows."""

    def __init__(self, cohort: Cohort) -> None:
        values = tuple(cohort.values(0))
        self.stack = LiveStack(shape_of(cohort), values)
        self._cohort = cohort
        self._numbers = {id(value): number for number, value in enumerate(values)}
        self._known: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return len(self._cohort)

    def addresses(self, live: LiveFrame) -> list[int]:
        """Return the address of a frame's value in each row."""
        number = self._numbers[id(live.value)]
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = self._cohort.places_at(number)
        return known
