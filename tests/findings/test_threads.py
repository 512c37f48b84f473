"""Threads that sleep in a lock of std: they wait like tasks do, alone or with a task on them."""

from __future__ import annotations

from world import World, holder, lock, owner

from adp_tui.engine.model import Confidence, CycleStep, Doing, TaskState, Thread, Wait


def asleep(world: World, tid: int, resource: str, task: str | None = None) -> None:
    """Add a thread that sleeps in a lock, polling a task or none."""
    wait = Wait("mutex", "exclusive", resource=resource, conf=Confidence.DERIVED, src="std")
    doing = Doing("futex" if task is None else "polling", "futex", None, None, "0x1", wait)
    world.threads.append(Thread(tid, f"n{tid}", "other", None, None, task, False, doing, None, ()))


def two_threads() -> World:
    world = World()
    world.resource("mutex", holder(None, thread=7, frame=None))
    world.resource("mutex", holder(None, thread=8, frame=None))
    asleep(world, 7, "r2")
    asleep(world, 8, "r1")
    return world


def test_threads_wait_for_each_other() -> None:
    (found,) = two_threads().found()
    assert (found.kind, found.conf) == ("deadlock", Confidence.DERIVED)
    assert (found.tasks, found.threads) == ((), (8, 7))
    assert found.cycle == (
        CycleStep(None, 7, "r2", None, 8),
        CycleStep(None, 8, "r1", None, 7),
    )
    assert found.summary.startswith("2 threads wait for each other: thread 7 n7 → thread 8 n8")


def test_a_thread_that_runs_lets_go() -> None:
    world = two_threads()
    world.threads.pop()
    assert world.found() == ()


def test_a_task_and_a_thread() -> None:
    world = World()
    world.resource("mutex", holder("t1"))
    world.resource("oneshot", owner(None, "sender", thread=7, frame=None))
    world.task(Wait("oneshot", "recv", resource="r2"))
    asleep(world, 7, "r1")
    (found,) = world.found()
    assert (found.kind, found.tasks, found.threads) == ("deadlock", ("t1",), (7,))
    assert found.summary.startswith("1 task and 1 thread wait for each other")


def test_what_is_polled_on_a_thread_that_sleeps_is_dead_with_it() -> None:
    # GIVEN a task that runs into a lock of std, which a task holds that waits for a lock of its own
    world = World()
    world.resource("mutex", holder("t2"))
    world.resource("mutex", holder("t1"))
    world.task(state=TaskState.RUNNING, thread=7)
    world.task(lock("r2"))
    asleep(world, 7, "r1", task="t1")
    # THEN both are, though one of them runs by its own word
    assert world.dead() == [("t1", "t2")]
    # AND they are not where its thread does something else
    world.threads.clear()
    assert world.dead() == []


def test_who_waits_behind_a_thread_is_told() -> None:
    world = two_threads()
    world.resource("oneshot", owner(None, "sender", thread=8, frame=None))
    world.task(Wait("oneshot", "recv", resource="r3"))
    behind = world.found()[1]
    assert (behind.kind, behind.tasks) == ("queued_behind", ("t1",))
    assert behind.summary.startswith("1 task waits behind the deadlock of thread 7 n7")
