"""Several runtimes in one process, while it stands: what a core of it has, but for what only a
search of all its memory finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.alive import stayed
from support.build import Dump, facts_of
from support.pond import EXECUTORS, TASKS, Pond

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.saved.file import read
from adp_tui.engine.session import Session

SWEPT = ("pooled1", "pooled2", "own1", "own2")
"""In no list: a core's memory is searched for their wakers."""


@pytest.fixture(scope="module")
def pond(dump: Callable[..., Dump]) -> Iterator[Pond]:
    made = dump("pond", profile="debug")
    with stayed(made) as program:
        session = Session(LiveProcess(program.pid, max_pause=30.0))
        facts = facts_of(program.printed())
        yield Pond(replace(made, facts=facts), session, session.snapshot)
        session.close()


def test_tasks(pond: Pond) -> None:
    expected = [task for task in TASKS if task.name not in SWEPT]
    assert sorted(pond.tasks) == sorted(task.name for task in expected)
    for task in expected:
        found = pond.task(task.name)
        waits = sorted(map(pond.wait_text, found.waits))
        assert (task.name, found.state, waits) == (task.name, task.state, sorted(task.waits))


def test_time_left(pond: Pond) -> None:
    # GIVEN timers of async-io, each an hour long: a live process tells the time
    for task in TASKS:
        if task.waits == ("timer",):
            (wait,) = pond.task(task.name).waits
            assert wait.remaining_s == pytest.approx(3600, abs=60)


def test_executors(pond: Pond) -> None:
    # The one that async-std's own thread has for local tasks is not among them.
    assert len(pond.snapshot.executors) == len(EXECUTORS) + 1


def test_what_is_not_looked_for_is_said(pond: Pond) -> None:
    (loss,) = pond.snapshot.losses
    assert loss.what == "tasks" and "adp-tui dump" in loss.why and loss.missing


def test_a_saved_snapshot_of_it(pond: Pond, tmp_path: Path) -> None:
    # WHEN it is saved, with the memory that was read
    pond.session.save(str(tmp_path / "it.adps"))
    saved = Session(read(tmp_path / "it.adps"))
    # THEN no task is found in that which was not there before
    again = Pond(pond.dump, saved, saved.snapshot)
    assert sorted(again.tasks) == sorted(pond.tasks)
    assert again.variables(again.task("keeper").key, "locks::keeper").keys() >= {"guard"}
    saved.close()
