"""What was done, said in the same words on the command line and on the screen."""

from __future__ import annotations

from adp_tui.backends.sparse import bytes_text
from adp_tui.engine.views.records import Saved

__all__ = ["sentence"]


def sentence(saved: Saved) -> str:
    """Say what was saved."""
    text = f"{saved.path}: {bytes_text(saved.size)}"
    if not saved.values:
        return f"{text}, without memory: there are no variables in it"
    if saved.left:
        return f"{text}, without the variables of {saved.left:,} tasks, for which there is no room"
    return text
