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
_Draft = tuple[Leaf, _Answer | None, int | None]
"""A leaf, what ``asked`` gives for it, and how long it has to run by what stands further in."""


class AlikeWaits:
    """Prepares the waits of tasks whose stacks are alike; they are numbered when taken."""

    def __init__(
        self,
        replays: Replays,
        reader: WaitReader,
        stored: Stored,
        registered: Mapping[int, Sequence[Registered]],
    ) -> None:
        self._replays = replays
        self._reader = reader
        self._stored = stored
        self._registered = registered
        self._drafts: dict[int, Sequence[_Draft]] = {}
        """By the number of the task."""

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
        rows: Iterable[tuple[_Draft | None, ...]]
        rows = zip(*columns, strict=True) if columns else [()] * len(tasks)
        held = self._held(places, ends, tasks)
        for number, (task, drafts) in enumerate(zip(tasks, rows, strict=True)):
            if number not in held:
                whole = [draft for draft in drafts if draft is not None]
                if len(whole) == len(drafts):
                    self._drafts[task.index] = whole

    def take(self, task: TaskFacts, fds: Mapping[int, int]) -> Sequence[WaitRow] | None:
        """Return the waits of a task; None where they were not prepared."""
        drafts = self._drafts.pop(task.index, None)
        if drafts is None:
            return None
        waits: list[WaitRow] = []
        for leaf, answer, left in drafts:
            if answer is None:
                waits.append(self._reader.unknown(leaf))
                continue
            wait = self._reader.described(leaf, answer, left, fds)
            if wait.resource < 0 or all(wait.resource != each.resource for each in waits):
                waits.append(wait)
        return waits

    def _leaf(self, leaf: Leaf, places: _Places) -> Sequence[_Draft | None]:
        """Return what is known of a leaf in each row; None where that is not all."""
        bound = leaf.rule
        if bound is None:
            return [(leaf, None, None)] * len(places)
        answers = self._answers(leaf.frame, bound, places, range(len(places)))
        drafts: list[_Draft | None] = [a if a is None else (leaf, a, None) for a in answers]
        untold = [row for row, a in enumerate(answers) if a is not None and is_untold(bound, a)]
        for live in leaf.below if untold else ():
            if not isinstance(live.rule, Bound):
                continue
            further = []
            for row, answer in zip(
                untold, self._answers(live, live.rule, places, untold), strict=True
            ):
                if answer is None:
                    drafts[row] = None
                elif answer[2] is None:
                    further.append(row)
                else:
                    drafts[row] = (leaf, answers[row], answer[2])
            untold = further
        return drafts

    def _answers(
        self, live: LiveFrame, bound: Bound[Any], places: _Places, rows: Sequence[int]
    ) -> list[_Answer | None]:
        """Ask the rule of a frame in some rows; None where it is to be asked one by one."""
        addresses = places.addresses(live)
        own = [addresses[row] for row in rows]
        result: list[_Answer | None] = [None] * len(own)
        ask = partial(asked, bound)
        for cohort in self._replays.cohorts(live.value.type, own, ask, bound):
            for row, answer in zip(cohort.rows.tolist(), cohort.tuples(), strict=True):
                result[row] = answer
        return result

    def _held(self, places: _Places, ends: Sequence[Leaf], tasks: Sequence[TaskFacts]) -> set[int]:
        """Return the rows of tasks that wait on something that is in no leaf."""
        spans: list[tuple[list[int], int]] | None = None
        held = set()
        for row, task in enumerate(tasks):
            for entry in self._registered.get(task.index, ()):
                if spans is None:
                    frames = [f for leaf in ends if leaf.rule for f in (leaf.frame, *leaf.below)]
                    spans = [(places.addresses(f), f.value.type.size) for f in frames]
                at = entry.resource.address
                if not any(starts[row] <= at < starts[row] + size for starts, size in spans):
                    held.add(row)
        return held


class _Places:
    """The stack of a cohort's first row, and where its frames stand in all rows."""

    def __init__(self, cohort: Cohort) -> None:
        from adp_tui.engine.analysis.cohorts import Row

        values = tuple(Row(cohort, 0))
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
