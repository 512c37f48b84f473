"""What became of each task between snapshots of a process that does what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from support.build import Dump
from support.steps import Steps, steps

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.adp.catalogue import load_catalogue
from adp_tui.engine.adp.provided import Provided
from adp_tui.engine.analysis import survey
from adp_tui.engine.model import Changes
from adp_tui.engine.session import Session

NEW = Changes.NEW


@pytest.fixture
def program(dump: Callable[..., Dump]) -> Iterator[Steps]:
    with steps(dump("steps")) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["numbered", "not-numbered"])
def is_numbered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether tasks have numbers: those of tokio before 1.18 have none."""
    if not request.param:
        bare = tuple(
            replace(each, tasks=tuple(replace(rule, id=None, raw_id=None) for rule in each.tasks))
            for each in load_catalogue()
        )
        monkeypatch.setattr(survey, "provided", lambda program, given: Provided(bare))
    return bool(request.param)


def still(session: Session) -> dict[str, list[int]]:
    """Return how long the tasks of each function stand still."""
    snapshot = session.snapshot
    assert snapshot.changes is not None
    found: dict[str, list[int]] = {}
    for task, number in zip(snapshot.tasks, snapshot.changes.still, strict=True):
        found.setdefault(task.future.removeprefix("steps::"), []).append(number)
    return {name: sorted(numbers) for name, numbers in found.items()}


def test_each_task_by_itself(program: Steps, is_numbered: bool) -> None:
    session = Session(LiveProcess(program.pid))
    # GIVEN a first snapshot, which nothing is compared with
    assert session.snapshot.changes is None
    assert all((task.id is not None) == is_numbered for task in session.snapshot.tasks)
    # WHEN nothing happens THEN it is counted how often
    for times in (1, 2):
        session.refresh()
        assert still(session) == {"stands": [times], "turns": [times], "ends": [times]}
    # WHEN a task has come back to the same await THEN it has moved, and stands from then on
    program.turn()
    session.refresh()
    assert still(session) == {"stands": [3], "turns": [0], "ends": [3]}
    session.refresh()
    assert still(session) == {"stands": [4], "turns": [1], "ends": [4]}
    # WHEN tasks of a function that others run have come THEN only they are new
    program.new()
    program.new()
    session.refresh()
    assert still(session) == {"stands": [NEW, NEW, 5], "turns": [2], "ends": [5]}
    # WHEN one has ended THEN it is gone, and keys of the others lead to them still
    before = {task.address: task.key for task in session.snapshot.tasks}
    program.end()
    session.refresh()
    assert still(session) == {"stands": [1, 1, 6], "turns": [3]}
    changes = session.snapshot.changes
    assert changes is not None and changes.gone == 1
    # Of tasks without a number it is said that they are told apart by less.
    assert changes.derived == (0 if is_numbered else 4)
    for task in session.snapshot.tasks:
        assert session.successor(before.pop(task.address)) == task.key
    (ended,) = before.values()
    assert session.successor(ended) is None
    session.close()
