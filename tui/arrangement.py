"""Which panes stand on the screen: a pure function of its size and of where one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adp_tui.engine.views.records import VIEWS

__all__ = ["DETAIL", "NARROW", "SHORT", "Arrangement", "arrange", "top_down"]

DETAIL = ("facts", "stack", "variables")
"""The panes of the detail side."""
NARROW = 100
"""Columns under which lists and detail stand below each other."""
SHORT = 30
"""Lines under which only one list is shown."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is shown: pane names in order, and whether the detail stands right of the lists."""

    panes: tuple[str, ...]
    beside: bool
    cycle: tuple[str, ...]
    """What tab walks through: panes that come into sight when they get the focus stand here
    too."""


def top_down(views: Sequence[str]) -> tuple[str, ...]:
    """Return views as they stand on the screen: what was found wrong first."""
    return tuple(sorted(views, key=lambda view: view != "findings"))


def arrange(
    width: int, height: int, view: str, focus: str, zoomed: bool, *, found: bool = False
) -> Arrangement:
    """Choose the panes; ``found`` tells whether there are findings to show. The graph takes the
    place of all lists while one is in it.

    At 120 by 40 all lists stand left and the detail right. Where that has no room one list is
    shown; at 80 by 24 the chosen stack stands below it, and the detail takes the whole screen
    while the focus is in it.
    """
    narrow, short = width < NARROW, height < SHORT
    one_list = narrow or short
    one_list = one_list or view == "graph"
    hidden = {"graph"} if found or view == "findings" else {"graph", "findings"}
    lists = [name for name in VIEWS if name not in hidden]
    cycle = ((view,) if one_list else top_down(lists)) + DETAIL
    if zoomed:
        return Arrangement((focus,), beside=False, cycle=cycle)
    if not narrow:
        return Arrangement(cycle, beside=True, cycle=cycle)
    if not short:
        return Arrangement((view, *DETAIL), beside=False, cycle=cycle)
    panes = DETAIL if focus in DETAIL else (view, "stack")
    return Arrangement(panes, beside=False, cycle=cycle)
