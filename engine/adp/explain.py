"""What the descriptors did for one snapshot: which applied, what each rule found and cost."""

from __future__ import annotations

import time
from collections.abc import Callable

from adp_tui.engine.adp.budget import Budget
from adp_tui.engine.adp.evaluate import Evaluator, Outcome
from adp_tui.engine.adp.named import expressions, rules
from adp_tui.engine.adp.schema import Descriptor, Expression
from adp_tui.engine.dataclass import dataclass

__all__ = ["Cost", "Costs", "Explained", "Explanation", "RuleCost", "explained"]


@dataclass(slots=True, eq=False)
class Cost:
    """What the evaluations of one expression gave and took.

    ``found`` counts those that gave something, ``failed`` those that could not be read, or not to
    the end. What a replay answered was not evaluated (``analysis.replay``).
    """

    evaluations: int = 0
    found: int = 0
    failed: int = 0
    steps: int = 0
    seconds: float = 0.0
    problem: str = ""
    """The first one."""


class Costs:
    """Watches the evaluations of one descriptor."""

    def __init__(self) -> None:
        self._costs: dict[int, tuple[Expression, Cost]] = {}

    def watch(self, expression: Expression, budget: Budget, run: Callable[[], Outcome]) -> Outcome:
        """Run an evaluation, and note what it cost and gave."""
        _, cost = self._costs.setdefault(id(expression), (expression, Cost()))
        began = time.perf_counter()
        value, problem = run()
        cost.seconds += time.perf_counter() - began
        cost.steps += budget.steps
        cost.evaluations += 1
        # An empty stream found nothing.
        cost.found += value is not None and value != ()
        if problem is not None:
            cost.failed += 1
            cost.problem = cost.problem or str(problem)
        return value, problem

    def of(self, expression: Expression) -> Cost | None:
        """Return the cost of an expression; None for one that was never evaluated."""
        found = self._costs.get(id(expression))
        return None if found is None else found[1]


@dataclass(frozen=True, slots=True, eq=False)
class RuleCost:
    """An expression of a rule by its path; ``cost`` is None where it was never evaluated."""

    path: str
    text: str
    cost: Cost | None
    switched_off: bool


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """A descriptor that applied, and what it has used of its budget."""

    descriptor: Descriptor
    rules: tuple[RuleCost, ...]
    used: int
    """Steps that were not free."""
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """All descriptors: those that applied, those whose probe failed and why, unusable notes."""

    applied: tuple[Explained, ...]
    refused: tuple[tuple[Descriptor, str], ...]
    unusable: tuple[str, ...]


def explained(evaluator: Evaluator) -> Explained:
    """Return what an evaluator's descriptor did."""
    descriptor, records = evaluator.descriptor, evaluator.records
    off = {id(expression) for expression in evaluator.switched_off}
    found = [
        RuleCost(
            path,
            expression.text,
            records.of(expression) if isinstance(records, Costs) else None,
            id(expression) in off,
        )
        for where, rule in rules(descriptor)
        for path, expression in expressions(where, rule)
    ]
    budget = evaluator.budget
    return Explained(
        descriptor, tuple(found), budget.limits.total - budget.left, budget.limits.total
    )
