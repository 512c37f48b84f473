"""The list of processes and cores: choosing one, and coming back."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from driving import PAUSES, Screen
from fake_door import FakeDoor, opener
from support.alive import alive, has_stopped, stayed, tracer_of, until
from support.build import NEWEST
from textual.pilot import Pilot

import adp_tui
from adp_tui.backends.processes import Running
from adp_tui.backends.recent_cores import RecentCore
from adp_tui.engine.errors import OpenError
from adp_tui.engine.views.records import Progress
from adp_tui.tui.app import AdpApp
from adp_tui.tui.choices import Choice, Choices
from adp_tui.tui.choosing import choices
from adp_tui.tui.opening import FilePlaces
from adp_tui.tui.screens.main import MainScreen
from adp_tui.tui.screens.pages import ErrorPage, HelpPage
from adp_tui.tui.screens.picker import PickerScreen


def process(pid: int, name: str, **more: Any) -> Running:
    facts: dict[str, Any] = {
        "user": "ada", "command": f"/usr/bin/{name} --serve", "uptime_s": 1e6 / pid,
        "cpu_percent": pid / 8, "threads": pid % 7 + 1, "memory": pid * 1_000_000, "is_own": True,
        "is_readable": True, "is_rust": False,
    }  # fmt: skip
    return Running(pid=pid, name=name, **facts | more)


FOUND: tuple[Choice, ...] = (
    process(900, "bash"),
    process(17, "nginx", user="www", is_own=False, is_readable=False, is_rust=None, command=""),
    process(412, "gateway", is_rust=True, runtimes=(("tokio", "1.54.1"),)),
    process(88, "embedded", is_rust=True, runtimes=(("smol", None), ("async-executor", "1.13.1"))),
    process(300, "ripgrep", is_rust=True),
    RecentCore(Path("/srv/core.412"), "gateway", 412, "SIGABRT", 1_700_000_000.0, 90_000_000),
    RecentCore(None, "worker", 13, "SIGSEGV", 1_700_000_900.0, None, "try `coredumpctl dump 13`"),
)
"""In no order that anybody would want."""
ORDER = ["p412", "p88", "p300", "p900", "p17"]
"""Async Rust first, of that the youngest; then Rust, the own ones, and what may not be read."""


class Picker(Screen):
    """The list under test; ``main`` is that of the target that was chosen last."""

    def __init__(self, app: AdpApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait for a condition."""
        for _ in range(PAUSES):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"never came true: {what or condition}\n{self.text()}")

    async def opened(self) -> MainScreen:
        """Wait until a target is open and read."""
        await self.until(lambda: isinstance(self.app.screen, MainScreen))
        self.main = self.app.main
        await self.settled()
        return self.main

    @property
    def list(self) -> PickerScreen:
        assert self.app.picker is not None
        return self.app.picker

    async def read(self) -> None:
        """Wait until all was found."""
        await self.until(lambda: self.list.tables and not self.list.reading, "the list to be read")
        await self.pilot.pause()

    def keys(self, name: str = "processes") -> list[str]:
        table = self.list.tables[name]
        rows = (table.row(number) for number in range(table.total))
        return [row.key for row in rows if row is not None]

    @property
    def key(self) -> str | None:
        row = self.list.current.chosen
        return row.key if row else None


def invented(_: object) -> Any:
    return opener(FakeDoor())


def fixed(opens: Callable[[Choice], Any] = invented) -> Choices:
    return Choices(lambda: iter(FOUND), opens)


def application(these: Choices) -> AdpApp:
    return AdpApp(None, "adp-tui", rest_s=0.001, picker=lambda show: PickerScreen(these, show))


@asynccontextmanager
async def picking(
    these: Choices, size: tuple[int, int] = (120, 40), *, read: bool = True
) -> AsyncIterator[Picker]:
    app = application(these)
    async with app.run_test(size=size) as pilot:
        screen = Picker(app, pilot)
        if read:
            await screen.read()
        yield screen


async def test_what_matters_most_stands_first() -> None:
    async with picking(fixed()) as screen:
        assert screen.keys() == ORDER and screen.key == "p412"
        assert screen.keys("cores") == ["c(13, 1700000900.0)", "c/srv/core.412"]
        text = screen.text()
        assert "2 with an async Rust runtime" in text and "smol, async-executor 1.13.1" in text
        assert "may not be read" in text and "coredumpctl dump 13" in text


