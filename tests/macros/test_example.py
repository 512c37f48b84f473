"""The example team's macros on real programs: cores, a live process, a saved snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.alive import stayed
from support.build import NEWEST, Dump
from support.macro_files import library_of
from support.team import EXAMPLE

from adp_tui.backends.core import open_core
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.adp.folder import Folder, provision
from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.macros.files import macro_files
from adp_tui.engine.macros.library import Library
from adp_tui.engine.macros.results import PlainTable, PlainText
from adp_tui.engine.macros.trust import Trust
from adp_tui.engine.saved.file import read
from adp_tui.engine.session import Session
from adp_tui.tui.cli import main

COLUMNS = ("lock", "kind", "held by", "through", "since line", "waiting")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Return the example's library, trusted as it stands in the repository."""
    trust = Trust(tmp_path_factory.mktemp("config") / "trusted.json")
    files = macro_files(EXAMPLE)
    assert [(file.name, file.problem) for file in files] == [
        ("constellations.py", ""), ("locks.py", ""),
    ]  # fmt: skip
    trust.approve(EXAMPLE, {file.name: file.digest for file in files})
    return Library((Folder(EXAMPLE, "project"),), trust, with_packages=False)


def opened(dump: Dump, library: Library) -> Session:
    found = provision(library.folders)
    return Session(
        open_core(dump.core, executable=dump.exe), descriptors=found.descriptors, library=library
    )


@pytest.fixture(scope="module")
def two(dump: Callable[..., Dump], library: Library) -> Iterator[tuple[Dump, Session]]:
    made = dump("hang", "two")
    session = opened(made, library)
    yield made, session
    session.close()


def table(outcome: Outcome) -> PlainTable:
    assert outcome.error is None and outcome.problems == () and outcome.printed == ""
    assert isinstance(outcome.result, PlainTable)
    return outcome.result


def lines(outcome: Outcome) -> tuple[str, ...]:
    assert outcome.error is None and isinstance(outcome.result, PlainText)
    return outcome.result.lines


def held(result: PlainTable) -> set[tuple[object, ...]]:
    """Return what is held, by whom, through what, since which line, and how many wait."""
    return {
        (row[1].text, row[2].text.partition(" ")[2], row[3].text, row[4].value, row[5].value)
        for row in result.rows
    }


def expected_of(dump: Dump) -> set[tuple[object, ...]]:
    """Return what the source of ``hang two`` implies."""
    return {
        ("mutex", "deadlocks::two_first", "ledger", dump.markers["two.first.holds"][1], 1),
        ("mutex", "deadlocks::two_second", "audit", dump.markers["two.second.holds"][1], 1),
    }


def test_locks(two: tuple[Dump, Session]) -> None:
    made, session = two
    result = table(session.run_macro("locks"))
    assert result.columns == COLUMNS and held(result) == expected_of(made)
    # each row leads to a lock, and to who holds it
    keys = {task.future.rpartition("::")[2]: task.key for task in session.snapshot.tasks}
    assert {row[2].key for row in result.rows} == {keys["two_first"], keys["two_second"]}
    assert all(row[0].key and row[0].key.startswith("r") for row in result.rows)
    assert table(session.run_macro("locks", ["rwlock"])).rows == ()


def test_variables_of_a_stack(two: tuple[Dump, Session]) -> None:
    _, session = two
    (key,) = (t.key for t in session.snapshot.tasks if t.future.endswith("two_first"))
    found = lines(session.run_macro("stack", (), key))
    # `amount` is a copy of what the ledger was made with
    assert found[0].startswith("hang::deadlocks::two_first:")
    assert "    amount = 1" in found
    assert any(line.startswith("hang::deadlocks::two_first_audits:") for line in found)


def test_a_constellation_is_the_same_in_other_dumps(
    two: tuple[Dump, Session], dump: Callable[..., Dump], library: Library
) -> None:
    """GIVEN the same hang in another build, and another hang."""
    _, session = two
    other_build = opened(dump("hang", "two", profile="release"), library)
    other_hang = opened(dump("hang", "three"), library)
    prints = [lines(s.run_macro("fingerprint"))[0] for s in (session, other_build, other_hang)]
    assert prints[0] == prints[1] != prints[2] and len(prints[0]) == 12

    def groups(of: Session) -> dict[str, tuple[object, ...]]:
        rows = table(of.run_macro("constellations")).rows
        return {row[0].text: (row[1].value, row[2].text.partition(" ")[2]) for row in rows}

    # THEN each group has the same name and the same tasks in both
    assert groups(session) == groups(other_build)
    assert (1, "deadlocks::two_first") in groups(session).values()
    assert not set(groups(session)) >= set(groups(other_hang))
    # AND arguments leave out what is rare
    assert table(session.run_macro("constellations", ["least=2"])).rows == ()
    other_build.close()
    other_hang.close()


