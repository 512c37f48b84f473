"""The list of processes and cores that a target is chosen from."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantFocus, Resize

from adp_tui.engine.views.records import Query
from adp_tui.tui.actions import LIST_FOOTER, action_of, bindings, key_names
from adp_tui.tui.choices import LISTS, Choice, Choices, is_async, key_of, table_of, title_of
from adp_tui.tui.door_thread import Opener
from adp_tui.tui.screens.filtering import FilterScreen
from adp_tui.tui.screens.pages import ErrorPage, HelpPage, WholePage, bug
from adp_tui.widgets.bars import Headline, KeyBar, NavigationBar
from adp_tui.widgets.ink import Ink, Span
from adp_tui.widgets.line_view import LineView
from adp_tui.widgets.row_table import RowTable

__all__ = ["PickerScreen"]

BATCH_S = 0.1
"""How long rows are gathered before they are shown."""
TITLE = "Choose a process or a core"
TALL = 20
"""Lines from which on both lists are shown."""


class PickerScreen(FilterScreen):
    """Processes and cores; ``enter`` opens one.

    Args:
        choices: finds them.
        chosen: opens the main screen on one, under a title.
    """

    BINDINGS = bindings("list")
    AUTO_FOCUS = ""

    def __init__(self, choices: Choices, chosen: Callable[[Opener, str], object]) -> None:
        super().__init__()
        self._choices = choices
        self._chosen = chosen
        self._found: dict[str, Choice] = {}
        self._round = 0
        self._epoch = 0
        self.reading = False
        self.tables: dict[str, RowTable] = {}
        self.pane = LISTS[0]

    def compose(self) -> ComposeResult:
        """Lay out both lists."""
        yield Headline(TITLE, id="headline")
        yield NavigationBar(id="navigation")
        with Vertical(id="choices"):
            for number, name in enumerate(LISTS, 1):
                yield RowTable(f"{number} {name.capitalize()}", name, id=name)
        yield self.filter_bar("words  !word  user:root")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Draw the frame and start to read."""
        self.tables = {name: self.query_one(f"#{name}", RowTable) for name in LISTS}
        self.set_focus(self.tables[LISTS[0]])
        footer = [action_of(id) for id in LIST_FOOTER]
        self.query_one(KeyBar).show([(key_names(a.keys.split(",")[0]), a.word) for a in footer])
        self._arrange()
        self.action_again()

    def on_unmount(self) -> None:
        """Let the thread that reads end."""
        self._round += 1

    # Reading.

    def action_again(self) -> None:
        """Read the lists again; what is shown stays until something else is known."""
        self._round += 1
        self.reading = True
        self._show_navigation()
        threading.Thread(target=self._read, args=(self._round,), name="list", daemon=True).start()

    def _read(self, turn: int) -> None:
        """Find targets, on a thread of its own, and hand them over in batches."""
        seen: set[str] = set()
        batch: list[Choice] = []
        since = time.monotonic()
        try:
            for each in self._choices.read():
                if turn != self._round:
                    return
                seen.add(key_of(each))
                batch.append(each)
                if time.monotonic() - since > BATCH_S:
                    self._hand_over(turn, batch, None)
                    batch, since = [], time.monotonic()
        except Exception:
            text = traceback.format_exc()
            self.call_later(self._failed, text)
        self._hand_over(turn, batch, seen)

    def _hand_over(self, turn: int, batch: Sequence[Choice], seen: set[str] | None) -> None:
        """Show what was found; all there is when ``seen`` says what that is."""

        def take() -> None:
            if turn != self._round:
                return
            self._found |= {key_of(each): each for each in batch}
            if seen is not None:
                self._found = {key: each for key, each in self._found.items() if key in seen}
            self._epoch += 1
            for table in self.tables.values():
                self._show(table)
            self.reading = seen is None
            self._arrange()
            self._show_navigation()

        self.call_later(take)

    def _failed(self, text: str) -> None:
        self.app.push_screen(ErrorPage.of("Internal error", bug(text), leave=False))

    # What is shown.

    @property
    def current(self) -> RowTable:
        """Return the list that has the focus, or had it before the filter took it."""
        return self.tables[self.pane]

    def _show(
        self, table: RowTable, query: Query | None = None, window: tuple[int, int] | None = None
    ) -> None:
        """Show rows; the cursor stays on its row, or at the top while more are being found."""
        query = table.wanted = query or table.wanted
        row = table.chosen
        # While more are being found the first row is another one each moment.
        stays = row is not None and (table.cursor > 0 or not self.reading)
        rows, at = table_of(table.view, self._found).rows(
            query, self._epoch, *(window or table.window()), row.key if row and stays else None
        )
        if window is not None:
            table.show(rows)
        elif at is None:
            table.show(rows, cursor=min(table.cursor, max(rows.total - 1, 0)) if stays else 0)
        else:
            table.show(rows, cursor=at)

    def _show_navigation(self) -> None:
        counts = {name: len(table_of(name, self._found)) for name in LISTS}
        asynchronous = sum(is_async(each) for each in self._found.values())
        self.query_one(Headline).show(TITLE, f"{asynchronous:,} with an async Rust runtime")
        bar = self.query_one(NavigationBar)
        bar.show(
            [(n, f"{i} {n.capitalize()} {counts[n]:,}") for i, n in enumerate(LISTS, 1)], self.pane
        )
        if self.reading:
            bar.show_notice(Span("reading …", Ink.ACCENT))
        else:
            bar.show_notice()

    def _arrange(self) -> None:
        """Show both lists where they fit and have something in them."""
        both = self.app.size.height >= TALL and len(table_of("cores", self._found)) > 0
        for name, table in self.tables.items():
            table.display = both or name == self.pane
        self.set_class(both, "-both")

    @on(Resize)
    def resized(self) -> None:
        """Choose the lists that fit."""
        if self.tables:
            self._arrange()

    @on(RowTable.Wanted)
    def rows_wanted(self, event: RowTable.Wanted) -> None:
        """Show the rows that came into sight."""
        self._show(event.table, event.query, (event.start, event.count))

    @on(LineView.Moved)
    def moved(self, event: LineView.Moved) -> None:
        """Show the position."""
        event.view.repaint_title()

    # What the keys do.

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Follow the focus."""
        if isinstance(event.widget, RowTable):
            self.pane = event.widget.view
            self._show_navigation()
            self._arrange()

    def action_pane(self, name: str) -> None:
        """Go to a list."""
        self.tables[name].display = True
        self.set_focus(self.tables[name])

    @on(NavigationBar.Chosen)
    def pane_chosen(self, event: NavigationBar.Chosen) -> None:
        """Go to the list that was clicked."""
        self.action_pane(event.name)

    def action_cycle(self, step: int) -> None:
        """Go to the next list."""
        self.action_pane(LISTS[(LISTS.index(self.pane) + step) % len(LISTS)])

    def choice(self) -> Choice | None:
        """Return what the cursor stands on."""
        row = self.current.chosen
        return None if row is None else self._found.get(row.key)

    def action_open(self) -> None:
        """Open what is chosen."""
        choice = self.choice()
        if choice is not None:
            self._chosen(self._choices.open(choice), title_of(choice))

    @on(LineView.Opened)
    def opened_by_mouse(self, event: LineView.Opened) -> None:
        """Open what was clicked twice."""
        self.set_focus(event.view)
        self.action_open()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._show(self.current, self.current.sorted_by_next())

    def action_invert(self) -> None:
        """Invert the order."""
        self._show(self.current, self.current.inverted())

    def action_back(self) -> None:
        """End the filter."""
        if self.filtering:
            self.end_filter(keep=False)
        elif self.current.wanted.filter:
            self.filter_rows("")

    def filter_rows(self, text: str) -> None:
        """Narrow the list to rows with these words."""
        if text != self.current.wanted.filter:
            self._show(self.current, replace(self.current.wanted, filter=text))

    def end_filter(self, *, keep: bool) -> None:
        """Leave the filter: keep it, or show all rows as before."""
        self.show_filter(False)
        if not keep:
            self.filter_rows("")
        self.set_focus(self.current)

    def action_view(self) -> None:
        """Show the chosen line whole."""
        row = self.current.chosen
        if row is not None:
            fields = tuple(self.current.full_text(row))
            self.app.push_screen(WholePage("One line, whole", fields, ()))

    def text_to_copy(self) -> str:
        """Return the chosen line's texts."""
        row = self.current.chosen
        return "" if row is None else "  ".join(c.text for c in row.cells if c.text)

    def action_keys(self) -> None:
        """Show the keys of this screen."""
        self.app.push_screen(HelpPage.of(self._bindings))

    def action_leave(self) -> None:
        """Quit."""
        self.app.exit(return_code=0)
