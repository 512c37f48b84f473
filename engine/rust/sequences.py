"""Where the elements of vectors, slices, arrays and deques are."""

from __future__ import annotations

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.value import Value

__all__ = ["MAX_ELEMENTS", "Elements", "capacity", "elements"]

_LEVELS = 6
"""Structures within structures around a buffer: std has four."""
MAX_ELEMENTS = 1_000_000
"""A length above this is taken for a broken or hostile value."""
MAX_UNCHECKED = 64
"""So many elements are read even where the buffer says that it has no room for them."""


@dataclass(frozen=True, slots=True)
class Elements:
    """``count`` values of ``type``, one after the other from ``address``.

    A ring buffer wraps: element ``i`` stands at slot ``(head + i) % capacity``.
    """

    value: Value
    type: Type
    address: int
    count: int
    head: int = 0
    capacity: int = 0

    def element(self, index: int) -> Value:
        """Return element ``index``."""
        slot = index
        if self.capacity:
            slot = (self.head + index) % self.capacity
        if self.value.data is not None and self.value.type.kind is Kind.ARRAY:
            return self.value.part(slot * self.type.size, self.type)
        return self.value.at(self.address + slot * self.type.size, self.type)


def elements(value: Value, limit: int = MAX_ELEMENTS) -> Elements | None:
    """Return the elements of a Vec, VecDeque, slice reference or array; None for other types.

    Raises:
        LayoutError: the parts of the type are not where std has them, or there are more than
            ``limit`` elements.
        FaultError: its header cannot be read.
    """
    type_ = value.type
    if type_.kind is Kind.ARRAY:
        if type_.target is None:
            return None
        return Elements(
            value, type_.target, value.address, _bounded(type_.count or 0, type_, limit)
        )
    data, length = value.member("data_ptr"), value.member("length")
    if data is not None and length is not None:
        if data.type.target is None:
            return None
        count = _bounded(length.unsigned(), type_, limit)
        return Elements(value, data.type.target, data.pointer(), count)
    # std (alloc 1.9x): Vec { buf: RawVec { inner: RawVecInner { ptr, cap }, .. }, len },
    # VecDeque { head, len, buf }.
    base = type_.base_name
    if base not in ("alloc::vec::Vec", "alloc::collections::vec_deque::VecDeque"):
        return None
    item, length = type_.param("T"), value.member("len")
    if item is None or length is None:
        raise LayoutError(f"{type_.name} has no element type or length in the debug information")
    address = _pointer_below(value, "buf")
    count = _bounded(length.unsigned(), type_, limit)
    head = value.member("head")
    if count > MAX_UNCHECKED and item.size:
        room = capacity(value)
        if count > room:
            raise LayoutError(f"{type_.name} claims to have {count} elements in room for {room}")
    if head is None:
        return Elements(value, item, address, count)
    slots = _bounded(capacity(value), type_, 1 << 40)
    return Elements(value, item, address, count, head.unsigned(), max(slots, 1))


def _bounded(count: int, type_: Type, limit: int) -> int:
    if count > limit:
        raise LayoutError(f"{type_.name} claims to have {count} elements")
    return count


def _find(value: Value, name: str) -> Value | None:
    """Return the member ``name`` of the value or of the structures inside it, nearest first.

    Each type is looked into once: in a hostile file a structure may hold itself.
    """
    level, seen = [value], {value.type.offset}
    for _ in range(_LEVELS):
        inside: list[Value] = []
        for outer in level:
            found = outer.member(name)
            if found is not None:
                return found
            for member in outer.type.members:
                type_ = member.type
                if type_.kind is Kind.STRUCT and type_.size and type_.offset not in seen:
                    seen.add(type_.offset)
                    inside.append(outer.of(member))
        level = inside
    return None


def _pointer_below(value: Value, name: str) -> int:
    buffer = value.member(name)
    pointer = _find(buffer, "ptr") if buffer is not None else None
    if pointer is None:
        raise LayoutError(f"{value.type.name} has no buffer in the debug information")
    return pointer.unsigned(8)


def capacity(value: Value) -> int:
    """Return how many elements the buffer of a Vec or VecDeque has room for.

    Raises:
        LayoutError: it is not where std has it.
        FaultError: it cannot be read.
    """
    buffer = value.member("buf")
    found = _find(buffer, "cap") if buffer is not None else None
    if found is None:
        raise LayoutError(f"{value.type.name} has no capacity in the debug information")
    return found.unsigned(8)
