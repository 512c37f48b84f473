"""The main screen: four lists, and the detail of what is chosen."""

from __future__ import annotations

import asyncio

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.events import DescendantFocus, Resize

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.views.records import VIEWS, Progress, Summary
from adp_tui.tui.actions import FOOTER, action_of, bindings, key_names
from adp_tui.tui.arrangement import DETAIL, SHORT, arrange, top_down
from adp_tui.tui.door_thread import DoorThread, Opener
from adp_tui.tui.reader import Reader
from adp_tui.tui.screens.live_actions import EVERY_S
from adp_tui.tui.screens.macro_actions import MacroActions
from adp_tui.tui.screens.main_actions import GRAPH
from adp_tui.tui.screens.pages import ErrorPage, bug
from adp_tui.widgets.bars import Headline, KeyBar, NavigationBar
from adp_tui.widgets.facts_view import FactsView
from adp_tui.widgets.ink import Ink, Span
from adp_tui.widgets.line_view import LineView
from adp_tui.widgets.row_table import RowTable
from adp_tui.widgets.stack_view import StackView
from adp_tui.widgets.variable_tree import VariableTree

__all__ = ["MainScreen"]

REST_S = 0.12
"""How long the cursor rests before the detail follows: a held key moves the cursor alone, so
that each move costs two lines, not a screen full."""
_PATIENCE_S = 0.3
"""After which time it is said what is being read."""


