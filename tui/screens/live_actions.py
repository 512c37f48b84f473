"""Keys that only a live process knows: new snapshots, by hand or by themselves, and a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.views.records import Summary
from adp_tui.tui.history import renamed
from adp_tui.tui.screens.main_actions import MainActions

__all__ = ["LiveActions"]

EVERY_S = 2.0
"""Between the end of one snapshot and the beginning of the next, where they are automatic."""


class LiveActions(MainActions):
    """What can be done with a process that runs."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        super().__init__()
        self._every_s = every_s
        self.automatic = False
        self._refreshing = False
        self._next: asyncio.TimerHandle | None = None

    @property
    def is_live(self) -> bool:
        """Return whether the target can be looked at again."""
        return self.summary is not None and self.summary.moves

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave out what a core cannot do."""
        if action in ("refresh", "auto", "hold") and not self.is_live:
            return False
        return super().check_action(action, parameters)

    def action_refresh(self) -> None:
        """Take a new snapshot."""
        if not self.is_live or self._refreshing:
            return
        self._refreshing = True
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self.reader.refresh(self._named_keys(), self._refreshed, self._not_refreshed)

    def action_auto(self) -> None:
        """Take new snapshots by itself, or end that."""
        if not self.is_live:
            return
        self.automatic = not self.automatic
        if self.automatic:
            self.action_refresh()
        elif self._next is not None:
            self._next.cancel()
            self._next = None
        self.show_head()

    def action_hold(self) -> None:
        """Let the process stand, or run on."""
        if self.summary is not None and self.is_live:
            self.reader.hold(not self.summary.held, self._held, self.say_error)

    def show_head(self) -> None:
        """Show the line with the target and how it is looked at."""
        raise NotImplementedError

    def _named_keys(self) -> Iterator[str]:
        """Yield all keys that the screen remembers."""
        for table in self.tables.values():
            yield from table.wanted.collapsed
            if table.chosen is not None:
                yield table.chosen.key
        if self.reader.subject is not None:
            yield self.reader.subject
        yield from self.history.keys()

    def _refreshed(self, summary: Summary, names: Mapping[str, str | None]) -> None:
        """Show the new snapshot, with the cursor on what it stood on."""
        self._refreshing = False
        self.summary = summary
        # What was found wrong has a pane where there is any.
        self.rearrange()
        self.show_head()
        self.history.rename(names)
        for table in self.read_tables():
            chosen = table.chosen
            key = None if chosen is None else names.get(chosen.key)
            self.reader.order(table, renamed(table.wanted, names), key=key, fresh=True)
        subject = self.reader.subject
        self.reader.subject = None
        now = None if subject is None else names.get(subject)
        if now is not None:
            self.reader.detail(now)
        elif subject is not None:
            self.reader.gone(subject)
        if self.automatic:
            self._next = self.later(self._every_s, self.action_refresh)

    def _not_refreshed(self, error: AdpError) -> None:
        self._refreshing = False
        self.automatic = False
        self.show_head()
        if not isinstance(error, CancelledError):
            self.notify(
                f"{error.message}; what is shown is the last snapshot.",
                markup=False,
                severity="warning",
            )

    def _held(self, summary: Summary) -> None:
        self.summary = summary
        self.show_head()
        # What it did since the last snapshot is worth seeing now that it stands.
        if summary.held:
            self.action_refresh()