def test_a_saved_snapshot(two: tuple[Dump, Session], library: Library, tmp_path: Path) -> None:
    made, session = two
    session.save(str(tmp_path / "two.adps"))
    copy = Session(read(tmp_path / "two.adps"), library=library)
    (key,) = (t.key for t in session.snapshot.tasks if t.future.endswith("two_first"))
    for name, arguments, about in (
        ("locks", (), None),
        ("fingerprint", (), None),
        ("stack", (), key),
    ):
        assert copy.run_macro(name, arguments, about).result == (
            session.run_macro(name, arguments, about).result
        )
    # WHEN memory was left out THEN facts are there, and of the rest it is said that they are not
    session.save(str(tmp_path / "facts.adps"), values=False)
    facts = Session(read(tmp_path / "facts.adps"), library=library)
    assert held(table(facts.run_macro("locks"))) == expected_of(made)
    outcome = facts.run_macro("stack", (), key)
    assert outcome.result is None and outcome.error is not None
    assert "memory was left out when this snapshot was saved" in outcome.error


def test_a_live_process(dump: Callable[..., Dump], library: Library) -> None:
    made = dump("hang", "two")
    with stayed(made, "two") as program:
        session = Session(LiveProcess(program.pid), library=library)
        assert held(table(session.run_macro("locks"))) == expected_of(made)
        # AND after another snapshot it is that one which is asked
        session.refresh()
        outcome = session.run_macro("locks")
        assert outcome.epoch == session.snapshot.epoch > 1
        assert held(table(outcome)) == expected_of(made)
        session.close()


def test_a_table_of_a_descriptor(dump: Callable[..., Dump], library: Library) -> None:
    """Whoever waits for several permits is given those that there are: none is free where
    somebody waits.
    """
    made = dump("zoo", tokio=NEWEST)
    session = opened(made, library)
    tasks = {task.id: task for task in session.snapshot.tasks}

    def resource_of(name: str) -> str | None:
        return tasks[made.facts[f"id_{name}"]].waits[0].resource

    result = table(session.run_macro("permits"))
    assert result.columns == ("resource", "free", "closed", "type")
    free = {row[0].key: row[1].value for row in result.rows}
    names = ("mutex", "rwlock_read", "rwlock_write", "semaphore")
    assert [free[resource_of(name)] for name in names] == [0, 0, 0, 0]
    # other resources have no such field, and no row
    assert resource_of("notify") not in free
    assert {row[2].value for row in result.rows} == {0}
    # AND on one alone
    key = resource_of("mutex")
    (row,) = table(session.run_macro("permits", (), key)).rows
    assert row[0].key == key and "Mutex<u32>" in row[3].text
    session.close()


# The command.


