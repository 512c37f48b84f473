"""Which columns of a view fit a width, and how wide each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adp_tui.engine.views.records import Column

__all__ = ["GAP", "Fit", "Placed", "fit"]

GAP = 2
"""Cells between two columns."""
_FLEX_LEAST = 24
"""Cells that the flexible column gets, where it needs them, before columns are dropped."""
_LEAST = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown: its index in the view, and its width."""

    index: int
    column: Column
    width: int


@dataclass(frozen=True, slots=True)
class Fit:
    """The columns that are shown, in order, and the titles of those that are not."""

    placed: tuple[Placed, ...]
    hidden: tuple[str, ...]


def fit(columns: Sequence[Column], width: int, needs: Sequence[int] = ()) -> Fit:
    """Fit columns into a width.

    The columns with the highest priority number go first; then the flexible column, which
    takes what is left, shrinks to its least, and at last all others.

    Args:
        columns: what the view has.
        width: cells for all of them and the gaps.
        needs: cells that each column's text takes; a column gets no more than it needs.
    """
    shown = [
        (at, column if not needs else replace(column, width=_wish(column, needs[at])))
        for at, column in enumerate(columns)
    ]
    hidden: list[str] = []
    while len(shown) > 1 and _least(shown) > width:
        worst = max(column.priority for _, column in shown)
        if worst == 0:
            break
        drop = max(at for at, (_, column) in enumerate(shown) if column.priority == worst)
        hidden.append(shown.pop(drop)[1].title)
    room = width - GAP * (len(shown) - 1)
    fixed = sum(column.width for _, column in shown if not column.flex)
    flexible = sum(column.flex for _, column in shown)
    each = max((room - fixed) // flexible, _FLEX_LEAST) if flexible else 0
    widths = [each if column.flex else column.width for _, column in shown]
    while sum(widths) > room and max(widths, default=0) > _LEAST:
        widths[widths.index(max(widths))] -= 1
    placed = tuple(
        Placed(index, column, cells) for (index, column), cells in zip(shown, widths, strict=True)
    )
    return Fit(placed, tuple(reversed(hidden)))


def _wish(column: Column, need: int) -> int:
    return need if column.flex else min(column.width, need)


def _least(shown: Sequence[tuple[int, Column]]) -> int:
    widths = (min(c.width, _FLEX_LEAST) if c.flex else c.width for _, c in shown)
    return sum(widths) + GAP * (len(shown) - 1)
