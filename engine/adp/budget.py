"""How much evaluations may take: steps, items, bytes; the clock is only the last resort.

What is counted depends on the target and the descriptor alone, so the same target gives the same
report on every machine and under every load. A step is what takes a fast machine a microsecond.
What takes few steps is free: such evaluations are as many as there are tasks, futures and
resources. What takes more is taken from what the descriptor has for one snapshot.
"""

from __future__ import annotations

import time

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import BudgetError

__all__ = ["FREE", "STRIKES", "Budget", "Limits", "limits_of"]

FREE = 250
"""Steps of an evaluation that are taken from nothing: tokio's longest rule for one task takes half
of it."""
STRIKES = 3
"""Evaluations of one expression over the budget, after which it is evaluated no more."""
MAX_ITEMS = 1_000_000
MAX_STREAMED = 10 * MAX_ITEMS
"""Items of all streams of one evaluation: they are held in memory."""
LOOKUP, MISSING = 100, 10_000
"""Steps for the first look-up of a type or a static, and for one that finds nothing: that goes
through all names of the program."""
_SLOW = 0.5
_CHECKED = 1024
"""Steps between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a descriptor may take for one snapshot.

    Attributes:
        steps: of one evaluation.
        total: steps of all evaluations that are not free.
        loaded: bytes of memory that one evaluation reads.
        seconds: of processor time of one evaluation.
        total_seconds: of all slow ones.
    """

    steps: int
    total: int
    loaded: int
    seconds: float
    total_seconds: float


_SHIPPED = Limits(20_000_000, 200_000_000, 1 << 30, 30.0, 300.0)
"""A list of a million tasks takes ten steps for each."""
_GIVEN = Limits(2_000_000, 2_000_000, 64 << 20, 10.0, 20.0)
_NOTED = Limits(200_000, 200_000, 8 << 20, 10.0, 20.0)
"""A tenth: nobody asked for it."""


def limits_of(kind: str) -> Limits:
    """Return the limits of a descriptor of this origin: ``catalogue``, ``note``, others."""
    return _SHIPPED if kind == "catalogue" else _NOTED if kind == "note" else _GIVEN


class Budget:
    """What is left of the limits of one descriptor."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps = 0
        """Of the evaluation that runs, or ran last."""
        self.loaded = 0
        """Bytes of memory that it asked for, at most."""
        self.exceeded = False
        """Whether it went over the budget, even if what it had found by then was used."""
        self.left = limits.total
        self._check = self._limit = self._items = 0
        self._started = 0.0
        self._left_s = limits.total_seconds

    def begin(self) -> None:
        """Begin an evaluation."""
        self.steps = self.loaded = self._items = 0
        self.exceeded = False
        self._limit = min(self.limits.steps, max(self.left, 0) + FREE)
        self._check = min(_CHECKED, self._limit + 1)
        self._started = 0.0

    def end(self) -> None:
        """End it: what was not free is taken from what the descriptor has."""
        if self.steps > FREE:
            self.left -= self.steps - FREE
        if self._started:
            elapsed = time.thread_time() - self._started
            if elapsed > _SLOW:
                self._left_s = max(self._left_s - elapsed, 0.0)

    @property
    def remaining(self) -> int:
        """Steps that the evaluation may still take."""
        return self._limit - self.steps

    def tick(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            BudgetError: there are too many, or they take too long.
        """
        self.steps += steps
        if self.steps < self._check:
            return
        if self.steps > self._limit:
            self._exceed(
                f"more than {self._limit} steps"
                if self._limit == self.limits.steps
                else f"the descriptor has used up its {self.limits.total} steps"
            )
        now = time.thread_time()
        # The clock is asked only of those that take long.
        self._started = self._started or now
        if now > self._started + min(self.limits.seconds, self._left_s):
            self._exceed(f"more than {self.limits.seconds:.0f} seconds")
        self._check = min(self.steps + _CHECKED, self._limit + 1)

    def spend(self, items: int) -> None:
        """Count the items of a stream: ten cost what one step costs.

        Raises:
            BudgetError: there are too many.
        """
        self._items += items
        if items > MAX_ITEMS or self._items > MAX_STREAMED:
            self._exceed(f"a stream of more than {MAX_ITEMS} items")
        self.tick(items // 10 + 1)

    def load(self, size: int) -> None:
        """Count bytes of memory before they are read.

        Raises:
            BudgetError: there are too many.
        """
        self.loaded += size
        if self.loaded > self.limits.loaded:
            self._exceed(f"more than {self.limits.loaded >> 20} MB read")

    def _exceed(self, why: str) -> None:
        self.exceeded = True
        raise BudgetError(why)
