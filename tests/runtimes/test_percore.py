"""Runtimes of which each thread has its own, monoio and embassy, as the source of ``percore``
implies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from support.build import PROFILES, Dump
from support.compared import Record, missing_and_others
from support.percore import EXECUTORS, RESOURCES, ROOTS, TASKS, ExpectedTask, Percore
from support.reading import read

from adp_tui.engine.model import Holder, Owner, TaskState

each_task = pytest.mark.parametrize("expected", TASKS, ids=str)
each_executor = pytest.mark.parametrize("name", EXECUTORS)

FEATURES: tuple[tuple[str, ...], ...] = ((), ("sync",))
"""With ``sync`` what monoio's block_on is given is a task, whose handle the thread polls."""
CORES = (
    *product(PROFILES, FEATURES),
    *(pytest.param((profile, ("uring",)), marks=pytest.mark.matrix) for profile in PROFILES),
)
"""Not every machine allows io_uring."""


@pytest.fixture(
    scope="module",
    params=CORES,
    ids=lambda case: "-".join((case[0], *case[1])),
)
def cores(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Percore]:
    profile, features = request.param
    reading = read(dump("percore", profile=profile, features=features))
    yield Percore(reading.dump, reading.session, reading.snapshot)
    reading.session.close()


def name_in(cores: Percore, expected: ExpectedTask) -> str:
    """Return the name that tests see a task by: a root that is a task has said none."""
    if cores.is_sync and expected in ROOTS:
        return f"percore::cores::{expected.name}"
    return expected.name


def test_tasks_are_those_of_the_program(cores: Percore, record_property: Record) -> None:
    expected = [name_in(cores, each) for each in cores.expected_tasks]
    assert missing_and_others(cores.tasks, expected, record_property) == ([], [])


def there(cores: Percore, expected: ExpectedTask | str) -> None:
    """Skip what only the feature sync has."""
    if expected not in (*cores.expected_tasks, *cores.expected_executors):
        pytest.skip("monoio has blocking jobs only with its feature sync")


@each_task
def test_stack(cores: Percore, expected: ExpectedTask) -> None:
    there(cores, expected)
    assert cores.stack_text(cores.task(name_in(cores, expected))) == expected.lines


@each_task
def test_waits(cores: Percore, expected: ExpectedTask) -> None:
    there(cores, expected)
    task = cores.task(name_in(cores, expected))
    assert sorted(map(cores.wait_text, task.waits)) == sorted(expected.waits)


@each_task
def test_state(cores: Percore, expected: ExpectedTask) -> None:
    there(cores, expected)
    task = cores.task(name_in(cores, expected))
    is_root = expected in ROOTS and not cores.is_sync
    assert (task.kind, task.state, task.cancelled, task.runtime) == (
        "block_on" if is_root else expected.kind,
        expected.state,
        False,
        expected.runtime,
    )
    on_thread = is_root or expected.state == "running"
    assert cores.named("tid", task.thread) == (expected.thread if on_thread else None)


@each_task
def test_place_in_tree(cores: Percore, expected: ExpectedTask) -> None:
    there(cores, expected)
    task = cores.task(name_in(cores, expected))
    assert task.executor == cores.executor_of_thread(expected.executor).key
    parents = {each.name: name_in(cores, each) for each in TASKS}
    assert cores.name_of(task.parent) == (parents[expected.parent] if expected.parent else None)


@each_executor
def test_executor(cores: Percore, name: str) -> None:
    there(cores, name)
    runtime, kind, _, _, queued, timers = EXECUTORS[name]
    executor = cores.executor_of_thread(name)
    assert (executor.runtime, executor.kind) == (runtime, kind)
    # THEN its thread is the only one that works for it
    threads = executor.blocking_threads if name == "job" else executor.workers
    assert threads == (cores.dump.facts[f"tid_{name}"],)
    # AND its run queue and its timers are those of the source
    lengths = () if queued is None else (queued,)
    assert (executor.queues.local, executor.timers) == (lengths, timers)
    # AND so are its tasks
    mine = [task.state for task in cores.expected_tasks if task.executor == name]
    assert {state: getattr(executor.tasks, state) for state in TaskState} == {
        state: mine.count(state) for state in TaskState
    }


