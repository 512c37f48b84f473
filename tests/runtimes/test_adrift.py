"""Tasks that nothing can wake, of executors that do not count who could: the program `adrift`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import PROFILES, Dump
from support.compared import Record, missing_and_others
from support.reading import Reading, read

from adp_tui.engine.model import Confidence, Task

LOST = {"chip_forgets": "chip.forgets", "pool_forgets": "pool.forgets"}
"""Functions of the tasks that keep no waker, with the markers of where they stand."""
OTHERS = ("chip_keeps", "chip_intends", "chip_naps", "pool_keeps", "pool_intends")


@pytest.fixture(scope="module", params=PROFILES)
def adrift(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    reading = read(dump("adrift", profile=request.param))
    yield reading
    reading.session.close()


def function(task: Task) -> str:
    """Return the name that the source has for a task: embassy's macro wraps it."""
    name = task.future.removeprefix("adrift::").partition("::")[0]
    return name.removeprefix("__").removesuffix("_task")


def test_tasks_are_those_of_the_program(adrift: Reading, record_property: Record) -> None:
    found = map(function, adrift.snapshot.tasks)
    assert missing_and_others(found, (*LOST, *OTHERS), record_property) == ([], [])


def test_only_what_keeps_no_waker_is_lost(adrift: Reading) -> None:
    tasks = {task.key: function(task) for task in adrift.snapshot.tasks}
    found = [each for each in adrift.snapshot.findings if each.kind == "lost_wakeup"]
    assert sorted(tasks[key] for each in found for key in each.tasks) == sorted(LOST)
    assert {each.conf for each in found} == {Confidence.DERIVED}


@pytest.mark.parametrize(("name", "marker"), LOST.items())
def test_where_it_stands(adrift: Reading, name: str, marker: str) -> None:
    (task,) = (task for task in adrift.snapshot.tasks if function(task) == name)
    assert f"@{marker}" in adrift.stack_text(task)
