"""A list of lines of cells: what a macro says, or the macros that there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from adp_tui.widgets.flow_view import FlowView
from adp_tui.widgets.ink import Ink, Span, cut, wrap

__all__ = ["ResultLine", "ResultView"]

GAP = 2
_LEAST = 6
"""Cells that a column keeps however narrow the screen is."""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A line: its cells, or one text that is wrapped; ``key`` is what it leads to."""

    cells: tuple[str, ...]
    key: str | None = None
    depth: int = 0
    ink: Ink = Ink.NORMAL
    wraps: bool = False


class ResultView(FlowView[ResultLine]):
    """Lines under column titles; the columns share the width by what they need."""

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self._columns: tuple[str, ...] = ()
        self._right: tuple[bool, ...] = ()
        self._needs: tuple[int, ...] = ()
        self._fitted: tuple[int, tuple[int, ...]] = (-1, ())

    def show_lines(
        self, lines: Sequence[ResultLine], columns: Sequence[str] = (), right: Sequence[bool] = ()
    ) -> None:
        """Show lines; ``right`` tells which columns hold numbers."""
        self._columns, self._right = tuple(columns), tuple(right)
        self.heading_height = 2 if columns else 1
        rows = [tuple(columns), *(line.cells for line in lines if not line.wraps)]
        count = max(map(len, rows), default=0)
        self._needs = tuple(
            max((cell_len(row[at][:400]) for row in rows if at < len(row)), default=0)
            for at in range(count)
        )
        self._fitted = (-1, ())
        self.show(lines, empty="nothing")

    def _widths(self, width: int) -> tuple[int, ...]:
        """Return the width of each column: the widest give way first."""
        if self._fitted[0] != width:
            found = list(self._needs)
            room = width - GAP * max(len(found) - 1, 0)
            while sum(found) > room:
                widest = max(range(len(found)), key=found.__getitem__)
                if found[widest] <= _LEAST:
                    break
                others = sorted(found, reverse=True)
                second = others[1] if len(others) > 1 else 0
                least = max(second - 1, _LEAST)
                found[widest] = max(found[widest] - (sum(found) - room), least)
            self._fitted = (width, tuple(found))
        return self._fitted[1]

    def lay_out(self, item: ResultLine, width: int) -> Iterable[Sequence[Span]]:
        """Return a line of cells, or the lines of a text."""
        indent = "  " * min(item.depth, width // 4)
        if item.wraps:
            for line in wrap(item.cells[0], max(width - len(indent), 1)):
                yield (Span(indent + line, item.ink),)
            return
        yield (Span(self._line(item.cells, width), item.ink),)

    def _line(self, cells: Sequence[str], width: int) -> str:
        parts = []
        for at, (cell, room) in enumerate(zip(cells, self._widths(width), strict=False)):
            text = cut(cell, room)
            pad = " " * (room - cell_len(text))
            right = at < len(self._right) and self._right[at]
            parts.append(pad + text if right else text + pad)
        return (" " * GAP).join(parts)

    def paint_heading(self, width: int) -> Sequence[Span]:
        """Return the column titles."""
        return (Span(self._line(self._columns, width), Ink.MUTED),) if self._columns else ()
