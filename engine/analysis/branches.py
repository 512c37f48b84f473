"""Which futures a combinator polls, found by structure: no list of crates is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from adp_tui.engine.analysis.typegraph import TypeGraph
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.dynamic import is_fat
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.value import Value

__all__ = ["BranchFinder", "Children"]

MAX_DEPTH = 16
"""Steps of a member, a variant or a pointer: a layer of tower is three to five of them."""
MAX_POINTERS = 3
"""``&mut &mut (A, B)`` is what select! captures."""
MAX_ELEMENTS = 4096
MAX_VISITS = 20_000

_OPAQUE = (
    "alloc::sync::Arc", "alloc::sync::Weak", "alloc::rc::Rc", "alloc::string::String",
    "core::task::wake::Waker", "core::task::wake::Context", "std::sync::",
)  # fmt: skip
_PRINCIPAL = re.compile(r"dyn (?:for<[^>]*> ?)?([\w:]+)(?:<(Output=)?)?")
_OF_MACROS = ("_ref__futures", "futures")
"""What the closures of select! and join! capture: a tuple of futures, all polled."""
_FOLLOWED = ("&mut ", "alloc::boxed::Box<", "&")


class Futures(Protocol):
    """What tells a future by its type's name."""

    def is_future(self, type_name: str) -> bool:
        """Tell whether a type is a future."""
        ...


@dataclass(frozen=True, slots=True)
class Children:
    """Label, state and value of each future; ``always``: branches even where there is one.

    ``combinator`` says what they are to the future that polls them, where that can be told.
    """

    items: tuple[tuple[str, str | None, Value], ...]
    always: bool = False
    combinator: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    path: tuple[str, ...]
    value: Value
    state: str | None
    joined: bool = False
    """Whether its output is kept until the others have ended."""


class BranchFinder:
    """Searches a combinator's members for futures; what types can hold is remembered."""

    def __init__(self, program: Program, rules: Futures) -> None:
        self._program = program
        self._rules = rules
        self._graph = TypeGraph(self._is_wanted, self._edges)
        self._visits = 0

    def find(self, value: Value) -> Children:
        """Return the futures inside a combinator, in the order of its fields."""
        self._visits = 0
        seen: set[tuple[int, str]] = set()
        found = []
        for item in self._search(value, (), 0):
            key = (item.value.address, item.value.type.name)
            if key not in seen:
                seen.add(key)
                found.append(item)
        mask = _disabled_mask(value)
        items = []
        for item in found:
            numbers = [part for part in item.path if part.isdigit()]
            label = ".".join(numbers) if numbers else (item.path[-1] if item.path else "")
            state = item.state
            if mask is not None and len(numbers) == 1 and mask >> int(numbers[0]) & 1:
                state = "disabled"
            items.append((label, state, item.value))
        always = any(any(part.isdigit() for part in item.path) for item in found)
        joined = bool(found) and all(item.joined for item in found)
        combinator = "join" if joined else "select" if mask is not None else None
        return Children(tuple(items), always, combinator)

    def _search(self, value: Value, path: tuple[str, ...], depth: int) -> Iterator[_Found]:
        self._visits += 1
        if depth > MAX_DEPTH or self._visits > MAX_VISITS:
            return
        type_ = value.type
        if depth and is_fat(value):
            if is_future_object(type_.name):
                yield _Found(path, value, None)
            return
        if _is_maybe_done(type_):
            yield from self._maybe_done(value, path)
            return
        if depth and self._rules.is_future(type_.name):
            yield _Found(path, value, None)
            return
        if type_.kind is Kind.POINTER:
            yield from self._pointer(value, path, depth)
            return
        if type_.name.startswith(_OPAQUE):
            return
        try:
            sequence = elements(value)
        except AdpError:
            return
        if sequence is not None:
            if not self._may_hold(sequence.type):
                return
            for index in range(min(sequence.count, MAX_ELEMENTS)):
                yield from self._search(sequence.element(index), (*path, str(index)), depth + 1)
            return
        yield from self._members(value, path, depth)

    def _members(self, value: Value, path: tuple[str, ...], depth: int) -> Iterator[_Found]:
        type_ = value.type
        if type_.variant_part is not None:
            try:
                variant = value.variant()
            except AdpError:
                return
            if self._may_hold(variant.member.type):
                yield from self._search(value.payload(variant), path, depth + 1)
            return
        members = [m for m in type_.members if self._may_hold(m.type)]
        # ``(PhantomData<T>, F)`` is no pair of branches.
        tuple_type = type_.name.startswith("(") and len(members) > 1
        for member in members:
            if member.name in _OF_MACROS and "{closure_env#" in type_.name:
                futures = _tuple_behind(value.of(member))
                if futures is not None:
                    yield from self._each(futures, depth)
                    continue
            name = member.name
            if name.startswith("__") and name[2:].isdigit():
                step = (name[2:],) if tuple_type else ()
            else:
                step = (name,)
            yield from self._search(value.of(member), (*path, *step), depth + 1)

    def _each(self, futures: Value, depth: int) -> Iterator[_Found]:
        """Yield every member of a macro's tuple: a future, recognised or not."""
        for index, member in enumerate(futures.type.members):
            found = False
            for item in self._search(futures.of(member), (str(index),), depth + 1):
                found = True
                yield item
            if not found:
                yield _Found((str(index),), futures.of(member), None)

    def _pointer(self, value: Value, path: tuple[str, ...], depth: int) -> Iterator[_Found]:
        """Follow a box, or the ``&mut`` of a capture, to a future or a tuple of them."""
        current: Value | None = value
        for _ in range(MAX_POINTERS):
            if current is None or current.type.kind is not Kind.POINTER:
                break
            if not current.type.name.startswith(_FOLLOWED):
                return
            try:
                current = current.deref()
            except AdpError:
                return
        if current is not None and current.type.kind is not Kind.POINTER:
            yield from self._search(current, path, depth + 1)

    @staticmethod
    def _maybe_done(value: Value, path: tuple[str, ...]) -> Iterator[_Found]:
        """``MaybeDone``: the future itself while it is polled, then its output."""
        try:
            variant = value.variant()
        except AdpError:
            return
        payload = value.payload(variant)
        # Its only field: ``0`` in futures-util, ``future`` in tokio.
        fields = payload.type.members
        inner = payload.of(fields[0]) if len(fields) == 1 else payload
        # That of try_join! ends with the first error.
        joined = not value.type.base_name.endswith("TryMaybeDone")
        yield _Found(path, inner, None if variant.name == "Future" else "done", joined)

    def _may_hold(self, type_: Type) -> bool:
        """Tell whether a value of this type can lead to a future; types only are looked at."""
        return self._is_wanted(type_) or self._graph.leads(type_)

    def _is_wanted(self, type_: Type) -> bool:
        if type_.kind in (Kind.BASE, Kind.C_ENUM, Kind.FUNCTION):
            return False
        if _is_trait_object(type_):
            return is_future_object(type_.name)
        return _is_maybe_done(type_) or self._rules.is_future(type_.name)

    @staticmethod
    def _edges(type_: Type) -> Iterator[Type]:
        """Yield the types of what a search of a value goes to."""
        name = type_.name
        if type_.kind in (Kind.BASE, Kind.C_ENUM, Kind.FUNCTION) or _is_trait_object(type_):
            return
        if type_.kind is Kind.POINTER:
            if name.startswith(_FOLLOWED) and type_.target is not None:
                yield type_.target
            return
        if name.startswith(_OPAQUE) or not type_.size:
            return
        item: Type | None = None
        if type_.kind is Kind.ARRAY:
            item = type_.target
        elif type_.base_name in ("alloc::vec::Vec", "alloc::collections::vec_deque::VecDeque"):
            item = type_.param("T")
        elif (data := type_.member("data_ptr")) is not None and type_.member("length") is not None:
            item = data.type.target
        else:
            if type_.variant_part is not None:
                yield from (variant.member.type for variant in type_.variant_part.variants)
            yield from (member.type for member in type_.members)
        if item is not None:
            yield item


