"""What the keys of the main screen do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.views.records import FrameRow, Query, Row, Saved, Summary
from adp_tui.tui.arrangement import DETAIL
from adp_tui.tui.door_thread import DoorThread
from adp_tui.tui.history import History, Visit
from adp_tui.tui.reader import Reader, subject_of, view_of
from adp_tui.tui.screens.filtering import FilterScreen
from adp_tui.tui.screens.pages import HelpPage, LossesPage, WholePage
from adp_tui.tui.screens.saving import SaveQuestion, SaveWish, proposed_name
from adp_tui.tui.sentences import sentence
from adp_tui.tui.source import SourceLine
from adp_tui.widgets.facts_view import FactsView
from adp_tui.widgets.line_view import LineView
from adp_tui.widgets.row_table import RowTable
from adp_tui.widgets.stack_view import StackView
from adp_tui.widgets.variable_tree import VariableTree

__all__ = ["MainActions"]


_ON_ROWS = frozenset(
    (
        "along",
        "copy",
        "expand",
        "filter",
        "invert",
        "losses",
        "match",
        "open",
        "save",
        "sort",
        "tree",
        "view",
        "zoom",
    )
)
"""Actions that mean nothing before there are rows."""
_RESOURCE = re.compile(r"r\d+\b")
_JOINED = re.compile(r"t\d+\b")
"""A wait on another task begins with that task's key."""


GRAPH = "graph"


