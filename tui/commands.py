"""Every action and every macro in the palette, by its name and its sentence of help."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from adp_tui.engine.views.records import MacroRow
from adp_tui.tui.actions import ACTIONS, Action, key_names
from adp_tui.tui.screens.macro_actions import MacroActions

__all__ = ["ActionCommands", "MacroCommands"]


class ActionCommands(Provider):
    """The actions of the screen under the palette."""

    def _actions(self) -> list[tuple[Action, str]]:
        ids = {b.id for bound in self.screen._bindings.key_to_bindings.values() for b in bound}
        return [(a, _text(a)) for a in ACTIONS if a.id in ids and a.id != "palette"]

    async def discover(self) -> Hits:
        """Return all actions before anything was typed."""
        for action, text in self._actions():
            yield DiscoveryHit(text, partial(self._run, action), help=action.help)

    async def search(self, query: str) -> Hits:
        """Return the actions whose name or help matches."""
        matcher = self.matcher(query)
        for action, text in self._actions():
            score = max(matcher.match(text), matcher.match(action.help) * 0.9)
            if score > 0:
                run = partial(self._run, action)
                yield Hit(score, matcher.highlight(text), run, help=action.help)

    async def _run(self, action: Action) -> None:
        await self.screen.run_action(action.call)


class MacroCommands(Provider):
    """The macros that may be run on what the screen under the palette shows."""

    async def startup(self) -> None:
        """Ask which there are."""
        self._rows: list[MacroRow] = []
        if isinstance(self.screen, MacroActions):
            rows = await self.screen.macro_rows()
            self._rows = [row for row in rows if row.state == "ready"]

    async def discover(self) -> Hits:
        """Return all macros before anything was typed."""
        for row in self._rows:
            yield DiscoveryHit(f"macro {row.name}", partial(self._run, row), help=row.help)

    async def search(self, query: str) -> Hits:
        """Return the macros whose name or help matches."""
        matcher = self.matcher(query)
        for row in self._rows:
            text = f"macro {row.name}"
            score = max(matcher.match(text), matcher.match(row.help) * 0.9)
            if score > 0:
                yield Hit(score, matcher.highlight(text), partial(self._run, row), help=row.help)

    def _run(self, row: MacroRow) -> None:
        screen = self.screen
        if isinstance(screen, MacroActions):
            screen.start_macro(row)


def _text(action: Action) -> str:
    name = action.id.replace(".", " ").replace("_", " ")
    return f"{name}  ({key_names(action.keys)})"
