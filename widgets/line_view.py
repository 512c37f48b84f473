"""A list that draws only the lines on the screen, however many it has.

A widget for each row costs seconds at 100,000 rows; here the cost is the viewport's. A move of
the cursor repaints two lines; the position in the title follows when the cursor rests. Nothing
reacts to a hovering mouse: each hover would be a repaint that travels through SSH.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from adp_tui.widgets.ink import Ink, Span, cut, plain

__all__ = ["LineView"]

_STRIPS_KEPT = 512
"""Painted lines kept: some screens full, so that paging back costs nothing."""
_CURSOR, _CURSOR_IDLE, _TITLE, _TITLE_IDLE, _HEADING = (
    "cursor",
    "cursor-idle",
    "title",
    "title-idle",
    "heading",
)
_CURSOR_MARK = "▌"
"""Marks the chosen line where colours don't show it."""


class LineView(ScrollView, can_focus=True, inherit_bindings=False):
    """A titled list of lines with a cursor.

    A subclass says how many lines and items there are and paints one line at a time. Items
    are what the cursor stands on; one may take several lines. All keys are bound by screens.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"line-view--{ink.value}" for ink in Ink),
        *(f"line-view--{name}" for name in (_CURSOR, _CURSOR_IDLE, _TITLE, _TITLE_IDLE, _HEADING)),
    }
    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 1 1;
        background: $background;
        color: $foreground;
        & > .line-view--strong { color: $foreground; text-style: bold; }
        & > .line-view--muted { color: $text-muted; }
        & > .line-view--accent { color: $text-accent; }
        & > .line-view--good { color: $text-success; }
        & > .line-view--notice { color: $text-primary; }
        & > .line-view--warning { color: $text-warning; }
        & > .line-view--error { color: $text-error; text-style: bold; }
        & > .line-view--cursor {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: $block-cursor-text-style;
        }
        & > .line-view--cursor-idle { background: $surface; }
        & > .line-view--title { color: $accent; text-style: bold; }
        & > .line-view--title-idle { color: $text-muted; }
        & > .line-view--heading { color: $text-muted; text-style: underline; }
    }
    """

    heading_height = 1
    """Lines at the top that stay: the title, and column titles where there are some."""
    has_cursor = True
    """False where the keys scroll instead."""

    @dataclass
    class Moved(Message):
        """The cursor stands on another item, or the item under it is another one."""

        view: LineView

        @property
        def control(self) -> LineView:
            """Return the list that sent it."""
            return self.view

    @dataclass
    class Opened(Message):
        """The item under the cursor was chosen by mouse (keys are bound by the screen)."""

        view: LineView

        @property
        def control(self) -> LineView:
            """Return the list that sent it."""
            return self.view

    def __init__(self, title: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.title = plain(title)
        self.lit = False
        """Looks as if it had the focus: while its filter is typed."""
        self._cursor = 0
        self._strips: LRUCache[object, Strip] = LRUCache(_STRIPS_KEPT)
        self._styles: dict[str, Style] = {}

    # What a subclass says.

    @property
    @abstractmethod
    def item_count(self) -> int:
        """Return how many items there are."""

    @property
    @abstractmethod
    def line_count(self) -> int:
        """Return how many lines they take."""

    @abstractmethod
    def lines_of(self, item: int) -> tuple[int, int]:
        """Return the first line of an item and how many it takes."""

    @abstractmethod
    def item_at(self, line: int) -> int:
        """Return the item that a line belongs to."""

    @abstractmethod
    def paint(self, line: int, width: int) -> Sequence[Span]:
        """Return the pieces of a line, after the cursor's mark."""

    def paint_heading(self, width: int) -> Sequence[Span]:
        """Return the pieces of the line under the title."""
        return ()

    def subtitle(self) -> str:
        """Return what stands right in the title."""
        return f"{self._cursor + 1:,} of {self.item_count:,}" if self.item_count else ""

    def empty_text(self) -> str:
        """Return what stands in a list without lines."""
        return ""

    # The cursor.

    @property
    def cursor(self) -> int:
        """Return the item the cursor stands on."""
        return self._cursor

    @property
    def _looks_focused(self) -> bool:
        return self.has_focus or self.lit

    @property
    def text_width(self) -> int:
        """Return the cells of a line: a column is kept for the scrollbar, shown or not."""
        return max(self.size.width - 1, 1)

    @property
    def page(self) -> int:
        """Return how many lines fit under the heading."""
        return max(self.size.height - self.heading_height, 1)

    def move_by(self, items: int) -> None:
        """Move the cursor down, or up where negative."""
        self.move_to(self._cursor + items)

    def move_pages(self, pages: float) -> None:
        """Move the cursor by screens of lines."""
        self.move_by(int(self.page * pages) or (1 if pages > 0 else -1))

    def move_to(self, item: int) -> None:
        """Put the cursor on an item, the first or last where there is no such."""
        item = max(0, min(item, self.item_count - 1))
        if item == self._cursor:
            return
        old, self._cursor = self._cursor, item
        if not self._reveal(item):
            self._repaint_item(old)
            self._repaint_item(item)
        self.post_message(self.Moved(self))

    def reveal_cursor(self) -> None:
        """Scroll so that the cursor is on the screen."""
        self._reveal(self._cursor)

    def _reveal(self, item: int) -> bool:
        """Scroll an item into view; False when it is there already."""
        if not self.item_count or not self.size.height:
            return False
        first, count = self.lines_of(item)
        top = round(self.scroll_y)
        target = max(first + count - self.page, min(first, top))
        target = min(target, first) if count <= self.page else first
        if target == top:
            return False
        self.scroll_to(y=target, animate=False)
        return True

    # What has changed is repainted, and no more.

    def lines_changed(self, first: int = 0, count: int | None = None) -> None:
        """Repaint after a change of lines; all of them without arguments."""
        self._strips.clear()
        height = self.line_count + self.heading_height
        if self.virtual_size.height != height:
            self.virtual_size = Size(0, height)
        top = round(self.scroll_y)
        if count is None:
            self.refresh()
            return
        first_y = max(first - top, 0) + self.heading_height
        last_y = min(first + count - top + self.heading_height, self.size.height)
        if last_y > first_y:
            self._repaint(first_y, last_y - first_y)

    def _repaint_item(self, item: int) -> None:
        if not 0 <= item < self.item_count:
            return
        first, count = self.lines_of(item)
        y = first - round(self.scroll_y) + self.heading_height
        end = min(y + count, self.size.height)
        y = max(y, self.heading_height)
        if y < end:
            self._repaint(y, end - y)

    def repaint_title(self) -> None:
        """Repaint the title, for a position or a query that has changed."""
        self._repaint(0, self.heading_height)

    def _repaint(self, y: int, height: int) -> None:
        """Repaint lines of the screen, but not the scrollbar beside them."""
        self.refresh(Region(0, y, self.scrollable_content_region.width, height))

    # Painting.

    def notify_style_update(self) -> None:
        """Forget painted lines when the theme or a class changes."""
        super().notify_style_update()
        self._strips.clear()
        self._styles.clear()

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self.get_component_rich_style(f"line-view--{name}")
        return style

    def render_line(self, y: int) -> Strip:
        """Paint one line of the screen."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        if y < self.heading_height:
            return self._heading_strip(width)
        line = y - self.heading_height + round(self.scroll_y)
        if line >= self.line_count:
            text = f"  {self.empty_text()}" if line == 0 else ""
            return self._strip((Span(text, Ink.MUTED),), width)
        item = self.item_at(line)
        chosen = self.has_cursor and item == self._cursor
        key = (line, chosen and (1 + self._looks_focused), width)
        strip = self._strips.get(key)
        if strip is None:
            mark = Span(_CURSOR_MARK if chosen else " ", Ink.ACCENT if chosen else Ink.NORMAL)
            spans = (mark, *self.paint(line, self.text_width - 1))
            look = None if not chosen else _CURSOR if self._looks_focused else _CURSOR_IDLE
            strip = self._strips[key] = self._strip(spans, width, look)
        return strip

    def _strip(self, spans: Sequence[Span], width: int, look: str | None = None) -> Strip:
        """Make a line of exactly ``width`` cells.

        The chosen line of the focused list has one style for all of it: each change of style
        is some forty bytes to the terminal.
        """
        base = self.rich_style if look is None else self._style(look)
        if look == _CURSOR:
            text = cut(plain("".join(span.text for span in spans)), width)
            return Strip([Segment(text, base)]).adjust_cell_length(width, base)
        segments: list[Segment] = []
        room = width
        for text, ink in spans:
            if room <= 0:
                break
            shown = cut(plain(text), room)
            room -= cell_len(shown)
            style = base if ink is Ink.NORMAL else self._style(ink.value)
            if look is not None:
                style += Style(bgcolor=base.bgcolor)
            segments.append(Segment(shown, style))
        return Strip(segments).simplify().adjust_cell_length(width, base)

    def _title_strip(self, width: int) -> Strip:
        """Paint the title: a heavy rule where the list has the focus, a light one elsewhere."""
        rule = "━" if self._looks_focused else "─"
        style = self._style(_TITLE if self._looks_focused else _TITLE_IDLE)
        right = cut(plain(self.subtitle()), max(width - 8, 0))
        left = cut(self.title, max(width - cell_len(right) - 8, 0))
        right = f" {right} {rule}" if right else rule
        left = f"{rule} {left} "
        text = left + rule * max(width - cell_len(left) - cell_len(right), 0) + right
        return Strip([Segment(cut(text, width), style)]).adjust_cell_length(width, style)

    def _heading_strip(self, width: int) -> Strip:
        style = self._style(_HEADING)
        text = plain(" " + "".join(span.text for span in self.paint_heading(self.text_width - 1)))
        return Strip([Segment(cut(text, width), style)]).adjust_cell_length(width, style)

    # Events.

    def on_focus(self) -> None:
        """Show the focus: by the rule of the title and the chosen line."""
        self.repaint_title()
        self._repaint_item(self._cursor)

    def on_blur(self) -> None:
        """Show that the focus is elsewhere."""
        self.repaint_title()
        self._repaint_item(self._cursor)

    def on_resize(self) -> None:
        """Keep the chosen line on the screen."""
        self._strips.clear()
        self.virtual_size = Size(0, self.line_count + self.heading_height)
        self.call_after_refresh(self.reveal_cursor)

    def on_click(self, event: events.Click) -> None:
        """Choose the line that was clicked; open it when it was clicked twice."""
        line = event.y - self.heading_height + round(self.scroll_y)
        if event.y < self.heading_height or line >= self.line_count:
            return
        self.move_to(self.item_at(line))
        if event.chain == 2:
            self.post_message(self.Opened(self))
