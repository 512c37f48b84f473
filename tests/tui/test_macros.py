"""M and the palette: a team's macros on the screen."""

from __future__ import annotations

import shutil
from typing import Any

from fake_door import FakeDoor
from support.macro_files import library_of
from support.team import EXAMPLE
from textual.widgets import Input, OptionList

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.macros.results import Cell, Plain, PlainNode, PlainTable, PlainText, PlainTree
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import MacroRow, MacroText
from adp_tui.tui.screens.macro_pages import (
    ArgumentsQuestion,
    MacrosScreen,
    ResultScreen,
    TrustPage,
)
from adp_tui.tui.screens.pages import ErrorPage

PLACE = "/bank/.adp/macros/locks.py"


def row(name: str, **more: object) -> MacroRow:
    plain = {"help": f"what {name} says", "on": "global", "kind": "python", "state": "ready"}
    return MacroRow(name, origin="project", place=PLACE, **{**plain, **more})


def outcome(name: str, result: Plain | None, error: str | None = None, **more: Any) -> Outcome:
    return Outcome(name, "project", PLACE, 1, result, error, **more)


LOCKS = PlainTable(
    "Locks",
    ("lock", "held by", "waiting"),
    (
        (Cell("r1 mutex"), Cell("t2 bank::pay", None, "t2"), Cell("3", 3)),
        (Cell("r2 mutex"), Cell("t5 [bold]no markup[/]", None, "t5"), Cell("12", 12)),
    ),
)


def door_with(*rows: MacroRow, **outcomes: Outcome | AdpError) -> FakeDoor:
    door = FakeDoor()
    door.macro_rows, door.outcomes = rows, dict(outcomes)
    return door


def asked(door: FakeDoor, what: str) -> list[tuple[object, ...]]:
    return [question[1:] for question in door.asked if question[0] == what]


def offered(screen) -> bool:
    """Tell whether the palette's first line is the macro."""
    found = screen.app.screen.query(OptionList)
    return any(
        each.option_count and "macro locks" in str(each.get_option_at_index(0).prompt)
        for each in found
    )


async def run_first(screen, kind: type = ResultScreen) -> None:
    await screen.pilot.press("M")
    await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
    await screen.pilot.press("enter")
    await screen.until(lambda: isinstance(screen.app.screen, kind), f"a {kind.__name__}")
    await screen.pilot.pause()


async def test_a_table_leads_to_its_tasks(start) -> None:
    door = door_with(row("locks"), locks=outcome("locks", LOCKS, problems=("more",)))
    async with start(door) as screen:
        # WHEN a macro is chosen from the list
        await run_first(screen)
        assert asked(door, "run_macro") == [("locks", (), None)]
        # THEN its table stands there, and what is missing from it
        lines = screen.lines()
        assert any("Locks" in line for line in lines[:1])
        assert "lock" in lines[1] and "held by" in lines[1]
        assert "r2 mutex" in lines[3] and "t5 [bold]no markup[/]" in lines[3]
        assert lines[3].rstrip().endswith("12") and lines[2].rstrip().endswith(" 3")
        assert any("! more" in line for line in lines)
        # AND enter on a row goes to the task that it names
        await screen.press("j", "enter")
        await screen.until(lambda: screen.app.screen is screen.main)
        await screen.settled()
        assert screen.chosen("tasks") == "t5"


async def test_a_tree_and_a_text(start) -> None:
    tree = PlainTree("", (PlainNode(Cell("top"), (PlainNode(Cell("t3 below", None, "t3")),)),))
    text = PlainText("Said", ("one", "two " * 60))
    door = door_with(row("tree"), tree=outcome("tree", tree, printed="a\nb"))
    async with start(door) as screen:
        await run_first(screen)
        lines = [line.rstrip() for line in screen.lines()]
        assert [line.strip(" ▌") for line in lines[1:6]] == [
            "top", "t3 below", "it printed:", "a", "b",
        ]  # fmt: skip
        # what is long is wrapped
        door.macro_rows, door.outcomes = (row("text"),), {"text": outcome("text", text)}
        await screen.press("escape")
        await run_first(screen)
        assert sum("two two" in line for line in screen.lines()) > 1


async def test_the_palette_has_macros(start) -> None:
    door = door_with(row("locks"), locks=outcome("locks", LOCKS))
    async with start(door) as screen:
        await screen.pilot.press("ctrl+p")
        await screen.until(lambda: asked(door, "macros"), "the question for macros")
        await screen.pilot.press(*"macro locks")
        await screen.until(lambda: offered(screen), "the macro")
        await screen.pilot.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, ResultScreen), "the result")
        assert asked(door, "run_macro") == [("locks", (), None)]


async def test_arguments_are_asked_for(start) -> None:
    told = row("locks", arguments=(("kind", "str", True), ("least", "int", False)))
    door = door_with(told, locks=outcome("locks", LOCKS))
    async with start(door) as screen:
        await run_first(screen, ArgumentsQuestion)
        assert screen.app.screen.query_one(Input).placeholder == "kind=str [least=int]"
        await screen.pilot.press(*"kind='a b' 3", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, ResultScreen), "the result")
        assert asked(door, "run_macro") == [("locks", ("kind=a b", "3"), None)]


