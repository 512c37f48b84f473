"""The variables of a frame as a tree whose branches are read when they are expanded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from textual.message import Message

from adp_tui.engine.views.records import VariableRow
from adp_tui.widgets.flow_view import FlowView
from adp_tui.widgets.ink import Ink, Span, cut, wrap

__all__ = ["Node", "VariableTree"]

_STEP = 2
_DEEPEST = 24
_REASON_LINES = 6
_MAX_NODES = 20_000
"""Lines that a frame's variables may take before branches have to be closed again."""


@dataclass(slots=True, eq=False)
class Node:
    """A variable or field on the screen; ``children`` is None until they were read."""

    row: VariableRow
    depth: int = 0
    expanded: bool = False
    reading: bool = False
    children: list[Node] | None = field(default=None, repr=False)
    reason: str = ""


class VariableTree(FlowView[Node]):
    """Variables, each with name, type and value; ``enter`` and ``space`` expand them."""

    @dataclass
    class Wanted(Message):
        """The fields of a variable are to be read."""

        tree: VariableTree
        node: Node

        @property
        def control(self) -> VariableTree:
            """Return the tree that sent it."""
            return self.tree

    def __init__(self, title: str, *, id: str | None = None) -> None:
        super().__init__(title, id=id)
        self._roots: list[Node] = []

    def show_variables(self, title: str, rows: Iterable[VariableRow], *, empty: str = "") -> None:
        """Show the variables of another frame."""
        self.title = title
        self._roots = [Node(row) for row in rows]
        self.show(self._flat(), empty=empty)
        self.repaint_title()

    def show_nothing(self, title: str, reason: str) -> None:
        """Show why there are no variables."""
        self.show_variables(title, (), empty=reason)

    def toggle(self) -> bool:
        """Expand or collapse the chosen variable; False where it has no fields."""
        node = self.chosen
        if node is None or node.row.ref is None:
            return False
        if node.expanded:
            node.expanded = False
        elif node.children is not None:
            node.expanded = True
        elif not node.reading:
            node.reading, node.reason = True, ""
            self.post_message(self.Wanted(self, node))
        self.show(self._flat(), cursor=None)
        return True

    def add_fields(self, node: Node, rows: Iterable[VariableRow]) -> None:
        """Show the fields of a variable below it."""
        node.children = [Node(row, node.depth + 1) for row in rows]
        node.expanded, node.reading = True, False
        if not node.children:
            node.reason = "no fields"
        self._show_all()

    def refuse_fields(self, node: Node, reason: str) -> None:
        """Show why the fields of a variable can't be read."""
        node.reading, node.reason = False, reason
        self._show_all()

    def _show_all(self) -> None:
        self.show(self._flat(), cursor=None)

    def _flat(self) -> list[Node]:
        flat: list[Node] = []
        pending = list(reversed(self._roots))
        while pending and len(flat) < _MAX_NODES:
            node = pending.pop()
            flat.append(node)
            if node.expanded and node.children:
                pending.extend(reversed(node.children))
        return flat

    def lay_out(self, item: Node, width: int) -> Iterable[Sequence[Span]]:
        """Return ``name: type = value`` on one line, cut where it is too long."""
        row = item.row
        sign = " " if row.ref is None else "▾" if item.expanded else "▸"
        if item.reading:
            sign = "…"
        indent = " " * min(_STEP * item.depth, _DEEPEST)
        room = max(width - len(indent) - 2, 8)
        name = cut(row.name, max(room // 2, 8))
        room -= cell_len(name)
        value = row.value if not item.reason else f"{row.value}  {item.reason}"
        ink = Ink.WARNING if row.unreadable or item.reason else Ink.NORMAL
        if row.unreadable:
            value = f"! {value}"
        value = f" = {value}" if value else ""
        type_room = max(room - min(cell_len(value), max(room * 2 // 3, room - 26)), 0)
        kind = cut(f": {row.type}", type_room) if row.type and type_room > 4 else ""
        room -= cell_len(kind)
        fits = cell_len(value) <= room
        yield (
            Span(f"{indent}{sign} ", Ink.ACCENT),
            Span(name, Ink.STRONG),
            Span(kind, Ink.MUTED),
            Span("" if ink is Ink.WARNING and not fits else cut(value, room), ink),
        )
        if ink is Ink.WARNING and not fits:
            # Why something can't be read is no value to be skimmed: it is shown whole.
            under = f"{indent}    "
            for line in wrap(value.removeprefix(" = "), max(width - len(under), 8), _REASON_LINES):
                yield (Span(under), Span(line, ink))
