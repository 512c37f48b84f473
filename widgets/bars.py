"""The lines around the panes: what is open, where one is, which keys there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from adp_tui.widgets.ink import Ink, Span, cut, plain, wrap

__all__ = ["Bar", "Headline", "KeyBar", "NavigationBar"]


class Bar(Widget):
    """A line of pieces of text, drawn without markup."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{ink.value}" for ink in Ink} | {"bar--chosen"}
    DEFAULT_CSS = """
    Bar {
        height: 1;
        background: $background;
        color: $foreground;
        & > .bar--strong { color: $foreground; text-style: bold; }
        & > .bar--muted { color: $text-muted; }
        & > .bar--accent { color: $text-accent; }
        & > .bar--good { color: $text-success; }
        & > .bar--notice { color: $text-primary; }
        & > .bar--warning { color: $text-warning; }
        & > .bar--error { color: $text-error; text-style: bold; }
        & > .bar--chosen { color: $accent; text-style: bold reverse; }
    }
    """

    def paint(self, y: int, width: int) -> Sequence[Span]:
        """Return the pieces of line ``y``."""
        return ()

    def style_of(self, name: str) -> Style:
        """Return the style of a component."""
        return self.get_component_rich_style(f"bar--{name}")

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width = self.size.width
        base = self.rich_style
        segments: list[Segment] = []
        room = width
        for text, ink in self.paint(y, width):
            shown = cut(plain(text), room)
            room -= cell_len(shown)
            segments.append(Segment(shown, base if ink is Ink.NORMAL else self.style_of(ink.value)))
        return Strip(segments).simplify().adjust_cell_length(width, base)


class Headline(Bar):
    """What is open, and which runtimes were recognised; two lines where one is too short."""

    DEFAULT_CSS = "Headline { height: auto; background: $panel; }"

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = plain(title)
        self._right = ""

    def show(self, title: str, right: str) -> None:
        """Show another title, and what stands right of it."""
        self._title, self._right = plain(title), plain(right)
        self.refresh(layout=True)

    def _lines(self, width: int) -> list[tuple[str, str]]:
        room = max(width - 2, 1)
        if cell_len(self._title) + cell_len(self._right) + 3 <= room:
            return [(self._title, self._right)]
        lines = [(line, "") for line in wrap(self._title, room, 3)]
        if self._right:
            lines += [("", line) for line in wrap(self._right, room, 2)]
        return lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines the title takes."""
        return len(self._lines(width))

    def paint(self, y: int, width: int) -> Sequence[Span]:
        """Return title and runtimes."""
        lines = self._lines(width)
        if y >= len(lines):
            return ()
        left, right = lines[y]
        space = " " * max(width - 2 - cell_len(left) - cell_len(right), 1)
        return (Span(f" {left}", Ink.STRONG), Span(f"{space}{right} ", Ink.MUTED))


class NavigationBar(Bar):
    """The panes with their counts, the chosen one marked; or what is being read."""

    class Chosen(Message):
        """A pane was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: tuple[tuple[str, str], ...] = ()
        self._chosen = ""
        self._notice: tuple[Span, ...] = ()
        self._places: list[tuple[int, int, str]] = []

    def show(self, entries: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show names and their texts."""
        if (tuple(entries), chosen) != (self._entries, self._chosen):
            self._entries, self._chosen = tuple(entries), chosen
            self.refresh()

    def show_notice(self, *spans: Span) -> None:
        """Show what is being read, or another word right of the panes; nothing without spans."""
        if spans != self._notice:
            self._notice = spans
            self.refresh()

    @property
    def notice(self) -> str:
        """Return the text right of the panes."""
        return "".join(span.text for span in self._notice)

    def render_line(self, y: int) -> Strip:
        """Draw the panes, the chosen one in reverse between marks, and the notice."""
        width = self.size.width
        base = self.rich_style
        segments: list[Segment] = [Segment(" ", base)]
        self._places = []
        at = 1
        for name, text in self._fitting(width):
            chosen = name == self._chosen
            shown = f"[{text}]" if chosen else f" {text} "
            self._places.append((at, at + cell_len(shown), name))
            at += cell_len(shown) + 1
            style = self.style_of("chosen") if chosen else self.style_of("muted")
            segments += [Segment(shown, style), Segment(" ", base)]
        notice = [Span(plain(span.text), span.ink) for span in self._notice]
        room = width - at - 1
        size = sum(cell_len(span.text) for span in notice)
        if self._entries:
            segments.append(Segment(" " * max(room - size, 0), base))
        for text, ink in notice:
            shown = cut(text, max(room, 0))
            room -= cell_len(shown)
            segments.append(Segment(shown, self.style_of(ink.value)))
        return Strip(segments).simplify().adjust_cell_length(width, base)

    def _fitting(self, width: int) -> list[tuple[str, str]]:
        """Return names and texts; where there is no room, of the others only the first word."""
        entries = [(name, plain(text)) for name, text in self._entries]
        if sum(cell_len(text) + 3 for _, text in entries) <= width:
            return entries
        return [(n, t if n == self._chosen else t.split(" ", 1)[0]) for n, t in entries]

    def on_click(self, event: events.Click) -> None:
        """Say which pane was clicked."""
        for start, end, name in self._places:
            if start <= event.x < end:
                self.post_message(self.Chosen(name))


class KeyBar(Bar):
    """The keys that matter most here, with a word each; what has no room is left to help."""

    DEFAULT_CSS = "KeyBar { background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._keys: tuple[tuple[str, str], ...] = ()

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Return keys and words."""
        return self._keys

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show keys and words; the last one always has room."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self.refresh()

    def paint(self, y: int, width: int) -> Sequence[Span]:
        """Return as many keys as fit, the last ones first of all."""
        kept = list(self._keys)
        while len(kept) > 2 and sum(cell_len(k) + cell_len(w) + 3 for k, w in kept) > width:
            kept.pop(-3)
        spans: list[Span] = []
        for key, word in kept:
            spans += [Span(f" {key}", Ink.ACCENT), Span(f" {word} ", Ink.NORMAL)]
        return spans