class MainScreen(MacroActions):
    """Lists, detail, and the lines around them.

    Args:
        opener: opens the target on the door's thread.
        title: what stands in the head until the target is open.
        rest_s: how long the cursor rests before the detail follows it.
        every_s: how long after a snapshot the next one is taken, where they are automatic.
    """

    BINDINGS = bindings("main")
    AUTO_FOCUS = ""

    def __init__(
        self, opener: Opener, title: str, *, rest_s: float = REST_S, every_s: float = EVERY_S
    ) -> None:
        super().__init__(every_s)
        self._title = title
        self._rest_s = rest_s
        self._rest: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._opened_at_all = False
        self.thread = DoorThread(opener, self.call_later, self._failed, self._told)

    def compose(self) -> ComposeResult:
        """Lay out all panes; which of them are seen depends on the size."""
        yield Headline(self._title, id="headline")
        yield NavigationBar(id="navigation")
        with Container(id="body"):
            with Vertical(id="lists"):
                for view in top_down(VIEWS):
                    number = VIEWS.index(view) + 1
                    yield RowTable(f"{number} {view.capitalize()}", view, id=view)
            with Vertical(id="detail"):
                yield FactsView("Detail", id="facts")
                yield StackView("Stack", id="stack")
                yield VariableTree("Variables", id="variables")
        yield self.filter_bar("words  !word  state:idle")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Draw the frame and start to open the target."""
        self.tables = {view: self.query_one(f"#{view}", RowTable) for view in VIEWS}
        self.facts = self.query_one(FactsView)
        self.stack = self.query_one(StackView)
        self.variables = self.query_one(VariableTree)
        self.reader = Reader(self.thread, self.facts, self.stack, self.variables, self._asked)
        self.set_focus(self.tables["tasks"])
        self._show_navigation()
        self._show_reading(Progress("opening"))
        self.thread.open(self._show_reading, self._ask_summary, self._refused)

    def on_unmount(self) -> None:
        """Let go of the target."""
        self.thread.leave()

    # Opening.

    def _show_reading(self, step: Progress) -> None:
        if self.summary is not None:
            return
        of = ""
        if step.done is not None:
            of = f" {step.done:,}" + (f" of {step.total:,}" if step.total is not None else "")
        self.query_one(NavigationBar).show_notice(
            Span(f"{step.text}{of} … ", Ink.ACCENT), Span("esc stops it", Ink.MUTED)
        )

    def _ask_summary(self) -> None:
        self._opened_at_all = True
        self.thread.ask(
            "summary",
            "the program",
            lambda door: door.summary(),
            self.show_summary,
            self._refused,
        )

    def show_summary(self, summary: Summary) -> None:
        """Show the head of the screen and ask for the rows of all panes."""
        self.summary = summary
        self.query_one(NavigationBar).show_notice()
        self.rearrange()
        self.show_head()
        if not dict(summary.counts).get("tasks", 1):
            self.set_focus(self.tables["threads"])
        for table in self.read_tables():
            self.reader.window(table, table.wanted, *table.window())

    def show_head(self) -> None:
        """Show what is open, how it is looked at, and how many rows the panes have."""
        summary = self.summary
        if summary is None:
            return
        runtimes = " · ".join(
            _runtime(r.name, r.version, r.descriptor, r.tested) for r in summary.runtimes
        )
        right = [runtimes or "no async runtime recognised"]
        if summary.target.kind == "snapshot":
            right.append(f"saved snapshot of {summary.target.taken_at or 'an unknown time'}")
        if summary.held:
            right.append("PAUSED: p lets it run")
        elif summary.target.pause_ms is not None:
            right.append(f"stood {summary.target.pause_ms:.1f} ms")
        if self.automatic:
            right.append(f"auto {self._every_s:g} s")
        if summary.extensions:
            used = sum(each.state == "used" for each in summary.extensions)
            right.append(f"{used} of {len(summary.extensions)} extensions: L")
        changes = ", ".join(f"{count:,} {word}" for word, count in summary.changes if count)
        self.query_one(Headline).show(summary.title, " · ".join(filter(None, [changes, *right])))
        self._show_navigation()

    def _refused(self, error: AdpError) -> None:
        """Show why the target can't be opened; closing that quits with status 3, or goes back."""
        if isinstance(error, CancelledError):
            self.leave(130)
            return
        self.query_one(NavigationBar).show_notice()
        self.fail(error, 3)
        self.app.push_screen(
            ErrorPage.of("Cannot open", error, leave=not self.returns), self._gave_up
        )

    def _failed(self, text: str) -> None:
        """Show an error that nobody foresaw: adp-tui's own, with all that helps to find it."""
        error = bug(text)
        opened = self.summary is not None
        if not opened:
            self.fail(error, 70)
        page = ErrorPage.of("Internal error", error, leave=not opened and not self.returns)
        self.app.push_screen(page, None if opened else self._gave_up)

    def fail(self, error: AdpError, status: int) -> None:
        """Remember why the application ends."""
        self.failure = error, status

    def _gave_up(self, _: None) -> None:
        self.leave(self.failure[1] if self.failure else 1)

    # What is being read.

    def _asked(self) -> None:
        if self._patience is None:
            self._patience = self.later(_PATIENCE_S, self._show_waiting)

    def _told(self) -> None:
        if self.thread.reading is None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None
            self._show_losses()

    def _show_waiting(self) -> None:
        what = self.thread.reading
        if what is not None:
            self.query_one(NavigationBar).show_notice(
                Span("esc stops ", Ink.MUTED), Span(f"reading {what} …", Ink.ACCENT)
            )

    def _show_losses(self) -> None:
        count = len(self.summary.losses) if self.summary is not None else 0
        bar = self.query_one(NavigationBar)
        if count:
            missing = self.summary is not None and any(x.missing for x in self.summary.losses)
            ink = Ink.WARNING if missing else Ink.MUTED
            text = f"{'! ' if missing else ''}{count} not read"
            bar.show_notice(Span(text, ink), Span(" L", Ink.ACCENT))
        else:
            bar.show_notice()

    def _show_navigation(self) -> None:
        """Show the panes with their counts; while the target is read its progress stands here."""
        if self.summary is None:
            return
        counts = dict(self.summary.counts)
        entries = []
        for number, view in enumerate(VIEWS, 1):
            count = f" {counts[view]:,}" if view in counts else ""
            entries.append((view, f"{number} {view.capitalize()}{count}"))
        self.query_one(NavigationBar).show(entries, self.view)

    # Where one is.

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Follow the focus: another list means another detail, and other panes may be seen."""
        pane = event.widget
        if not isinstance(pane, LineView):
            return
        self.pane = pane.id or ""
        if isinstance(pane, RowTable) and pane.view != self.view:
            self.view = pane.view
            self._show_navigation()
            stale = self.summary is not None and pane.epoch != self.summary.epoch
            if pane.view == GRAPH and stale:
                self.reader.order(pane, pane.wanted, fresh=pane.loaded)
            self.detail_follows()
        self.rearrange()

    @on(Resize)
    def resized(self) -> None:
        """Choose the panes that fit."""
        self.rearrange()

    def rearrange(self) -> None:
        """Show the panes that the size and the focus ask for."""
        size = self.app.size
        view = self.pane if self.pane in VIEWS else self.view
        found = self.summary is not None and bool(dict(self.summary.counts).get("findings"))
        plan = arrange(size.width, size.height, view, self.pane, self.zoomed, found=found)
        self.cycle = plan.cycle
        for name in (*VIEWS, *DETAIL):
            self.query_one(f"#{name}").display = name in plan.panes
        lists = [name for name in plan.panes if name in VIEWS]
        self.query_one("#lists").display = bool(lists)
        self.query_one("#detail").display = any(name in DETAIL for name in plan.panes)
        self.set_class(plan.beside, "-beside")
        self.set_class(len(lists) > 1, "-lists")
        self.set_class(len(plan.panes) == 1, "-zoomed")
        self.set_class(size.height < SHORT, "-small")
        self._show_keys()

    def _show_keys(self) -> None:
        shown = [
            action_of(id)
            for id in FOOTER
            if self.check_action(action_of(id).call.partition("(")[0], ()) is True
        ]
        names = {b.binding.id: key for key, b in reversed(self.active_bindings.items())}
        self.query_one(KeyBar).show(
            [(key_names(names.get(a.id, a.keys)), a.word) for a in shown if a.id in names]
        )

    # The detail follows the cursor once it rests.

    @on(LineView.Moved)
    def moved(self, event: LineView.Moved) -> None:
        """Wait until the cursor rests."""
        if event.view is self.current or event.view is self.stack or event.view.has_focus:
            self.detail_follows(event.view)

    def detail_follows(self, view: LineView | None = None) -> None:
        """Show the position, and read the detail, once the cursor has rested."""
        if self._rest is not None:
            self._rest.cancel()

        def rested() -> None:
            if view is not None:
                view.repaint_title()
            if view is self.stack:
                self.read_variables()
            elif view is None or view is self.current:
                self.read_detail()

        self._rest = self.later(self._rest_s, rested)

    @on(LineView.Opened)
    def opened_by_mouse(self, event: LineView.Opened) -> None:
        """Open what was clicked twice."""
        self.set_focus(event.view)
        self.action_open()

    @on(NavigationBar.Chosen)
    def pane_chosen(self, event: NavigationBar.Chosen) -> None:
        """Go to the pane that was clicked."""
        self.action_pane(event.name)

    @on(RowTable.Wanted)
    def rows_wanted(self, event: RowTable.Wanted) -> None:
        """Read the rows that came into sight."""
        self.reader.window(event.table, event.query, event.start, event.count)

    @on(VariableTree.Wanted)
    def fields_wanted(self, event: VariableTree.Wanted) -> None:
        """Read the fields of a variable."""
        self.reader.fields(event.node)


def _runtime(name: str, version: str | None, descriptor: str, tested: bool) -> str:
    """Say which runtime it is; without a version, which layout it has."""
    text = f"{name} {version}" if version else descriptor
    return text if tested else f"{text} (untested)"
