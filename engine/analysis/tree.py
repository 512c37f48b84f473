"""What traced runs of a function found out, as a tree of reads: what to compare, what to follow."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import field

from adp_tui.engine.analysis.trace import SIGN, Origin, Trace
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Memory
from adp_tui.engine.value import Value

__all__ = ["Leaf", "Node", "Place", "Stop", "Tree", "chase", "plant", "replay"]

MAX_NEAR = 4096
"""Bytes from a value's beginning that are read at once."""
MAX_WAYS = 1024
"""Ways that are remembered while a list is followed: one for each type of its nodes."""
_LAST = (1 << 64) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What a replay gives: a value, or a number where ``type`` is None; window -1 for neither."""

    window: int
    offset: int
    type: Type | None

    def found(self, memory: Memory, bases: Sequence[int]) -> object:
        """Return the value or number under these bases."""
        at = self.offset if self.window < 0 else bases[self.window] + self.offset
        return at if self.type is None else Value(memory, self.type, at & _LAST)


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """What the function gives at the end of a way: things that are always the same, and places."""

    items: tuple[object, ...]


@dataclass(slots=True, eq=False)
class Node:
    """A read: go on by what is there; ``then``: with a new window there, whatever is there."""

    window: int
    offset: int
    size: int
    end: int
    """Where it ends in what is read at once; 0 where it is not near the value's beginning."""
    next: dict[bytes, Node | Leaf] = field(default_factory=dict)
    then: Node | Leaf | None = None

    def child(self, edge: bytes | None) -> Node | Leaf | None:
        """Return what follows where these bytes are read; None for any bytes."""
        return self.then if edge is None else self.next.get(edge)


@dataclass(slots=True, eq=False)
class Tree:
    """The ways through one function."""

    root: Node | Leaf | None = None
    missed: int = 0
    hits: int = 0
    traces: int = 0
    near: int = 0
    """How many bytes from the value's beginning are read at once."""
    ready: dict[int, tuple[object, ...]] = field(default_factory=dict)
    """What was found out before it is asked for, by address."""
    failed: int = 0
    """Runs that could not be traced."""
    keep: tuple[object, ...] = ()
    """What the key names by identity."""


class Stop(enum.Enum):
    """Why a list is not followed any further."""

    END = "its end"
    LIMIT = "as many nodes as were asked for"
    UNKNOWN = "a node with which no traced run agrees"
    OTHER = "a node that is unreadable, of another type, or was there before"


def replay(tree: Tree, memory: Memory, address: int) -> tuple[object, ...] | None:
    """Follow a tree from a value; None where it does not lead to an end."""
    bases = [address]
    try:
        leaf = _follow(tree.root, memory.read(address, tree.near), memory.read, bases)
    except FaultError:
        return None
    if not isinstance(leaf, Leaf):
        return None
    return tuple(
        item if type(item) is not Place else item.found(memory, bases) for item in leaf.items
    )


def _follow(
    node: Node | Leaf | None,
    near: bytes,
    read: Callable[[int, int], bytes],
    bases: list[int],
    least: int = 0,
) -> Node | Leaf | None:
    """Follow a tree to a leaf; None where it does not lead to one.

    Args:
        node: where to begin.
        near: what stands at the value's beginning: one long read costs what a short one does.
        read: reads the rest.
        bases: holds the value's address; those that are followed are added.
        least: what reads from a window before this one is returned instead.
    """
    while type(node) is Node and node.window >= least:
        if node.end:
            raw = near[node.offset : node.end]
        else:
            raw = read(bases[node.window] + node.offset & _LAST, node.size)
        child = node.next.get(raw)
        if child is None:
            child = node.then
            number = int.from_bytes(raw, "little")
            # What stands for nothing is 0, or beyond all that is handed out.
            if child is None or not 1 < number < SIGN:
                return None
            bases.append(number)
        node = child
    return node


