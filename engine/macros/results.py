"""What a macro returns, and the plain, bounded and clean form in which it is shown."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import Executor, Resource, Task, Thread
from adp_tui.engine.text import clean
from adp_tui.engine.views.words import future_name, type_name

__all__ = [
    "MAX_ROWS", "Cell", "Link", "Node", "Plain", "PlainNode", "PlainTable", "PlainText",
    "PlainTree", "Table", "Text", "Tree", "plain",
]  # fmt: skip

MAX_ROWS = 10_000
"""Rows of a table, and nodes of a tree."""
MAX_COLUMNS = 64
MAX_CELL = 2_000
"""Characters of a cell."""
MAX_SIZE = 8 << 20
"""Characters of a result."""
MAX_TEXT = 1 << 20
MAX_DEPTH = 32
"""Levels of a tree."""
_PREFIX = "txrf"


class Link:
    """A cell that leads somewhere: ``Link("t4", "the one that hangs")``.

    Args:
        key: of a task (``t4``), thread (``tid:3419``), executor (``x1``), resource (``r2``) or
            finding (``f1``).
        text: what is shown; the key where None.
    """

    def __init__(self, key: str, text: object = None) -> None:
        self.key = str(key)
        self.text = self.key if text is None else text


class Table:
    """Rows of cells under column titles.

    A cell may be a text, a number, a ``Value``, a ``Task``, ``Resource``, ``Executor`` or
    ``Thread`` (whose row it then leads to), a ``Link``, or None for an empty one. Of more than
    10,000 rows the rest is counted and left out.
    """

    def __init__(self, *columns: str, title: str = "") -> None:
        self.columns = tuple(str(column) for column in columns[:MAX_COLUMNS])
        self.title = title
        self.rows: list[tuple[Cell, ...]] = []
        self.left_out = 0
        self._size = 0

    def row(self, *cells: object) -> None:
        """Add a row; what is missing of its cells is empty, what is too much is left out."""
        if len(self.rows) >= MAX_ROWS or self._size >= MAX_SIZE:
            self.left_out += 1
            return
        made = tuple(_cell(cell) for cell in cells[: len(self.columns)])
        self._size += sum(len(cell.text) for cell in made)
        self.rows.append(made + (Cell(""),) * (len(self.columns) - len(made)))


class Node:
    """A line of a tree; ``add`` makes one below it."""

    def __init__(self, text: object, tree: Tree | None = None, depth: int = 0) -> None:
        self.cell = _cell(text)
        self.children: list[Node] = []
        self._tree = tree
        self._depth = depth

    def add(self, text: object) -> Node:
        """Add a line below this one, and return it."""
        node = Node(text, self._tree, self._depth + 1)
        if self._depth < MAX_DEPTH and (self._tree is None or self._tree.takes(node)):
            self.children.append(node)
        return node


class Tree:
    """Lines below lines. Of more than 10,000 the rest is counted and left out."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.nodes: list[Node] = []
        self.count = 0
        self.left_out = 0
        self._size = 0

    def add(self, text: object) -> Node:
        """Add a line at the top level, and return it."""
        node = Node(text, self)
        if self.takes(node):
            self.nodes.append(node)
        return node

    def takes(self, node: Node) -> bool:
        """Count a line; tell whether there is room for it."""
        if self.count >= MAX_ROWS or self._size >= MAX_SIZE:
            self.left_out += 1
            return False
        self.count += 1
        self._size += len(node.cell.text)
        return True


class Text:
    """Plain text, of at most a million characters."""

    def __init__(self, text: object = "", title: str = "") -> None:
        self.title = title
        self._parts = [str(text)[:MAX_TEXT]] if text else []
        self._size = sum(map(len, self._parts))
        self.left_out = 0

    def line(self, text: object = "") -> None:
        """Add a line."""
        words = str(text)
        if self._size >= MAX_TEXT:
            self.left_out += 1
            return
        self._size += len(words) + 1
        self._parts.append(words)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self._parts)[:MAX_TEXT]


# What is shown.


