"""Which rows of a table are shown, in which order, how deep."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.views.columns import Table
from adp_tui.engine.views.filter import matching, parse
from adp_tui.engine.views.records import Query, Row, Rows

__all__ = ["Order", "order", "window"]


@dataclass(frozen=True, slots=True)
class Order:
    """The rows that a query shows: their numbers, and in a tree how deep each stands."""

    indexes: Sequence[int]
    depths: Sequence[int] | None = None
    parents: frozenset[int] = frozenset()
    """In a tree: rows that have children under this query."""

    def __len__(self) -> int:
        return len(self.indexes)

    def position(self, index: int) -> int | None:
        """Return at which place a row stands; None where the query does not show it."""
        try:
            return self.indexes.index(index)
        except ValueError:
            return None


def order(table: Table, query: Query) -> Order:
    """Filter and sort the rows of a table.

    Raises:
        AdpError: the query names a column that the view does not have.
    """
    size = len(table)
    words = parse(query.filter, table)
    mask = matching(table, words) if words else None
    parents = table.parents() if query.group == "tree" or table.always_tree else None
    if parents is None:
        shown = range(size) if mask is None else list(compress(range(size), mask))
        return Order(_sorted(table, query, shown))
    if mask is not None:
        mask = _with_ancestors(mask, parents)
    shown = range(size) if mask is None else list(compress(range(size), mask))
    collapsed = {table.index(key) for key in query.collapsed}
    return _tree(_sorted(table, query, shown), parents, {i for i in collapsed if i is not None})


def window(
    table: Table, found: Order, query: Query, epoch: int, start: int, count: int | None
) -> Rows:
    """Return ``count`` rows from ``start`` of those that a query shows; all for None."""
    total = len(found)
    start = min(max(start, 0), total)
    end = total if count is None else min(start + max(count, 0), total)
    cells = [table.cells(c.key) for c in table.columns]
    rows = []
    for at in range(start, end):
        index = found.indexes[at]
        key = table.key(index)
        opens = index in found.parents
        rows.append(
            Row(
                key=key,
                cells=tuple(each.at(index) for each in cells),
                depth=0 if found.depths is None else found.depths[at],
                expandable=opens,
                expanded=opens and key not in query.collapsed,
            )
        )
    return Rows(epoch, query, table.columns, start, total, len(table), tuple(rows))


def _sorted(table: Table, query: Query, shown: Sequence[int]) -> Sequence[int]:
    if query.sort is None:
        return shown[::-1] if query.descending else shown
    if query.sort not in {c.key for c in table.columns}:
        names = ", ".join(c.key for c in table.columns)
        raise AdpError(f"the view {query.view} has no column {query.sort}", help=f"it has {names}")
    ranks = table.cells(query.sort).ranks()
    filled = sorted(
        (i for i in shown if ranks[i] >= 0), key=ranks.__getitem__, reverse=query.descending
    )
    # What has nothing in that column comes last either way.
    return array("I", [*filled, *(i for i in shown if ranks[i] < 0)])


def _with_ancestors(mask: bytes, parents: Sequence[int]) -> bytes:
    """Add the rows above those that match: without them a tree says nothing."""
    result = bytearray(mask)
    for index in compress(range(len(mask)), mask):
        above = parents[index]
        while above >= 0 and not result[above]:
            result[above] = 1
            above = parents[above]
    return bytes(result)


def _tree(rows: Sequence[int], parents: Sequence[int], collapsed: set[int]) -> Order:
    """Put children below their parents, siblings in the order of ``rows``."""
    children: dict[int, list[int]] = {}
    for index in rows:
        children.setdefault(parents[index], []).append(index)
    indexes, depths = array("I"), array("I")
    seen = bytearray(len(parents))

    def place(roots: Sequence[int]) -> None:
        stack = [(index, 0) for index in reversed(roots)]
        while stack:
            index, depth = stack.pop()
            if seen[index]:
                continue
            seen[index] = 1
            indexes.append(index)
            depths.append(depth)
            below = children.get(index, ())
            if index in collapsed:
                _mark(below, children, seen)
            else:
                stack.extend((child, depth + 1) for child in reversed(below))

    place(children.get(-1, ()))
    # Parents that form a cycle lead to no root: each such row is still shown.
    for index in rows:
        if not seen[index]:
            place((index,))
    return Order(indexes, depths, frozenset(children) - {-1})


def _mark(rows: Sequence[int], children: dict[int, list[int]], seen: bytearray) -> None:
    """Count rows below a collapsed one as seen."""
    stack = list(rows)
    while stack:
        index = stack.pop()
        if not seen[index]:
            seen[index] = 1
            stack.extend(children.get(index, ()))