def chase(
    tree: Tree, memory: Memory, address: int, seen: set[int], limit: int
) -> tuple[list[int], Stop]:
    """Follow a list from one node to the next by a function that gives just that.

    Args:
        tree: of a function that gives a value of the same type, or None at the end.
        memory: where to read.
        address: of the node to start from.
        seen: nodes that were there before; those that are found are added.
        limit: nodes to find at most.

    Returns:
        The nodes after the first, and why there are no more.
    """
    found: list[int] = []
    read, near_size, root, type_ = memory.read, tree.near, tree.root, tree.keep[0]
    start, end = _pointer(root)
    ways: dict[bytes, tuple[Node | Leaf | None, list[int]]] = {b"": (root, [])}
    try:
        while len(found) < limit:
            near = read(address, near_size)
            raw = near[start:end]
            way = ways.get(raw)
            if way is None:
                way = _beyond(root, raw, read)
                if len(ways) < MAX_WAYS:
                    ways[raw] = way
            bases = [address, *way[1]]
            leaf = _follow(way[0], near, read, bases)
            if not isinstance(leaf, Leaf):
                return found, Stop.UNKNOWN
            (item,) = leaf.items
            if type(item) is not Place or item.type is not type_ or item.window < 0:
                return found, Stop.END if item is None else Stop.OTHER
            address = bases[item.window] + item.offset & _LAST
            if address in seen:
                return found, Stop.OTHER
            seen.add(address)
            found.append(address)
    except FaultError:
        return found, Stop.OTHER
    return found, Stop.LIMIT


def _pointer(root: Node | Leaf | None) -> tuple[int, int]:
    """Return where a value has the pointer that is followed before all else, as to a vtable.

    What it leads to is the same for many values. Where nothing is followed first that is nowhere.
    """
    then = root.then if isinstance(root, Node) and not root.next else None
    if isinstance(root, Node) and root.end and isinstance(then, Node) and then.window:
        return root.offset, root.end
    return 0, 0


def _beyond(
    root: Node | Leaf | None, raw: bytes, read: Callable[[int, int], bytes]
) -> tuple[Node | Leaf | None, list[int]]:
    """Follow a tree through what its first pointer leads to, until the value itself is read.

    Returns:
        How it goes on, and the bases on the way.
    """
    number = int.from_bytes(raw, "little")
    if not isinstance(root, Node) or not 1 < number < SIGN:
        return None, []
    bases = [0, number]
    return _follow(root.then, b"", read, bases, 1), bases[1:]


def plant(tree: Tree, trace: Trace) -> bool:
    """Add a trace to the tree of its function; False where it contradicts what is there."""
    windows = {0: 0}
    handed: dict[int, Place] = {}
    seen: set[tuple[int, int, int]] = set()
    steps: list[tuple[int, int, int, bytes | None]] = []
    for read in trace.log:
        key = (read.window, read.offset, read.size)
        if read.window < 0 or key in seen:
            continue
        seen.add(key)
        slot = (read.window, read.offset)
        passed = read.size == 8 and (slot in trace.followed or slot in trace.handed)
        steps.append((windows[read.window], read.offset, read.size, None if passed else read.data))
        if passed:
            number = len(windows)
            # What is only handed out is no window of the trace: -1 is what derives from none.
            windows[trace.followed.get(slot, -1 - number)] = number
            for index, added in trace.handed.get(slot, {}).items():
                handed[index] = Place(number, added, None)
    leaf = Leaf(
        tuple(handed.get(i) or _placed(item, windows) for i, item in enumerate(trace.result))
    )
    return _insert(tree, steps, leaf)


def _insert(tree: Tree, steps: Sequence[tuple[int, int, int, bytes | None]], leaf: Leaf) -> bool:
    """Add a way to a tree."""
    parent: Node | None = None
    edge: bytes | None = None
    for window, offset, size, data in steps:
        node = tree.root if parent is None else parent.child(edge)
        if node is None:
            near = window == 0 and offset >= 0 and offset + size <= MAX_NEAR
            node = Node(window, offset, size, offset + size if near else 0)
            tree.near = max(tree.near, node.end)
            _attach(tree, parent, edge, node)
        if isinstance(node, Leaf) or (node.window, node.offset, node.size) != (
            window, offset, size,
        ):  # fmt: skip
            return False
        parent, edge = node, data
    if (tree.root if parent is None else parent.child(edge)) is not None:
        return False
    _attach(tree, parent, edge, leaf)
    return True


def _attach(tree: Tree, parent: Node | None, edge: bytes | None, node: Node | Leaf) -> None:
    if parent is None:
        tree.root = node
    elif edge is None:
        parent.then = node
    else:
        parent.next[edge] = node


def _placed(item: object, windows: dict[int, int]) -> object:
    if not isinstance(item, Origin):
        return item
    return Place(windows.get(item.window, -1), item.offset, item.type)
