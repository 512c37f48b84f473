"""Runtimes of which each thread has its own, while they stand: what a core of them has, but for
what only a search of all its memory finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from support.alive import stayed
from support.build import Dump, facts_of
from support.percore import SWEPT, Percore

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.session import Session


@pytest.fixture(scope="module")
def cores(dump: Callable[..., Dump]) -> Iterator[Percore]:
    made = dump("percore")
    with stayed(made) as program:
        session = Session(LiveProcess(program.pid, max_pause=30.0))
        facts = facts_of(program.printed())
        yield Percore(replace(made, facts=facts), session, session.snapshot)
        session.close()


def test_tasks(cores: Percore) -> None:
    expected = [task for task in cores.expected_tasks if task.name not in SWEPT]
    assert sorted(cores.tasks) == sorted(task.name for task in expected)
    for task in expected:
        found = cores.task(task.name)
        waits = sorted(map(cores.wait_text, found.waits))
        assert (task.name, found.state, waits) == (task.name, task.state, sorted(task.waits))
        assert cores.stack_text(found) == task.lines
        assert found.executor == cores.executor_of_thread(task.executor).key


def test_time_left(cores: Percore) -> None:
    # GIVEN timers of both runtimes, each an hour long: a live process tells the time
    for task in cores.expected_tasks:
        for wait in cores.task(task.name).waits if task.name not in SWEPT else ():
            if wait.kind == "timer":
                assert wait.remaining_s == pytest.approx(3600, abs=60), task


def test_what_is_not_looked_for_is_said(cores: Percore) -> None:
    assert {(loss.what, "adp-tui dump" in loss.why) for loss in cores.snapshot.losses} == {
        ("tasks", True)
    }
