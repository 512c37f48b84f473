"""What a value is to a person, before it is written out: a leaf, a group, or a way to another.

A look is made without following more than the value itself; its rows are made when asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeAlias

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Body, Kind, Member, Type
from adp_tui.engine.errors import FaultError, LayoutError
from adp_tui.engine.rust.names import short_type, split_segments, strip_generics
from adp_tui.engine.value import Value

__all__ = [
    "MAX_FIELDS",
    "Broken",
    "Group",
    "Leaf",
    "Look",
    "Row",
    "Rows",
    "Through",
    "Views",
    "array_of",
    "dig",
    "last_segment",
    "no_rows",
    "number",
    "signed",
]

MAX_FIELDS = 256
"""Rows of one expansion: more than a screen holds, few enough to be read at once."""
MAX_WRAPPERS = 16
"""One-member structures around a number; std has up to four."""


class Row(NamedTuple):
    """One child: its name (or the map key that names it), its value, or why there is none."""

    name: str
    value: Value | None
    problem: str | None = None
    key: Value | None = None


Rows: TypeAlias = Callable[[int], Sequence[Row]]
"""Returns at most so many rows, from the first."""


def no_rows(_limit: int) -> Sequence[Row]:
    """Return no rows."""
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A value whose summary is known; rows are for what is only followed when asked."""

    text: str
    rows: Rows = no_rows
    expandable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Broken:
    """A value that cannot be what its type says; ``instead`` shows its raw parts."""

    reason: str
    instead: Look | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """A wrapper: another value is meant. ``extra`` are rows beside that value's."""

    value: Value
    before: str = ""
    after: str = ""
    extra: tuple[Row, ...] = ()

    @property
    def transparent(self) -> bool:
        """Whether nothing but the other value is shown."""
        return not (self.before or self.after)


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Several values in brackets; a summary shows the first of them."""

    name: str
    brackets: str
    """Two characters."""
    count: int
    rows: Rows
    named: bool = False
    """Whether a summary shows the rows' names."""


Look: TypeAlias = Leaf | Broken | Through | Group


class Views(Protocol):
    """How a team wants values of its types to be shown."""

    def look(self, value: Value) -> Look | None:
        """Return how a value looks; None where no view is for it."""
        ...


def dig(value: Value, *names: str) -> Value:
    """Return a member of a member, by their names.

    Raises:
        LayoutError: the types have no such members.
    """
    for name in names:
        found = value.member(name)
        if found is None:
            raise LayoutError(f"{value.type.name} has no field {name} in the debug information")
        value = found
    return value


def number(value: Value) -> int:
    """Return the unsigned number that a value is, whatever wraps it (an atomic, a cell)."""
    return _innermost(value).unsigned()


def signed(value: Value) -> int:
    """Return the signed number that a value is, whatever wraps it."""
    inner = _innermost(value)
    return int.from_bytes(inner.read(min(inner.type.size, 16)), "little", signed=True)


def _innermost(value: Value) -> Value:
    for _ in range(MAX_WRAPPERS):
        sized = _sized(value.type)
        if value.type.kind is not Kind.STRUCT or len(sized) != 1:
            break
        value = value.of(sized[0])
    if not value.type.size:
        raise FaultError(value.address, 0, f"{value.type.name} is no number")
    return value


def _sized(type_: Type) -> tuple[Member, ...]:
    return tuple(m for m in type_.members if m.type.size)


@lru_cache(maxsize=65_536)
def last_segment(name: str) -> str:
    """Return the bare name of a type: ``Vec`` of ``alloc::vec::Vec<u8>``; a tuple has none."""
    if name.startswith(("(", "[", "&", "*", "{", "dyn ")):
        return "" if name.startswith("(") else short_type(name)
    return split_segments(strip_generics(name))[-1]


def array_of(element: Type, name: str, count: int) -> Type:
    """Return a type for what DWARF has none: a slice of a known length, or a ``str``."""
    return Type(
        element.source,
        0,
        Kind.ARRAY,
        name,
        element.size * count,
        target_offset=element.offset,
        body=Body(count=count),
    )
