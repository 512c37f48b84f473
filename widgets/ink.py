"""Plain pieces of text with a meaning, and how they are cut and wrapped to cells.

Text that comes from a target is drawn through here only: as segments, never as markup, and
without a character that could steer a terminal.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from adp_tui.engine.views.records import Tone

__all__ = ["ELLIPSIS", "Ink", "Span", "cut", "cut_path", "plain", "tone_ink", "tone_mark", "wrap"]

ELLIPSIS = "…"
"""Stands wherever text was cut, so that nothing is cut silently."""


class Ink(enum.StrEnum):
    """What a piece of text means; each has a colour of the theme, none relies on it alone."""

    NORMAL = "normal"
    STRONG = "strong"
    MUTED = "muted"
    ACCENT = "accent"
    GOOD = "good"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


class Span(NamedTuple):
    """A piece of one line."""

    text: str
    ink: Ink = Ink.NORMAL


_MARKS = {Tone.ERROR: "✗", Tone.WARNING: "!", Tone.NOTICE: "•"}
"""How a row that asks for attention is marked where there is no colour."""


def tone_ink(tone: Tone) -> Ink:
    """Return the ink for a tone."""
    return Ink(tone.value)


def tone_mark(tones: Iterable[Tone]) -> tuple[str, Ink]:
    """Return the mark and ink for the gravest of some tones; a space when none is grave."""
    present = set(tones)
    for tone, mark in _MARKS.items():
        if tone in present:
            return mark, tone_ink(tone)
    return " ", Ink.NORMAL


def plain(text: str) -> str:
    """Return text in which every character can be printed, each other one replaced."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c in "\t\n" else "�" for c in text)


def cut(text: str, width: int) -> str:
    """Cut text to ``width`` cells; an ellipsis stands for what was cut at its end."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + ELLIPSIS


def cut_path(text: str, width: int) -> str:
    """Cut the paths in a text so that their last names stay: ``…::Mutex::lock``, ``…/main.rs:3``.

    Words that are no path stay whole as long as that helps.
    """
    words = text.split(" ")
    while cell_len(" ".join(words)) > width:
        shorter = [(len(word), at) for at, word in enumerate(words) if _shortened(word)]
        if not shorter:
            break
        at = max(shorter)[1]
        words[at] = _shortened(words[at])
    return cut(" ".join(words), width)


def _shortened(word: str) -> str:
    """Return a path without its first part, an ellipsis in its place; empty when it has one part.

    ``{closure#0}`` says nothing without the name before it.
    """
    if "<" in word or "(" in word:
        return ""
    separator = "::" if "::" in word else "/"
    parts = word.removeprefix(ELLIPSIS + separator).split(separator)
    named = len(parts) > 1 and not parts[1].startswith("{")
    return ELLIPSIS + separator + separator.join(parts[1:]) if named else ""


def wrap(text: str, width: int, limit: int = 4096) -> Iterator[str]:
    """Break text into lines of at most ``width`` cells: at spaces and path parts, else anywhere.

    After ``limit`` lines an ellipsis ends it.
    """
    width = max(width, 1)
    if cell_len(text) <= width:
        yield text
        return
    line, size = "", 0
    made = 0
    for piece in _pieces(text):
        piece_size = cell_len(piece)
        if line and size + cell_len(piece.rstrip()) > width:
            yield line.rstrip()
            made += 1
            if made >= limit:
                yield ELLIPSIS
                return
            line, size = "", 0
        while cell_len(piece.rstrip()) > width:
            head = set_cell_size(piece, width).rstrip() if cell_len(piece[:width]) > width else ""
            head = head or piece[:width]
            yield head
            made += 1
            if made >= limit:
                yield ELLIPSIS
                return
            piece = piece[len(head) :]
            piece_size = cell_len(piece)
        line += piece
        size += piece_size
    if line.strip():
        yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """Split text after each place at which a line may end."""
    start = 0
    for i in range(1, len(text)):
        before, here = text[i - 1], text[i]
        breaks = (
            (before == " " and here != " ")
            or (here == ":" and before != ":" and text[i + 1 : i + 2] == ":")
            or (before == "/" and here != "/")
            or before == ","
        )
        if breaks:
            yield text[start:i]
            start = i
    yield text[start:]
