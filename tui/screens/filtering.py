"""A filter that is typed below a list and narrows it with each letter."""

from __future__ import annotations

from textual import on
from textual.containers import Horizontal
from textual.widgets import Input, Static

from adp_tui.tui.screens.moves import ListScreen
from adp_tui.widgets.row_table import RowTable

__all__ = ["FilterScreen"]


class FilterScreen(ListScreen[None]):
    """A screen with lists, one of which at a time is narrowed."""

    def __init__(self) -> None:
        super().__init__()
        self.filtering = False
        """Whether a filter is being typed."""

    @property
    def current(self) -> RowTable:
        """Return the list that is narrowed."""
        raise NotImplementedError

    def filter_rows(self, text: str) -> None:
        """Narrow the list to rows with these words."""
        raise NotImplementedError

    def end_filter(self, *, keep: bool) -> None:
        """Leave the filter: keep it, or show all rows as before."""
        raise NotImplementedError

    @staticmethod
    def filter_bar(placeholder: str) -> Horizontal:
        """Return the line that the filter is typed in."""
        box = Input(id="filter", select_on_focus=False, placeholder=placeholder)
        box.cursor_blink = False
        return Horizontal(
            Static("/", id="filter-mark", markup=False),
            box,
            Static("enter keeps · esc shows all", id="filter-hint", markup=False),
            id="filter-bar",
        )

    def action_filter(self) -> None:
        """Type a filter; the list narrows with each letter."""
        box = self.query_one("#filter", Input)
        box.value = self.current.wanted.filter
        box.cursor_position = len(box.value)
        self.show_filter(True)
        self.set_focus(box)

    def show_filter(self, typed: bool) -> None:
        """Show the filter in the place of the line of keys, or end that."""
        self.filtering = typed
        self.current.lit = typed
        self.query_one("#filter-bar").display = typed
        self.query_one("#keys").display = not typed
        self.refresh_bindings()

    @on(Input.Changed, "#filter")
    def filter_typed(self, event: Input.Changed) -> None:
        """Narrow the list while the filter is typed."""
        if self.filtering:
            self.filter_rows(event.value)

    @on(Input.Submitted, "#filter")
    def filter_kept(self) -> None:
        """Keep the filter and go back to the list."""
        self.end_filter(keep=True)
