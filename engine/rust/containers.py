"""Looks at std's containers: vectors, deques, slices, linked lists, hash maps and B-trees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.rust.looks import Group, Row, dig, no_rows
from adp_tui.engine.rust.sequences import Elements, capacity, elements
from adp_tui.engine.value import Value

__all__ = [
    "MAX_COUNT",
    "hash_map",
    "hash_set",
    "linked_list",
    "sequence",
    "tree_entries",
    "tree_map",
    "tree_set",
]

MAX_COUNT = 1 << 40
"""A length above this is no length: such a container fits into no address space."""
MAX_CONTROL_BYTES = 1 << 20
"""Slots of a hash table that are looked at for one expansion."""
_CONTROL_CHUNK = 4096
MAX_HEIGHT = 24
"""Levels of a B-tree: its nodes have six children at least, so that 6^24 entries fit."""
MAX_NODE = 64
"""Keys in a node of a B-tree; std has 11."""


def sequence(value: Value) -> Group | None:
    """Look at a Vec, VecDeque, slice, boxed slice or array; None for another type."""
    found = elements(value, MAX_COUNT)
    if found is None:
        return None
    if value.type.base_name == "alloc::vec::Vec" and found.type.size:
        room = capacity(value)
        if found.count > room:
            raise LayoutError(
                f"{value.type.name} claims to have {found.count} elements in room for {room}"
            )
    return Group("", "[]", found.count, _Items(found))


class _Items:
    """Rows of what stands one after the other."""

    def __init__(self, found: Elements) -> None:
        self._found = found

    def __call__(self, limit: int) -> Sequence[Row]:
        found = self._found
        return [Row(f"[{i}]", found.element(i)) for i in range(min(limit, found.count))]


def linked_list(value: Value) -> Group:
    """Look at ``LinkedList { head: Option<NonNull<Node>>, len }`` (alloc 1.95)."""
    count = _count(dig(value, "len"), value.type)
    head = dig(value, "head")
    node = _pointee(head.type)

    def rows(limit: int) -> Sequence[Row]:
        found: list[Row] = []
        address = head.unsigned(8)
        while address and len(found) < min(limit, count):
            current = value.at(address, node)
            found.append(Row(f"[{len(found)}]", dig(current, "element")))
            address = dig(current, "next").unsigned(8)
        return found

    return Group("", "[]", count, rows)


def hash_map(value: Value) -> Group:
    """Look at std's or hashbrown's HashMap."""
    count, entries = _table(value)

    def rows(limit: int) -> Sequence[Row]:
        return [
            Row("", dig(entry, "1"), None, dig(entry, "0"))
            for entry in entries.found(min(limit, count))
        ]

    return Group("", "{}", count, rows, named=True)


def hash_set(value: Value) -> Group:
    """Look at std's or hashbrown's HashSet: the keys of a map to ``()``."""
    count, entries = _table(value)

    def rows(limit: int) -> Sequence[Row]:
        found = entries.found(min(limit, count))
        return [Row(f"[{i}]", dig(entry, "0")) for i, entry in enumerate(found)]

    return Group("", "{}", count, rows)


class _Table:
    """A hashbrown ``RawTable<(K, V)>``: entries stand below the control bytes, last one first.

    A control byte without its top bit belongs to a full slot (hashbrown 0.15 to 0.16,
    ``src/raw.rs``: RawTableInner { bucket_mask, ctrl, growth_left, items }).
    """

    def __init__(self, value: Value, entry: Type, control: int, slots: int) -> None:
        self._value = value
        self._entry = entry
        self._control = control
        self._slots = slots

    def found(self, limit: int) -> Iterator[Value]:
        """Yield the first entries in the order of their slots."""
        left = limit
        at, end = 0, min(self._slots, MAX_CONTROL_BYTES)
        while at < end and left > 0:
            chunk = self._value.memory.read(self._control + at, min(_CONTROL_CHUNK, end - at))
            for offset, control in enumerate(chunk):
                if control < 0x80:
                    below = (at + offset + 1) * self._entry.size
                    yield self._value.at(self._control - below, self._entry)
                    left -= 1
                    if left <= 0:
                        return
            at += len(chunk)


def _table(value: Value) -> tuple[int, _Table]:
    table = value
    for _ in range(4):  # std's set > hashbrown's set > its map > its table
        if table.type.base_name == "hashbrown::raw::RawTable":
            break
        inner = next((m for n in ("base", "map", "table") if (m := table.member(n))), None)
        if inner is None:
            break
        table = inner
    entry = table.type.param("T")
    if table.type.base_name != "hashbrown::raw::RawTable" or entry is None:
        raise LayoutError(f"{value.type.name} has no table in the debug information")
    # Until hashbrown 0.11 the inner table's fields stood in RawTable itself.
    inner = table.member("table") or table
    count = _count(dig(inner, "items"), value.type)
    slots = dig(inner, "bucket_mask").unsigned() + 1
    if count > slots:
        raise LayoutError(f"{value.type.name} claims to have {count} entries in {slots} slots")
    return count, _Table(value, entry, dig(inner, "ctrl").unsigned(8), slots)


def tree_map(value: Value) -> Group:
    """Look at ``BTreeMap { root: Option<NodeRef { height, node }>, length }`` (alloc 1.95)."""
    count = _count(dig(value, "length"), value.type)
    if not count:
        return Group("", "{}", 0, no_rows, named=True)
    tree = _Tree(value)

    def rows(limit: int) -> Sequence[Row]:
        return [Row("", item, None, key) for key, item in tree.entries(min(limit, count))]

    return Group("", "{}", count, rows, named=True)


def tree_entries(value: Value, limit: int) -> Iterator[tuple[Value, Value]]:
    """Yield the first pairs of key and value of a ``BTreeMap``, in order.

    Raises:
        LayoutError: it makes no sense.
        FaultError: it cannot be read.
    """
    count = _count(dig(value, "length"), value.type)
    if count:
        yield from _Tree(value).entries(min(limit, count))


def tree_set(value: Value) -> Group:
    """Look at ``BTreeSet { map: BTreeMap<K, SetValZST> }`` (alloc 1.95)."""
    group = tree_map(dig(value, "map"))

    def rows(limit: int) -> Sequence[Row]:
        return [Row(f"[{i}]", row.key) for i, row in enumerate(group.rows(limit))]

    return Group("", "{}", group.count, rows)


class _Tree:
    """A B-tree: ``LeafNode { parent, len, keys, vals }``, ``InternalNode { data, edges }``."""

    def __init__(self, value: Value) -> None:
        root = dig(value, "root")
        # An Option with a niche: the reference stands where the Option stands.
        reference = root
        if root.type.variant_part is not None:
            reference = dig(root.payload(root.variant()), "0")
        self._value = value
        self._height = dig(reference, "height").unsigned()
        self._root = dig(reference, "node").unsigned(8)
        self._leaf = _pointee(reference.type)
        parent = self._leaf.member("parent")
        key, item = self._leaf.param("K"), self._leaf.param("V")
        if parent is None or key is None or item is None:
            raise LayoutError(f"{value.type.name} has no nodes in the debug information")
        self._key, self._item = key, item
        self._inner = _pointee(parent.type)
        if self._height > MAX_HEIGHT:
            raise LayoutError(f"{value.type.name} claims to have {self._height} levels")

    def entries(self, limit: int) -> Iterator[tuple[Value, Value]]:
        """Yield the first pairs of key and value, in order."""
        left = limit
        # Address and height of a node, and the next of its keys.
        stack = [*self._leftmost(self._root, self._height)]
        while stack and left > 0:
            address, height, at = stack.pop()
            node = self._value.at(address, self._leaf)
            length = dig(node, "len").unsigned()
            if length > MAX_NODE:
                raise LayoutError(f"a node of {self._value.type.name} claims {length} keys")
            if at >= length:
                continue
            yield self._slot(node, "keys", self._key, at), self._slot(node, "vals", self._item, at)
            left -= 1
            stack.append((address, height, at + 1))
            if height:
                stack.extend(self._leftmost(self._edge(address, at + 1), height - 1))

    def _leftmost(self, address: int, height: int) -> Iterator[tuple[int, int, int]]:
        for level in range(height, -1, -1):
            yield address, level, 0
            if level:
                address = self._edge(address, 0)

    def _edge(self, address: int, number: int) -> int:
        edges = dig(self._value.at(address, self._inner), "edges")
        return int.from_bytes(edges.memory.read(edges.address + 8 * number, 8), "little")

    @staticmethod
    def _slot(node: Value, name: str, type_: Type, number: int) -> Value:
        return node.at(dig(node, name).address + number * type_.size, type_)


def _pointee(type_: Type) -> Type:
    """Return what the pointer in a wrapper (Option, NonNull, NodeRef) points to."""
    current = type_
    for _ in range(8):
        if current.kind is Kind.POINTER and current.target is not None:
            return current.target
        part = current.variant_part
        if part is not None:
            members = [v.member for v in part.variants if v.name == "Some"]
        else:
            members = [m for m in current.members if m.name != "height" and m.type.size]
        if not members:
            break
        current = members[0].type
    raise LayoutError(f"{type_.name} has no pointer in the debug information")


def _count(value: Value, owner: Type) -> int:
    count = value.unsigned()
    if count > MAX_COUNT:
        raise LayoutError(f"{owner.name} claims to have {count} elements")
    return count
