"""The facts of a task or thread as labelled lines, and what can be followed from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adp_tui.engine.views.records import TaskDetail
from adp_tui.widgets.flow_view import FlowView, flowed
from adp_tui.widgets.ink import Ink, Span, tone_ink, tone_mark

__all__ = ["Fact", "FactsView"]

_LABEL = 13
"""Cells of the label column: ``defined at`` and two marks."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled line; with a ``key`` it can be followed."""

    label: str
    text: str
    ink: Ink = Ink.NORMAL
    mark: str = " "
    key: str | None = None


class FactsView(FlowView[Fact]):
    """The facts of what is chosen; the links stand below them."""

    def show_detail(self, detail: TaskDetail) -> None:
        """Show the facts of a task or thread."""
        self.title = detail.title
        facts = [
            Fact(label, cell.text, tone_ink(cell.tone), tone_mark((cell.tone,))[0])
            for label, cell in detail.facts
        ]
        links = [Fact(label, key, Ink.ACCENT, "→", key) for label, key in detail.links]
        self.show((*facts, *links))
        self.repaint_title()

    def show_reason(self, title: str, reason: str, help: str = "") -> None:
        """Show why there are no facts."""
        self.title = title
        facts = [Fact("", reason, Ink.WARNING, "!")]
        self.show((*facts, Fact("", help)) if help else facts)
        self.repaint_title()

    def clear(self) -> None:
        """Show nothing."""
        self.title = "Detail"
        self.show(())
        self.repaint_title()

    def subtitle(self) -> str:
        """Say how many links there are, and how many lines don't fit."""
        below = self.line_count - self.page - round(self.scroll_y)
        return f"↓ {below} more" if below > 0 else ""

    def lay_out(self, item: Fact, width: int) -> Iterable[Sequence[Span]]:
        """Return the label and the wrapped text of a fact."""
        label = Span(f"{item.mark} {item.label}".ljust(_LABEL) + " ", Ink.MUTED)
        return flowed((label, Span(item.text, item.ink)), width)
