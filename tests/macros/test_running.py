"""Macros that misbehave: each ends alone, and the session goes on."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.build import Dump
from support.macro_files import library_of, write

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import CancelledError
from adp_tui.engine.macros import results, runner
from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.macros.macro import MacroUsageError
from adp_tui.engine.macros.results import Cell, PlainTable, PlainText, PlainTree
from adp_tui.engine.macros.runner import run
from adp_tui.engine.session import Session

BAD = """
    import os, sys, threading, time

    @macro("forever")
    def forever(ctx):
        while True:
            pass

    @macro("stubborn")
    def stubborn(ctx):
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                pass

    @macro("asks")
    def asks(ctx):
        while True:
            list(ctx.tasks())

    @macro("patient")
    def patient(ctx):
        done = 0
        while not ctx.cancelled():
            time.sleep(0.01)
            done += 1
        return f"had time for {done > 0}"

    @macro("expression")
    def expression(ctx):
        return ctx.eval("walk(1, n => n + 1)")

    @macro("divides")
    def divides(ctx):
        print("about to")
        return helper(0)

    def helper(by):
        return 1 / by

    @macro("exits")
    def exits(ctx):
        sys.exit("bye")

    @macro("interrupts")
    def interrupts(ctx):
        raise KeyboardInterrupt

    @macro("recurses")
    def recurses(ctx):
        return recurses(ctx)

    class Nasty(Exception):
        def __str__(self):
            raise ValueError("no text")

    @macro("nasty")
    def nasty(ctx):
        raise Nasty

    class Hostile:
        def __str__(self):
            raise RuntimeError("no text of mine")

    @macro("returns_nasty")
    def returns_nasty(ctx):
        return [Hostile()]

    @macro("returns_other")
    def returns_other(ctx):
        return {1, 2}

    @macro("paints")
    def paints(ctx):
        print("\\x1b[2Jgone", "\\x07bell")
        print("to stderr\\x1b]0;title\\x07", file=sys.stderr)
        table = Table("\\x1b[31mcolumn", title="\\x1b[1mtitle")
        table.row("\\x1b[5mcell\\u202e", 7)
        return table

    @macro("floods")
    def floods(ctx):
        table = Table("n")
        for n in range(20_000):
            table.row(n)
        print("x" * 200_000)
        return table

    @macro("long_text")
    def long_text(ctx):
        text = Text()
        for n in range(3_000):
            text.line("y" * 1_000)
        return text

    @macro("deep")
    def deep(ctx):
        tree = Tree()
        node = tree.add("0")
        for n in range(1, 100):
            node = node.add(n)
        return tree

    @macro("huge_number")
    def huge_number(ctx):
        table = Table("n")
        table.row(1 << 1_000_000)
        return table

    @macro("takes")
    def takes(ctx, name: str, times: int = 2, loud: bool = False):
        return f"{name} {times + 1} {loud!r}"

    @macro("holes")
    def holes(ctx):
        return str(ctx.eval("map(range(3), n => if(n == 1, int(range(2)), n))"))

    @macro("about", on="task")
    def about(ctx, task):
        return task.key
