"""The filter of a view: words that must, or must not, occur in a row."""

from __future__ import annotations

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.views.columns import Table

__all__ = ["Word", "matching", "parse"]

MAX_WORDS = 32


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a filter, in lower case; ``column`` is None where any column will do."""

    text: str
    column: str | None = None
    excluded: bool = False


def parse(text: str, table: Table) -> tuple[Word, ...]:
    """Take a filter apart.

    ``state:idle`` asks a column by its key or its title; a colon behind anything else is
    part of the word (``main.rs:35``, ``bank::audit``).
    """
    names = {c.key.lower(): c.key for c in table.columns}
    names |= {c.title.lower(): c.key for c in table.columns if c.title}
    words = []
    for part in text.lower().split()[:MAX_WORDS]:
        excluded = part.startswith("!")
        word, column = part.removeprefix("!"), None
        field, colon, rest = word.partition(":")
        if colon and field in names and not rest.startswith(":"):
            word, column = rest, names[field]
        if word:
            words.append(Word(word, column, excluded))
    return tuple(words)


def matching(table: Table, words: tuple[Word, ...]) -> bytes:
    """Return for each row 1 where all words fit, else 0."""
    size = len(table)
    result = _all(size)
    for word in words:
        columns = [c.key for c in table.columns] if word.column is None else [word.column]
        found = 0
        for column in columns:
            cells = table.cells(column)
            holds = cells.holds(word.text)
            if any(holds.values()):
                # Rows as the bytes of one large number: or and and are then a single step.
                found |= int.from_bytes(bytes(map(holds.__getitem__, cells.codes)), "little")
        result &= found ^ _all(size) if word.excluded else found
    return result.to_bytes(size, "little")


def _all(size: int) -> int:
    return int.from_bytes(b"\x01" * size, "little")
