"""What was found out about a file, as plain data that can be kept for the next run."""

from __future__ import annotations

from typing import Any

__all__ = ["Answers", "Table"]

Table = dict[Any, Any]
"""Answers by question: numbers, texts, and tuples of them only."""


class Answers:
    """Tables of answers about the files of one module.

    Whoever works something out looks into its table first, and writes down what it found. Nothing
    that could not be read is written down: it is tried again, and said again.
    """

    def __init__(self, tables: dict[str, Table] | None = None) -> None:
        self.tables: dict[str, Table] = {} if tables is None else tables
        self._known = len(self)

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    @property
    def grown(self) -> bool:
        """Whether something was found out since they were read."""
        return len(self) > self._known

    def table(self, name: str) -> Table:
        """Return the table with a name."""
        return self.tables.setdefault(name, {})