"""


@pytest.fixture(scope="module")
def session(
    dump: Callable[..., Dump], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    project = tmp_path_factory.mktemp("running") / "project"
    write(project, "bad.py", BAD)
    crashed = dump("hang", "two")
    made = Session(open_core(crashed.core, executable=crashed.exe), library=library_of(project))
    yield made
    made.close()


def say(session: Session, name: str, *arguments: str, deadline_s: float = 60.0) -> Outcome:
    return session.run_macro(name, arguments, deadline_s=deadline_s)


@pytest.mark.parametrize("name", ["forever", "asks", "expression"])
def test_one_that_never_ends_is_stopped(session: Session, name: str) -> None:
    outcome = say(session, name, deadline_s=0.3)
    assert outcome.result is None and outcome.error is not None
    assert "it took longer than 0.3 s" in outcome.error or "more than" in outcome.error
    assert outcome.problems == ()
    # the session answers on
    assert session.summary().epoch == 1
    assert say(session, "takes", "x").error is None


def test_one_that_cannot_be_stopped_is_left_alone(session: Session) -> None:
    """It may go on, but asks nothing any more; what it prints goes nowhere."""
    before = sys.stdout
    outcome = say(session, "stubborn", deadline_s=0.1)
    assert outcome.error == "it took longer than 0.1 s"
    assert outcome.problems == ("it cannot be stopped: it goes on until adp-tui ends",)
    assert say(session, "takes", "x").error is None
    print("still heard", file=before)


def test_a_gate_that_is_shut_lets_none_through() -> None:
    def asks(gate: runner.Gate) -> list[bool]:
        try:
            while True:
                with gate.passed():
                    pass
        finally:
            seen.append(gate.reason)

    seen: list[str | None] = []
    ran = run(asks, "x.py", deadline_s=0.1)
    assert ran.error == "it took longer than 0.1 s" and seen == [ran.error]


def test_one_that_looks_at_the_time_says_what_it_has(session: Session) -> None:
    outcome = say(session, "patient", deadline_s=1.5)
    assert isinstance(outcome.result, PlainText)
    assert outcome.result.lines == ("had time for True",)


def test_cancelling(session: Session) -> None:
    cancelled = iter([False] * 3 + [True] * 1000)
    ran = run(lambda gate: [None for _ in iter(int, 1)], "x.py", cancelled=lambda: next(cancelled))
    assert ran.error == "cancelled" and ran.result is None

    # WHEN it is cancelled through the session THEN that is no answer of the macro
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    with pytest.raises(CancelledError):
        say(session, "forever")
    assert say(session, "takes", "x").error is None


def test_exceptions(session: Session) -> None:
    outcome = say(session, "divides")
    assert outcome.result is None and outcome.printed == "about to"
    assert outcome.error is not None
    words, *lines = outcome.error.splitlines()
    assert words == "ZeroDivisionError: division by zero"
    # the lines of the macro's own file alone, innermost last
    assert [line.partition(" ")[2] for line in lines] == [
        "in divides: return helper(0)",
        "in helper: return 1 / by",
    ]
    assert all(line.startswith("bad.py:") for line in lines)
    for name, expected in (
        ("exits", "SystemExit: bye"),
        ("interrupts", "KeyboardInterrupt"),
        ("recurses", "RecursionError: maximum recursion depth"),
        ("nasty", "Nasty: it cannot say what"),
        ("returns_nasty", "RuntimeError: no text of mine"),
        ("returns_other", "TypeError: a macro returns a Table, a Tree or a Text, not set"),
    ):
        error = say(session, name).error
        assert error is not None and error.startswith(expected), error
        assert len(error.splitlines()) <= 1 + runner.MAX_FRAMES


def test_nothing_steers_the_terminal(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = say(session, "paints")
    result = outcome.result
    assert isinstance(result, PlainTable)
    texts = [outcome.printed, result.title, *result.columns, *(c.text for c in result.rows[0])]
    assert not any("\x1b" in text or "\x07" in text or "\u202e" in text for text in texts)
    assert outcome.printed == "[2Jgone bell\nto stderr]0;title"
    # what is too much of a row is left out, and nothing was printed past the macro
    assert result.rows[0] == (Cell("[5mcell"),)
    assert capsys.readouterr() == ("", "")


def test_too_much_is_cut(session: Session) -> None:
    outcome = say(session, "floods")
    assert isinstance(outcome.result, PlainTable)
    assert len(outcome.result.rows) == results.MAX_ROWS
    assert outcome.problems == (
        "10,000 more rows were left out",
        "it printed more, which was left out",
    )
    assert len(outcome.printed) == runner.MAX_PRINTED
    text = say(session, "long_text")
    assert isinstance(text.result, PlainText)
    assert sum(map(len, text.result.lines)) <= results.MAX_TEXT and text.problems
    deep = say(session, "deep").result
    assert isinstance(deep, PlainTree)
    levels, nodes = 0, deep.nodes
    while nodes:
        levels, nodes = levels + 1, nodes[0].children
    assert levels == results.MAX_DEPTH + 1
    number = say(session, "huge_number").result
    assert isinstance(number, PlainTable) and len(number.rows[0][0].text) <= 100


def test_arguments(session: Session) -> None:
    def text(*words: str) -> str:
        result = say(session, "takes", *words).result
        assert isinstance(result, PlainText)
        return result.lines[0]

    assert text("name=x") == "x 3 False"
    assert text("x", "times=0x10", "loud=yes") == "x 17 True"
    for words, expected in (
        ((), "takes needs name"),
        (("name=x", "colour=red"), "takes has no argument colour"),
        (("name=x", "times=many"), "a number is wanted"),
        (("name=x", "loud=perhaps"), "yes or no"),
        (("x", "1", "yes", "more"), "has no argument more"),
    ):
        with pytest.raises(MacroUsageError, match=expected):
            say(session, "takes", *words)


def test_what_a_macro_is_about(session: Session) -> None:
    result = session.run_macro("about", (), "t2").result
    assert isinstance(result, PlainText) and result.lines == ("t2",)
    for key in (None, "t99", "x1", "tid:1", "\x1b"):
        with pytest.raises(MacroUsageError, match="about is about one task"):
            session.run_macro("about", (), key)
    with pytest.raises(MacroUsageError, match=r"there is no macro nothing: there are forever, "):
        say(session, "nothing")


def test_a_file_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adp_tui.engine.macros.library.LOAD_S", 0.2)
    write(tmp_path / "project", "loops.py", "while True:\n    pass\n")
    (entry,) = library_of(tmp_path / "project").entries()
    assert entry.state == "broken" and entry.why == "it took longer than 0.2 s"


def test_a_list_that_is_not_whole_says_so(session: Session) -> None:
    """WHEN an item cannot be read THEN the others are given, and the reason stands below."""
    outcome = say(session, "holes")
    assert isinstance(outcome.result, PlainText) and outcome.result.lines == ("[0, 2]",)
    (problem,) = outcome.problems
    assert "is not whole" in problem and "no number" in problem
