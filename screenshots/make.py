"""Makes the pictures in this folder from the dump that ships with adp-tui, so that they never lie.

Run it with ``make screenshots``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from adp_tui.tui.app import AdpApp
from adp_tui.tui.demo import demo_files
from adp_tui.tui.opening import CoreOpener, FilePlaces

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Picture:
    """A screen: its size, and the keys that lead to it."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()


WIDE, SMALL = (120, 40), (80, 24)
PICTURES = (
    Picture("main-120x40", WIDE, ("j", "j")),
    Picture("main-80x24", SMALL, ("j", "j")),
    Picture("task", WIDE, ("j", "j", "enter", "enter", "enter")),
    Picture("task-80x24", SMALL, ("j", "j", "enter", "enter", "enter")),
    Picture("tree", WIDE, ("t", "z")),
    Picture("waits", WIDE, ("4", "z", "j")),
    Picture("graph", WIDE, ("6", "j")),
    Picture("thread", WIDE, ("2",)),
    Picture("filter", WIDE, ("slash", *"mutex")),
    Picture("help", WIDE, ("question_mark",)),
)


async def settled(app: AdpApp, pause: Callable[[float], Awaitable[None]]) -> None:
    """Wait until the target is read and the detail has followed the cursor."""
    main = app.main
    while True:
        await pause(0.05)
        if main.failure is not None:
            raise SystemExit(str(main.failure[0]))
        if main.summary is None or main.thread.reading is not None:
            continue
        chosen = main.current.chosen
        if main.reader.subject == (chosen.key if chosen else None):
            break
    await pause(0.1)


async def take(picture: Picture, core: Path, places: FilePlaces) -> str:
    """Open the dump, type the keys and return the screen as SVG."""
    opener = CoreOpener(core, places)
    app = AdpApp(opener, opener.title, rest_s=0.01)
    async with app.run_test(size=picture.size) as pilot:
        await settled(app, pilot.pause)
        for key in picture.keys:
            await pilot.press(key)
            await settled(app, pilot.pause)
        return app.export_screenshot(title="adp-tui demo")


def main() -> None:
    """Write all pictures."""
    with demo_files() as demo:
        places = FilePlaces(demo.executable, (), demo.sysroot)
        for picture in PICTURES:
            path = HERE / f"{picture.name}.svg"
            path.write_text(asyncio.run(take(picture, demo.core, places)), encoding="utf-8")
            print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    main()
