"""A LocalRuntime, whose tasks need not be Send, as the source of ``localrt`` implies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import PROFILES, Dump
from support.compared import Record, missing_and_others
from support.reading import Reading, read

TASKS = {
    # name: kind, state, waits, stack
    "main_root": (
        "block_on",
        "idle",
        ["join task=keeps"],
        "localrt::root @root.await\ntokio::runtime::task::join::JoinHandle",
    ),
    "keeps": (
        "spawned",
        "idle",
        ["notify"],
        "localrt::keeps @keeps.notified\ntokio::sync::notify::Notified",
    ),
    "sleeps": (
        "spawned",
        "idle",
        ["timer"],
        "localrt::sleeps @sleeps.sleep\ntokio::time::sleep::Sleep",
    ),
    "crash": ("blocking", "running", [], ""),
}


@pytest.fixture(scope="module", params=PROFILES)
def local(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return the core of the program, as the engine reads it."""
    reading = read(dump("localrt", profile=request.param))
    yield reading
    reading.session.close()


each_task = pytest.mark.parametrize("name", TASKS)


def test_tasks_are_those_of_the_program(local: Reading, record_property: Record) -> None:
    assert missing_and_others(local.tasks, TASKS, record_property) == ([], [])


@each_task
def test_state(local: Reading, name: str) -> None:
    task = local.task(name)
    assert (task.kind, task.state) == TASKS[name][:2]


@each_task
def test_waits(local: Reading, name: str) -> None:
    waits = local.task(name).waits
    assert [local.wait_text(wait) for wait in waits] == TASKS[name][2]


@pytest.mark.parametrize("name", [name for name in TASKS if name != "crash"])
def test_stack(local: Reading, name: str) -> None:
    assert local.stack_text(local.task(name)) == TASKS[name][3]


def test_executor(local: Reading) -> None:
    # GIVEN the runtime, which one thread drives while a job runs on another
    (executor,) = local.snapshot.executors
    assert (executor.kind, executor.timers) == ("tokio.current_thread", 1)
    assert executor.workers == (local.dump.facts["tid_main"],)
    assert executor.blocking_threads == (local.dump.facts["tid_crash"],)
    # THEN all tasks are its own, held by its root
    for name in TASKS:
        assert local.task(name).executor == executor.key
    for name in ("keeps", "sleeps"):
        assert local.name_of(local.task(name).parent) == "main_root"
    assert local.name_of(local.thread("crash").task) == "crash"
    assert local.snapshot.losses == ()
