"""The drawn graph: circles first, and below each row those who wait for it."""

from __future__ import annotations

from typing import Any

from world import World, holder, lock

from adp_tui.engine.model import Wait
from adp_tui.engine.views.panes import Panes
from adp_tui.engine.views.records import Query, Tone


def drawn(world: World) -> list[tuple[Any, ...]]:
    """Return depth, who, for what, who has it, and the tone, of each row."""
    rows = Panes(world.snapshot()).rows(Query("graph")).rows
    return [(r.depth, *(c.text for c in r.cells[:3]), r.cells[0].tone) for r in rows]


def ring(size: int) -> World:
    """Return tasks each of which holds a lock and waits for the next one's."""
    world = World()
    for at in range(size):
        world.resource("mutex", holder(f"t{at + 1}"))
        world.task(lock(f"r{(at + 1) % size + 1}"))
    return world


def test_a_circle_is_joined_by_a_line() -> None:
    held = "as held in bank::pay, since line 5"
    assert drawn(ring(3)) == [
        (0, "┏▸ t1 n1", "mutex r2", f"t2 {held}", Tone.ERROR),
        (0, "┃  t2 n2", "mutex r3", f"t3 {held}", Tone.ERROR),
        (0, "┗▸ t3 n3", "mutex r1", f"t1 {held}", Tone.ERROR),
    ]


def test_who_waits_for_itself() -> None:
    ((_, who, _, _, tone),) = drawn(ring(1))
    assert (who, tone) == ("↻ t1 n1", Tone.ERROR)


def test_who_waits_behind_stands_below() -> None:
    world = ring(2)
    world.task(lock("r2"))
    assert [(depth, who, tone) for depth, who, _, _, tone in drawn(world)] == [
        (0, "┏▸ t1 n1", Tone.ERROR),
        (0, "┗▸ t2 n2", Tone.ERROR),
        (1, "t3 n3", Tone.WARNING),
    ]


def test_without_a_circle_the_holder_stands_first() -> None:
    world = World()
    world.resource("mutex", holder("t3"))
    world.resource("mutex", holder("t1"))
    world.task(lock("r1"))
    world.task(lock("r2"))
    world.task(Wait("timer", remaining_s=1.0))
    rows = drawn(world)
    assert [(depth, who, tone) for depth, who, _, _, tone in rows] == [
        (0, "t3 n3", Tone.NORMAL),
        (1, "t1 n1", Tone.NORMAL),
        (2, "t2 n2", Tone.NORMAL),
    ]
    assert rows[0][2:4] == ("", "")


def test_a_wait_for_several_names_them_once() -> None:
    world = World()
    world.resource("semaphore", *(holder(f"t{n}", mode="permit") for n in range(2, 8)))
    world.task(Wait("semaphore", resource="r1"))
    for _ in range(6):
        world.task(Wait("timer", remaining_s=1.0))
    assert [row[1:4] for row in drawn(world)] == [
        ("t2 n2", "", ""),
        ("t1 n1", "semaphore r1", "t2, t3, t4 and 3 more"),
    ]


def test_rows_are_found_by_key() -> None:
    panes = Panes(ring(2).snapshot())
    query = Query("graph")
    assert [row.key for row in panes.rows(query).rows] == ["t1/g1", "t2/g2"]
    # A row of a snapshot before is found by its task.
    for key, row in (("t2/g2", 1), ("t2", 1), ("t2/g1", 1), ("t1/g9", 0), ("t7/g1", None)):
        assert panes.position(query, key) == row
