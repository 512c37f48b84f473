"""Which tasks are dead: each rule of freedom, with the same ring that it opens or leaves closed."""

from __future__ import annotations

import pytest
from world import World, arm, frame, holder, join, lock, owner, select

from adp_tui.engine.model import Confidence, CycleStep, TaskState, Wait

TIMER = Wait("timer", remaining_s=5.0, branch="1")


def ring(*first: Wait, frames=(), second=None, path=(0,), **given) -> World:
    """Return two tasks: the first holds r1 and waits as it is told, the second the other way."""
    world = World()
    world.resource("mutex", holder("t1", frame=path))
    world.resource("mutex", holder("t2"))
    world.task(*first, frames=frames, **given)
    world.task(second or lock("r1"))
    return world


def test_two_locks_in_opposite_order() -> None:
    found = ring(lock("r2")).found()
    assert [f.kind for f in found] == ["deadlock"]
    assert found[0].tasks == ("t1", "t2")
    assert found[0].resources == ("r2", "r1")
    assert found[0].conf is Confidence.CERTAIN
    assert found[0].cycle == (
        CycleStep("t1", None, "r2", "t2", None),
        CycleStep("t2", None, "r1", "t1", None),
    )
    assert "held by t2 n2 through `held`" in found[0].evidence[0]


def test_who_holds_what_it_waits_for() -> None:
    world = World()
    world.resource("rwlock", holder("t1", mode="read"))
    world.task(Wait("rwlock", mode="write", resource="r1"))
    assert world.dead() == [("t1",)]
    assert world.found()[0].cycle == (CycleStep("t1", None, "r1", "t1", None),)


@pytest.mark.parametrize("state", [s for s in TaskState if s is not TaskState.IDLE])
def test_who_is_not_idle_is_free(state: TaskState) -> None:
    assert ring(lock("r2"), state=state).dead() == []


def test_who_is_cancelled_is_free() -> None:
    assert ring(lock("r2"), cancelled=True).dead() == []


@pytest.mark.parametrize(
    "kind", ["timer", "io", "signal", "process", "unknown", "notify", "barrier"]
)
def test_what_comes_from_outside_is_free(kind: str) -> None:
    assert ring(Wait(kind, resource="r2")).dead() == []


def test_a_lock_without_a_known_holder_is_free() -> None:
    world = World()
    world.resource("mutex", holder("t1"))
    world.resource("mutex")
    world.task(lock("r2"))
    world.task(lock("r1"))
    assert world.dead() == []


def test_a_doubtful_holder_may_be_none() -> None:
    world = World()
    world.resource("mutex", holder("t1", conf=Confidence.DOUBTFUL))
    world.resource("mutex", holder("t2"))
    world.task(lock("r2"))
    world.task(lock("r1"))
    assert world.dead() == []


@pytest.mark.parametrize("kind", ["mutex", "rwlock", "semaphore"])
def test_of_doubtful_holders_none_may_go_on(kind: str) -> None:
    # GIVEN a guard that was moved from one task to another: both have an image of it
    images = [holder(task, conf=Confidence.DOUBTFUL) for task in ("t1", "t3")]
    world = World()
    world.resource(kind, *images)
    world.resource("mutex", holder("t2"))
    world.task(lock("r2"))
    world.task(Wait(kind, mode="write" if kind == "rwlock" else None, resource="r1"))
    # WHEN one of them sleeps, it may be that one which has the lock
    world.task(TIMER)
    assert world.dead() == []
    # WHEN both wait for the other task, that one waits for good: for the one that came later
    world = World()
    world.resource(kind, *images)
    world.resource("mutex", holder("t2"))
    world.task(lock("r2"))
    world.task(Wait(kind, mode="write" if kind == "rwlock" else None, resource="r1"))
    world.task(lock("r2"))
    assert world.dead() == [("t2", "t3")]
    assert world.found()[0].conf is Confidence.DOUBTFUL
    assert any("whoever has it" in sentence for sentence in world.found()[0].evidence)


