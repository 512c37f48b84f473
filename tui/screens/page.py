"""A screen of text: help, losses, one line whole, an error."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from adp_tui.tui.actions import action_of, bindings, key_names
from adp_tui.tui.screens.moves import ListScreen
from adp_tui.widgets.bars import KeyBar
from adp_tui.widgets.flow_view import TextView
from adp_tui.widgets.ink import Ink, Span
from adp_tui.widgets.line_view import LineView

__all__ = ["Page", "Paragraph"]

Paragraph = Sequence[Span]
"""A label, which indents what follows, and text."""


class Page(ListScreen[None]):
    """Paragraphs under a title; ``esc`` closes it."""

    BINDINGS = bindings("page")

    def __init__(self, title: str, paragraphs: Sequence[Paragraph]) -> None:
        super().__init__()
        self.heading = title
        self.paragraphs = tuple(paragraphs)

    def compose(self) -> ComposeResult:
        """Lay out the text and the line of keys."""
        yield TextView(self.heading, id="text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Show the text."""
        self.query_one(TextView).show(self.paragraphs)
        self.query_one(TextView).focus()
        self.query_one(KeyBar).show(self.keys())

    def keys(self) -> Sequence[tuple[str, str]]:
        """Return what stands in the line of keys."""
        close = action_of("page.close")
        return (("j k", "scroll"), ("y", "copy"), (key_names(close.keys.split(",")[0]), "close"))

    def moving_list(self) -> LineView | None:
        """Return the text."""
        return self.query_one(TextView)

    def action_close(self) -> None:
        """Go back to the screen before."""
        self.dismiss(None)

    def text_to_copy(self) -> str:
        """Return the whole text."""
        return "\n".join("".join(s.text for s in spans).rstrip() for spans in self.paragraphs)


def heading(text: str) -> Paragraph:
    """Return a paragraph that heads others."""
    return (Span(text, Ink.STRONG),)
