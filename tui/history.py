"""Where one has been: ``esc`` goes back there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from adp_tui.engine.views.records import Query

__all__ = ["History", "Visit", "renamed"]

_KEPT = 100


def renamed(query: Query, names: Mapping[str, str | None]) -> Query:
    """Return a query with the keys of a new snapshot; what is gone is named no more."""
    if not query.collapsed:
        return query
    kept = (names.get(key) for key in query.collapsed)
    return replace(query, collapsed=frozenset(key for key in kept if key is not None))


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

    def keys(self) -> Iterator[str]:
        """Yield the keys that the visits name."""
        for visit in self._visits:
            yield from visit.query.collapsed
            if visit.key is not None:
                yield visit.key

    def rename(self, names: Mapping[str, str | None]) -> None:
        """Let the visits name what they named before by the keys of a new snapshot."""
        self._visits = [
            Visit(renamed(visit.query, names), None if visit.key is None else names.get(visit.key))
            for visit in self._visits
        ]

    def back(self) -> Visit | None:
        """Return the last place and forget it; None when there is none."""
        return self._visits.pop() if self._visits else None
