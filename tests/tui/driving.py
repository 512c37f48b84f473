"""Driving the application headless: type keys, wait for conditions, read the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fake_door import FakeDoor, opener
from textual.pilot import Pilot

from adp_tui.engine.errors import OpenError
from adp_tui.engine.views.records import Door
from adp_tui.tui.app import AdpApp
from adp_tui.tui.door_thread import Opener

PAUSES = 3000
"""How often a condition is looked at before a test fails: far more than any needs."""


class Screen:
    """An application under test."""

    def __init__(self, app: AdpApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        self.main = app.main

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition."""
        for _ in range(PAUSES):
            if condition():
                return
            await self.pilot.pause(0.01)
        main = self.main
        raise AssertionError(
            f"never came true: {what or condition}; reading {main.thread.reading},"
            f" chosen {self.chosen()}, detail of {main.reader.subject}"
        )

    async def settled(self) -> None:
        """Wait until nothing is being read and the detail has followed the cursor."""
        await self.pilot.pause()
        await self.until(self._rests, "everything was read")
        await self.pilot.pause()

    def _rests(self) -> bool:
        main = self.main
        if main.summary is None or main.thread.reading is not None:
            return False
        chosen = main.current.chosen
        followed = main.reader.subject == (chosen.key if chosen else None)
        return followed and all(t.loaded and t.wanted == t.query_shown for t in main.read_tables())

    async def press(self, *keys: str) -> None:
        """Type keys and wait until their effect is seen."""
        await self.pilot.press(*keys)
        if self.app.screen is self.main:
            await self.settled()
        else:
            await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type text."""
        await self.press(*text)

    def chosen(self, view: str | None = None) -> str | None:
        """Return the key of the chosen row."""
        row = self.main.tables[view or self.main.view].chosen
        return row.key if row else None

    def lines(self) -> list[str]:
        """Return what stands on the screen."""
        size = self.app.size
        strips = [self.app.screen._compositor.render_strips(size)[y] for y in range(size.height)]
        return [strip.text.rstrip() for strip in strips]

    def notices(self) -> str:
        """Return what was notified; headless, Textual does not draw that."""
        return "\n".join(each.message for each in self.app._notifications)

    def text(self) -> str:
        """Return the screen as one text."""
        return "\n".join(self.lines())


def refused(progress: object) -> Door:
    """Open nothing: say why."""
    raise OpenError(
        "core.4000 is no core file: it begins with 7f 45 4c 46 02 and is an executable",
        help="pass the core, and the executable with --exe: adp-tui core CORE --exe core.4000",
    )


@asynccontextmanager
async def started(
    door: Door | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    opens: Opener | None = None,
    settle: bool = True,
) -> AsyncIterator[Screen]:
    """Run the application headless; the detail follows the cursor at once."""
    app = AdpApp(opens or opener(door or FakeDoor()), "core.4000", rest_s=0.001)
    async with app.run_test(size=size) as pilot:
        screen = Screen(app, pilot)
        if settle:
            await screen.settled()
        yield screen
