"""Windows into the views of one snapshot."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import Snapshot
from adp_tui.engine.views.columns import Table
from adp_tui.engine.views.executors import Executors
from adp_tui.engine.views.findings import Findings
from adp_tui.engine.views.graph import Graph
from adp_tui.engine.views.losses import Losses
from adp_tui.engine.views.order import Order, order, window
from adp_tui.engine.views.records import Query, Rows
from adp_tui.engine.views.tasks import Tasks
from adp_tui.engine.views.threads import Threads
from adp_tui.engine.views.waits import Waits

__all__ = ["Panes"]

MAX_ORDERS = 16
"""Orders kept: one of 100,000 rows takes 400 kB, and a person has few panes."""


class Panes:
    """The views of a snapshot: tables are made once, orders kept for each query."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._tables: dict[str, Table] = {}
        self._orders: OrderedDict[Query, Order] = OrderedDict()
        self._makers: dict[str, Callable[[], Table]] = {
            "executors": lambda: Executors(snapshot),
            "threads": lambda: Threads(snapshot),
            "tasks": lambda: Tasks(snapshot),
            "waits": self._waits,
            "findings": lambda: Findings(snapshot),
            "graph": lambda: Graph(snapshot),
            "losses": lambda: Losses(snapshot),
        }

    def rows(self, query: Query, start: int = 0, count: int | None = None) -> Rows:
        """Return ``count`` rows of a view from ``start``.

        Raises:
            AdpError: there is no such view, or no such column to sort by.
        """
        table, found = self._table(query.view), self._order(query)
        return window(table, found, query, self._snapshot.epoch, start, count)

    def position(self, query: Query, key: str) -> int | None:
        """Return at which row a key stands; None where it is filtered out or hidden."""
        index = self._table(query.view).index(key)
        return None if index is None else self._order(query).position(index)

    def _waits(self) -> Table:
        tasks = self._table("tasks")
        assert isinstance(tasks, Tasks)
        return Waits(self._snapshot, tasks)

    def _table(self, view: str) -> Table:
        if view not in self._tables:
            make = self._makers.get(view)
            if make is None:
                raise AdpError(f"there is no view {view}", help=f"views: {', '.join(self._makers)}")
            self._tables[view] = make()
        return self._tables[view]

    def _order(self, query: Query) -> Order:
        query = replace(query, filter=" ".join(query.filter.lower().split()))
        found = self._orders.get(query)
        if found is None:
            found = self._orders[query] = order(self._table(query.view), query)
            if len(self._orders) > MAX_ORDERS:
                self._orders.popitem(last=False)
        else:
            self._orders.move_to_end(query)
        return found
