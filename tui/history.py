"""Where one has been: ``esc`` goes back there."""

from __future__ import annotations

from dataclasses import dataclass

from adp_tui.engine.views.records import Query

__all__ = ["History", "Visit"]

_KEPT = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """A pane under a query, with the row that was chosen."""

    query: Query
    key: str | None


class History:
    """Visits in the order in which they were left."""

    def __init__(self) -> None:
        self._visits: list[Visit] = []

    def __len__(self) -> int:
        return len(self._visits)

    def leave(self, visit: Visit) -> None:
        """Remember a place; the oldest is forgotten after a hundred."""
        if not self._visits or self._visits[-1] != visit:
            self._visits.append(visit)
            del self._visits[:-_KEPT]

    def back(self) -> Visit | None:
        """Return the last place and forget it; None when there is none."""
        return self._visits.pop() if self._visits else None