async def test_moving_filtering_and_sorting() -> None:
    async with picking(fixed()) as screen:
        press = screen.pilot.press
        await press("j", "j")
        assert screen.key == "p300"
        await press("G")
        assert screen.key == "p17"
        await press("g")
        assert screen.key == "p412"
        # WHEN a filter is typed THEN the list narrows, and esc shows all again
        await press("slash", *"tokio")
        assert screen.keys() == ["p412"]
        await press("enter")
        assert screen.app.screen is screen.list and screen.list.focused is screen.list.current
        await press("escape")
        assert screen.keys() == ORDER
        await press("slash", *"user:www", "escape")
        assert screen.keys() == ORDER and not screen.list.filtering
        # WHEN it is sorted THEN by number, not by text
        await press("s")
        assert screen.keys() == ["p17", "p88", "p300", "p412", "p900"]
        await press("I")
        assert screen.keys() == ["p900", "p412", "p300", "p88", "p17"]
        # The cursor has stayed on the row that the filter had left.
        assert screen.key == "p17"
        # AND the other list has its own keys
        await press("tab", "j")
        assert screen.list.pane == "cores" and screen.key == "c/srv/core.412"
        await press("1")
        assert screen.list.pane == "processes"


async def test_help_names_the_keys_of_the_list() -> None:
    async with picking(fixed()) as screen:
        await screen.pilot.press("question_mark")
        assert isinstance(screen.app.screen, HelpPage)
        text = screen.text()
        assert "Read the list again." in text and "Go to the cores." in text
        assert "executors" not in text
        await screen.pilot.press("q", "v")
        assert "/usr/bin/gateway --serve" in screen.text()


async def test_rows_appear_as_they_are_found() -> None:
    go = threading.Event()

    def read() -> Iterator[Choice]:
        yield FOUND[0]
        # A batch is shown when the next row comes late.
        go.wait(60)
        yield from FOUND[1:]

    async with picking(Choices(read, invented), read=False) as screen:
        # GIVEN a machine with a program that takes long to read
        await screen.until(lambda: "reading …" in screen.text())
        # THEN the screen answers meanwhile
        await screen.pilot.press("question_mark")
        assert isinstance(screen.app.screen, HelpPage)
        await screen.pilot.press("q")
        go.set()
        await screen.read()
        assert screen.keys() == ORDER and "reading" not in screen.text()
        # AND the cursor stands on what matters most, not on what came first
        assert screen.key == "p412"


async def test_the_list_is_read_again() -> None:
    rounds = [FOUND, (*FOUND[1:4], process(5000, "new"))]
    async with picking(Choices(lambda: iter(rounds.pop(0)), invented)) as screen:
        await screen.pilot.press("j")
        assert screen.key == "p88"
        # WHEN it is read again THEN what has ended is gone, what is new is there
        await screen.pilot.press("r")
        await screen.read()
        assert screen.keys() == ["p412", "p88", "p5000", "p17"]
        assert screen.keys("cores") == []
        # AND the cursor stays
        assert screen.key == "p88"


async def test_a_failure_is_shown() -> None:
    def read() -> Iterator[Choice]:
        yield FOUND[2]
        raise RuntimeError("nobody foresaw this")

    async with picking(Choices(read, invented)) as screen:
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.until(lambda: "nobody foresaw this" in screen.text())
        await screen.pilot.press("q")
        # AND what was found stays
        assert screen.keys() == ["p412"]


async def test_opening_and_coming_back() -> None:
    opened: list[Choice] = []

    def opens(choice: Choice) -> Any:
        opened.append(choice)
        return opener(FakeDoor())

    async with picking(fixed(opens=opens)) as screen:
        for number in (1, 2):
            await screen.pilot.press("enter")
            await screen.opened()
            assert opened == [FOUND[2]] * number and screen.main.summary is not None
            # WHEN the main screen is left THEN the list is there again, on the same row
            thread = screen.main.thread
            await screen.pilot.press("q")
            await screen.until(lambda: screen.app.screen is screen.list)
            assert screen.key == "p412" and thread.leaving
        assert screen.app._exit is False
        await screen.pilot.press("q")
        assert screen.app._exit and screen.app.return_code == 0


