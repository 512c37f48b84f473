"""A pane of rows that come in windows: only what is near the screen is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual.message import Message

from adp_tui.engine.views.records import Align, Column, Query, Row, Rows
from adp_tui.widgets.columns import GAP, Fit, fit
from adp_tui.widgets.ink import Ink, Span, cut, cut_path, tone_ink, tone_mark
from adp_tui.widgets.line_view import LineView

__all__ = ["RowTable"]

_LEAST_WINDOW = 40
"""Rows that are asked for at least: a small pane that is zoomed finds most of them there."""
_PATHS = frozenset({"future", "function", "type", "task", "place", "at", "on"})
"""Columns whose last part tells most: they are cut at the left, at a ``::`` or ``/``."""
_PENDING = "·"
"""Stands in a row that has not come yet."""
_INDENT = 2


class RowTable(LineView):
    """Rows of one view. It says which rows it lacks and shows those it is given."""

    heading_height = 2

    @dataclass
    class Wanted(Message):
        """Rows near the screen are missing."""

        table: RowTable
        query: Query
        start: int
        count: int

        @property
        def control(self) -> RowTable:
            """Return the table that sent it."""
            return self.table

    def __init__(self, title: str, view: str, *, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self.query_shown = Query(view)
        self.wanted = self.query_shown
        """The query that was asked for last; shown when its rows have come."""
        self.columns: tuple[Column, ...] = ()
        self.total = 0
        self.all = 0
        self.epoch = -1
        self.loaded = False
        self.refusal = ""
        self._rows: dict[int, Row] = {}
        self._asked: tuple[int, int] | None = None
        self._fit: tuple[object, Fit] | None = None
        self._needs: tuple[int, ...] = ()
        """Widest text seen so far in each column: a column takes no more room than that."""

    # The model.

    @property
    def view(self) -> str:
        """Return the name of the view."""
        return self.query_shown.view

    @property
    def item_count(self) -> int:
        """Return how many rows there are after the filter."""
        return self.total

    @property
    def line_count(self) -> int:
        """Return the same: a row is a line."""
        return self.total

    def lines_of(self, item: int) -> tuple[int, int]:
        """Return the line of a row."""
        return item, 1

    def item_at(self, line: int) -> int:
        """Return the row of a line."""
        return line

    def row(self, index: int) -> Row | None:
        """Return a row; None while it has not come."""
        return self._rows.get(index)

    @property
    def chosen(self) -> Row | None:
        """Return the row under the cursor."""
        return self._rows.get(self._cursor)

    def window(self, around: int | None = None) -> tuple[int, int]:
        """Return start and count of the rows to ask for: the screen and a page around it."""
        top = round(self.scroll_y) if around is None else around - self.page // 2
        start = max(top - self.page, 0)
        return start, max(self.page * 3, _LEAST_WINDOW)

    def show(self, rows: Rows, *, cursor: int | None = None) -> None:
        """Take a window of rows and, where the order changed, the row to stand on.

        A window of an older query or snapshot is dropped.
        """
        if rows.epoch < self.epoch or (rows.query != self.query_shown and cursor is None):
            return
        fresh = rows.query != self.query_shown or rows.epoch != self.epoch
        changed = fresh or not self.loaded or rows.total != self.total
        before = self.chosen
        if changed:
            self._rows.clear()
        self.query_shown, self.epoch, self.loaded, self.refusal = rows.query, rows.epoch, True, ""
        self.columns, self.total, self.all = rows.columns, rows.total, rows.all
        self._forget_far_rows(rows.start)
        self._rows.update(enumerate(rows.rows, rows.start))
        if self._asked == (rows.start, self._asked[1] if self._asked else 0) or changed:
            self._asked = None
        old = self._cursor
        self._cursor = max(0, min(old if cursor is None else cursor, self.total - 1))
        wider = self._measure(rows.rows)
        if wider or changed or self._cursor != old:
            self.lines_changed()
            self.call_after_refresh(self.reveal_cursor)
        else:
            self.lines_changed(rows.start, len(rows.rows))
        chosen = self.chosen
        if (before.key if before else None) != (chosen.key if chosen else None):
            self.post_message(self.Moved(self))

    def refuse(self, reason: str) -> None:
        """Show why there are no rows."""
        self.refusal, self.loaded, self._asked = reason, True, None
        self.total = 0
        self._rows.clear()
        self.lines_changed()

    def _forget_far_rows(self, start: int) -> None:
        keep = 8 * max(self.page, _LEAST_WINDOW)
        if len(self._rows) > keep:
            near = range(start - keep // 2, start + keep // 2)
            self._rows = {i: row for i, row in self._rows.items() if i in near}

    def want_rows(self) -> None:
        """Ask for what the screen lacks, once."""
        if not self.loaded or not self.total:
            return
        top = round(self.scroll_y)
        seen = range(top, min(top + self.page, self.total))
        if all(i in self._rows for i in seen):
            return
        start, count = self.window()
        if self._asked != (start, count):
            self._asked = (start, count)
            self.post_message(self.Wanted(self, self.query_shown, start, count))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Ask for the rows that have come into sight."""
        super().watch_scroll_y(old_value, new_value)
        self.want_rows()

    def on_resize(self) -> None:
        """Ask for what a larger pane shows."""
        super().on_resize()
        self.want_rows()

    # Queries: how people order and narrow what they see.

    def sorted_by_next(self) -> Query:
        """Return the query sorted by the next column; after the last one unsorted."""
        keys = [None, *(column.key for column in self.columns)]
        at = keys.index(self.wanted.sort) if self.wanted.sort in keys else 0
        return replace(self.wanted, sort=keys[(at + 1) % len(keys)], descending=False)

    def inverted(self) -> Query:
        """Return the query in the opposite order."""
        return replace(self.wanted, descending=not self.wanted.descending)

    def regrouped(self) -> Query:
        """Return the query as a tree, or flat again."""
        return replace(self.wanted, group="flat" if self.wanted.group == "tree" else "tree")

    def toggled(self) -> Query | None:
        """Return the query with the chosen row expanded or collapsed; None where it can't be."""
        row = self.chosen
        if row is None or not row.expandable:
            return None
        return replace(self.wanted, collapsed=self.wanted.collapsed ^ {row.key})

    # Painting.

    def subtitle(self) -> str:
        """Say where the cursor stands, and what narrows or orders the rows."""
        query = self.query_shown
        parts: list[str] = []
        if query.filter:
            parts.append(f"/{query.filter}  {self.total:,} of {self.all:,} match")
        if query.group == "tree":
            parts.append("tree")
        if query.sort is not None or query.descending:
            order = "▼" if query.descending else "▲"
            titles = {column.key: column.title for column in self.columns}
            name = titles.get(query.sort or "", "reversed")
            parts.append(f"{name} {order}")
        hidden = len(self._fitted(self.text_width - 2).hidden)
        if hidden:
            parts.append(f"{hidden} more column{'s' if hidden > 1 else ''}")
        if self.total:
            parts.append(f"{self._cursor + 1:,}/{self.total:,}")
        return " · ".join(parts)

    def empty_text(self) -> str:
        """Say why there is no row."""
        if self.refusal:
            return self.refusal
        if not self.loaded:
            return ""
        if self.query_shown.filter:
            return f"none of {self.all:,} matches /{self.query_shown.filter} · esc shows all"
        return "none"

    def _fitted(self, width: int) -> Fit:
        key = (self.columns, self._needs, width)
        if self._fit is None or self._fit[0] != key:
            self._fit = key, fit(self.columns, width, self._needs)
        return self._fit[1]

    def _measure(self, rows: Sequence[Row]) -> bool:
        """Widen columns for rows that have come; True when one became wider."""
        if len(self._needs) != len(self.columns):
            # One more than the title, for the mark of the order.
            self._needs = tuple(cell_len(column.title) + 1 for column in self.columns)
        needs = list(self._needs)
        for row in rows:
            for at, cell in enumerate(row.cells[: len(needs)]):
                room = cell_len(cell.text)
                if self.columns[at].flex:
                    room += cell_len(self._branch(row))
                needs[at] = max(needs[at], room)
        wider = tuple(needs) != self._needs
        self._needs = tuple(needs)
        return wider

    def paint_heading(self, width: int) -> Sequence[Span]:
        """Return the titles of the columns."""
        fitted = self._fitted(width - 1)
        parts = [Span(" ")]
        for at, placed in enumerate(fitted.placed):
            title = placed.column.title
            if placed.column.key == self.query_shown.sort:
                title += "▼" if self.query_shown.descending else "▲"
            last = at == len(fitted.placed) - 1
            parts.append(Span(_aligned(title, placed.width, placed.column.align)))
            parts.append(Span("" if last else " " * GAP))
        return parts

    def paint(self, line: int, width: int) -> Sequence[Span]:
        """Return the cells of a row."""
        row = self._rows.get(line)
        if row is None:
            return (Span(f" {_PENDING}", Ink.MUTED),)
        mark, ink = tone_mark(cell.tone for cell in row.cells)
        spans = [Span(mark, ink)]
        fitted = self._fitted(width - 1)
        branch = self._branch(row)
        for at, placed in enumerate(fitted.placed):
            cell = row.cells[placed.index]
            text = cell.text
            column = placed.column
            room = placed.width
            if branch and column.flex:
                spans.append(Span(branch, Ink.MUTED))
                room -= cell_len(branch)
            shorten = cut_path if column.key in _PATHS else cut
            spans.append(
                Span(_aligned(shorten(text, room), room, column.align), tone_ink(cell.tone))
            )
            if at < len(fitted.placed) - 1:
                spans[-1] = Span(spans[-1].text + " " * GAP, spans[-1].ink)
        return _joined(spans)

    def _branch(self, row: Row) -> str:
        """Return the indent of a row in a tree, with the sign that it can be expanded."""
        if self.query_shown.group != "tree" and not row.depth and not row.expandable:
            return ""
        sign = ("▾ " if row.expanded else "▸ ") if row.expandable else "  "
        return " " * (_INDENT * min(row.depth, 16)) + sign

    def cell(self, row: Row, column: str) -> str:
        """Return the text of a row in a column; empty where there is no such column."""
        for at, each in enumerate(self.columns[: len(row.cells)]):
            if each.key == column:
                return row.cells[at].text
        return ""

    def full_text(self, row: Row) -> tuple[tuple[str, str], ...]:
        """Return the titles and whole texts of a row's cells."""
        return tuple(
            (column.title, cell.text) for column, cell in zip(self.columns, row.cells, strict=False)
        )


def _aligned(text: str, width: int, align: Align) -> str:
    text = cut(text, width)
    room = " " * (width - cell_len(text))
    return room + text if align is Align.RIGHT else text + room


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Join neighbours of one ink: fewer changes of style, fewer bytes."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].ink is span.ink:
            joined[-1] = Span(joined[-1].text + span.text, span.ink)
        else:
            joined.append(span)
    return joined
