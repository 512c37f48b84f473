"""Which types can lead to a wanted one: settled once for each type, by types alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from adp_tui.engine.dwarf.types import Type

__all__ = ["TypeGraph"]

MAX_TYPES = 20_000
"""Types looked at to settle whether one can lead to a wanted type."""


class TypeGraph:
    """Answers for the types below a type at once, recursive ones included.

    Args:
        wanted: whether a type is what is looked for; what is below such a type doesn't matter.
        edges: the types that a value of a type leads to; None for one known only at run time.
    """

    def __init__(
        self,
        wanted: Callable[[Type], bool],
        edges: Callable[[Type], Iterable[Type | None]],
    ) -> None:
        self._wanted = wanted
        self._edges = edges
        self._known: dict[object, bool] = {}

    def leads(self, type_: Type) -> bool:
        """Tell whether a wanted type can be reached from a type, other than itself."""
        known = self._known.get(_identity(type_))
        return self._settle(type_) if known is None else known

    def _settle(self, start: Type) -> bool:
        """Walk the graph of types below ``start`` and remember the answer for each of them."""
        order: list[Type] = [start]
        index = {_identity(start): 0}
        parents: list[list[int]] = [[]]
        hits: list[int] = []
        wanted: set[int] = set()
        for position, type_ in enumerate(order):
            if position and self._wanted(type_):
                hits.append(position)
                wanted.add(position)
                continue
            known = self._known.get(_identity(type_)) if position else None
            if known is not None:
                if known:
                    hits.append(position)
                continue
            for edge in self._edges(type_):
                if edge is None:
                    hits.append(position)
                    continue
                identity = _identity(edge)
                number = index.get(identity)
                if number is None:
                    if len(order) >= MAX_TYPES:
                        hits.append(position)
                        continue
                    number = index[identity] = len(order)
                    order.append(edge)
                    parents.append([])
                parents[number].append(position)
        good = _above(hits, parents)
        for position, type_ in enumerate(order):
            if position not in wanted:
                self._known.setdefault(_identity(type_), position in good)
        return 0 in good


def _above(hits: list[int], parents: list[list[int]]) -> set[int]:
    """Return ``hits`` and all from which one of them can be reached."""
    good = set(hits)
    while hits:
        for parent in parents[hits.pop()]:
            if parent not in good:
                good.add(parent)
                hits.append(parent)
    return good


def _identity(type_: Type) -> object:
    return type_.name or (id(type_.source), type_.offset)