def test_doubtful_ends_of_a_channel() -> None:
    ends = [owner(task, "sender", conf=Confidence.DOUBTFUL) for task in ("t1", "t3")]
    for last, dead in ((TIMER, []), (lock("r2"), [("t2", "t3")])):
        world = World()
        world.resource("oneshot", *ends)
        world.resource("mutex", holder("t2"))
        world.task(lock("r2"))
        world.task(Wait("oneshot", mode="recv", resource="r1"))
        world.task(last)
        assert world.dead() == dead


def test_a_set_that_waits_for_all_its_tasks() -> None:
    # GIVEN a root that waits for its LocalSet, whose tasks wait for each other
    def world(second: Wait) -> World:
        made = World()
        made.executor()
        made.executor(parent="x1")
        made.resource("mutex", holder("t2"))
        made.resource("mutex", holder("t1"))
        made.task(Wait("join", mode="all"), executor=0, kind="block_on")
        made.task(lock("r2"), executor=1)
        made.task(second, executor=1)
        return made

    assert world(TIMER).dead() == []
    assert world(lock("r1")).dead() == [("t1", "t2", "t3")]


def test_a_select_is_free_if_any_arm_is() -> None:
    stack = (frame(), select("0", "1"))
    assert ring(lock("r2", "0"), TIMER, frames=stack).dead() == []
    both = ring(lock("r2", "0"), lock("r2", "1"), frames=stack)
    assert both.dead() == [("t1", "t2")]


def test_a_join_is_free_only_if_all_arms_are() -> None:
    stack = (frame(), join("0", "1"))
    assert ring(lock("r2", "0"), TIMER, frames=stack).dead() == [("t1", "t2")]


def test_an_arm_that_was_not_polled_may_go_on() -> None:
    stack = (frame(), frame(arm("0"), arm("1", "unpolled"), combinator="select"))
    assert ring(lock("r2", "0"), frames=stack).dead() == []


@pytest.mark.parametrize("state", ["done", "disabled"])
def test_an_arm_that_has_ended_opens_nothing(state: str) -> None:
    stack = (frame(), frame(arm("0"), arm("1", state), combinator="select"))
    assert ring(lock("r2", "0"), frames=stack).dead() == [("t1", "t2")]


def test_a_combinator_that_is_not_known_is_taken_for_a_select() -> None:
    stack = (frame(), frame(arm("0"), arm("1")))
    assert ring(lock("r2", "0"), TIMER, frames=stack).dead() == []


def test_a_guard_in_an_arm_of_a_join_is_let_go_by_that_arm() -> None:
    """t1 as a whole is held up, but its second arm, which holds r1, is not."""
    stack = (frame(), join("0", "1"))
    free = ring(lock("r2", "0"), TIMER, frames=stack, path=(1, 1, 0))
    assert free.dead() == []
    # the guard of the arm that waits is not
    stuck = ring(lock("r2", "0"), TIMER, frames=stack, path=(1, 0, 0))
    assert stuck.dead() == [("t1", "t2")]


def test_a_guard_in_an_arm_of_a_select_is_dropped_when_another_ends() -> None:
    inner = frame(arm("0"), arm("1"), combinator="join")
    stack = (frame(), frame(arm("a", "pending", inner), arm("b"), combinator="select"))
    waits = (lock("r2", "a.0"), lock("r2", "a.1"))
    closed = ring(*waits, lock("r2", "b"), frames=stack, path=(1, 0, 0, 0, 0))
    assert closed.dead() == [("t1", "t2")]
    opened = ring(*waits, Wait("timer", branch="b"), frames=stack, path=(1, 0, 0, 0, 0))
    assert opened.dead() == []


def test_a_guard_whose_frame_is_not_known_is_the_tasks() -> None:
    assert ring(lock("r2"), path=None).dead() == [("t1", "t2")]


def test_a_lock_that_was_granted_to_a_future_that_nobody_polls() -> None:
    world = World()
    world.resource("mutex", holder("t1", mode="granted"))
    world.task(lock("r1"))
    found = world.found()
    assert [(f.kind, f.tasks) for f in found] == [("futurelock", ("t1",))]
    assert "granted to a future that nobody polls" in found[0].evidence[0]


