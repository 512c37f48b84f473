"""The futures that a value keeps, found by types: a task of a runtime that nobody described."""

from __future__ import annotations

from adp_tui.engine.analysis.branches import is_future_object
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.rules import RuleBook
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["FuturesInside"]

_BOX = "alloc::boxed::Box<"
MAX_NODES = 256
"""Parts of a value looked at: a task keeps its future near."""


class FuturesInside:
    """Searches what a value owns alone, through locks and cells, but not inside futures."""

    def __init__(self, program: Program, book: RuleBook) -> None:
        self._book = book
        self._reach = Reach(program, self._is_future, book.opaque, Follow.OWNED)

    def _is_future(self, name: str) -> bool:
        if name.startswith((f"{_BOX}dyn ", f"{_BOX}(dyn ")):
            return is_future_object(name)
        return self._book.is_future(name)

    def of(self, value: Value) -> tuple[Value, ...]:
        """Return the futures in a value, those that it has in boxes included."""
        return tuple(self._reach.find(value, MAX_NODES))
