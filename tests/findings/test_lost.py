"""Tasks that nothing can wake: how sure that is depends on how it was found out."""

from __future__ import annotations

from world import World

from adp_tui.engine.model import Confidence, Doing, Thread, Wait


def thread(tid: int) -> Thread:
    doing = Doing("futex", "futex", None, None, None, None)
    return Thread(tid, f"n{tid}", "other", None, None, None, False, doing, None, ())


def test_a_count_of_references_is_certain() -> None:
    world = World()
    world.task(Wait("unknown", conf=Confidence.DERIVED, src="stack", detail="bank::Slot"))
    (found,) = world.found(unwoken=(0,))
    assert (found.kind, found.conf, found.tasks) == ("lost_wakeup", Confidence.CERTAIN, ("t1",))
    assert "counts no reference" in found.evidence[0]
    assert found.evidence[1] == "it awaits bank::Slot that kept no waker when it was polled"


def test_a_search_is_derived_and_says_what_was_searched() -> None:
    world = World()
    world.task()
    world.threads += [thread(7), thread(8)]
    (found,) = world.found(unreached=(0,))
    assert (found.kind, found.conf, found.tasks) == ("lost_wakeup", Confidence.DERIVED, ("t1",))
    assert found.evidence[0] == (
        "all of writable memory and the registers of 2 threads were searched for a waker of"
        " t1 n1: none is there"
    )


def test_both_may_stand_in_one_program() -> None:
    world = World()
    world.task()
    world.task(name="odd {} name")
    counted, searched = world.found(unwoken=(0,), unreached=(1,))
    assert (counted.conf, searched.conf) == (Confidence.CERTAIN, Confidence.DERIVED)
    assert "t2 odd {} name: none is there" in searched.evidence[0]
