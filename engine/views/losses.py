"""The losses view: what could not be read, and why."""

from __future__ import annotations

from collections.abc import Callable

from adp_tui.engine.model import Loss, Snapshot
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.records import Align, Cell, Column, Tone

__all__ = ["Losses"]


class Losses(Table):
    """Rows of losses; those for which something may be missing are marked."""

    columns = (
        Column("what", "What", 22),
        Column("count", "Count", 6, Align.RIGHT),
        Column("missing", "Missing", 8, priority=2),
        Column("why", "Why", 40, flex=True),
        Column("samples", "Where", 18, priority=3),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._losses = snapshot.losses

    def __len__(self) -> int:
        return len(self._losses)

    def key(self, index: int) -> str:
        """Return ``loss:0`` for the first row."""
        return f"loss:{index}"

    def index(self, key: str) -> int | None:
        """Return the row of ``loss:0``."""
        number = key.removeprefix("loss:")
        known = key.startswith("loss:") and number.isdecimal() and int(number) < len(self)
        return int(number) if known else None

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        makers: dict[str, Callable[[Loss], Cell]] = {
            "what": lambda loss: Cell(clean(loss.what, 200)),
            "count": lambda loss: Cell(str(loss.count)),
            "missing": _missing,
            "why": lambda loss: Cell(clean(loss.why, 2000)),
            "samples": lambda loss: Cell(" ".join(f"{a:#x}" for a in loss.samples[:8])),
        }
        make = makers[column]
        return Cells(lambda: range(len(self)), lambda i: make(self._losses[i]))


def _missing(loss: Loss) -> Cell:
    return Cell("maybe", Tone.WARNING) if loss.missing else Cell("no", Tone.MUTED)
