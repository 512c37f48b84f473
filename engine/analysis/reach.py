"""A typed walk: find values of wanted types inside a value, bounded.

Only types that can lead to a wanted type are entered: that is settled once for each type, and
structures inside structures are laid flat, so a walk over a task's variables touches only the
pointers, enums and sequences of it that lead on.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator

from adp_tui.engine.adp.plan import Plan
from adp_tui.engine.analysis.typegraph import TypeGraph
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Member, Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import is_coroutine_name, kept_members, kept_variants
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.value import Value

__all__ = ["Follow", "Reach"]

MAX_NODES = 3000
"""Pointers, enums and sequences entered in one walk."""
MAX_STOPS = 4096
"""Such parts of one type, those of the structures inside it included."""
MAX_DEPTH = 40
MAX_ELEMENTS = 256

_ARC = ("alloc::sync::Arc<", "alloc::rc::Rc<")
_BOX = "alloc::boxed::Box<"
_SEQUENCES = ("alloc::vec::Vec", "alloc::collections::vec_deque::VecDeque")
_REFERENCE = ("&", "core::pin::Pin<&")
_STD = ("core::", "alloc::", "std::", "&", "*")


@dataclass(frozen=True, slots=True)
class _Stop:
    """A part of a structure that is wanted, or that leads elsewhere at run time."""

    offset: int
    type: Type
    path: str
    """The fields that lead to it, as a person would write them: ``.desk.0``."""


class Follow(enum.Enum):
    """Which pointers a walk follows."""

    OWNED = "owned"
    """Only what the value owns alone: boxes, vectors, arrays."""
    COUNTED = "counted"
    """Arc and Rc as well."""
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
        self._flat: dict[tuple[int, int], tuple[_Stop, ...]] = {}
        self._readers: dict[tuple[int, int], _Reader] = {}

    def find(self, start: Value, limit: int = MAX_NODES) -> Iterator[Value]:
        """Yield each wanted value inside ``start`` once, nearest first (breadth first)."""
        return (found for found, _, _ in self._search(start, limit))

    def homes(self, start: Value, limit: int = MAX_NODES) -> Iterator[tuple[Value, str, Value]]:
        """Yield what ``find`` does, with the object that has it, which is what the last pointer
        led to, and the way to that object.
        """
        for found, way, home in self._search(start, limit):
            steps = list(_steps(way))
            inside = next((n for n, each in enumerate(steps) if each.crosses), len(steps))
            # The step that crosses a pointer also names what is entered behind it.
            path = "".join(each.path for each in reversed(steps[inside + 1 :]))
            yield found, path, home

    def paths(self, start: Value, limit: int = MAX_NODES) -> Iterator[tuple[Value, str, bool]]:
        """Yield what ``find`` does, with the way there (``.desks[2].held``) and whether that goes
        through what others may own as well.
        """
        for found, way, _ in self._search(start, limit):
            steps = list(_steps(way))
            path = "".join(each.path for each in reversed(steps))
            yield found, path, any(each.shared for each in steps)

    def _search(self, start: Value, limit: int) -> Iterator[tuple[Value, _Way, Value]]:
        """Yield what is wanted, the way there, and what the last pointer on it led to."""
        queue: list[tuple[Value, _Way | None, int, Value]] = []
        seen: set[tuple[int, str]] = {(start.address, start.type.name)}
        if self.promising(start.type):
            queue.append((start, None, 0, start))
        for number, (value, above, depth, home) in enumerate(queue):
            if number > limit:
                return
            shared = value.type.name.startswith(_ARC)
            crosses = shared or self._is_pointer(value.type)
            try:
                for each, own in self._reader(value.type)(value):
                    inner = each if crosses else home
                    for child, path in self._parts(each):
                        key = (child.address, child.type.name)
                        if key in seen:
                            continue
                        seen.add(key)
                        way = _Way(own + path, shared, crosses, above)
                        if self._wanted(child.type.name):
                            yield child, way, inner
                        elif depth < MAX_DEPTH:
                            queue.append((child, way, depth + 1, inner))
            except AdpError:
                continue

    def _is_pointer(self, type_: Type) -> bool:
        """Tell whether the reader of a type leads to another object."""
        return type_.kind is Kind.POINTER or _is_fat(type_) or self._lens(type_) is not None

    def _parts(self, value: Value) -> Iterator[tuple[Value, str]]:
        """Yield a value, or the parts of a structure at which a walk stops."""
        type_ = value.type
        if self._wanted(type_.name):
            yield value, ""
        elif not type_.size or not self.promising(type_):
            return
        elif self._is_plain(type_):
            for stop in self._stops(type_):
                yield value.part(stop.offset, stop.type), stop.path
        else:
            yield value, ""

    def _stops(self, type_: Type) -> tuple[_Stop, ...]:
        key = (id(type_.source), type_.offset)
        known = self._flat.get(key)
        if known is None:
            found: list[_Stop] = []
            self._lay_flat(type_, 0, "", 0, found)
            known = self._flat[key] = tuple(found)
        return known

    def _lay_flat(self, type_: Type, base: int, above: str, depth: int, found: list[_Stop]) -> None:
        for member in type_.members:
            inner, offset = member.type, base + member.offset
            path = above + _step(type_, member)
            if len(found) >= MAX_STOPS:
                return
            if self._wanted(inner.name):
                found.append(_Stop(offset, inner, path))
            elif not inner.size or not self.promising(inner):
                continue
            elif self._is_plain(inner) and depth < MAX_DEPTH:
                self._lay_flat(inner, offset, path, depth + 1, found)
            else:
                found.append(_Stop(offset, inner, path))

    def _is_plain(self, type_: Type) -> bool:
        """Tell whether a type is but its members, all of them there at all times."""
        return (
            type_.kind is Kind.STRUCT
            and type_.variant_part is None
            and not type_.name.startswith(_ARC)
            and type_.base_name not in _SEQUENCES
            and type_.member("vtable") is None
            and type_.member("data_ptr") is None
            and not self._opaque(type_.name)
            and self._lens(type_) is None
        )

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
        if _is_fat(type_):
            if self._followed(type_.name):
                yield None
            return
        if type_.member("data_ptr") is not None and type_.member("length") is not None:
            if self._followed(type_.name):
                pointee = type_.member("data_ptr")
                if pointee is not None and pointee.type.target is not None:
                    yield pointee.type.target
            return
        if type_.base_name in _SEQUENCES:
            item = type_.param("T")
            if item is not None:
                yield item
            return
        if type_.name.startswith(_ARC):
            item = type_.param("T")
            if self._follow is not Follow.OWNED and item is not None:
                yield item
            return
        for variant in kept_variants(type_):
            yield variant.member.type
        for member in type_.members:
            if member.type.size:
                yield member.type

    def _followed(self, name: str) -> bool:
        if name.startswith(_BOX):
            return True
        return self._follow is Follow.SHARED and name.startswith(_REFERENCE)

    def _reader(self, type_: Type) -> _Reader:
        """Return what yields the parts of a value of a type that its edges name."""
        key = (id(type_.source), type_.offset)
        known = self._readers.get(key)
        if known is None:
            known = self._readers[key] = self._choose(type_)
        return known

    def _choose(self, type_: Type) -> _Reader:
        name = type_.name
        through = self._lens(type_)
        if self._opaque(name):
            return _nothing
        if through is not None:
            return lambda value: _some(through.run(value))
        if type_.kind is Kind.POINTER:
            return (lambda value: _some(value.deref())) if self._followed(name) else _nothing
        if _is_fat(type_):
            return self._dynamic if self._followed(name) else _nothing
        if type_.member("data_ptr") is not None and type_.member("length") is not None:
            return _elements if self._followed(name) else _nothing
        if type_.kind is Kind.ARRAY or type_.base_name in _SEQUENCES:
            return _elements
        if name.startswith(_ARC):
            return self._shared if self._follow is not Follow.OWNED else _nothing
        if type_.variant_part is not None and is_coroutine_name(name):
            return _coroutine
        return _members

    def _dynamic(self, value: Value) -> Iterator[tuple[Value, str]]:
        pointer, vtable = value.member("pointer"), value.member("vtable")
        if pointer is None or vtable is None:
            return
        concrete = self._program.vtable_type(vtable.pointer())
        address = pointer.pointer()
        if concrete is not None and address:
            yield value.at(address, concrete), ""

    @staticmethod
    def _shared(value: Value) -> Iterator[tuple[Value, str]]:
        """Follow ``Arc.ptr.pointer`` to the ``ArcInner`` and its ``data`` (``value`` for Rc)."""
        current: Value | None = value
        for name in ("ptr", "pointer"):
            current = current.member(name) if current is not None else None
        inner = current.deref() if current is not None else None
        if inner is None:
            return
        data = inner.member("data") or inner.member("value")
        if data is not None:
            yield data, ""


_Reader = Callable[[Value], Iterable[tuple[Value, str]]]
"""Gives the parts of a value, each with the step there."""


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """The last step of a way, and the way to where that begins."""

    path: str
    shared: bool
    crosses: bool
    """Whether it follows a pointer."""
    above: _Way | None


def _steps(way: _Way) -> Iterator[_Way]:
    """Yield the steps of a way, the last one first."""
    step: _Way | None = way
    while step is not None:
        yield step
        step = step.above


def _step(type_: Type, member: Member) -> str:
    """Return a step to a member as a person would write it; the fields of std's types are none."""
    name = member.name
    if type_.name.startswith(_STD):
        return ""
    return f".{name.removeprefix('__')}" if name[2:].isdigit() else f".{name}"


def _is_fat(type_: Type) -> bool:
    """Tell of a pointer to a trait object."""
    return type_.member("vtable") is not None and type_.member("pointer") is not None


def _nothing(_: Value) -> Iterable[tuple[Value, str]]:
    return ()


def _some(value: Value | None) -> Iterable[tuple[Value, str]]:
    return () if value is None else ((value, ""),)


def _members(value: Value) -> Iterator[tuple[Value, str]]:
    if value.type.variant_part is not None:
        yield value.payload(value.variant()), ""
    for member in value.type.members:
        yield value.of(member), _step(value.type, member)


def _coroutine(value: Value) -> Iterator[tuple[Value, str]]:
    """Yield what a coroutine keeps in the state that it is in."""
    variant = value.variant()
    payload = value.payload(variant)
    for member in kept_members(value.type, variant):
        yield payload.of(member), f".{member.name}"


def _elements(value: Value) -> Iterator[tuple[Value, str]]:
    sequence = elements(value)
    if sequence is not None:
        for index in range(min(sequence.count, MAX_ELEMENTS)):
            yield sequence.element(index), f"[{index}]"
