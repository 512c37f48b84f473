"""What a view is made of: rows by number, and columns whose cells are made when asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from adp_tui.engine.views.records import Cell, Column
from adp_tui.engine.views.words import key_order

__all__ = ["Cells", "Table"]


class Cells:
    """The cells of one column: row ``i`` shows ``cell(codes[i])``.

    Rows that show the same have the same code, so that 100,000 rows are filtered and sorted
    over a few distinct texts.

    Args:
        codes: makes the code of each row; called once, when first needed.
        make: makes the cell of a code; a text alone is a cell without a tone, and cheaper
            where all 100,000 must be looked through.
        order: makes what a code is sorted by; by its text where None.
    """

    def __init__(
        self,
        codes: Callable[[], Sequence[Hashable]],
        make: Callable[[Any], Cell | str],
        order: Callable[[Any], Any] | None = None,
    ) -> None:
        self._make_codes = codes
        self._make = make
        self._order = order
        self._codes: Sequence[Hashable] | None = None
        self._made: dict[Hashable, Cell | str] = {}

    @property
    def codes(self) -> Sequence[Hashable]:
        """The code of each row."""
        if self._codes is None:
            self._codes = self._make_codes()
        return self._codes

    def _get(self, code: Hashable) -> Cell | str:
        found = self._made.get(code)
        if found is None:
            found = self._made[code] = self._make(code)
        return found

    def cell(self, code: Hashable) -> Cell:
        """Return the cell that a code stands for."""
        found = self._get(code)
        return Cell(found) if isinstance(found, str) else found

    def text(self, code: Hashable) -> str:
        """Return the text of the cell that a code stands for."""
        found = self._get(code)
        return found if isinstance(found, str) else found.text

    def at(self, index: int) -> Cell:
        """Return the cell of a row."""
        return self.cell(self.codes[index])

    def holds(self, word: str) -> dict[Hashable, bool]:
        """Tell for each code whether its text holds a word (in lower case)."""
        return {code: word in self.text(code).lower() for code in set(self.codes)}

    def ranks(self) -> list[int]:
        """Return a number for each row by which to sort; -1 for an empty text."""
        order = self._order or (lambda code: key_order(self.text(code)))
        distinct = set(self.codes)
        keys = {code: order(code) for code in distinct if self.text(code)}
        rank = dict.fromkeys(distinct, -1)
        number, last = -1, None
        for code in sorted(keys, key=keys.__getitem__):
            if number < 0 or keys[code] != last:
                number, last = number + 1, keys[code]
            rank[code] = number
        return [rank[code] for code in self.codes]


class Table(ABC):
    """The rows of a view, by number, in their natural order."""

    columns: tuple[Column, ...]

    def __init__(self) -> None:
        self._cells: dict[str, Cells] = {}

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def key(self, index: int) -> str:
        """Return the key of a row."""

    @abstractmethod
    def index(self, key: str) -> int | None:
        """Return the number of the row with a key; None for none."""

    @abstractmethod
    def make(self, column: str) -> Cells:
        """Make the cells of a column."""

    def parents(self) -> Sequence[int] | None:
        """Return the row above each row in the tree (-1 for none); None for no tree."""
        return None

    @property
    def always_tree(self) -> bool:
        """True for a view that is a tree whatever the query says."""
        return False

    def cells(self, column: str) -> Cells:
        """Return the cells of a column, made once."""
        if column not in self._cells:
            self._cells[column] = self.make(column)
        return self._cells[column]
