"""The tables of answers that a saved snapshot holds, and what stands in each.

Whoever adds a table names its shape here: what a file holds is checked against it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from adp_tui.engine.answers import Answers, Table
from adp_tui.engine.saved.plain import PlainError, decode, encode

__all__ = ["SHAPES", "NotedAnswers", "plain_tables", "tables_from"]

_Place: TypeAlias = tuple[str, str, int, int | None] | None
_Member: TypeAlias = tuple[str, int, int, _Place]
_Kind: TypeAlias = Literal[
    "struct", "union", "enum", "c_enum", "base", "pointer", "array", "function", "unknown"
]
_Variants: TypeAlias = tuple[_Member | None, tuple[tuple[int | None, str, _Member], ...]] | None
_Function: TypeAlias = tuple[int, str, str | None, int, int, dict[str, int], _Place] | None
_Rule: TypeAlias = tuple[str, int, bytes, int]
_Variable: TypeAlias = tuple[str, int, int, int | None, str | None, bytes | None]
_Declared: TypeAlias = tuple[
    str, int, int, bytes | int | None, bytes | None, bool, None, int | None
]

SHAPES: dict[str, Any] = {
    "addresses": dict[tuple[int, int], int | None],
    "bodies": dict[
        int, tuple[tuple[_Member, ...], _Variants, dict[str, int], dict[int, str], int | None]
    ],
    "coroutine variables": dict[str, tuple[tuple[str, str, int], ...]],
    "coroutines": dict[str, tuple[str | None, tuple[tuple[str, _Place], ...]]],
    "crate versions": dict[str, tuple[str, ...]],
    "frames": dict[int, tuple[tuple[str | None, _Place, bool], ...]],
    "functions": dict[int, _Function],
    "held names": dict[str, bool],
    "level": dict[str, str | None],
    "locals": dict[int, tuple[int, bytes | None, tuple[_Declared, ...]]],
    "names": dict[int, str],
    "notes": dict[str, tuple[tuple[bytes, ...], tuple[str, ...]]],
    "places": dict[int, _Place],
    "polled types": dict[str, bool],
    "receivers": dict[int, int | None],
    "scopes": dict[int, tuple[tuple[str | None, str, bool, int, int], ...]],
    "subprograms": dict[int, _Function],
    "symbol names": dict[bytes, bool],
    "symbols by part": dict[str, tuple[int, ...]],
    "symbols": dict[int, tuple[str, int, int, int] | None],
    "thread-local symbols": dict[str, dict[str, int]],
    "types": dict[
        int,
        tuple[int, _Kind, str, int, int | None, int | None, int | None, int | None, _Place],
    ],
    "types by name": dict[str, int | None],
    "units": dict[str, int],
    "units by address": dict[int, int | None],
    "unwinding": dict[int, tuple[str, _Rule, dict[int, _Rule], int, bool] | None],
    "variables": dict[str, tuple[_Variable, ...]],
    "variables of units": dict[tuple[int, str], tuple[_Variable, ...]],
    "vtables": dict[int, int | None],
}


class _NotedTable(Table):
    """A table that notes which of its answers were asked for."""

    def __init__(self, known: Table) -> None:
        super().__init__(known)
        self.asked: set[Any] = set()

    def __contains__(self, key: object) -> bool:
        self.asked.add(key)
        return super().__contains__(key)

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


class NotedAnswers(Answers):
    """Answers of which those are told that were asked for.

    Args:
        known: what was found out before; it stays as it is.
    """

    def __init__(self, known: Answers) -> None:
        super().__init__({name: _NotedTable(table) for name, table in known.tables.items()})

    def table(self, name: str) -> Table:
        """Return the table with a name."""
        return self.tables.setdefault(name, _NotedTable({}))

    def asked(self) -> dict[str, Table]:
        """Return the answers that were asked for."""
        found = {}
        for name, table in self.tables.items():
            assert isinstance(table, _NotedTable)
            found[name] = {key: dict.__getitem__(table, key) for key in table.asked & table.keys()}
        return found


def plain_tables(tables: dict[str, Table]) -> Any:
    """Return tables as JSON can hold them, whatever the order in which they were made."""
    return [
        [name, sorted(encode(table), key=repr)] for name, table in sorted(tables.items()) if table
    ]


def tables_from(plain: Iterable[tuple[str, Any]]) -> dict[str, Table]:
    """Return tables of a file; those that this version does not know are left out.

    Raises:
        PlainError: something in them has not the shape of its table.
    """
    tables = {name: decode(SHAPES[name], table) for name, table in plain if name in SHAPES}
    types = tables.get("types", {})
    for offset, *_ in types.values():
        # An alias leads to a type, never to another alias: or for ever.
        if offset in types and types[offset][0] != offset:
            raise PlainError("an alias of an alias")
    return tables
