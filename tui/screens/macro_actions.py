"""What the keys and the palette do with macros."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Sequence

from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.views.records import Door, MacroRow, MacroText
from adp_tui.tui.reader import subject_of, view_of
from adp_tui.tui.screens.live_actions import LiveActions
from adp_tui.tui.screens.macro_pages import (
    ArgumentsQuestion,
    MacrosScreen,
    ResultScreen,
    TrustPage,
)
from adp_tui.tui.screens.pages import ErrorPage

__all__ = ["MacroActions"]

_VIEWS = {"task": "tasks", "thread": "threads", "executor": "executors", "resource": "waits"}
PATIENCE_S = 3.0
"""How long the palette waits for the list of macros, while something else is read."""


class MacroActions(LiveActions):
    """Lists macros, runs them, and shows what they say."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave macros out before there is a snapshot."""
        if action == "macros" and self.summary is None:
            return False
        return super().check_action(action, parameters)

    def action_macros(self) -> None:
        """Show the macros that there are."""
        self._list(self._show_macros)

    def _list(self, then: Callable[[Sequence[MacroRow]], None]) -> None:
        self.reader.ask("macros", "macros", lambda door: door.macros(), then, self.say_error)

    async def macro_rows(self) -> Sequence[MacroRow]:
        """Return the macros for the palette; none where that takes too long."""
        if self.summary is None:
            return ()
        found: asyncio.Future[Sequence[MacroRow]] = asyncio.get_running_loop().create_future()

        def answer(rows: Sequence[MacroRow]) -> None:
            if not found.done():
                found.set_result(rows)

        self.reader.ask(
            "palette", "macros", lambda door: door.macros(), answer, lambda _: answer(())
        )
        try:
            return await asyncio.wait_for(found, PATIENCE_S)
        except TimeoutError:
            return ()

    def _show_macros(self, rows: Sequence[MacroRow]) -> None:
        def chosen(name: str | None) -> None:
            if name == "":
                self._look_at_files()
            elif name is not None:
                self.start_macro(next(row for row in rows if row.name == name))

        self.app.push_screen(MacrosScreen(rows), chosen)

    # Running one.

    def start_macro(self, row: MacroRow) -> None:
        """Run a macro on what the cursor stands on, after asking for its arguments."""
        key = None
        if row.on != "global":
            key = self._about(row)
            if key is None and row.kind != "table":
                self.notify(
                    f"{row.name} is about one {row.on}: stand on one in the list of "
                    f"{_VIEWS[row.on]} first.",
                    markup=False,
                    severity="warning",
                )
                return
        if not row.arguments:
            self._run(row, "", key)
            return

        def given(words: str | None) -> None:
            if words is not None:
                self._run(row, words, key)

        self.app.push_screen(ArgumentsQuestion(row), given)

    def _about(self, row: MacroRow) -> str | None:
        """Return the key of what the cursor stands on, where that is what a macro is about."""
        chosen = self.current.chosen
        if chosen is None:
            return None
        key = subject_of(chosen.key)
        return key if view_of(key) == _VIEWS[row.on] else None

    def _run(self, row: MacroRow, words: str, key: str | None) -> None:
        try:
            arguments = shlex.split(words)
        except ValueError as error:
            self.say_error(AdpError(f"{words}: {error}"))
            return

        def question(door: Door) -> Outcome:
            return door.run_macro(row.name, arguments, key)

        self.reader.ask("macro", f"macro {row.name}", question, self._show, self.say_error)

    def _show(self, outcome: Outcome) -> None:
        if outcome.error is not None and outcome.result is None:
            printed = f"\n\nit printed:\n{outcome.printed}" if outcome.printed else ""
            more = "".join(f"\n\n{problem}" for problem in outcome.problems)
            self.app.push_screen(
                ErrorPage(f"The macro {outcome.name} failed", outcome.error + printed + more)
            )
            return

        def chosen(key: str | None) -> None:
            if key is not None:
                self.follow(key)

        self.app.push_screen(ResultScreen(outcome), chosen)

    # Trusting files.

    def _look_at_files(self) -> None:
        self.reader.ask(
            "files",
            "macros",
            lambda door: door.untrusted_macros(),
            self._show_files,
            self.say_error,
        )

    def _show_files(self, files: Sequence[MacroText]) -> None:
        page = TrustPage(files)

        def trust(door: Door) -> Sequence[MacroRow]:
            door.trust_macros(files)
            return door.macros()

        def left(_: None) -> None:
            if page.trusted:
                self.reader.ask("trust", "macros", trust, self._show_macros, self.say_error)

        if files:
            self.app.push_screen(page, left)