async def test_nothing_stays_of_a_target_that_was_left() -> None:
    # GIVEN doors that lead to themselves, as those of real targets do in many ways
    doors: list[weakref.ref[FakeDoor]] = []

    class Circle(FakeDoor):
        def __init__(self) -> None:
            super().__init__()
            self.itself = self
            doors.append(weakref.ref(self))

    def opens(_: object) -> Any:
        return lambda progress: Circle()

    async with picking(fixed(opens)) as screen:
        # WHEN one after the other is opened and left
        for _ in range(4):
            await screen.pilot.press("enter")
            await screen.opened()
            await screen.pilot.press("q")
            await screen.until(lambda: screen.app.screen is screen.list, "the list again")
        # THEN they are gone, but for the last ones, whose screens may not be done yet
        assert [each() is None for each in doors[:2]] == [True, True]


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_opening_that_is_stopped_goes_back(key) -> None:
    go = threading.Event()

    def slow(progress: Any) -> Any:
        while not go.wait(0.01):
            progress(Progress("reading"))
        raise AssertionError

    async with picking(fixed(opens=lambda _: slow)) as screen:
        await screen.pilot.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await screen.pilot.press(key)
        await screen.until(lambda: screen.app.screen is screen.list)
        assert not screen.app._exit


async def test_what_cannot_be_opened_says_why() -> None:
    def refused(_: object) -> Any:
        raise OpenError("process 412 belongs to root", help="sudo adp-tui --pid 412")

    async with picking(fixed(opens=lambda _: refused)) as screen:
        await screen.pilot.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.pilot.pause()
        assert "belongs to root" in screen.text() and "sudo adp-tui" in screen.text()
        assert "close" in screen.lines()[-1] and "quit" not in screen.lines()[-1]
        await screen.pilot.press("escape")
        await screen.until(lambda: screen.app.screen is screen.list)
        assert not screen.app._exit


async def test_a_core_that_is_not_here() -> None:
    these = choices(FilePlaces(), max_pause=0.1, stops=True)
    async with picking(Choices(lambda: iter(FOUND), these.open)) as screen:
        await screen.pilot.press("2", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.pilot.pause()
        assert "worker, pid 13, is not to be read here" in screen.text()
        assert "try `coredumpctl dump 13`" in screen.text()


@pytest.mark.parametrize("size", [(80, 24), (80, 16), (40, 10)])
async def test_small_screens(size) -> None:
    async with picking(fixed(), size) as screen:
        both = size[1] >= 20
        assert [bool(t.region.height) for t in screen.list.tables.values()] == [True, both]
        await screen.pilot.press("2")
        await screen.pilot.pause()
        assert screen.list.tables["cores"].region.height and screen.list.pane == "cores"


@pytest.mark.parametrize("stops", [True, False], ids=["stops", "no-stop"])
async def test_real_processes(stops, dump, tmp_path, monkeypatch) -> None:
    # GIVEN a program with tasks, one without, and a folder with a core
    zoo = dump("zoo", tokio=NEWEST)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "core").symlink_to(zoo.core)
    with stayed(zoo) as program, alive(["sleep", "1000"]) as sleep:
        these = choices(FilePlaces(executable=None), max_pause=0.1, stops=stops)
        async with picking(these) as screen:
            keys = screen.keys()
            # THEN the one with tasks stands before the other
            assert keys.index(f"p{program.pid}") < keys.index(f"p{sleep.pid}")
            await screen.pilot.press("slash", *f"pid:{program.pid}", "enter", "enter")
            await screen.opened()
            # AND opens with its tasks, with or without a stop as the user wanted
            summary = screen.main.summary
            assert summary is not None and dict(summary.counts)["tasks"] > 10
            assert (summary.target.pause_ms is not None) == stops
            await screen.pilot.press("q")
            await screen.until(lambda: screen.app.screen is screen.list)
            # AND so does the core
            await screen.pilot.press("2", "enter")
            await screen.opened()
            assert screen.main.summary is not None and screen.main.summary.target.kind == "core"
        until(lambda: has_stopped(program.pid), "the program to stand as before")
        assert tracer_of(program.pid) == 0


@pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
def test_picture(snap_compare, size, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, AdpApp)
        await Picker(app, pilot).read()

    assert snap_compare(application(fixed()), terminal_size=size, run_before=run)


def test_the_command_alone() -> None:
    # GIVEN a terminal
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "adp_tui"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm-256color"},
        cwd=Path(adp_tui.__file__).parents[1],
    ) as process:
        try:
            os.close(slave)
            # WHEN adp-tui is run without a target THEN it lists what there is
            drawn = b""
            while b"Choose a process" not in drawn or b"again" not in drawn:
                ready, _, _ = select.select([master], [], [], 60)
                assert ready, drawn[-500:]
                drawn += os.read(master, 1 << 16)
            # AND q ends it
            os.write(master, b"q")
            while process.poll() is None:
                ready, _, _ = select.select([master], [], [], 60)
                assert ready, "it does not end"
                with contextlib.suppress(OSError):
                    os.read(master, 1 << 16)
            assert process.wait(60) == 0
        finally:
            process.kill()
            os.close(master)
