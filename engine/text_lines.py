"""Lines of a text report: parts that stand beside each other where there is room."""

from __future__ import annotations

from collections.abc import Iterator

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.text import clean

__all__ = ["Line", "line", "quoted"]

MIN_WIDTH = 40
"""Columns below which folding would only make it worse."""
_STEP = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a report."""

    indent: int
    parts: tuple[str, ...]

    def folded(self, width: int | None) -> Iterator[str]:
        """Yield the line, or several where it is wider than ``width``; nothing is lost."""
        indent = _STEP * self.indent
        parts = [clean(part) for part in self.parts]
        if width is None:
            yield (indent + "  ".join(parts)).rstrip()
            return
        room = max(width, MIN_WIDTH)
        text = indent
        for number, part in enumerate(parts):
            if number and len(text) + 2 + len(part) > room:
                yield text
                text = indent + _STEP * 2 + part
            else:
                text += ("  " if number else "") + part
        yield text.rstrip()


def line(indent: int, *parts: str | None) -> Line:
    """Make a line of the parts that are there."""
    return Line(indent, tuple(part for part in parts if part))


def quoted(text: str | None) -> str | None:
    """Return a name in quotation marks; None for None."""
    return None if text is None else f'"{text}"'
