"""Expressions of descriptors, as macros ask them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from adp_tui.engine import value as memory
from adp_tui.engine.adp.budget import Limits
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.schema import Descriptor, Expression
from adp_tui.engine.analysis.analysis import Analysis
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, BudgetError
from adp_tui.engine.text import clean

__all__ = ["Expressions"]

MAX_MISSING = 8
"""Reasons that are kept why a list is not whole."""
_BLANK = load('{"adp": 1, "id": "macros"}')

LIMITS = Limits(
    steps=5_000_000, total=1 << 40, loaded=256 << 20, seconds=10.0, total_seconds=3600.0
)
"""Of what a macro asks in the language of descriptors; the macro has its own deadline."""


class Expressions:
    """Evaluates expressions on one analysis.

    Args:
        analysis: what leads to memory.
        wrap: makes of the engine's values what macros are given.
        left_s: how many seconds an evaluation may take.
    """

    def __init__(
        self,
        analysis: Analysis,
        wrap: Callable[[memory.Value], object],
        left_s: Callable[[], float],
    ) -> None:
        self._analysis = analysis
        self._wrap = wrap
        self._left_s = left_s
        self._evaluators: dict[int, Evaluator] = {}
        self._all: Descriptor | None = None
        self._parsed: dict[str, Expression] = {}
        self.missing: dict[str, None] = {}
        """Why lists that were given are not whole."""

    def text(self, text: str, env: Mapping[str, object], using: str | None) -> object:
        """Return what a text gives, with the descriptor of an id or with all of them.

        Raises:
            AdpError: it cannot be parsed, does not fit, or memory cannot be read.
        """
        expression = self._parsed.get(text)
        if expression is None:
            expression = self._parsed[text] = Expression(text)
        return self.of(self._named(using), expression, env)

    def of(
        self, descriptor: Descriptor, expression: Expression, env: Mapping[str, object]
    ) -> object:
        """Return what an expression of a descriptor gives.

        A list of which a part cannot be read is given as far as it goes, and the reason is kept.

        Raises:
            AdpError: it does not fit, or memory cannot be read.
        """
        evaluator = self._evaluators.get(id(descriptor))
        if evaluator is None:
            evaluator = Evaluator(self._analysis.program, descriptor, LIMITS)
            self._evaluators[id(descriptor)] = evaluator
        evaluator.budget.limits = replace(LIMITS, seconds=min(LIMITS.seconds, self._left_s()))
        found, problem = evaluator.attempt(expression, env)
        if problem is not None:
            if found is None or isinstance(problem, BudgetError):
                raise problem
            if len(self.missing) < MAX_MISSING:
                words = f"{expression.text[:60]} is not whole: {problem}"
                self.missing.setdefault(clean(words, 400))
        return self._out(found)

    def _named(self, using: str | None) -> Descriptor:
        descriptors = self._analysis.descriptors
        if using is not None:
            chosen = next((d for d in descriptors if d.id == using), None)
            if chosen is None:
                known = ", ".join(d.id for d in descriptors)
                raise AdpError(f"no descriptor {using[:80]} is in use: there are {known}")
            return chosen
        if self._all is None:
            self._all = _merged(descriptors)
        return self._all

    def _out(self, found: object) -> object:
        if isinstance(found, memory.Value):
            return self._wrap(found)
        if isinstance(found, tuple):
            return [self._out(item) for item in found]
        if isinstance(found, Type):
            return found.name
        if found is None or isinstance(found, bool | int | str):
            return found
        return str(getattr(found, "name", found))


def _merged(descriptors: Sequence[Descriptor]) -> Descriptor:
    """Return a descriptor with the types and definitions of all; the first wins."""
    types: dict[str, str] = {}
    defs, lenses = dict(_BLANK.defs), dict(_BLANK.lenses)
    for each in reversed(descriptors):
        types.update(each.types)
        defs.update(each.defs)
        lenses.update(each.lenses)
    return replace(_BLANK, types=types, defs=defs, lenses=lenses)