class MainActions(FilterScreen):
    """The actions; the screen that has them lays out the panes and reads what they show."""

    tables: dict[str, RowTable]
    facts: FactsView
    stack: StackView
    variables: VariableTree
    thread: DoorThread
    reader: Reader

    def __init__(self) -> None:
        super().__init__()
        self.summary: Summary | None = None
        self.failure: tuple[AdpError, int] | None = None
        self.returns = False
        """Whether there is a list to go back to."""
        self.view = "tasks"
        """The list that the detail belongs to."""
        self.pane = "tasks"
        """The pane that has the focus, or had it before the filter took it."""
        self.zoomed = False
        self.saves_values = True
        """Whether memory is saved with a snapshot, unless that is chosen otherwise."""
        self.cycle: tuple[str, ...] = ()
        self.history = History()
        self._before_filter: Visit | None = None
        self._turns: dict[tuple[str, str], int] = {}
        """Which of several the last step along the waits went to."""
        self._last_filter: dict[str, str] = {}

    def rearrange(self) -> None:
        """Show the panes that the size and the focus ask for."""
        raise NotImplementedError

    @property
    def current(self) -> RowTable:
        """Return the list that the detail belongs to."""
        return self.tables[self.view]

    def read_tables(self) -> Iterator[RowTable]:
        """Yield the lists that are kept up to date, the one that one is in first: the graph is
        drawn only where somebody looks at it.
        """
        for view, table in sorted(self.tables.items(), key=lambda item: item[0] != self.view):
            if view == self.view or view != GRAPH:
                yield table

    @property
    def _visit(self) -> Visit:
        chosen = self.current.chosen
        return Visit(self.current.wanted, chosen.key if chosen else None)

    def moving_list(self) -> LineView | None:
        """Return the list that the keys move; while a filter is typed, the one it narrows."""
        if isinstance(self.focused, LineView):
            return self.focused
        return self.current if self.filtering else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell which actions make sense in the pane that has the focus."""
        in_list = self.pane not in DETAIL
        if self.summary is None and action in _ON_ROWS:
            return False
        match action:
            case "filter" | "sort" | "invert" | "match":
                return in_list and not self.filtering
            case "tree":
                return self.pane == "tasks"
            case "expand":
                return in_list or self.pane == "variables"
        return True

    def later(self, delay_s: float, run: Callable[[], None]) -> asyncio.TimerHandle:
        """Run something later; Textual's own timers drop what comes late, as under load."""
        return asyncio.get_running_loop().call_later(delay_s, self.call_later, run)

    # Panes.

    def action_pane(self, view: str) -> None:
        """Go to a list."""
        self.go_to_pane(view)

    def action_cycle(self, step: int) -> None:
        """Go to the next pane."""
        at = self.cycle.index(self.pane) if self.pane in self.cycle else 0
        self.go_to_pane(self.cycle[(at + step) % len(self.cycle)])

    def go_to_pane(self, name: str) -> None:
        """Give a pane the focus; one that is out of sight is shown for it."""
        if self.filtering:
            self.end_filter(keep=True)
        self.pane = name
        self.rearrange()
        # Not Widget.focus, which waits its turn: a key typed right behind this one would still
        # go to the pane before.
        self.set_focus(self.query_one(f"#{name}"))

    def action_zoom(self) -> None:
        """Give the pane in focus the whole screen, or end that."""
        self.zoomed = not self.zoomed
        self.rearrange()

    # Opening and following.

    def action_open(self) -> None:
        """Open what the cursor stands on."""
        match self.pane:
            case "tasks" | "threads":
                if self.current.chosen is not None:
                    self.read_detail()
                    self.go_to_pane("stack")
            case "findings":
                if self.current.chosen is not None:
                    self.read_detail()
                    self.go_to_pane("facts")
            case "executors":
                self._open_executor()
            case "waits":
                self._open_wait()
            case "graph":
                if self.current.chosen is not None:
                    self.follow(subject_of(self.current.chosen.key))
            case "facts":
                fact = self.facts.chosen
                if fact is not None and fact.key is not None:
                    self.follow(fact.key)
            case "stack":
                self.read_variables()
                self.go_to_pane("variables")
            case "variables":
                if not self.variables.toggle():
                    self.action_view()

    def _open_executor(self) -> None:
        """Show the tasks of an executor."""
        row = self.current.chosen
        if row is None:
            return
        self.history.leave(self._visit)
        tasks = self.tables["tasks"]
        self.reader.order(tasks, replace(tasks.wanted, filter=f"where:{row.key}"))
        self._last_filter["tasks"] = f"where:{row.key}"
        self.go_to_pane("tasks")

    def _open_wait(self) -> None:
        """Follow a wait: to the task that is joined, else to the task that waits."""
        row = self.current.chosen
        if row is None:
            return
        joined = _JOINED.match(self.current.cell(row, "on"))
        if joined is not None:
            self.follow(joined.group())
        elif row.expandable:
            self.action_expand()
        elif view_of(subject_of(row.key)) == "tasks":
            self.follow(subject_of(row.key))
        else:
            self.reader.leads(row.key, self._follow_first)

    def _follow_first(self, keys: Sequence[str]) -> None:
        """Go to the first task that something leads to."""
        task = next((key for key in keys if view_of(key) == "tasks"), None)
        if task is not None:
            self.follow(task)

    def follow(self, key: str) -> None:
        """Go to the row of a key; a filter that hides it is taken away."""
        view = view_of(key)
        if view is None:
            return
        self.history.leave(self._visit)
        self._stand_on(self.tables[view], self.tables[view].wanted, key)
        self.go_to_pane(view)

    def action_along(self, way: str) -> None:
        """Go one step along the waits: to what is waited for, or to who waits."""
        row = self.current.chosen
        if row is None:
            return
        about = self._waited(row) if self.view == "waits" else subject_of(row.key)

        def go(keys: Sequence[str]) -> None:
            if not keys:
                words = f"{about} waits for nobody that is known."
                if way == "behind":
                    words = f"Nobody is known to wait for {about}."
                self.notify(words, markup=False)
                return
            turn = self._turns.get((about, way), -1) + 1
            self._turns = {(about, way): turn}
            if len(keys) > 1:
                self.notify(f"{turn % len(keys) + 1} of {len(keys)} of {about}", markup=False)
            self.follow(keys[turn % len(keys)])

        self.reader.along(about, way == "ahead", go)

    def _waited(self, row: Row) -> str:
        """Return the resource of a row of waits, where it has one; else its task."""
        found = _RESOURCE.match(self.current.cell(row, "on"))
        return found.group() if found is not None else subject_of(row.key)

    def _stand_on(self, table: RowTable, query: Query, key: str) -> None:
        def then(shown: bool) -> None:
            if shown:
                return
            if query.filter or query.collapsed:
                plain = replace(query, filter="", collapsed=frozenset())
                self.reader.order(table, plain, key=key)
                self.notify(f"The filter was taken away to show {key}.", markup=False)
            else:
                self.notify(f"{key} is not in {table.view}.", markup=False, severity="warning")

        self.reader.order(table, query, key=key, then=then)

    def action_back(self) -> None:
        """Go back one step."""
        if self.summary is None:
            self.action_leave()
        elif self.filtering:
            self.end_filter(keep=False)
        elif self.thread.reading is not None:
            self.thread.cancel()
        elif self.zoomed:
            self.action_zoom()
        elif self.pane in DETAIL:
            self.go_to_pane(self.view)
        else:
            self._go_back()

    def _go_back(self) -> None:
        visit = self.history.back()
        if visit is None:
            if self.current.wanted.filter:
                self.reader.order(self.current, replace(self.current.wanted, filter=""))
            return
        self.reader.order(self.tables[visit.query.view], visit.query, key=visit.key)
        self.go_to_pane(visit.query.view)

    def read_detail(self) -> None:
        """Show the detail of the chosen row now."""
        row = self.current.chosen
        if row is not None:
            self.reader.detail(row.key)
        elif self.current.loaded and not self.current.total:
            self.reader.nothing()

    def read_variables(self) -> None:
        """Show the variables of the chosen frame now."""
        self.reader.variables(self.stack.chosen)

    # Rows.

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.reader.order(self.current, self.current.sorted_by_next())

    def action_invert(self) -> None:
        """Invert the order."""
        self.reader.order(self.current, self.current.inverted())

    def action_tree(self) -> None:
        """Show tasks as a tree, or flat."""
        self.reader.order(self.current, self.current.regrouped())

    def action_expand(self) -> None:
        """Expand or collapse what the cursor stands on."""
        if self.pane == "variables":
            self.variables.toggle()
            return
        query = self.current.toggled()
        if query is not None:
            self.reader.order(self.current, query)

    def action_filter(self) -> None:
        """Type a filter; ``esc`` will lead back to what was shown before."""
        self._before_filter = self._visit
        super().action_filter()

    def filter_rows(self, text: str) -> None:
        """Narrow the list to rows with these words."""
        if text != self.current.wanted.filter:
            self.reader.order(self.current, replace(self.current.wanted, filter=text))

    def end_filter(self, *, keep: bool) -> None:
        """Leave the filter: keep it, or show all rows as before."""
        before = self._before_filter
        self.show_filter(False)
        text = self.current.wanted.filter.strip()
        if not keep:
            if text:
                self.reader.order(self.current, replace(self.current.wanted, filter=""))
        elif text:
            self._last_filter[self.view] = text
            if before is not None and before.query.filter != text:
                self.history.leave(before)
        self.set_focus(self.current)

    def action_match(self, step: int) -> None:
        """Go to the next row that matches the filter, or the last one there was."""
        table = self.current
        if table.wanted.filter:
            table.move_to((table.cursor + step) % max(table.total, 1))
            return
        words = self._last_filter.get(self.view)
        if words is None:
            self.notify("Nothing was searched for yet: / starts a filter.", markup=False)
            return

        def found(any_row: bool) -> None:
            if not any_row:
                self.notify(f"No row matches {words}.", markup=False, severity="warning")

        self.reader.find(table, words, step, found)

    # Other screens.

    def action_view(self) -> None:
        """Show the chosen line whole."""
        fields = tuple(self._chosen_fields())
        frame = self.stack.chosen if self.pane == "stack" else None
        if frame is not None:
            self.reader.source(frame, lambda lines: self._show_whole(fields, lines))
        elif fields:
            self._show_whole(fields)

    def _show_whole(
        self, fields: Sequence[tuple[str, str]], source: Sequence[SourceLine] = ()
    ) -> None:
        title = "A frame, and its source" if source else "One line, whole"
        self.app.push_screen(WholePage(title, fields, source))

    def text_to_copy(self) -> str:
        """Return the chosen line's texts."""
        return "  ".join(text for _, text in self._chosen_fields() if text)

    def _chosen_fields(self) -> Iterator[tuple[str, str]]:
        """Return label and text of each part of the chosen line."""
        match self.pane:
            case "facts":
                fact = self.facts.chosen
                if fact is not None:
                    yield fact.label, fact.text
            case "stack":
                frame = self.stack.chosen
                if frame is not None:
                    yield from _frame_fields(frame)
            case "variables":
                node = self.variables.chosen
                if node is not None:
                    row = node.row
                    address = "" if row.address is None else f"{row.address:#x}"
                    yield from (("name", row.name), ("type", row.type))
                    yield from (("value", row.value), ("at", address), ("problem", node.reason))
            case _:
                chosen = self.current.chosen
                if chosen is not None:
                    yield from self.current.full_text(chosen)

    def action_save(self) -> None:
        """Ask where to save the snapshot, and save it there."""
        if self.summary is not None:
            name = proposed_name(self.summary.target)
            self.app.push_screen(SaveQuestion(name, values=self.saves_values), self._save)

    def _save(self, wish: SaveWish | None) -> None:
        if wish is None:
            return
        path, values = wish
        self.reader.save(path, values, self._saved, self.say_error)

    def _saved(self, saved: Saved) -> None:
        self.notify(sentence(saved), title="Saved", markup=False)

    def say_error(self, error: AdpError) -> None:
        """Say what could not be done."""
        if not isinstance(error, CancelledError):
            text = f"{error.message}. {error.help}" if error.help else error.message
            self.notify(text, markup=False, severity="warning")

    def action_losses(self) -> None:
        """Show what could not be read."""
        if self.summary is not None:
            self.app.push_screen(LossesPage(self.summary))

    def action_keys(self) -> None:
        """Show the keys of this screen, as they are bound now."""
        self.app.push_screen(HelpPage.of(self._bindings))

    def action_leave(self) -> None:
        """Quit; while the target is being opened, stop that."""
        self.thread.stop()
        self.leave(130 if self.summary is None else 0)

    def leave(self, status: int) -> None:
        """End the application, or go back to the list that this target was chosen from."""
        if not self.returns:
            self.app.exit(return_code=status)
        elif self in self.app.screen_stack:
            # Else it has gone back already, and only now hears that opening was stopped.
            while self.app.screen is not self:
                self.app.pop_screen()
            self.dismiss(None)


def _frame_fields(frame: FrameRow) -> Iterator[tuple[str, str]]:
    yield "function", frame.function
    yield "at", frame.place
    if frame.file is not None:
        yield "file", frame.file if frame.line is None else f"{frame.file}:{frame.line}"
    yield "directory", frame.dir or ""
    yield "note", frame.note