@dataclass(frozen=True, slots=True)
class Cell:
    """Clean text; ``value`` is the number that it was, ``key`` what it leads to."""

    text: str
    value: int | bool | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table to be shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class PlainNode:
    """A line of a tree to be shown."""

    cell: Cell
    children: tuple[PlainNode, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainTree:
    """A tree to be shown."""

    title: str
    nodes: tuple[PlainNode, ...]


@dataclass(frozen=True, slots=True)
class PlainText:
    """Lines to be shown."""

    title: str
    lines: tuple[str, ...]


Plain = PlainTable | PlainTree | PlainText


@runtime_checkable
class _Shown(Protocol):
    """A value of the program, which says what is shown of it."""

    def show(self) -> str:
        """Return it in one line."""
        ...


def plain(result: object) -> tuple[Plain, tuple[str, ...]]:
    """Return the plain form of what a macro returned, and what is missing from it.

    None is an empty text; a text is one; a list is a text of its items.

    Raises:
        TypeError: a macro cannot return that.
    """
    if result is None or isinstance(result, str):
        result = Text(result or "")
    elif isinstance(result, list | tuple):
        lines = Text()
        for item in result:
            lines.line(_cell(item).text)
        result = lines
    if isinstance(result, Table):
        columns = tuple(clean(column, 200) for column in result.columns)
        shown = PlainTable(clean(str(result.title), 200), columns, tuple(result.rows))
        return shown, _missing(result.left_out, "rows")
    if isinstance(result, Tree):
        nodes = tuple(_nodes(result.nodes, 0))
        return PlainTree(clean(str(result.title), 200), nodes), _missing(result.left_out, "lines")
    if isinstance(result, Text):
        texts = tuple(clean(line, MAX_CELL) for line in result.text.split("\n")[:MAX_ROWS])
        return PlainText(clean(str(result.title), 200), texts), _missing(result.left_out, "lines")
    raise TypeError(f"a macro returns a Table, a Tree or a Text, not {type(result).__name__}")


def _missing(count: int, what: str) -> tuple[str, ...]:
    return (f"{count:,} more {what} were left out",) if count else ()


def _nodes(nodes: list[Node], depth: int) -> Iterator[PlainNode]:
    for node in nodes if depth <= MAX_DEPTH else ():
        yield PlainNode(node.cell, tuple(_nodes(node.children, depth + 1)))


def _cell(value: object) -> Cell:
    if isinstance(value, Cell):
        return value
    if value is None:
        return Cell("")
    if isinstance(value, Link):
        inner = _cell(value.text)
        return Cell(inner.text, inner.value, _key(value.key))
    if isinstance(value, bool):
        return Cell("yes" if value else "no", value)
    if isinstance(value, enum.Enum):
        return Cell(clean(str(value.value), MAX_CELL))
    if isinstance(value, int):
        # Longer ones cost time and say nothing.
        return Cell(str(value) if value.bit_length() <= 128 else hex(value)[:80] + "…", value)
    if isinstance(value, Task):
        return Cell(clean(f"{value.key} {future_name(value.future)}", MAX_CELL), None, value.key)
    if isinstance(value, Resource):
        words = f"{value.key} {value.kind} {type_name(value.type)}"
        return Cell(clean(words, MAX_CELL), None, value.key)
    if isinstance(value, Executor):
        return Cell(clean(f"{value.key} {value.kind}", MAX_CELL), None, value.key)
    if isinstance(value, Thread):
        name = f" {value.name}" if value.name else ""
        return Cell(clean(f"{value.tid}{name}", MAX_CELL), None, f"tid:{value.tid}")
    if isinstance(value, _Shown):
        return Cell(clean(value.show(), MAX_CELL))
    return Cell(clean(str(value), MAX_CELL))


def _key(key: str) -> str | None:
    """Return what looks like the key of something."""
    letter, number = (key[:1], key[1:]) if not key.startswith("tid:") else ("t", key[4:])
    known = letter in _PREFIX and number.isascii() and number.isdecimal() and len(number) < 20
    return key if known else None