async def test_a_macro_on_what_is_chosen(start) -> None:
    door = door_with(row("stack", on="task"), stack=outcome("stack", PlainText("", ("a",))))
    async with start(door) as screen:
        await screen.press("j", "j")
        await run_first(screen)
        assert asked(door, "run_macro") == [("stack", (), "t3")]
        await screen.press("escape")
        # AND where something else is chosen, it is said what to choose
        await screen.press("2")
        await screen.pilot.press("M")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
        await screen.pilot.press("enter")
        await screen.until(lambda: "in the list of tasks" in screen.notices(), "the advice")
        assert len(asked(door, "run_macro")) == 1


async def test_a_macro_that_fails(start) -> None:
    failed = outcome("locks", None, "ZeroDivisionError: division\nlocks.py:3 in locks: 1 / 0")
    door = door_with(row("locks"), locks=failed)
    async with start(door) as screen:
        await run_first(screen, ErrorPage)
        text = screen.text()
        assert "The macro locks failed" in text and "locks.py:3 in locks: 1 / 0" in text
        # AND one that cannot be run says why, and the screen goes on
        door.outcomes["locks"] = AdpError("locks needs kind", help="it takes kind=str")
        await screen.press("escape")
        await screen.pilot.press("M")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
        await screen.pilot.press("enter")
        await screen.until(lambda: "locks needs kind" in screen.notices(), "the reason")


async def test_files_are_trusted_after_a_look(start) -> None:
    why = "it is not trusted: look at it, then adp-tui trust /bank/.adp"
    door = door_with(row("locks.py", state="untrusted", why=why))
    file = MacroText("/bank/.adp", "locks.py", PLACE, "ab" * 32, ("import os", "x = 1"), False)
    door.untrusted = (file,)
    async with start(door) as screen:
        # GIVEN a file that is not trusted: it is listed, with what to type
        await screen.pilot.press("M")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
        await screen.pilot.pause()
        assert "untrusted" in screen.text() and "locks.py" in screen.text()
        # it is not run
        await screen.pilot.press("enter")
        await screen.pilot.pause()
        assert isinstance(screen.app.screen, MacrosScreen) and not asked(door, "run_macro")
        # WHEN it is looked at, its text and its hash are there, and nothing is trusted yet
        await screen.pilot.press("T")
        await screen.until(lambda: isinstance(screen.app.screen, TrustPage), "the files")
        await screen.pilot.pause()
        assert "import os" in screen.text() and "ab" * 32 in screen.text()
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.main)
        assert not asked(door, "trust_macros")
        # AND T there trusts what was shown
        await screen.pilot.press("M")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
        await screen.pilot.press("T")
        await screen.until(lambda: isinstance(screen.app.screen, TrustPage), "the files")
        await screen.pilot.press("T")
        await screen.until(lambda: asked(door, "trust_macros"), "it to be trusted")
        assert asked(door, "trust_macros") == [((file,),)]
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list again")


async def test_on_a_real_core(start, dump, tmp_path) -> None:
    """From a file that nobody trusts to a table that leads to the task that holds a lock."""
    made = dump("hang", "two")
    project = tmp_path / "project"
    shutil.copytree(EXAMPLE, project / ".adp")
    for path in (project, *project.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    library = library_of(project, trusts=False)

    def opens(progress):
        target = open_core(made.core, executable=made.exe)
        return Session(target, library=library, extensions=library.extensions(), progress=progress)

    async with start(opens=opens) as screen:
        # GIVEN two files that are not trusted: the head says that they are not used
        assert "0 of 2 extensions: L" in screen.text()
        # WHEN they are looked at and trusted
        await screen.pilot.press("M")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list")
        await screen.pilot.press("T")
        await screen.until(lambda: isinstance(screen.app.screen, TrustPage), "the files")
        await screen.pilot.pause()
        assert "constellations.py, not trusted" in screen.text()
        await screen.pilot.press("T")
        await screen.until(lambda: isinstance(screen.app.screen, MacrosScreen), "the list again")
        await screen.pilot.press("escape")
        await screen.settled()
        # THEN the palette has their macros
        await screen.pilot.press("ctrl+p")
        await screen.until(lambda: screen.app.screen is not screen.main, "the palette")
        await screen.pilot.press(*"macro locks")
        await screen.until(lambda: offered(screen), "the macro")
        await screen.pilot.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, ArgumentsQuestion), "arguments")
        await screen.pilot.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, ResultScreen), "the result")
        await screen.pilot.pause()
        shown = [line for line in screen.lines() if "deadlocks::two_" in line]
        assert len(shown) == 2 and "ledger" in "".join(shown) and "audit" in "".join(shown)
        # AND a line leads to its lock
        await screen.pilot.press("enter")
        await screen.until(lambda: screen.app.screen is screen.main)
        await screen.settled()
        assert screen.main.view == "waits" and screen.chosen() == "r1"
