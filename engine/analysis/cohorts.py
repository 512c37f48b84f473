"""A tree of reads, followed for many values at once: those that end at one leaf are a cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

import numpy as np

from adp_tui.engine.analysis.trace import SIGN
from adp_tui.engine.analysis.tree import Leaf, Node, Place, Tree
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.gather import Addresses, Column, Gatherer, Mask, Rows
from adp_tui.engine.target import Memory
from adp_tui.engine.value import Value

__all__ = ["Cohort", "follow"]

CHUNK = 16_384
"""Values that are followed at once: some milliseconds, in which nothing else runs."""
_LAST = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Values for which a function gives the same, but for places that differ.

    ``rows`` says which of the values that were asked about they are.
    """

    items: tuple[object, ...]
    rows: Rows
    bases: tuple[Addresses, ...]
    memory: Memory

    def __len__(self) -> int:
        return len(self.rows)

    def addresses(self, place: Place) -> list[int]:
        """Return the address of a value for each row."""
        if place.window < 0:
            return [place.offset & _LAST] * len(self)
        found: list[int] = (self.bases[place.window] + np.uint64(place.offset & _LAST)).tolist()
        return found

    def places_at(self, number: int) -> list[int]:
        """Return the address of one of ``values``, for each row."""
        places = [item for item in self.items if type(item) is Place and item.type is not None]
        return self.addresses(places[number])

    def column(self, index: int) -> Iterable[Any]:
        """Return what the function gives as item ``index``, for each row."""
        item = self.items[index]
        if type(item) is not Place:
            return repeat(item, len(self))
        if item.type is not None:
            return map(Value, repeat(self.memory), repeat(item.type), self.addresses(item))
        if item.window < 0:
            return repeat(item.offset, len(self))
        numbers: list[int] = self.bases[item.window].tolist()
        return [number + item.offset for number in numbers] if item.offset else numbers

    def shared_column(self, index: int) -> Iterable[Any]:
        """Return the same, of an item that is a value that many rows share: each made once."""
        item = self.items[index]
        if type(item) is not Place or item.type is None:
            return self.column(index)
        addresses = self.addresses(item)
        made = {at: Value(self.memory, item.type, at) for at in set(addresses)}
        return map(made.__getitem__, addresses)

    def values(self, row: int) -> Iterator[Value]:
        """Yield the values that the function gives for one row."""
        for item in self.items:
            if type(item) is Place and item.type is not None:
                base = 0 if item.window < 0 else int(self.bases[item.window][row])
                yield Value(self.memory, item.type, base + item.offset & _LAST)

    def tuples(self) -> Iterator[tuple[object, ...]]:
        """Return what the function gives, for each row."""
        if not self.items:
            return repeat((), len(self))
        return zip(*map(self.column, range(len(self.items))), strict=True)


def follow(
    tree: Tree, gatherer: Gatherer, memory: Memory, addresses: Addresses, rows: Rows,
    check: Callable[[], None],
) -> Iterator[Cohort]:  # fmt: skip
    """Yield the cohorts of the values at the addresses in some ``rows``.

    What does not lead to an end is in no cohort.
    """
    for start in range(0, len(rows), CHUNK):
        check()
        part = rows[start : start + CHUNK]
        pending: list[tuple[Node | Leaf | None, Rows, tuple[Addresses, ...]]]
        pending = [(tree.root, part, (addresses[part],))]
        while pending:
            node, left, bases = pending.pop()
            if isinstance(node, Leaf):
                yield Cohort(node.items, left, bases, memory)
            elif node is not None:
                pending.extend(_step(node, left, bases, gatherer))


def _step(
    node: Node, rows: Rows, bases: tuple[Addresses, ...], gatherer: Gatherer
) -> Iterator[tuple[Node | Leaf, Rows, tuple[Addresses, ...]]]:
    """Read what a node reads, and part the rows by it."""
    at = bases[node.window] + np.uint64(node.offset & _LAST)
    data, left = gatherer.read(at, node.size)
    count = int(np.count_nonzero(left))
    for raw, child in node.next.items():
        if not count:
            return
        mine = left & _equal(data, raw)
        found = int(np.count_nonzero(mine))
        if found:
            left ^= mine
            count -= found
            yield child, *_only(mine, found, rows, bases)
    if node.then is not None and count:
        # What stands for nothing is 0, or beyond all that is handed out.
        left &= (data > 1) & (data < np.uint64(SIGN))
        count = int(np.count_nonzero(left))
        if count:
            yield node.then, *_only(left, count, rows, (*bases, data))


def _equal(data: Column, raw: bytes) -> Mask:
    """Tell where a column holds these bytes."""
    if data.ndim == 1:
        same: Mask = data == np.frombuffer(raw, data.dtype)[0]
        return same
    alike: Mask = (data == np.array(list(raw), np.uint8)).all(axis=1)
    return alike


def _only(
    mask: Mask, count: int, rows: Rows, bases: tuple[Addresses, ...]
) -> tuple[Rows, tuple[Addresses, ...]]:
    """Return what a mask takes, which is so much."""
    if count == len(rows):
        return rows, bases
    taken = np.flatnonzero(mask)
    return rows[taken], tuple([base[taken] for base in bases])