def test_joins_and_their_sets() -> None:
    world = World()
    world.resource("mutex", holder("t1"))
    world.task(Wait("join", task="t2"))
    world.task(lock("r1"))
    assert world.dead() == [("t1", "t2")]
    assert world.found()[0].cycle[0] == CycleStep("t1", None, None, "t2", None)
    # a JoinSet is free if any member is
    world = World()
    world.resource("mutex", holder("t1"))
    world.task(Wait("join", mode="any"))
    world.task(lock("r1"), parent=0)
    assert world.dead() == [("t1", "t2")]
    world.task(TIMER, parent=0)
    assert world.dead() == []


def test_a_channel_waits_for_its_other_end() -> None:
    world = World()
    world.resource("mpsc", owner("t2", "sender"), state=(("senders", 1),))
    world.resource("mutex", holder("t1"))
    world.task(Wait("mpsc", mode="recv", resource="r1"))
    world.task(lock("r2"))
    assert world.dead() == [("t1", "t2")]


def test_a_second_sender_opens_the_ring() -> None:
    world = World()
    world.resource("mpsc", owner("t2", "sender"), owner("t3", "sender"))
    world.resource("mutex", holder("t1"))
    world.task(Wait("mpsc", mode="recv", resource="r1"))
    world.task(lock("r2"))
    world.task(TIMER)
    assert world.dead() == []


def test_a_sender_that_was_not_found_opens_the_ring() -> None:
    world = World()
    world.resource("mpsc", owner("t2", "sender"), state=(("senders", 2),))
    world.resource("mutex", holder("t1"))
    world.task(Wait("mpsc", mode="recv", resource="r1"))
    world.task(lock("r2"))
    assert world.dead() == []


def test_a_list_of_senders_that_was_cut_opens_the_ring() -> None:
    def world(count: int) -> World:
        made = World()
        made.resource("mpsc", *(owner("t2", "sender") for _ in range(count)))
        made.resource("mutex", holder("t1"))
        made.task(Wait("mpsc", mode="recv", resource="r1"))
        made.task(lock("r2"))
        return made

    assert world(99).dead() == [("t1", "t2")]
    assert world(100).dead() == []


def test_permits_need_one_release_and_writers_all() -> None:
    def world(kind: str, mode: str | None) -> World:
        made = World()
        made.resource(kind, holder("t1", mode="read"), holder("t3", mode="read"))
        made.resource("mutex", holder("t2"))
        made.task(lock("r2"))
        made.task(Wait(kind, mode=mode, resource="r1"))
        made.task(Wait("timer"))
        return made

    assert world("semaphore", None).dead() == []
    assert world("rwlock", "write").dead() == [("t1", "t2")]


def test_a_reader_waits_behind_a_writer_in_the_queue() -> None:
    world = World()
    world.resource("rwlock", holder("t1", mode="read"), waiters=("t1", "t2"))
    world.task(Wait("rwlock", mode="write", resource="r1"))
    world.task(Wait("rwlock", mode="read", resource="r1"))
    found = world.found()
    assert [(f.kind, f.tasks) for f in found] == [
        ("deadlock", ("t1",)),
        ("queued_behind", ("t2",)),
    ]
    # before the writer it would only wait for who writes: nobody
    world = World()
    world.resource("rwlock", holder("t1", mode="read"), waiters=("t2", "t1"))
    world.task(Wait("rwlock", mode="write", resource="r1"))
    world.task(Wait("rwlock", mode="read", resource="r1"))
    assert [f.tasks for f in world.found()] == [("t1",)]


def test_a_semaphores_ring_is_derived() -> None:
    world = World()
    world.resource("semaphore", holder("t1"))
    world.resource("mutex", holder("t2"))
    world.task(lock("r2"))
    world.task(Wait("semaphore", resource="r1"))
    assert [f.conf for f in world.found() if f.kind == "deadlock"] == [Confidence.DERIVED]


