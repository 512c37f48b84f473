"""Opening a target, failing to, being slow, and leaving."""

from __future__ import annotations

import threading

import pytest
from fake_door import FakeDoor, SlowDoor, opener

from adp_tui.engine.errors import AdpError, CancelledError, OpenError
from adp_tui.engine.views.records import Progress
from adp_tui.tui import app as app_module
from adp_tui.tui.screens.pages import ErrorPage
from adp_tui.tui.themes import theme_for


class Gate:
    """An opener that waits at each step until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.stopped = threading.Event()

    def __call__(self, progress):
        progress(Progress("reading debug information", 3, 12))
        self.go.wait()
        try:
            progress(Progress("walking tasks"))
        except CancelledError:
            self.stopped.set()
            raise
        return FakeDoor()


async def test_the_frame_stands_while_the_target_is_read(start) -> None:
    gate = Gate()
    async with start(opens=gate, settle=False) as screen:
        # WHEN the target is being read
        await screen.until(lambda: "reading debug" in screen.text())
        # THEN the panes stand, and a line says what is read and how to stop it
        text = screen.text()
        assert "reading debug information 3 of 12" in text and "esc stops" in text
        assert "3 Tasks" in text and "core.4000" in text
        # AND once it is read the rows appear
        gate.go.set()
        await screen.settled()
        assert screen.chosen() == "t1"
        assert "reading" not in screen.text()


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_opening_can_be_stopped(start, key) -> None:
    gate = Gate()
    async with start(opens=gate, settle=False) as screen:
        await screen.until(lambda: "reading debug" in screen.text())
        # WHEN esc or q is typed
        await screen.pilot.press(key)
        await screen.until(lambda: screen.main.thread.leaving)
        gate.go.set()
        await screen.until(lambda: screen.app._exit)
    # THEN the application ends, and what opens the target is stopped
    assert screen.app.return_code == 130
    assert gate.stopped.wait(10)


def refuse(progress):
    raise OpenError("core.4000 is no core file", help="pass a core: adp-tui core FILE")


async def test_a_target_that_cannot_be_opened(start) -> None:
    async with start(opens=refuse, settle=False) as screen:
        # WHEN the opener refuses
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.pilot.pause()
        # THEN the screen says why and what to do
        assert "✗ core.4000 is no core file" in screen.text()
        assert "pass a core: adp-tui core FILE" in screen.text()
        # AND closing it ends the application with status 3
        await screen.pilot.press("escape")
        await screen.until(lambda: screen.app._exit)
    assert screen.app.return_code == 3


def test_run_app_repeats_the_reason_on_stderr(monkeypatch, capsys) -> None:
    # GIVEN an application that could not open its target
    def run(self, **_):
        self.main.fail(AdpError("core.4000 is no core file", help="pass a core"), 3)

    monkeypatch.setattr(app_module.AdpApp, "run", run)
    # WHEN it has ended
    status = app_module.run_app(refuse, title="core.4000")
    # THEN the status is 3 and the reason stands on stderr
    assert status == 3
    assert capsys.readouterr().err == "adp-tui: core.4000 is no core file\n  pass a core\n"


async def test_an_error_nobody_foresaw_is_shown(start) -> None:
    # GIVEN a door with a bug
    class Buggy(FakeDoor):
        def task(self, key):
            if key == "t2":
                raise ZeroDivisionError("of course")
            return super().task(key)

    async with start(Buggy()) as screen:
        # WHEN the bug is met
        await screen.pilot.press("j")
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.pilot.pause()
        # THEN it is shown with its traceback
        assert "ZeroDivisionError: of course" in screen.text()
        # AND the application goes on
        await screen.pilot.press("escape", "k")
        await screen.settled()
        assert screen.main.facts.title == "Task t1"


async def test_an_opener_with_a_bug_ends_in_an_error(start) -> None:
    def broken(progress):
        raise KeyError("oops")

    async with start(opens=broken, settle=False) as screen:
        await screen.until(lambda: isinstance(screen.app.screen, ErrorPage))
        await screen.pilot.press("q")
        await screen.until(lambda: screen.app._exit)
    assert screen.app.return_code == 70


async def test_a_key_that_does_not_exist_says_so(start) -> None:
    async with start() as screen:
        # WHEN the detail of an executor is asked, which this door refuses
        await screen.press("1")
        # THEN the reason stands in the place of the facts
        assert "x1 is no task or thread" in screen.text()


async def test_a_slow_question_is_named_and_can_be_stopped(start) -> None:
    door = SlowDoor()
    async with start(door, settle=False) as screen:
        # WHEN the detail takes long
        await screen.until(lambda: "reading detail of t1" in screen.text())
        # THEN the screen still moves
        await screen.pilot.press("j")
        assert screen.main.current.cursor == 1
        # AND esc stops what is read
        await screen.pilot.press("escape")
        await screen.until(lambda: any(f.text == "cancelled" for f in screen.main.facts.items))
        assert door.cancels == 1
        await screen.until(lambda: "reading" not in screen.text(), "the notice to go")
        # AND what is asked later is answered
        door.go.set()
        await screen.press("j")
        assert screen.main.facts.title == "Task t3"


async def test_leaving_lets_go_of_the_target(start) -> None:
    door = FakeDoor()
    async with start(door) as screen:
        await screen.pilot.press("q")
        await screen.until(lambda: screen.app._exit)
    assert screen.app.return_code == 0
    assert door.closed


@pytest.mark.parametrize(
    ("colours", "theme"), [("standard", "adp-16"), ("256", "adp-dark"), ("truecolor", "adp-dark")]
)
def test_terminals_with_sixteen_colours_have_their_own(colours, theme) -> None:
    assert theme_for(colours) == theme


async def test_animation_is_off(start) -> None:
    async with start(opens=opener(FakeDoor())) as screen:
        assert screen.app.animation_level == "none"