def test_executors_are_those_of_the_program(cores: Percore) -> None:
    known = {cores.executor_of_thread(name).key for name in cores.expected_executors}
    assert len(known) == len(cores.expected_executors)
    # With sync the side thread's runtime has a pool of its own as well, which has no job.
    others = [each for each in cores.snapshot.executors if each.key not in known]
    assert [(each.kind, each.tasks.running) for each in others] == (
        [("monoio.blocking", 0)] if cores.is_sync else []
    )


@each_executor
def test_thread(cores: Percore, name: str) -> None:
    there(cores, name)
    _, _, thread_name, role, *_ = EXECUTORS[name]
    thread = cores.thread(name)
    assert (thread.name, thread.role) == (thread_name, role)
    job = "percore::cores::blocking::offloads"
    polled = {"main": "crash", "stuck": "block", "job": job}.get(name)
    assert cores.name_of(thread.task) == polled


def test_what_threads_do(cores: Percore) -> None:
    assert cores.thread("main").signal
    assert cores.thread("side").doing.kind == "driver"
    assert cores.thread("chip").doing.kind == "parked"
    # The thread that embassy's timers start says nothing of itself.
    (alarm,) = [each for each in cores.snapshot.threads if each.role == "driver"]
    assert alarm.tid not in cores.dump.facts.values()


def test_names(cores: Percore) -> None:
    roots = dict.fromkeys((f"percore::cores::{each.name}" for each in ROOTS), "block_on")
    given = {"named": "a task with a name", **(roots if cores.is_sync else {})}
    found = {name: task.name for name, task in cores.tasks.items() if task.name is not None}
    assert found == given


@pytest.mark.parametrize("name", RESOURCES)
def test_resource(cores: Percore, name: str) -> None:
    # GIVEN a task that waits for a resource
    task = cores.task(name)
    (wait,) = task.waits
    resource = next(each for each in cores.snapshot.resources if each.key == wait.resource)
    kind, holders, owners = RESOURCES[name]
    # THEN it is in its queue, and who has it is told, by variable and line
    assert (resource.kind, wait.kind) == (kind, kind)
    assert resource.waiters == (task.key,)
    assert [holder_text(cores, each) for each in resource.holders] == holders
    assert [owner_text(cores, each) for each in resource.owners] == owners


def holder_text(cores: Percore, holder: Holder) -> str:
    words = (
        cores.name_of(holder.task),
        holder.mode,
        holder.variable,
        cores.place("chip.rs", holder.line),
    )
    return " ".join(word for word in words if word)


def owner_text(cores: Percore, owner: Owner) -> str:
    return " ".join(filter(None, (cores.name_of(owner.task), owner.role, owner.variable)))


def test_permits(cores: Percore) -> None:
    # GIVEN two permits, which one task took at once
    (wait,) = cores.task("acquire").waits
    resource = next(each for each in cores.snapshot.resources if each.key == wait.resource)
    assert resource.state == (("permits", 0),)
    assert [holder.amount for holder in resource.holders] == [2]


def test_those_who_wait_for_permits_stand_in_line(cores: Percore) -> None:
    # GIVEN a fair semaphore, which the first in its queue wants more of than there is
    (wait,) = cores.task("queue").waits
    resource = next(each for each in cores.snapshot.resources if each.key == wait.resource)
    assert resource.state == (("permits", 1),)
    assert list(map(cores.name_of, resource.waiters)) == ["queue", "queue_too"]


def test_a_thread_that_a_task_keeps_is_found(cores: Percore) -> None:
    (found,) = [each for each in cores.snapshot.findings if each.kind == "blocked_worker"]
    assert found.tasks == (cores.task("block").key,)


def test_nothing_is_lost(cores: Percore) -> None:
    assert cores.snapshot.losses == ()


def test_runtimes_are_recognised(cores: Percore) -> None:
    found = {each.name: each.tested for each in cores.snapshot.target.runtimes}
    # What futures brings along is linked where the compiler did not drop it.
    assert {name: found[name] for name in ("monoio", "embassy-executor")} == {
        "monoio": True,
        "embassy-executor": True,
    }
