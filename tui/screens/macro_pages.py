"""The screens of macros: which there are, what one says, and what is to be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.macros.report import text_result
from adp_tui.engine.macros.results import Cell, PlainNode, PlainTable, PlainText
from adp_tui.engine.views.records import MacroRow, MacroText
from adp_tui.tui.actions import bindings
from adp_tui.tui.screens.moves import ListScreen
from adp_tui.tui.screens.page import Page, Paragraph, heading
from adp_tui.tui.screens.pages import WholePage
from adp_tui.widgets.bars import KeyBar
from adp_tui.widgets.ink import Ink, Span
from adp_tui.widgets.line_view import LineView
from adp_tui.widgets.result_view import ResultLine, ResultView

__all__ = ["ArgumentsQuestion", "MacrosScreen", "ResultScreen", "TrustPage", "usage"]


class _Lines(ListScreen[str | None]):
    """A screen with one list; what it is left with is the key or name that was chosen."""

    AUTO_FOCUS = ""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = title

    def compose(self) -> ComposeResult:
        """Lay out the list and the line of keys."""
        yield ResultView(self.heading, id="result")
        yield KeyBar(id="keys")

    @property
    def view(self) -> ResultView:
        """The list."""
        return self.query_one(ResultView)

    def moving_list(self) -> LineView | None:
        """Return the list."""
        return self.view

    def action_close(self) -> None:
        """Go back to the screen before."""
        self.dismiss(None)

    @on(LineView.Opened)
    def opened_by_mouse(self) -> None:
        """Open what was clicked twice."""
        self.action_open()

    def action_open(self) -> None:
        """Leave with what the chosen line leads to."""
        line = self.view.chosen
        if line is not None and line.key is not None:
            self.dismiss(line.key)

    def action_view(self) -> None:
        """Show the chosen line whole."""
        line = self.view.chosen
        if line is not None:
            labels = self.labels() or ("",) * len(line.cells)
            fields = zip(labels, line.cells, strict=False)
            self.app.push_screen(WholePage("One line, whole", fields))

    def labels(self) -> Sequence[str]:
        """Return the titles of the cells."""
        return ()


class ResultScreen(_Lines):
    """What a macro says; ``enter`` on a line goes to what the line is about."""

    BINDINGS = bindings("result")

    def __init__(self, outcome: Outcome) -> None:
        result = outcome.result
        super().__init__((result.title if result is not None else "") or outcome.name)
        self.outcome = outcome

    def on_mount(self) -> None:
        """Show the result."""
        result = self.outcome.result
        columns = result.columns if isinstance(result, PlainTable) else ()
        right = [
            isinstance(result, PlainTable) and any(row[at].value is not None for row in result.rows)
            for at in range(len(columns))
        ]
        self.view.show_lines(tuple(_lines(self.outcome)), columns, right)
        self.view.focus()
        self.query_one(KeyBar).show(
            (("enter", "go there"), ("v", "whole"), ("y", "copy all"), ("esc", "close"))
        )

    def labels(self) -> Sequence[str]:
        """Return the titles of a table's columns."""
        result = self.outcome.result
        return result.columns if isinstance(result, PlainTable) else ()

    def text_to_copy(self) -> str:
        """Return the whole result."""
        result = self.outcome.result
        return "" if result is None else "\n".join(text_result(result))


def _lines(outcome: Outcome) -> Iterator[ResultLine]:
    result = outcome.result
    if isinstance(result, PlainTable):
        for row in result.rows:
            yield ResultLine(tuple(cell.text for cell in row), _leads(row))
    elif isinstance(result, PlainText):
        for line in result.lines:
            yield ResultLine((line,), wraps=True)
    elif result is not None:
        for node in result.nodes:
            yield from _branches(node, 0)
    if outcome.printed:
        yield ResultLine(("it printed:",), ink=Ink.MUTED, wraps=True)
        for line in outcome.printed.splitlines():
            yield ResultLine((line,), depth=1, ink=Ink.MUTED, wraps=True)
    for problem in outcome.problems:
        yield ResultLine((f"! {problem}",), ink=Ink.WARNING, wraps=True)


def _leads(row: Sequence[Cell]) -> str | None:
    """Return what a row leads to: what its first cell names that names anything."""
    return next((cell.key for cell in row if cell.key is not None), None)


