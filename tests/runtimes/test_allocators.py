"""Programs whose memory is full of tasks that were: only those that are must be found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from support.build import Dump
from support.reading import Reading, read
from support.rows import ALLOCATORS, Allocated

KEPT = (Allocated("glibc", "debug"), Allocated("jemalloc", "release"))
"""What `make test` builds; `make matrix` has the others."""
CORES = [pytest.param(row, marks=() if row in KEPT else pytest.mark.matrix) for row in ALLOCATORS]


@pytest.fixture(scope="module", params=CORES, ids=str)
def churn(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of ``churn``, as the engine reads it."""
    row: Allocated = request.param
    reading = read(dump("churn", profile=row.profile, features=row.features))
    yield reading
    reading.session.close()


def test_no_ghosts(churn: Reading) -> None:
    # GIVEN a program that has started ten thousand tasks, of which few are left
    facts = churn.dump.facts
    stays = {number for name, number in facts.items() if name.startswith("id_stays_")}
    assert facts["started"] > 10_000 and facts["alive"] == len(stays) == 40
    # THEN the tasks are those that it counts itself, and the root of block_on
    found = [task for task in churn.snapshot.tasks if task.kind != "block_on"]
    assert Counter(task.id for task in found) == Counter(stays)
    assert [task.kind for task in churn.snapshot.tasks].count("block_on") == 1
    # AND nothing was lost on the way
    assert not churn.snapshot.losses


def test_those_that_stay_are_right(churn: Reading) -> None:
    # GIVEN tasks that stay in the midst of freed ones
    for number in range(40):
        task = churn.task(f"stays_{number}")
        # THEN each stands where the source says, and nothing freed is taken for what it waits on
        if number % 2:
            expected, place, kind = "churn::stays_for_a_word", "@stays.notified", "notify"
        else:
            expected, place, kind = "churn::stays_for_a_timer", "@stays.timer", "timer"
        assert churn.stack_text(task).startswith(f"{expected} {place}\n")
        assert [churn.wait_text(wait) for wait in task.waits] == [kind]
        assert task.state == "idle"


def test_no_runtime_is_left_of_those_that_ended(churn: Reading) -> None:
    # GIVEN runtimes and a LocalSet that were dropped with tasks in them
    # THEN there is one executor, with all the tasks
    (executor,) = churn.snapshot.executors
    assert executor.kind == "tokio.multi_thread"
    # AND the resources are those that somebody waits for
    waited = {wait.resource for task in churn.snapshot.tasks for wait in task.waits}
    assert {each.key for each in churn.snapshot.resources} == waited - {None}
