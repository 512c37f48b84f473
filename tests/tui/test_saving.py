"""S: where the snapshot is saved, and with what."""

from __future__ import annotations

import re

from fake_door import FakeDoor
from textual.widgets import Checkbox, Input

from adp_tui.tui.screens.saving import SaveQuestion


async def _asked(screen) -> Input:
    await screen.pilot.press("S")
    await screen.until(lambda: isinstance(screen.app.screen, SaveQuestion), "the question")
    await screen.pilot.pause()
    return screen.app.screen.query_one(Input)


def _told(screen) -> list[str]:
    return [note.message for note in screen.app._notifications]


async def test_a_snapshot_is_saved_under_the_proposed_name(start) -> None:
    door = FakeDoor()
    async with start(door) as screen:
        # WHEN S is typed, a name is proposed that nothing has to be changed of
        box = await _asked(screen)
        assert re.fullmatch(r"[\w.]+-\d+-\d{8}-\d{6}\.adps", box.value)
        proposed = box.value
        await screen.pilot.press("enter")
        await screen.until(lambda: door.saved, "it to be saved")
        # THEN it is saved with memory, and the screen says so
        assert door.saved == [(proposed, True)]
        await screen.until(lambda: _told(screen) == [f"{proposed}: 1.5 MB"], "the notice")
        assert screen.app.screen is screen.main


async def test_another_name_and_no_memory(start) -> None:
    door = FakeDoor()
    async with start(door) as screen:
        box = await _asked(screen)
        box.value = ""
        await screen.pilot.press("/", "x", "tab", "space", "shift+tab", "enter")
        await screen.until(lambda: door.saved, "it to be saved")
        assert door.saved == [("/x", False)]
        await screen.until(lambda: _told(screen), "the notice")
        assert "without memory" in _told(screen)[0]


async def test_escape_saves_nothing(start) -> None:
    door = FakeDoor()
    async with start(door) as screen:
        await _asked(screen)
        await screen.pilot.press("escape")
        await screen.until(lambda: screen.app.screen is screen.main, "the screen")
        await screen.settled()
        assert door.saved == [] and _told(screen) == []


async def test_why_it_is_not_saved(start) -> None:
    door = FakeDoor()
    door.refuses_to_save = "it.adps is there already"
    async with start(door) as screen:
        await _asked(screen)
        await screen.pilot.press("enter")
        await screen.until(lambda: _told(screen), "the reason")
        assert "it.adps is there already" in _told(screen)[0]


async def test_the_option_leaves_memory_out(start) -> None:
    async with start(FakeDoor()) as screen:
        screen.main.saves_values = False
        await _asked(screen)
        assert screen.app.screen.query_one(Checkbox).value is False
