"""A stack, logical or native: one frame after the other, branches indented."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from adp_tui.engine.views.records import FrameRow, Tone
from adp_tui.widgets.flow_view import FlowView
from adp_tui.widgets.ink import Ink, Span, cut_path, tone_ink, tone_mark, wrap

__all__ = ["StackView"]

_STEP = 2
_DEEPEST = 20
"""Cells of indent after which deeper frames stand below each other."""
_SHORT_NOTE = 12
"""Cells of a note, such as ``inlined``, that gets room beside the name in any case."""
_PLACE_SHARE = 0.42
"""Part of the line that a place may take before it is cut."""


class StackView(FlowView[FrameRow]):
    """The frames of a task or thread, outermost first."""

    def show_frames(self, title: str, frames: Iterable[FrameRow], *, empty: str = "") -> None:
        """Show a stack; the cursor starts where a person would look first."""
        rows = tuple(frames)
        self.title = title
        self.show(rows, cursor=_first_look(rows), empty=empty)
        self.repaint_title()

    def lay_out(self, item: FrameRow, width: int) -> Iterable[Sequence[Span]]:
        """Return function and place, and the note on a line of its own where it has no room."""
        mark, ink = tone_mark((item.tone,))
        indent = " " * min(_STEP * item.depth, _DEEPEST)
        head = (Span(mark, ink), Span(indent, Ink.MUTED))
        room = max(width - 1 - len(indent), 8)
        if item.ref is None and not item.place and not item.function:
            yield from self._notes(item, width, indent, head)
            return
        place = cut_path(item.place, int(width * _PLACE_SHARE))
        name_room = room - (cell_len(place) + 2 if place else 0)
        name_ink = _name_ink(item)
        note = f"  {item.note}" if item.note else ""
        if cell_len(note) <= _SHORT_NOTE:
            name = cut_path(item.function, name_room - cell_len(note))
        else:
            name = cut_path(item.function, name_room)
        fits = cell_len(name) + cell_len(note) <= name_room
        shown_note = note if fits else ""
        space = " " * max(room - cell_len(name) - cell_len(shown_note) - cell_len(place), 0)
        yield (
            *head,
            Span(name, name_ink),
            Span(shown_note + space, _note_ink(item)),
            Span(place, Ink.MUTED),
        )
        if note and not fits:
            under = (Span(" "), Span(f"{indent}  ", Ink.MUTED))
            yield from self._notes(item, width, f"{indent}  ", under)

    def _notes(
        self, item: FrameRow, width: int, indent: str, head: tuple[Span, Span]
    ) -> Iterable[Sequence[Span]]:
        for at, line in enumerate(wrap(item.note, max(width - 1 - len(indent), 8), 6)):
            yield (*(head if at == 0 else (Span(" "), head[1])), Span(line, _note_ink(item)))


def _first_look(rows: Sequence[FrameRow]) -> int:
    """Return the innermost frame of the user's own that has variables, else of any."""
    own = [i for i, row in enumerate(rows) if row.ref is not None and row.tone is not Tone.MUTED]
    any_frame = [i for i, row in enumerate(rows) if row.ref is not None]
    return (own or any_frame or [0])[-1]


def _name_ink(item: FrameRow) -> Ink:
    """Return how a function is written: what has variables to look at stands out."""
    if item.tone is Tone.MUTED:
        return Ink.MUTED
    return Ink.NORMAL if item.ref is None else Ink.STRONG


def _note_ink(item: FrameRow) -> Ink:
    return Ink.MUTED if item.tone is Tone.NORMAL else tone_ink(item.tone)