@pytest.fixture
def command(
    team: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return what runs adp-tui in a copy of the example, which is trusted."""
    library_of(team)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(team.parent / "config"))
    monkeypatch.chdir(team)

    def run(*words: object) -> tuple[int, str, str]:
        status = main(list(map(str, words)))
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_the_command(
    dump: Callable[..., Dump], command: Callable[..., tuple[int, str, str]], team: Path
) -> None:
    made = dump("hang", "two")
    core = ("core", made.core, "--exe", made.exe)
    # text
    status, out, err = command("macro", "locks", *core)
    assert (status, err) == (0, "")
    title, blank, head, *rows = out.splitlines()
    assert (title, blank, head.split()[0]) == ("Locks", "", "lock")
    assert len(rows) == 2 and all("mutex" in row and "two_" in row for row in rows)
    # JSON, options on either side of the target
    status, out, _ = command("macro", "--json", "locks", *core, "-a", "kind=mutex")
    found = json.loads(out)
    assert status == 0
    assert found["schema"] == "adp-tui/macro/1" and found["macro"] == "locks"
    assert found["origin"] == "project" and found["place"].startswith(str(team))
    assert found["error"] is None and found["problems"] == [] and found["printed"] == ""
    assert found["target"]["core"] == str(made.core)
    result = found["result"]
    assert result["form"] == "table" and result["columns"] == list(COLUMNS)
    assert {row[4]["value"] for row in result["rows"]} == {each[3] for each in expected_of(made)}
    assert {row[2]["key"] for row in result["rows"]} == {"t1", "t2"}
    # a task that is named
    status, out, _ = command("macro", "stack", *core, "--on", "t1", "--json")
    assert json.loads(out)["result"]["lines"][0].startswith("hang::deadlocks::two_")
    # the report says what was found, and that it was used
    status, out, _ = command("report", *core, "--json")
    extensions = {each["name"]: each["state"] for each in json.loads(out)["extensions"]}
    assert extensions == {"zoo": "unused", "constellations.py": "used", "locks.py": "used"}
    status, out, _ = command("report", *core)
    assert "descriptor zoo of the project, unused" in out
    assert "the program has no type zoo::values::Order" in out
    status, out, _ = command("report", *core, "--no-adp", "--json")
    assert json.loads(out)["extensions"] == []


def test_a_broken_descriptor_is_said(
    dump: Callable[..., Dump], command: Callable[..., tuple[int, str, str]], team: Path
) -> None:
    made = dump("tiny")
    (team / ".adp" / "bank.adp.json").write_text('{"adp": 1, "id": "bank", "waits": [{"on": "x"}]}')
    (team / ".adp" / "torn.adp.json").write_text('{"adp": 1,')
    status, out, _ = command("report", "core", made.core, "--exe", made.exe, "--json")
    report = json.loads(out)
    found = {each["name"]: each for each in report["extensions"]}
    # a rule that is broken is left out, a file that is broken is listed; the report is whole
    assert status == 0
    assert found["bank"]["state"] == "used" and "it has no kind" in found["bank"]["why"]
    assert found["torn"]["state"] == "broken" and "no JSON" in found["torn"]["why"]
    (loss,) = (each for each in report["losses"] if each["what"] == "descriptor torn")
    assert not loss["missing"] and str(team / ".adp" / "torn.adp.json") in loss["why"]


def test_what_the_command_refuses(
    dump: Callable[..., Dump], command: Callable[..., tuple[int, str, str]], team: Path
) -> None:
    made = dump("tiny")
    core = ("core", made.core, "--exe", made.exe)
    for words, status, said in (
        (("macro", "nothing", *core), 2, "there is no macro nothing: there are constellations,"),
        (("macro", "locks", *core, "-a", "colour=red"), 2, "locks has no argument colour"),
        (("macro", "stack", *core), 2, "--on t1"),
        (("macro", "stack", *core, "--on", "t4711"), 2, "t4711 is none of this snapshot"),
        (("macro", "locks"), 2, "nothing to ask is named"),
        (("macro",), 2, "adp-tui macro --list"),
        (("macro", "locks", *core, "--deadline", "0"), 2, "0 is no time"),
        (("macro", "locks", *core, "--adp", "/nowhere"), 3, "no such folder"),
        (("macro", "locks", *core, "--adp", ".", "--no-adp"), 2, "not allowed with"),
    ):
        found, out, err = command(*words)
        assert (found, out) == (status, ""), (words, err)
        assert said in err
    # a macro that fails says where, and the status tells
    write_failing(team)
    library_of(team)
    status, out, err = command("macro", "fails", *core)
    assert (status, out) == (1, "") and "KeyError: 'no'" in err and "fails.py:4 in fails" in err
    status, out, _ = command("macro", "fails", *core, "--json")
    found = json.loads(out)
    assert status == 1 and found["result"] is None and found["error"].startswith("KeyError")


def write_failing(team: Path) -> None:
    path = team / ".adp" / "macros" / "fails.py"
    path.write_text(
        "from adp_tui.engine.macros import macro\n"
        '@macro("fails")\ndef fails(ctx):\n    return {}["no"]\n'
    )
    path.chmod(0o644)


def test_the_list(command: Callable[..., tuple[int, str, str]], team: Path) -> None:
    (team / ".adp" / "macros" / "new.py").write_text("raise SystemExit\n")
    os.chmod(team / ".adp" / "macros" / "new.py", 0o644)
    status, out, _ = command("macro", "--list", "--json")
    found = {each["name"]: each for each in json.loads(out)["macros"]}
    assert status == 0
    assert found["constellations"]["arguments"] == [
        {"name": "least", "kind": "int", "required": False}
    ]
    assert found["stack"]["on"] == "task" and found["permits"]["kind"] == "table"
    assert found["new.py"]["state"] == "untrusted" and "adp-tui trust" in found["new.py"]["why"]
