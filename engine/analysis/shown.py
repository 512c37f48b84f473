"""How values are shown where a descriptor has a view of their type."""

from __future__ import annotations

import time
from collections.abc import Sequence

from adp_tui.engine.adp.budget import Limits
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.schema import Expression, Template, ViewRule
from adp_tui.engine.analysis.rules import Applied, Bound, Losses, Matcher
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.program import Program
from adp_tui.engine.rust.computed import Bare, Computed
from adp_tui.engine.rust.display import fields, show
from adp_tui.engine.rust.looks import Leaf, Look, Row
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["Views", "words"]

MAX_NESTED = 6
"""Views inside one another."""
LIMITS = Limits(steps=20_000, total=20_000_000, loaded=1 << 20, seconds=0.5, total_seconds=20.0)
"""Each line that is shown asks several expressions."""
SLOW_S = 1.0
"""A view that once took longer is not asked again."""
MAX_ITEMS = 8
"""Items of a stream that are written out."""
MAX_TEXT = 200
MAX_FIELDS = 256


class Views:
    """Looks at values as the descriptors' views say; it is what ``Program.views`` is asked."""

    def __init__(self, program: Program, applied: Sequence[Applied]) -> None:
        self._program = program
        entries = []
        for each in applied:
            descriptor = each.descriptor
            if descriptor.views:
                own = Applied(descriptor, Evaluator(program, descriptor, LIMITS), Losses())
                entries += [(rule.type, Bound(own, rule)) for rule in descriptor.views]
        self._rules: Matcher[ViewRule] = Matcher(entries)
        self._open: list[tuple[int, str]] = []
        self._slow: set[int] = set()

    def look(self, value: Value) -> Look | None:
        """Return how a value looks; None where no view is for it."""
        if isinstance(value, Bare) or len(self._open) >= MAX_NESTED:
            return None
        bound = self._rules.first(value.type.name)
        if bound is None or id(bound.rule) in self._slow:
            return None
        key = (value.address, value.type.name)
        if key in self._open:
            return None
        self._open.append(key)
        began = time.monotonic()
        try:
            return self._look(bound, value)
        finally:
            self._open.pop()
            if time.monotonic() - began > SLOW_S:
                self._slow.add(id(bound.rule))

    def _look(self, bound: Bound[ViewRule], value: Value) -> Look:
        rule, bare = bound.rule, Bare(value)
        plain = None
        if rule.summary is None or not rule.fields:
            plain = show(self._program, bare)
        text = "" if plain is None else plain.text
        if rule.summary is not None:
            text = self._line(bound.applied, rule.summary, value)
        if rule.fields:
            return Leaf(text, lambda limit: self._fields(bound, value)[:limit], True)
        return Leaf(
            text,
            lambda limit: [Row(*each) for each in fields(self._program, bare)][:limit],
            plain is not None and plain.expandable,
        )

    def _line(self, applied: Applied, summary: Template, value: Value) -> str:
        parts = []
        for part in summary.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            found, problem = self._ask(applied, part, value)
            if problem is None or found is not None:
                parts.append(words(self._program, found))
            if problem is not None:
                parts.append(f"<{clean(problem, 120)}>")
        return clean("".join(parts), MAX_TEXT)

    def _fields(self, bound: Bound[ViewRule], value: Value) -> list[Row]:
        rows = []
        for name, expression in list(bound.rule.fields.items())[:MAX_FIELDS]:
            found, problem = self._ask(bound.applied, expression, value)
            shown = clean(name, 200)
            if found is None and problem is not None:
                rows.append(Row(shown, None, clean(problem, MAX_TEXT)))
            elif isinstance(found, Value):
                rows.append(Row(shown, found))
            else:
                rows.append(Row(shown, Computed(value, words(self._program, found), "computed")))
        rows.append(Row("(as it is)", Bare(value)))
        return rows

    @staticmethod
    def _ask(applied: Applied, expression: Expression, value: Value) -> tuple[object, str | None]:
        found, problem = applied.evaluator.attempt(expression, {"it": value})
        return found, None if problem is None else str(problem)


def words(program: Program, found: object, depth: int = 1) -> str:
    """Write out what an expression gave, in one line. Never raises an ``AdpError``."""
    if found is None:
        return "none"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, str):
        return clean(found, MAX_TEXT)
    if isinstance(found, Value):
        return show(program, found, depth).text
    if isinstance(found, Type):
        return clean(found.name, MAX_TEXT)
    if isinstance(found, tuple):
        if depth < 0:
            return f"[… {len(found)} in all]"
        inside = [words(program, item, depth - 1) for item in found[:MAX_ITEMS]]
        if len(found) > len(inside):
            inside.append(f"… {len(found)} in all")
        return clean(f"[{', '.join(inside)}]", MAX_TEXT)
    return clean(str(found), MAX_TEXT)
