"""One moment of a process gives one report: live, and from a core that another tool wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.alive import Alive, state_of, stayed
from support.build import NEWEST, Dump
from support.reports import differences, report_of

from adp_tui.backends.core import open_core
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.model import Confidence, Snapshot
from adp_tui.engine.saved.file import read
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Query

Report = dict[str, Any]


@contextmanager
def live(pid: int, *, stops: bool = True, max_pause: float = 1.0) -> Iterator[Session]:
    session = Session(LiveProcess(pid, stops=stops, max_pause=max_pause))
    try:
        yield session
    finally:
        session.close()


PROGRAMS = [
    pytest.param((name, tokio, profile), id=f"{name}-{profile}")
    for name, tokio, profile in (("zoo", NEWEST, "debug"), ("service", None, "release"))
]


@pytest.fixture(scope="module", params=PROGRAMS)
def stopped(
    request: pytest.FixtureRequest, dump: Callable[..., Dump]
) -> Iterator[tuple[Dump, Alive]]:
    name, tokio, profile = request.param
    made = dump(name, tokio=tokio, profile=profile)
    with stayed(made) as program:
        yield made, program


@pytest.fixture(scope="module")
def expected(stopped: tuple[Dump, Alive]) -> Report:
    """Return the report of the process, live: it stands still for as long as this module takes."""
    with live(stopped[1].pid) as session:
        report = report_of(session)
        assert session.snapshot.target.pause_ms is not None
        assert not is_torn(session.snapshot)
    assert report["tasks"]
    return report


def core_of(program: Alive, folder: Path) -> Path:
    """Let gdb write the core of a process that lives on."""
    subprocess.run(
        ["gcore", "-o", folder / "core", str(program.pid)], check=True, capture_output=True
    )
    return folder / f"core.{program.pid}"


def is_torn(snapshot: Snapshot) -> bool:
    return any(wait.conf is Confidence.TORN for wait in snapshot.tasks.waits)


def test_live_and_core_agree(stopped: tuple[Dump, Alive], expected: Report, tmp_path: Path) -> None:
    dump, program = stopped
    core = Session(open_core(core_of(program, tmp_path), executable=dump.exe))
    found = report_of(core)
    core.close()
    assert found["tasks"]
    assert list(differences(found, expected)) == []
    assert state_of(program.pid) == "T"


def test_a_saved_snapshot_of_it_agrees(
    stopped: tuple[Dump, Alive], expected: Report, tmp_path: Path
) -> None:
    _, program = stopped
    with live(program.pid) as session:
        session.open()
        # Variables are read from the process when it is saved.
        session.save(str(tmp_path / "it.adps"))
        assert state_of(program.pid) == "T"
    saved = Session(read(tmp_path / "it.adps"))
    assert list(differences(expected, report_of(saved))) == []
    assert saved.summary().moves is False
    saved.close()


def test_what_changed_is_saved_as_well(stopped: tuple[Dump, Alive], tmp_path: Path) -> None:
    _, program = stopped
    with live(program.pid) as session:
        session.open()
        changes = session.refresh().changes
        session.save(str(tmp_path / "it.adps"))
        rows = session.rows(Query("tasks"))
    saved = Session(read(tmp_path / "it.adps"))
    assert dict(changes)["still"] > 0
    assert saved.summary().changes == changes
    assert saved.rows(Query("tasks")) == rows
    saved.close()


def test_a_second_snapshot_is_the_same(stopped: tuple[Dump, Alive], expected: Report) -> None:
    _, program = stopped
    with live(program.pid) as session:
        session.open()
        changed = dict(session.refresh().changes)
        assert list(differences(expected, report_of(session))) == []
        running = sum(state == 0 for state in session.snapshot.tasks.state)
        # One that runs is never said to stand still.
        assert changed == {
            "new": 0,
            "gone": 0,
            "moved": running,
            "still": len(expected["tasks"]) - running,
        }


def test_without_a_stop_they_agree_too(stopped: tuple[Dump, Alive], expected: Report) -> None:
    """Of threads that sleep the kernel tells where they are; their registers it does not."""
    _, program = stopped
    with live(program.pid, stops=False) as session:
        seen = report_of(session)
        assert session.snapshot.target.pause_ms is None
        assert not is_torn(session.snapshot)
    # Native frames depend on the registers that a caller saved, which a stop alone tells.
    with_stop, without = (
        {name: each for name, each in report.items() if name != "threads"}
        for report in (expected, seen)
    )
    assert list(differences(with_stop, without)) == []


def test_what_was_not_copied_in_time_is_torn(stopped: tuple[Dump, Alive]) -> None:
    # GIVEN a pause that is over before anything was copied
    _, program = stopped
    with live(program.pid, max_pause=1e-9) as session:
        # THEN everything is read while the process runs, and marked so
        waits = session.snapshot.tasks.waits
        assert len(waits) > 0
        assert {wait.conf for wait in waits} == {Confidence.TORN}
        assert "consistency" in {loss.what for loss in session.snapshot.losses}
