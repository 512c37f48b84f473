"""Pictures of each screen; what they mean is asserted elsewhere as well.

The core is the demo's, which never changes by itself: a real core of a real program. What it
does not have, losses and errors, comes from a made-up door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from driving import Screen, refused
from fake_door import FakeDoor, opener
from textual.pilot import Pilot

from adp_tui.backends.core import open_core
from adp_tui.engine.session import Session
from adp_tui.tui.app import AdpApp
from adp_tui.tui.demo import demo_files

SIZES = {"120x40": (120, 40), "80x24": (80, 24)}
both = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())


class KeptSession(Session):
    """A session that outlives the application that it is given to."""

    def close(self) -> None: ...

    def let_go(self) -> None:
        super().close()


@pytest.fixture(scope="module")
def session() -> Iterator[KeptSession]:
    """The demo's core, read once."""
    with demo_files() as demo:
        target = open_core(demo.core, executable=demo.executable, sysroot=demo.sysroot)
        session = KeptSession(target, sysroot=demo.sysroot)
        yield session
        session.let_go()


@pytest.fixture
def demo(session: KeptSession) -> AdpApp:
    """The application on the demo's core."""
    return AdpApp(opener(session), "bank", rest_s=0.001)


def typed(*keys: str) -> Callable[[Pilot[None]], object]:
    """Return what types keys once all was read."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, AdpApp)
        screen = Screen(app, pilot)
        await screen.settled()
        for key in keys:
            await screen.press(key)

    return run


@both
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((), id="main"),
        pytest.param(("j", "j", "enter", "enter", "enter"), id="task"),
        pytest.param(("2",), id="thread"),
        pytest.param(("4", "j"), id="waits"),
        pytest.param(("6", "j"), id="graph"),
        pytest.param(("t", "z"), id="tree"),
        pytest.param(("slash", *"mutex"), id="filter"),
        pytest.param(("question_mark",), id="help"),
    ],
)
def test_demo(snap_compare, demo: AdpApp, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert snap_compare(demo, terminal_size=size, run_before=typed(*keys))


@both
def test_losses(snap_compare, size: tuple[int, int]) -> None:
    app = AdpApp(opener(FakeDoor()), "core.4000", rest_s=0.001)
    assert snap_compare(app, terminal_size=size, run_before=typed("L"))


@both
def test_error(snap_compare, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, AdpApp)
        await Screen(app, pilot).until(lambda: app.main.failure is not None)
        await pilot.pause()

    app = AdpApp(refused, "core.4000", rest_s=0.001)
    assert snap_compare(app, terminal_size=size, run_before=run)
