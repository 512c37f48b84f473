"""Moving in whichever list has the focus; every screen with a list has these."""

from __future__ import annotations

from typing import TypeVar

from textual.screen import Screen

from adp_tui.widgets.line_view import LineView

__all__ = ["ListScreen"]

Result = TypeVar("Result")


class ListScreen(Screen[Result]):
    """A screen whose lists move by the same keys."""

    def moving_list(self) -> LineView | None:
        """Return the list that the keys move."""
        return self.focused if isinstance(self.focused, LineView) else None

    def action_move(self, where: str) -> None:
        """Move the cursor of the list in focus."""
        view = self.moving_list()
        if view is None:
            return
        match where:
            case "down":
                view.move_by(1)
            case "up":
                view.move_by(-1)
            case "first":
                view.move_to(0)
            case "last":
                view.move_to(view.item_count - 1)
            case "half_down":
                view.move_pages(0.5)
            case "half_up":
                view.move_pages(-0.5)
            case "page_down":
                view.move_pages(1)
            case "page_up":
                view.move_pages(-1)

    def action_copy(self) -> None:
        """Copy the chosen line; the terminal puts it on the clipboard (OSC 52), also over SSH."""
        text = self.text_to_copy()
        if text:
            self.app.copy_to_clipboard(text)
            first = text.splitlines()[0]
            shown = first if len(first) <= 60 else first[:59] + "…"
            self.notify(shown, title="Copied", markup=False, timeout=2)

    def text_to_copy(self) -> str:
        """Return what the copy action copies."""
        return ""