def test_a_waker_aside_frees_nobody_but_makes_it_derived() -> None:
    """A connection's task waits for a lock in its handler, and has its socket registered."""
    socket = Wait("io", resource="r3", src="resource")
    world = ring(lock("r2"), socket)
    world.resource("io")
    found = world.found()
    assert [(f.kind, f.conf) for f in found] == [("deadlock", Confidence.DERIVED)]
    assert any("connection is closed" in sentence for sentence in found[0].evidence)
    # but where nothing else is known it may be what the task waits for
    world = ring(socket)
    world.resource("io")
    assert world.dead() == []


def test_waiting_for_a_shutdown_frees_nobody() -> None:
    stack = (frame(), select("0", "1"))
    closed = Wait("watch", mode="closed", resource="r3", branch="1")
    world = ring(lock("r2", "0"), closed, frames=stack)
    world.resource("watch", owner("t3", "receiver"))
    world.task(TIMER)
    found = world.found()
    assert [(f.kind, f.conf) for f in found] == [("deadlock", Confidence.DERIVED)]
    assert any("shutdown" in sentence for sentence in found[0].evidence)


def test_a_thread_that_stands_in_block_on() -> None:
    """t1 holds the lock and waits for what thread 7 has; its block_on waits for the lock."""
    world = World()
    world.resource("mutex", holder("t1"))
    world.resource("oneshot", owner(None, "sender", frame=None, thread=7))
    world.task(Wait("oneshot", mode="recv", resource="r2"))
    world.task(lock("r1"), kind="block_on", thread=7)
    found = world.found()
    assert [(f.kind, f.tasks, f.threads) for f in found] == [("deadlock", ("t1", "t2"), (7,))]


def test_a_blocking_job_that_waits_in_block_on() -> None:
    """t1 joins the job t2, whose thread stands in the block_on t3, which waits for t1's lock."""
    world = World()
    world.resource("mutex", holder("t1"))
    world.task(Wait("join", task="t2"))
    world.task(kind="blocking", thread=7, state=TaskState.RUNNING)
    world.task(lock("r1"), kind="block_on", thread=7)
    assert world.dead() == [("t1", "t2", "t3")]


def test_those_behind_a_deadlock_are_told_once() -> None:
    world = ring(lock("r2"))
    for _ in range(20):
        world.task(lock("r1"))
    kinds = [(f.kind, len(f.tasks)) for f in world.found()]
    assert kinds == [("deadlock", 2), ("queued_behind", 20)]


def test_two_rings_are_two_findings() -> None:
    world = World()
    for number in (1, 3):
        world.resource("mutex", holder(f"t{number}"))
        world.resource("mutex", holder(f"t{number + 1}"))
    for other in (2, 1, 4, 3):
        world.task(lock(f"r{other}"))
    assert world.dead() == [("t1", "t2"), ("t3", "t4")]


def test_a_long_ring_needs_no_recursion() -> None:
    world = World()
    count = 5000
    for number in range(1, count + 1):
        world.resource("mutex", holder(f"t{number}"))
        world.task(lock(f"r{number % count + 1}"))
    assert [len(tasks) for tasks in world.dead()] == [count]


def test_a_long_way_to_freedom() -> None:
    world = World()
    count = 3000
    for number in range(1, count):
        world.resource("mutex", holder(f"t{number + 1}"))
        world.task(lock(f"r{number}"))
    world.task(Wait("timer"))
    assert world.dead() == []


@pytest.mark.parametrize(
    ("mode", "dead"), [("exclusive", [("t1", "t2")]), ("permit", []), ("read", [])]
)
def test_a_lock_of_a_kind_that_only_its_team_knows(mode: str, dead: list[tuple[str, ...]]) -> None:
    """What one alone can hold must be let go; of others it is not known how many may pass."""
    world = World()
    world.resource("gate", holder("t1", mode=mode))
    world.resource("gate", holder("t2", mode=mode))
    world.task(Wait("gate", resource="r2"))
    world.task(Wait("gate", resource="r1"))
    assert world.dead() == dead
