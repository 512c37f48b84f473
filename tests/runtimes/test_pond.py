"""Several runtimes in one process: each task and executor of the pond, as its source implies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import POND_OLDER, PROFILES, Dump
from support.compared import Record, missing_and_others
from support.pond import EXECUTORS, RESOURCES, TASKS, ExpectedExecutor, ExpectedTask, Pond
from support.reading import read

from adp_tui.engine.model import Executor, Holder, Owner, TaskState

each_task = pytest.mark.parametrize("expected", TASKS, ids=str)
each_executor = pytest.mark.parametrize("expected", EXECUTORS, ids=str)
CORES = (
    *((None, profile) for profile in PROFILES),
    *(pytest.param((POND_OLDER, profile), marks=pytest.mark.matrix) for profile in PROFILES),
)


@pytest.fixture(
    scope="module", params=CORES, ids=lambda case: "-".join(word for word in case if word)
)
def pond(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Pond]:
    version, profile = request.param
    reading = read(dump("pond", tokio=version, profile=profile))
    yield Pond(reading.dump, reading.session, reading.snapshot)
    reading.session.close()


def executor_of(pond: Pond, name: str | None) -> Executor | None:
    """Return an executor by its name in the source, found by what leads to it."""
    if name is None:
        return None
    expected = next(each for each in EXECUTORS if each.name == name)
    if expected.fact is not None and pond.is_older:
        # There an Executor is a cell, and no word of it is known from outside.
        task = pond.task("leaked" if name == "leaked" else "pond::combine::never_polled")
        return next(e for e in pond.snapshot.executors if e.key == task.executor)
    if expected.fact is not None:
        # An Executor is one word: the address of its state (async-executor 1.14, lib.rs).
        address = pond.pointers[expected.fact]
        return next(e for e in pond.snapshot.executors if e.address == address)
    if expected.thread is not None:
        return pond.executor_of_thread(expected.thread)
    (found,) = (
        e for e in pond.snapshot.executors if (e.kind, e.name) == (expected.kind, expected.label)
    )
    return found


def test_tasks_are_those_of_the_program(pond: Pond, record_property: Record) -> None:
    expected = [each.name for each in pond.expected_tasks]
    assert missing_and_others(pond.tasks, expected, record_property) == ([], [])


@pytest.mark.parametrize("expected", [each for each in TASKS if each.stack], ids=str)
def test_stack(pond: Pond, expected: ExpectedTask) -> None:
    # A blocking job is a closure, and smol's own task is not of the program: they have none.
    there(pond, expected)
    if pond.is_older and ("(unresumed)" in expected.stack or "(polled)" in expected.stack):
        pytest.skip("async-executor 1.5 has a future among what it captured until its first await")
    assert pond.stack_text(pond.task(expected.name)) == expected.lines


def there(pond: Pond, expected: ExpectedTask) -> None:
    if expected not in pond.expected_tasks:
        pytest.skip("smol 1.3 has no such task")


@each_task
def test_waits(pond: Pond, expected: ExpectedTask) -> None:
    there(pond, expected)
    task = pond.task(expected.name)
    assert sorted(map(pond.wait_text, task.waits)) == sorted(expected.waits)


@each_task
def test_state(pond: Pond, expected: ExpectedTask) -> None:
    there(pond, expected)
    task = pond.task(expected.name)
    assert (task.kind, task.state, task.cancelled, task.runtime) == (
        expected.kind,
        expected.state,
        False,
        expected.runtime,
    )
    assert pond.named("tid", task.thread) == expected.thread


@each_task
def test_place_in_tree(pond: Pond, expected: ExpectedTask) -> None:
    there(pond, expected)
    task = pond.task(expected.name)
    executor = executor_of(pond, expected.executor)
    assert task.executor == (executor.key if executor else None)
    assert pond.name_of(task.parent) == expected.parent


@each_executor
def test_executor(pond: Pond, expected: ExpectedExecutor) -> None:
    executor = executor_of(pond, expected.name)
    assert executor is not None
    assert (executor.kind, executor.name) == (expected.kind, expected.label)
    # THEN it has the threads that the source gives it
    names = {thread.tid: thread.name for thread in pond.snapshot.threads}
    assert sorted(names[tid] or "" for tid in executor.workers) == sorted(expected.threads)
    assert sorted(names[tid] or "" for tid in executor.blocking_threads) == list(expected.pool)
    # AND the tasks
    mine = [task.state for task in pond.expected_tasks if task.executor == expected.name]
    assert {state: getattr(executor.tasks, state) for state in TaskState} == {
        state: mine.count(state) for state in TaskState
    }


def test_executors_are_those_of_the_program(pond: Pond) -> None:
    # GIVEN the executors of the source, and that for local tasks of async-std's own thread
    known = {executor_of(pond, each.name) for each in EXECUTORS}
    (other,) = [each for each in pond.snapshot.executors if each not in known]
    assert (other.name, sum(getattr(other.tasks, state) for state in TaskState)) == (
        "async-global-executor local",
        0,
    )
    assert len(known) == len(EXECUTORS)


ROLES = {
    "main": ("pond", "block_on", "parked"),
    "leaked": ("leaked-thread", "block_on", "parked"),
    "local": ("local-thread", "block_on", "parked"),
    "std": ("std-thread", "block_on", "parked"),
    "pool": ("pool-thread", "block_on", "parked"),
    "block": ("block-thread", "block_on", "parked"),
    "tokio": ("tokio-thread", "block_on", "parked"),
    "blocking": ("blocking-1", "blocking", "blocking_job"),
    "own": ("own-thread", "other", "futex"),
}


@pytest.mark.parametrize("name", ROLES)
def test_thread(pond: Pond, name: str) -> None:
    thread = pond.thread(name)
    std_name, role, doing = ROLES[name]
    assert (thread.name, thread.role) == (std_name, role)
    # Any thread that blocks on a future may be the one that waits for events of async-io.
    assert thread.doing.kind in (doing, "driver" if role == "block_on" else doing)


def test_the_crash(pond: Pond) -> None:
    thread = pond.thread("crash")
    assert thread.role == "worker" and thread.signal
    assert pond.name_of(thread.task) == "crash"
    assert pond.name_of(thread.splice.task if thread.splice else None) == "crash"


def test_the_driver_of_async_io(pond: Pond) -> None:
    (thread,) = [each for each in pond.snapshot.threads if each.name == "async-io"]
    assert thread.role == "driver"


@pytest.mark.parametrize("name", RESOURCES)
def test_resource(pond: Pond, name: str) -> None:
    # GIVEN a task that waits for a resource
    task = pond.task(name)
    (wait,) = task.waits
    resource = next(each for each in pond.snapshot.resources if each.key == wait.resource)
    kind, holders, owners = RESOURCES[name]
    # THEN it is in its queue, and who has it is told, by variable and line
    assert (resource.kind, wait.kind) == (kind, kind)
    assert resource.waiters == (task.key,)
    assert [holder_text(pond, each) for each in resource.holders] == holders
    found = [owner_text(pond, each) for each in resource.owners]
    if pond.is_older:
        # async-executor 1.5 awaits what an async block captured: the place that it was moved from
        # cannot be told from one that is in use.
        found = [text for text in found if not text.endswith(" future")]
    assert found == owners


def holder_text(pond: Pond, holder: Holder) -> str:
    place = None
    if holder.function.startswith("pond::"):
        place = pond.place(f"{holder.function.split('::')[1]}.rs", holder.line)
    words = (pond.name_of(holder.task), holder.mode, holder.variable, place)
    return " ".join(word for word in words if word)


def owner_text(pond: Pond, owner: Owner) -> str:
    return " ".join(filter(None, (pond.name_of(owner.task), owner.role, owner.variable)))


def test_what_nobody_described_is_said(pond: Pond) -> None:
    # GIVEN tasks of an executor that only its author knows
    lost = [loss for loss in pond.snapshot.losses if "pond::own::Job" in loss.why]
    # THEN it is said that there is one, and what is not known of it
    ((what, count, missing),) = [(loss.what, loss.count, loss.missing) for loss in lost]
    assert (what, count, missing) == ("executor", 2, True)
    # AND nothing else was lost
    assert len(pond.snapshot.losses) == 1


def test_who_could_wake_it(pond: Pond) -> None:
    # GIVEN such a task, for whose channel the thread of its executor has the sender
    (wait,) = pond.task("own1").waits
    resource = next(each for each in pond.snapshot.resources if each.key == wait.resource)
    if pond.dump.profile == "debug":
        # In release builds a compiler may leave the variable no place.
        assert [(o.thread, o.variable) for o in resource.owners] == [
            (pond.dump.facts["tid_own"], "keep")
        ]


def test_runtimes_are_recognised(pond: Pond) -> None:
    found = {each.name: each.tested for each in pond.snapshot.target.runtimes}
    assert found == dict.fromkeys(
        ("async-executor", "async-task", "blocking", "futures-executor", "tokio"), True
    )
