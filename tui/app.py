"""The full-screen application: one target and its main screen, or a list to choose one from."""

from __future__ import annotations

import gc
import select
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from textual.app import App, SystemCommand
from textual.screen import Screen

from adp_tui.engine.views.records import Door, Progress
from adp_tui.tui.commands import ActionCommands, MacroCommands
from adp_tui.tui.door_thread import Opener
from adp_tui.tui.screens.main import REST_S, MainScreen
from adp_tui.tui.themes import DEFAULT_THEME, THEMES, theme_for

if TYPE_CHECKING:
    # It brings psutil.
    from adp_tui.tui.choices import Choices
    from adp_tui.tui.screens.picker import PickerScreen

__all__ = ["AdpApp", "Opener", "run_app", "run_picker"]

HANG_UP_S = 1.0
"""How often it is looked whether the terminal is still there."""
SWITCH_S = 0.001
"""How long the thread that reads may keep the screen waiting, each time that it wants to run.

Answering a key takes a dozen turns: with Python's own 5 ms it took twice as long while reading.
"""

MakePicker: TypeAlias = "Callable[[Callable[[Opener, str], object]], PickerScreen]"
"""Makes the list to choose from; is given what shows a target that was chosen, and its title."""


class AdpApp(App[None]):
    """Theme, palette and screens; everything else belongs to the screens.

    Args:
        opener: opens the target on the door's thread; None where one is to be chosen.
        title: what stands in the head until the target is open.
        rest_s: how long the cursor rests before the detail follows it.
        values: whether memory is saved with a snapshot, unless that is chosen otherwise.
        picker: makes the list to choose from, out of what shows a target.
    """

    main: MainScreen
    """The screen of the target; there is none before one was chosen."""

    CSS_PATH = Path(__file__).parent / "app.tcss"
    COMMANDS = App.COMMANDS | {ActionCommands, MacroCommands}

    def __init__(
        self,
        opener: Opener | None,
        title: str,
        *,
        rest_s: float = REST_S,
        values: bool = True,
        picker: MakePicker | None = None,
    ) -> None:
        super().__init__()
        self.title = title
        # An animated page costs a terminal behind SSH ten times the bytes of a plain one.
        self.animation_level = "none"
        # Nothing here has a tooltip, and hiding one lays out the whole screen when the mouse moves.
        self._disable_tooltips = True
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT_THEME
        self._rest_s = rest_s
        self._values = values
        self.picker = picker(self.open) if picker is not None else None
        if opener is not None:
            self.main = self._screen(opener, title)

    def on_mount(self) -> None:
        """Show the list, or the main screen."""
        self.push_screen(self.picker or self.main)
        if not self.is_headless:
            self.set_interval(HANG_UP_S, self._leave_without_terminal)

    def open(self, opener: Opener, title: str) -> None:
        """Show the main screen of a target that was chosen; leaving it goes back to the list."""
        self.main = self._screen(_kept(opener, collects=True), title)
        self.main.returns = True
        # What was kept for the target that was closed may be garbage.
        self.push_screen(self.main, lambda _: gc.unfreeze())

    def _screen(self, opener: Opener, title: str) -> MainScreen:
        screen = MainScreen(opener, title, rest_s=self._rest_s)
        screen.saves_values = self._values
        return screen

    def _leave_without_terminal(self) -> None:
        """End when the terminal is gone: nobody sends a SIGHUP under nohup or setsid."""
        terminal = select.poll()
        terminal.register(sys.stdin.fileno(), 0)
        if terminal.poll(0):
            self.exit(return_code=128 + signal.SIGHUP)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Return Textual's own commands that make sense here."""
        yield SystemCommand("Theme", "Choose other colours.", self.action_change_theme)


def _kept(opener: Opener, *, collects: bool = False) -> Opener:
    """Leave what was read out of the search for garbage, which would stop the screen each time.

    Where another target was shown before, ``collects`` lets go of what is left of it: it would be
    kept along with the new one.
    """

    def opened(progress: Callable[[Progress], None]) -> Door:
        if collects:
            gc.collect()
        gc.disable()
        try:
            return opener(progress)
        finally:
            # In this order: nothing is looked through in between.
            gc.freeze()
            gc.enable()

    return opened


def run_app(opener: Opener, *, title: str, mouse: bool = True, values: bool = True) -> int:
    """Show a target full screen until the user quits.

    Args:
        opener: opens the target; runs on a thread of its own, is given a function to report
            progress to, and raises AdpError where it can't.
        title: what stands in the head until the target is open.
        mouse: False leaves the mouse to the terminal.
        values: whether memory is saved with a snapshot, unless that is chosen otherwise.

    Returns:
        The exit status: 0, 3 when the target can't be opened (the reason goes to stderr), 130
        when opening was stopped.
    """
    app = AdpApp(_kept(opener), title, values=values)
    _run(app, mouse)
    failure = app.main.failure
    if failure is not None:
        error, status = failure
        print(f"adp-tui: {error.message}", file=sys.stderr)
        if error.help:
            print(f"  {error.help}", file=sys.stderr)
        return status
    return app.return_code or 0


def run_picker(choices: Choices, *, mouse: bool = True, values: bool = True) -> int:
    """Show what targets there are, and the one that is chosen, until the user quits.

    Returns:
        The exit status.
    """
    from adp_tui.tui.screens.picker import PickerScreen

    app = AdpApp(None, "adp-tui", values=values, picker=lambda show: PickerScreen(choices, show))
    _run(app, mouse)
    return app.return_code or 0


def _run(app: AdpApp, mouse: bool) -> None:
    sys.setswitchinterval(SWITCH_S)
    app.theme = theme_for(app.console.color_system)
    app.run(mouse=mouse)
