"""The line that says what is being read."""

from __future__ import annotations

import io

import pytest

from adp_tui.engine.views.records import Progress
from adp_tui.tui import progress_line
from adp_tui.tui.progress_line import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(progress_line, "PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "20")


def shown(stream: io.StringIO, *steps: Progress) -> str:
    line = ProgressLine(stream)
    for step in steps:
        line(step)
    line.clear()
    return stream.getvalue()


def test_each_step_takes_the_place_of_the_one_before():
    # GIVEN a terminal, and steps of which one has a share and one is too long or hostile
    steps = (Progress("reading", 1, 4), Progress("x\x1b[2J" + "y" * 40))
    # THEN each erases the line, is no wider than the terminal, and nothing is left at the end
    first, second, last = shown(Terminal(), *steps).split("\r\x1b[K")[1:]
    assert first == "reading 25 %" and last == ""
    assert second.startswith("x[2Jyyy") and len(second) <= 19 and "\x1b" not in second


def test_nothing_is_said_to_a_pipe_or_a_dumb_terminal(monkeypatch):
    assert shown(io.StringIO(), Progress("reading")) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert shown(Terminal(), Progress("reading")) == ""


def test_what_is_quick_has_no_line(monkeypatch):
    monkeypatch.setattr(progress_line, "PATIENCE_S", 3600.0)
    assert shown(Terminal(), Progress("reading")) == ""