def _branches(node: PlainNode, depth: int) -> Iterator[ResultLine]:
    yield ResultLine((node.cell.text,), node.cell.key, depth, wraps=True)
    for child in node.children:
        yield from _branches(child, depth + 1)


class MacrosScreen(_Lines):
    """The macros that there are, and the files that are not run; left with a macro's name."""

    BINDINGS = bindings("macros")

    def __init__(self, rows: Sequence[MacroRow]) -> None:
        super().__init__("Macros")
        self.rows = tuple(rows)

    def on_mount(self) -> None:
        """Show the list."""
        lines = [
            ResultLine(
                (row.name, usage(row), row.help, f"{row.origin}: {row.place}"), row.name
            )
            if row.state == "ready"
            else ResultLine((f"! {row.name}", row.state, row.why, row.place), None, 0, Ink.WARNING)
            for row in self.rows
        ]  # fmt: skip
        if not lines:
            empty = "There are none. They stand in .adp/macros/*.py and .adp/*.adp.json."
            lines = [ResultLine((empty, "", "", ""), ink=Ink.MUTED)]
        self.view.show_lines(lines, ("Macro", "Takes", "What it says", "From"))
        self.view.focus()
        keys = [("enter", "run"), ("v", "whole"), ("esc", "close")]
        if any(row.state == "untrusted" for row in self.rows):
            keys.insert(1, ("T", "look at what is not trusted"))
        self.query_one(KeyBar).show(keys)

    def labels(self) -> Sequence[str]:
        """Return the titles of the columns."""
        return ("macro", "takes", "says", "from")

    def action_trust(self) -> None:
        """Leave to look at the files that are not trusted."""
        if any(row.state == "untrusted" for row in self.rows):
            self.dismiss("")

    def text_to_copy(self) -> str:
        """Return the chosen line."""
        line = self.view.chosen
        return "" if line is None else "  ".join(line.cells)


def usage(row: MacroRow) -> str:
    """Return what a macro takes: ``least=int``, in brackets where it need not be given."""
    words = [f"{n}={k}" if required else f"[{n}={k}]" for n, k, required in row.arguments]
    return " ".join([*([] if row.on == "global" else [f"a {row.on}"]), *words])


class TrustPage(Page):
    """Files that are not trusted, whole; ``T`` trusts them as they stand here."""

    BINDINGS = bindings("trust")

    def __init__(self, files: Sequence[MacroText]) -> None:
        paragraphs: list[Paragraph] = [
            (
                Span("  "),
                Span(
                    "These files would run with your rights whenever a macro is asked for. T trusts"
                    " them as they stand here; a file that is changed is asked for again."
                ),
            )
        ]
        for file in files:
            state = "changed since it was trusted" if file.changed else "not trusted"
            paragraphs += [(), heading(f"  {file.path}, {state}")]
            paragraphs.append((Span(f"  sha256 {file.digest}", Ink.MUTED),))
            paragraphs += [
                (Span(f"  {number:>4}  ", Ink.MUTED), Span(line))
                for number, line in enumerate(file.lines, 1)
            ]
        super().__init__(f"Not trusted · {len(files)} files", paragraphs)
        self.trusted = False

    def keys(self) -> Sequence[tuple[str, str]]:
        """Return what stands in the line of keys."""
        return (("j k", "scroll"), ("T", "trust these files"), ("esc", "leave them"))

    def action_trust(self) -> None:
        """Trust what is shown."""
        self.trusted = True
        self.dismiss(None)


class ArgumentsQuestion(ModalScreen[str | None]):
    """A line with a macro's arguments; ``esc`` runs nothing."""

    BINDINGS = [("escape", "dismiss(None)", "run nothing")]  # noqa: RUF012

    def __init__(self, row: MacroRow) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(id="save"):
            yield Static(f"{self._row.name}: {self._row.help}", markup=False)
            yield Input("", id="save-name", placeholder=usage(self._row))
            yield Static("enter runs it · NAME=VALUE NAME=VALUE · esc", markup=False)

    def on_mount(self) -> None:
        """Put the cursor into the line."""
        box = self.query_one(Input)
        box.cursor_blink = False
        box.focus()

    @on(Input.Submitted)
    def chosen(self, event: Input.Submitted) -> None:
        """Run it with these."""
        self.dismiss(event.value)
