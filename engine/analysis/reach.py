"""A typed walk: find values of wanted types inside a value, bounded.

Only types that can lead to a wanted type are entered: that is settled once for each type,
so a walk over a task's variables touches few of its bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator

from adp_tui.engine.adp.plan import Plan
from adp_tui.engine.analysis.typegraph import TypeGraph
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.value import Value

__all__ = ["Follow", "Reach"]

MAX_NODES = 3000
"""Values entered in one walk: measured walks to a socket need 10 to 1,300."""
MAX_DEPTH = 40
MAX_ELEMENTS = 256

_ARC = ("alloc::sync::Arc<", "alloc::rc::Rc<")
_BOX = "alloc::boxed::Box<"
_REFERENCE = ("&", "core::pin::Pin<&")


class Follow(enum.Enum):
    """Which pointers a walk follows."""

    OWNED = "owned"
    """Only what the value owns alone: boxes, vectors, arrays."""
    SHARED = "shared"
    """References, Arc and Rc as well."""


class Reach:
    """Finds values whose type name ``wanted`` accepts, without entering ``opaque`` types.

    ``lens`` leads through a runtime's own pointer types, which no other pointer is followed in.
    """

    def __init__(
        self,
        program: Program,
        wanted: Callable[[str], bool],
        opaque: Callable[[str], bool],
        follow: Follow,
        lens: Callable[[Type], Plan | None] | None = None,
    ) -> None:
        self._program = program
        self._wanted = wanted
        self._opaque = opaque
        self._follow = follow
        self._lens = lens or (lambda _: None)
        self._graph = TypeGraph(lambda t: wanted(t.name), self._edges)

    def find(self, start: Value, limit: int = MAX_NODES) -> Iterator[Value]:
        """Yield each wanted value inside ``start`` once, nearest first (breadth first)."""
        queue: list[tuple[Value, int]] = [(start, 0)]
        seen: set[tuple[int, str]] = set()
        visited = 0
        for value, depth in queue:
            key = (value.address, value.type.name)
            if key in seen:
                continue
            seen.add(key)
            visited += 1
            if visited > limit:
                return
            if depth and self._wanted(value.type.name):
                yield value
                continue
            if depth >= MAX_DEPTH or not self.promising(value.type):
                continue
            try:
                queue.extend((child, depth + 1) for child in self._children(value))
            except AdpError:
                continue

    def promising(self, type_: Type) -> bool:
        """Tell whether a value of this type can hold a wanted one."""
        return self._graph.leads(type_)

    def _edges(self, type_: Type) -> Iterator[Type | None]:
        """Yield the types that a value of this type leads to; None for a trait object."""
        if self._opaque(type_.name):
            return
        through = self._lens(type_)
        if through is not None:
            yield through.type
            return
        if type_.kind is Kind.POINTER:
            if self._followed(type_.name) and type_.target is not None:
                yield type_.target
            return
        if type_.kind is Kind.ARRAY:
            if type_.target is not None:
                yield type_.target
            return
        fat = type_.member("vtable") is not None and type_.member("pointer") is not None
        if fat:
            if self._followed(type_.name):
                yield None
            return
        if type_.member("data_ptr") is not None and type_.member("length") is not None:
            if self._followed(type_.name):
                pointee = type_.member("data_ptr")
                if pointee is not None and pointee.type.target is not None:
                    yield pointee.type.target
            return
        if type_.base_name in ("alloc::vec::Vec", "alloc::collections::vec_deque::VecDeque"):
            item = type_.param("T")
            if item is not None:
                yield item
            return
        if type_.name.startswith(_ARC):
            item = type_.param("T")
            if self._follow is Follow.SHARED and item is not None:
                yield item
            return
        if type_.variant_part is not None:
            for variant in type_.variant_part.variants:
                yield variant.member.type
        for member in type_.members:
            if member.type.size:
                yield member.type

    def _followed(self, name: str) -> bool:
        if name.startswith(_BOX):
            return True
        return self._follow is Follow.SHARED and name.startswith(_REFERENCE)

    def _children(self, value: Value) -> Iterator[Value]:
        """Yield the parts of a value that its edges name."""
        type_ = value.type
        name = type_.name
        if self._opaque(name):
            return
        through = self._lens(type_)
        if through is not None:
            target = through.run(value)
            if target is not None:
                yield target
            return
        if type_.kind is Kind.POINTER:
            target = value.deref() if self._followed(name) else None
            if target is not None:
                yield target
            return
        if type_.member("vtable") is not None and type_.member("pointer") is not None:
            if self._followed(name):
                yield from self._dynamic(value)
            return
        sequence = None
        if type_.member("data_ptr") is None or self._followed(name):
            sequence = elements(value)
        elif type_.member("length") is not None:
            return
        if sequence is not None:
            for index in range(min(sequence.count, MAX_ELEMENTS)):
                yield sequence.element(index)
            return
        if name.startswith(_ARC):
            if self._follow is Follow.SHARED:
                yield from self._shared(value)
            return
        if type_.variant_part is not None:
            yield value.payload(value.variant())
        for member in type_.members:
            if (member.type.size and self.promising(member.type)) or self._wanted(member.type.name):
                yield value.of(member)

    def _dynamic(self, value: Value) -> Iterator[Value]:
        pointer, vtable = value.member("pointer"), value.member("vtable")
        if pointer is None or vtable is None:
            return
        concrete = self._program.vtable_type(vtable.pointer())
        address = pointer.pointer()
        if concrete is not None and address:
            yield value.at(address, concrete)

    @staticmethod
    def _shared(value: Value) -> Iterator[Value]:
        """Follow ``Arc.ptr.pointer`` to the ``ArcInner`` and its ``data`` (``value`` for Rc)."""
        current: Value | None = value
        for name in ("ptr", "pointer"):
            current = current.member(name) if current is not None else None
        inner = current.deref() if current is not None else None
        if inner is None:
            return
        data = inner.member("data") or inner.member("value")
        if data is not None:
            yield data
