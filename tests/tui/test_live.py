"""Keys of a live process: new snapshots by hand and by themselves, and a pause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from driving import Screen
from support.alive import state_of, threads_of, tracer_of, until
from support.build import Dump
from support.steps import Steps, steps

from adp_tui.engine.views.records import Summary
from adp_tui.tui.live_opening import LiveOpener

pytestmark = pytest.mark.alone


@pytest.fixture
def program(dump: Callable[..., Dump]) -> Iterator[Steps]:
    with steps(dump("steps")) as running:
        yield running


def summary_of(screen: Screen) -> Summary:
    assert screen.main.summary is not None
    return screen.main.summary


def head(screen: Screen) -> str:
    return screen.lines()[0]


async def again(screen: Screen, *keys: str) -> None:
    """Type keys that lead to one new snapshot, and wait for it."""
    epoch = summary_of(screen).epoch
    await screen.pilot.press(*keys)
    await screen.until(lambda: summary_of(screen).epoch > epoch, "a new snapshot")
    await screen.settled()


def runs(program: Steps) -> bool:
    return all(
        tracer_of(program.pid, tid) == 0 and state_of(program.pid, tid) in ("R", "S")
        for tid in threads_of(program.pid)
    )


async def test_r_takes_a_new_snapshot(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        assert "stood " in head(screen) and "still" not in head(screen)
        # WHEN nothing happened THEN all stand still
        await again(screen, "r")
        assert "3 still" in head(screen)
        # WHEN one task has come back to its await THEN it has moved
        program.turn()
        await again(screen, "r")
        assert "1 moved, 2 still" in head(screen)
        # WHEN one has ended, and two are new
        program.end()
        program.new()
        program.new()
        await again(screen, "r")
        assert "2 new, 1 gone, 2 still" in head(screen)
        assert dict(summary_of(screen).counts)["tasks"] == 4
    until(lambda: runs(program), "it to run on")


async def test_the_cursor_stays_on_its_task(start, program: Steps) -> None:
    program.new()
    async with start(opens=LiveOpener(program.pid)) as screen:
        # GIVEN the cursor on the last task, whose key a task before it decides
        await screen.press("G")
        key = screen.chosen()
        facts = screen.main.facts.title
        assert key == "t4" and "stands" in facts
        # WHEN the one before has ended
        program.end()
        await again(screen, "r")
        # THEN the cursor is still on it, under its key of now
        assert screen.chosen() == "t3"
        assert screen.main.facts.title == facts.replace("t4", "t3")


async def test_the_cursor_leaves_what_has_ended(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        await screen.press("G")
        assert "ends" in screen.main.facts.title
        program.end()
        await again(screen, "r")
        # The cursor stands on another one, and the detail follows it.
        assert "1 gone, 2 still" in head(screen)
        assert screen.chosen() in ("t1", "t2")
        assert screen.main.facts.title.startswith(f"{screen.chosen()} ")
        assert "ends" not in screen.main.facts.title


async def test_a_takes_snapshots_by_itself(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        screen.main._every_s = 0.01
        # WHEN a is typed THEN snapshot follows snapshot
        await again(screen, "a")
        assert "auto 0.01 s" in head(screen)
        epoch = summary_of(screen).epoch
        await screen.until(lambda: summary_of(screen).epoch > epoch + 2, "more snapshots")
        # UNTIL a is typed again
        await screen.pilot.press("a")
        await screen.until(lambda: not screen.main._refreshing)
        await screen.settled()
        assert "auto" not in head(screen)
        epoch = summary_of(screen).epoch
        await screen.pilot.pause(0.1)
        assert summary_of(screen).epoch == epoch


async def test_p_lets_it_stand(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        # WHEN p is typed THEN it stands, and what is shown is of then
        await again(screen, "p")
        assert "PAUSED: p lets it run" in head(screen)
        assert {state_of(program.pid, tid) for tid in threads_of(program.pid)} == {"t"}
        # AND another snapshot of it shows that nothing moves
        await again(screen, "r")
        assert "3 still" in head(screen)
        assert {state_of(program.pid, tid) for tid in threads_of(program.pid)} == {"t"}
        # WHEN p is typed again THEN it runs on
        await screen.pilot.press("p")
        await screen.until(lambda: not summary_of(screen).held)
        until(lambda: runs(program), "it to run on")
        assert "PAUSED" not in head(screen)
        program.turn()


async def test_leaving_lets_it_run(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        await again(screen, "p")
        await screen.pilot.press("q")
        await screen.until(lambda: screen.app._exit)
    until(lambda: runs(program), "it to run on")


async def test_p_without_a_stop_is_refused(start, program: Steps) -> None:
    async with start(opens=LiveOpener(program.pid, stops=False)) as screen:
        assert "stood" not in head(screen)
        await screen.pilot.press("p")
        await screen.until(lambda: "start adp-tui without --no-stop" in screen.notices())
        assert not summary_of(screen).held and runs(program)
        # A new snapshot needs no stop.
        program.turn()
        await again(screen, "r")
        assert "1 moved, 2 still" in head(screen)


@pytest.mark.parametrize("key", ["r", "a", "p"])
async def test_a_process_that_has_ended(start, program: Steps, key: str) -> None:
    async with start(opens=LiveOpener(program.pid)) as screen:
        # GIVEN a process that has ended meanwhile
        program.program.process.kill()
        program.program.process.wait()
        # WHEN it is to be looked at again THEN that is said, and the last snapshot stays
        await screen.pilot.press(key)
        await screen.until(lambda: "has ended" in screen.notices())
        await screen.settled()
        assert summary_of(screen).epoch == 1 and "auto" not in head(screen)
        assert screen.chosen() == "t1"
        assert dict(summary_of(screen).counts)["tasks"] == 3
        await screen.press("j")
        assert "turns" in screen.main.facts.title


async def test_a_core_has_no_such_keys(start) -> None:
    async with start() as screen:
        before = summary_of(screen)
        await screen.press("r", "a", "p")
        assert summary_of(screen) is before
        assert not screen.main.automatic and "auto" not in head(screen)
