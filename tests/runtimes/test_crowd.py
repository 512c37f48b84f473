"""A crowd of tasks of forty types: as many are listed as the program counts, waiting as it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from support.build import Dump
from support.reading import Reading, read

from adp_tui.backends.core import open_core
from adp_tui.engine.analysis.analysis import analyse
from adp_tui.engine.model import Frame, Task
from adp_tui.engine.program import Program

NEIGHBOURS = 400
"""Tasks that share one bell in the program: each can ring it."""
KINDS = ("mutex", "rwlock", "semaphore", "notify", "mpsc", "timer", "oneshot", "join")


@pytest.fixture(scope="module")
def crowd(dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return the core of a crowd, as the engine reads it."""
    reading = read(dump("crowd", profile="release"))
    yield reading
    reading.session.close()


@pytest.fixture(scope="module")
def spawned(crowd: Reading) -> list[Task]:
    """Return the tasks that the program spawned."""
    return [task for task in crowd.snapshot.tasks if task.kind == "spawned"]


def leaf(frames: tuple[Frame, ...]) -> Frame:
    """Return the innermost frame of the program's own."""
    return [frame for frame in frames if frame.function.startswith("crowd::")][-1]


def test_every_task_is_listed(crowd: Reading, spawned: list[Task]) -> None:
    facts = crowd.dump.facts
    assert len(spawned) == facts["tasks"]
    assert len({task.future for task in spawned}) == facts["types"]
    assert len({task.id for task in spawned}) == facts["tasks"]
    # THEN all was read; of those who could ring a bell the first ones are listed, and that is said
    told = [(loss.what, loss.count, loss.missing) for loss in crowd.snapshot.losses]
    assert told == [("owners", facts["tasks"] // NEIGHBOURS, False)]


def test_each_waits_on_what_its_type_says(crowd: Reading, spawned: list[Task]) -> None:
    # GIVEN the tasks, whose outermost call is named after what the innermost waits on
    names = {"sleep": "timer", "tick": "timer", "number": "oneshot", "word": "oneshot"}
    for task in spawned:
        own = task.future.removeprefix("crowd::").rpartition("_")[0]
        # THEN there is that one wait
        assert [wait.kind for wait in task.waits] == [names.get(own, own)]
    # AND as many of each kind as the program counts
    kinds = Counter(wait.kind for task in spawned for wait in task.waits)
    assert kinds == {kind: crowd.dump.facts[kind] for kind in KINDS}


def test_stacks_are_as_deep_as_the_calls(crowd: Reading) -> None:
    found: Counter[int] = Counter()
    for stack in crowd.snapshot.stacks:
        own = [frame for frame in stack.frames if frame.function.startswith("crowd::")]
        # The outermost frame of the root is the block that main drives.
        if "async_block" not in own[0].function:
            found[len(own)] += stack.count
    assert found == {deep: crowd.dump.facts[f"deep_{deep}"] for deep in range(1, 9)}


def test_each_stands_at_its_await(crowd: Reading) -> None:
    for stack in crowd.snapshot.stacks:
        frame = leaf(stack.frames)
        name = frame.function.removeprefix("crowd::").rpartition("_")[0] or "root"
        marker = "root" if "async_block" in frame.function else name
        assert frame.line == crowd.dump.markers[f"crowd.{marker}"][1]


def test_who_joins_whom(crowd: Reading, spawned: list[Task]) -> None:
    # GIVEN each tenth task, which waits for the one that was spawned before it
    by_key = {task.key: task for task in spawned}
    for task in spawned:
        for wait in task.waits:
            if wait.kind == "join":
                # THEN the report says so, and that it holds its handle
                assert wait.task is not None
                joined = by_key[wait.task]
                assert joined.future.startswith("crowd::word_")
                assert joined.parent == task.key


def test_waiters_of_a_lock_are_queued(crowd: Reading, spawned: list[Task]) -> None:
    # GIVEN the locks, each shared by 400 tasks of which a tenth waits for it
    locks = [r for r in crowd.snapshot.resources if r.kind in ("mutex", "rwlock")]
    locks += [r for r in crowd.snapshot.resources if r.kind in ("semaphore", "notify")]
    waits = {(task.key, wait.resource) for task in spawned for wait in task.waits}
    shared = [lock for lock in locks if len(lock.waiters) > 1]
    # THEN each has all of them in its queue
    assert len(shared) == 4 * crowd.dump.facts["tasks"] // 400
    for lock in shared:
        assert len(lock.waiters) == 40
        assert all((waiter, lock.key) in waits for waiter in lock.waiters)


def test_reading_can_be_stopped_all_the_time(crowd: Reading) -> None:
    # GIVEN an analysis that notes in which step it asks whether to stop
    asked: Counter[str] = Counter()
    steps = [""]

    def cancelled() -> bool:
        asked[steps[-1]] += 1
        return False

    target = open_core(crowd.dump.core, executable=crowd.dump.exe)
    analyse(Program(target), steps.append, cancelled)
    target.close()
    # THEN it asks every few hundred tasks: while they are listed and followed, while their
    # stacks are read, while their waits are
    often = crowd.dump.facts["tasks"] // 256
    assert asked["reading executors and their tasks"] >= 2 * often
    assert asked["working out what tasks wait on"] >= often


def test_a_queue_is_told_in_one_line(dump: Callable[..., Dump]) -> None:
    # GIVEN 2,000 tasks behind one semaphore, whose permit another one has
    reading = read(dump("crowd", "2000", "queue", profile="release"))
    keeper = next(t for t in reading.snapshot.tasks if t.id == reading.dump.facts["id_keeper"])
    (found,) = (f for f in reading.snapshot.findings if f.kind == "semaphore_exhausted")
    # THEN one sentence says who has it and how many wait
    assert found.tasks == (keeper.key,)
    assert "2,000 tasks" in found.summary and "\n" not in found.summary
    assert [f.kind for f in reading.snapshot.findings if f.kind != "crash"] == [found.kind]
    reading.session.close()
