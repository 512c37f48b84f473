"""A list whose items are all at hand and may take several lines each."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from rich.cells import cell_len

from adp_tui.widgets.ink import Ink, Span, wrap
from adp_tui.widgets.line_view import LineView

__all__ = ["FlowView", "TextView", "differing", "flowed"]

T = TypeVar("T")
Line = Sequence[Span]


class FlowView(LineView, Generic[T]):
    """Items flowed into lines for the width at hand; a subclass lays out one item."""

    def __init__(self, title: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(title, id=id, classes=classes)
        self._items: tuple[T, ...] = ()
        self._lines: list[Line] = []
        self._tops: list[int] = []
        self._flowed = -1
        self._empty = ""

    @abstractmethod
    def lay_out(self, item: T, width: int) -> Iterable[Line]:
        """Return the lines of an item."""

    @property
    def items(self) -> tuple[T, ...]:
        """Return what is shown."""
        return self._items

    @property
    def chosen(self) -> T | None:
        """Return the item under the cursor."""
        return self._items[self._cursor] if self._cursor < len(self._items) else None

    def show(self, items: Iterable[T], *, cursor: int | None = 0, empty: str = "") -> None:
        """Show other items; ``cursor`` None keeps the place.

        Lines that stay the same are not repainted: tasks that wait at the same place share
        most of their stacks.
        """
        before, count = self._lines, len(self._lines)
        self._items, self._flowed = tuple(items), -1
        self._empty = empty
        place = self._cursor if cursor is None else cursor
        moved = place != self._cursor
        self._cursor = max(0, min(place, len(self._items) - 1))
        if cursor == 0 and self.scroll_y:
            self.scroll_to(y=0, animate=False)
        self._flow(self.text_width if self.size.width else 0)
        first, last = differing(before, self._lines)
        if moved or count != len(self._lines) or not self._lines:
            self.lines_changed()
        elif first < last:
            self.lines_changed(first, last - first)
        if cursor is not None:
            self.call_after_refresh(self.reveal_cursor)

    def _flow(self, width: int) -> None:
        if self._flowed == width or not width:
            return
        self._flowed = width
        self._lines, self._tops = [], []
        for item in self._items:
            self._tops.append(len(self._lines))
            self._lines.extend(self.lay_out(item, max(width - 1, 1)))

    @property
    def item_count(self) -> int:
        """Return how many items there are."""
        return len(self._items)

    @property
    def line_count(self) -> int:
        """Return how many lines they take at this width."""
        self._flow(self.text_width if self.size.width else 0)
        return len(self._lines)

    def lines_of(self, item: int) -> tuple[int, int]:
        """Return the first line of an item and how many it takes."""
        self._flow(self.text_width if self.size.width else 0)
        if item >= len(self._tops):
            return 0, 0
        end = self._tops[item + 1] if item + 1 < len(self._tops) else len(self._lines)
        return self._tops[item], end - self._tops[item]

    def item_at(self, line: int) -> int:
        """Return the item that a line belongs to."""
        return max(bisect_right(self._tops, line) - 1, 0)

    def paint(self, line: int, width: int) -> Line:
        """Return the pieces of a line."""
        return self._lines[line] if line < len(self._lines) else ()

    def empty_text(self) -> str:
        """Return what stands in an empty list."""
        return self._empty


class TextView(FlowView[Sequence[Span]]):
    """Paragraphs of text, wrapped; there is no cursor, the keys scroll."""

    has_cursor = False

    def move_by(self, items: int) -> None:
        """Scroll by lines."""
        self.scroll_to(y=round(self.scroll_y) + items, animate=False)

    def move_to(self, item: int) -> None:
        """Scroll to a paragraph."""
        self.scroll_to(y=self.lines_of(item)[0], animate=False)

    def subtitle(self) -> str:
        """Say how much is out of sight."""
        below = self.line_count - self.page - round(self.scroll_y)
        return f"↓ {below} more" if below > 0 else ""

    def lay_out(self, item: Sequence[Span], width: int) -> Iterable[Line]:
        """Wrap a paragraph; its first piece, when it ends in spaces, is the indent of all lines."""
        yield from flowed(item, width)


def flowed(spans: Sequence[Span], width: int) -> Iterable[Line]:
    """Wrap a label and text: each line after the first is indented as far as the label goes."""
    if not spans:
        yield ()
        return
    label, *rest = spans
    if not rest:
        for line in wrap(label.text, width):
            yield (Span(line, label.ink),)
        return
    indent = min(cell_len(label.text), max(width // 2, 1))
    first = True
    for span in rest:
        for line in wrap(span.text, width - indent):
            head = label if first else Span(" " * indent, Ink.NORMAL)
            yield (head, Span(line, span.ink))
            first = False


def differing(before: Sequence[Line], after: Sequence[Line]) -> tuple[int, int]:
    """Return the range of lines outside which two lists agree; (0, 0) when they are equal."""
    least = min(len(before), len(after))
    first = 0
    while first < least and before[first] == after[first]:
        first += 1
    if first == len(before) == len(after):
        return 0, 0
    if len(before) != len(after):
        return first, len(after)
    last = len(after)
    while last > first and before[last - 1] == after[last - 1]:
        last -= 1
    return first, last
