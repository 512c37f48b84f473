"""The question where a snapshot shall be saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Checkbox, Input, Static

from adp_tui.engine.model import TargetFacts

__all__ = ["SaveQuestion", "SaveWish", "proposed_name"]

SaveWish = tuple[str, bool]
"""A path, and whether memory is saved."""
SUFFIX = ".adps"


class SaveQuestion(ModalScreen[SaveWish | None]):
    """A line with the file's name, and whether memory is saved; ``esc`` saves nothing."""

    BINDINGS = [("escape", "dismiss(None)", "save nothing")]  # noqa: RUF012

    def __init__(self, name: str, *, values: bool) -> None:
        super().__init__()
        self._proposed = name
        self._values = values

    def compose(self) -> ComposeResult:
        """Lay out the question."""
        with Vertical(id="save"):
            yield Static("Save this snapshot to", markup=False)
            yield Input(self._proposed, id="save-name", select_on_focus=False)
            yield Checkbox("with memory: variables expand where it is opened", self._values)
            yield Static(
                "enter saves · tab, space: memory · esc · only you can read the file", markup=False
            )

    def on_mount(self) -> None:
        """Put the cursor behind the name."""
        box = self.query_one(Input)
        box.cursor_blink = False
        box.cursor_position = len(self._proposed.removesuffix(SUFFIX))
        box.focus()

    @on(Input.Submitted)
    def chosen(self, event: Input.Submitted) -> None:
        """Save to this file."""
        if event.value.strip():
            self.dismiss((event.value.strip(), self.query_one(Checkbox).value))


def proposed_name(target: TargetFacts, now: Callable[[], datetime] = datetime.now) -> str:
    """Return ``bank-3419-20261126-154203.adps``."""
    program = (target.exe or "snapshot").rstrip("/").rpartition("/")[2]
    words = [re.sub(r"[^\w.-]+", "_", program)[:64] or "snapshot"]
    if target.pid is not None:
        words.append(str(target.pid))
    return "-".join([*words, now().strftime("%Y%m%d-%H%M%S")]) + SUFFIX
