"""Cutting, wrapping and placing text: pure functions of the widgets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from adp_tui.engine.views.records import Column
from adp_tui.tui.arrangement import arrange
from adp_tui.widgets.columns import GAP, fit
from adp_tui.widgets.flow_view import differing
from adp_tui.widgets.ink import Span, cut, cut_path, plain, wrap


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 10, "short"),
        ("bank::transfers::transfer", 20, "…::transfer"),
        ("bank::transfers::transfer", 22, "…::transfers::transfer"),
        ("/rustc/library/core/src/mem.rs:3", 16, "…/src/mem.rs:3"),
        ("bank::audit::{closure#0}", 22, "…::audit::{closure#0}"),
        ("t8 bank::print_everything", 22, "t8 …::print_everything"),
        ("auditor::inspect src/auditor.rs:33", 30, "…::inspect …/auditor.rs:33"),
        ("Instrumented<bank::transfer>", 12, "Instrumente…"),
        ("anything", 0, ""),
    ],
)
def test_paths_keep_their_last_names(text: str, width: int, expected: str) -> None:
    assert cut_path(text, width) == expected


@given(st.text(max_size=60), st.integers(1, 40))
def test_cut_text_fits(text: str, width: int) -> None:
    for shorten in (cut, cut_path):
        found = shorten(plain(text), width)
        assert cell_len(found) <= width
        # AND what was cut says so
        assert found == plain(text) or "…" in found


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapped_text_is_whole_and_fits(text: str, width: int) -> None:
    text = plain(text)
    lines = list(wrap(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_wrapping_is_bounded() -> None:
    assert list(wrap("a " * 100, 2, limit=3)) == ["a", "a", "a", "…"]


def test_nothing_steers_a_terminal() -> None:
    assert plain("a\x1b[2J\u202eb\tc\n") == "a�[2J�b c "


COLUMNS = (
    Column("key", "Key", 4),
    Column("what", "What", 20, flex=True),
    Column("at", "At", 20, priority=1),
    Column("id", "Id", 5, priority=2),
)


@pytest.mark.parametrize(
    ("width", "shown"),
    [(120, "key what at id"), (55, "key what at id"), (52, "key what at"), (40, "key what")],
)
def test_columns_are_dropped_by_priority(width: int, shown: str) -> None:
    # GIVEN columns; WHEN they are fitted into a width
    found = fit(COLUMNS, width)
    # THEN the highest numbers are dropped first, and named
    assert " ".join(p.column.key for p in found.placed) == shown
    assert len(found.placed) + len(found.hidden) == len(COLUMNS)
    # AND the flexible column takes what is left
    assert sum(p.width for p in found.placed) + GAP * (len(found.placed) - 1) == width


@given(st.integers(1, 200))
def test_columns_never_exceed_the_width(width: int) -> None:
    found = fit(COLUMNS, width)
    assert found.placed
    if width >= 12:
        assert sum(p.width for p in found.placed) + GAP * (len(found.placed) - 1) <= width


def test_a_column_takes_no_more_than_it_needs() -> None:
    found = fit(COLUMNS, 60, needs=(4, 30, 8, 3))
    assert [p.width for p in found.placed] == [4, 39, 8, 3]


def test_lines_that_differ() -> None:
    one, two, other = [(Span("a"),)], [(Span("b"),)], [(Span("c"),)]
    assert differing(one + two, one + two) == (0, 0)
    assert differing(one + two + one, one + other + one) == (1, 2)
    assert differing(one, one + two) == (1, 2)


def test_the_pane_in_focus_is_always_shown() -> None:
    for width in (20, 80, 99, 100, 200):
        for height in (5, 24, 29, 30, 60):
            for focus in ("executors", "threads", "tasks", "waits", "facts", "stack", "variables"):
                view = focus if focus in ("executors", "threads", "tasks", "waits") else "tasks"
                for zoomed in (False, True):
                    plan = arrange(width, height, view, focus, zoomed)
                    assert focus in plan.panes
                    assert focus in plan.cycle