def is_future_object(name: str) -> bool:
    """Tell whether a pointer to a trait object is one to a future, by what the trait is.

    A trait that is a future's, too, names its output (``dyn Sleep<Output=()>``); one that only
    makes futures has them among its arguments (``dyn Service<R, Future=Pin<Box<dyn Future…>>>``).
    """
    found = _PRINCIPAL.search(name)
    if found is None:
        return False
    trait = found[1]
    if trait == "core::future::future::Future":
        return True
    return not trait.startswith("core::ops::") and found[2] == "Output="


def _is_trait_object(type_: Type) -> bool:
    return type_.member("vtable") is not None and type_.member("pointer") is not None


def _tuple_behind(value: Value) -> Value | None:
    """Return the tuple that a value is, or that a chain of references leads to."""
    current: Value | None = value
    try:
        for _ in range(MAX_POINTERS):
            if current is None or current.type.kind is not Kind.POINTER:
                break
            current = current.deref()
    except AdpError:
        return None
    return current if current is not None and current.type.name.startswith("(") else None


def _is_maybe_done(type_: Type) -> bool:
    """Recognise ``MaybeDone`` of any crate by its variants."""
    if type_.kind is not Kind.ENUM or "MaybeDone" not in type_.name:
        return False
    part = type_.variant_part
    return part is not None and {v.name for v in part.variants} >= {"Future", "Done", "Gone"}


def _disabled_mask(value: Value) -> int | None:
    """Read the mask of finished or disabled arms that select!'s closure captures."""
    closure = value
    for _ in range(3):
        for member in closure.type.members:
            if member.name in ("_ref__disabled", "disabled"):
                current: Value | None = closure.of(member)
                try:
                    for _ in range(MAX_POINTERS):
                        if current is None or current.type.kind is not Kind.POINTER:
                            break
                        current = current.deref()
                    if current is not None and current.type.kind is Kind.BASE:
                        return current.unsigned()
                except AdpError:
                    return None
        inner = [m for m in closure.type.members if m.type.size]
        if len(inner) != 1:
            return None
        closure = closure.of(inner[0])
    return None
