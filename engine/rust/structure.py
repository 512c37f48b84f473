"""Looks at values by structure alone: numbers, structures, tuples, enums, coroutines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from adp_tui.engine.dwarf.types import Kind, Member, Place, Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.containers import sequence
from adp_tui.engine.rust.coroutine import Coroutines, State, is_coroutine_name, live_variables
from adp_tui.engine.rust.looks import (
    Broken,
    Group,
    Leaf,
    Look,
    Row,
    Through,
    last_segment,
    no_rows,
)
from adp_tui.engine.rust.names import plain_path
from adp_tui.engine.rust.pointers import fat_pointer, pointer
from adp_tui.engine.rust.scalars import MAX_TEXT_BYTES, quote, scalar
from adp_tui.engine.rust.strings import text_span
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["raw_parts", "structural"]

_CLOSURE = re.compile(r"\{closure_env#\d+\}(?:<.*>)?$", re.S)
_TUPLE_FIELD = re.compile(r"__\d+$")
_LIBRARY = ("core::", "alloc::", "std::")
_KINDS = {"async_fn": "async fn", "async_block": "async block", "async_closure": "async closure"}
_STATES = {"unresumed": "not started", "returned": "returned", "panicked": "panicked"}


def structural(program: Program, value: Value) -> Look:
    """Look at a value by its kind.

    Raises:
        AdpError: it cannot be read, or its bytes are no value of its type.
    """
    kind = value.type.kind
    if kind is Kind.BASE:
        return Leaf(scalar(value))
    if kind is Kind.POINTER:
        return pointer(program, value)
    if kind is Kind.STRUCT:
        return _structure(program, value)
    if kind is Kind.ENUM:
        return _coroutine(program, value) or _enum(value)
    if kind is Kind.C_ENUM:
        return Leaf(_c_enum(value))
    if kind is Kind.ARRAY:
        return text(value) or sequence(value) or Broken("an array without an element type")
    if kind is Kind.UNION:
        return Leaf(f"union {last_segment(value.type.name)}", members(value), expandable=True)
    raise LayoutError(f"the debug information does not say what {value.type.name or 'it'} is")


def raw_parts(value: Value) -> Look | None:
    """Look at the bare fields of a structure, whatever it means; None for another type."""
    if value.type.kind is not Kind.STRUCT:
        return None
    return _fields(value, last_segment(value.type.name))


def text(value: Value) -> Leaf | None:
    """Look at a text; None for another type."""
    span = text_span(value)
    if span is None:
        return None
    address, length = span
    data = value.memory.read(address, min(length, MAX_TEXT_BYTES)) if length else b""
    return Leaf(quote(data, length))


class members:
    """Rows of a structure's fields."""

    def __init__(self, value: Value) -> None:
        self._value = value

    def __call__(self, limit: int) -> Sequence[Row]:
        value = self._value
        return [Row(_field_name(m), value.of(m)) for m in value.type.members[:limit]]


def _field_name(member: Member) -> str:
    return clean(member.name[2:] if _TUPLE_FIELD.match(member.name) else member.name, 100)


def _structure(program: Program, value: Value) -> Look:
    name = value.type.name
    shown = text(value)
    if shown is not None:
        return shown
    fat = fat_pointer(program, value)
    if fat is not None:
        return fat
    if value.type.member("data_ptr") is not None:
        items = sequence(value)
        if items is not None:
            return items
    if _CLOSURE.search(name):
        return _fields(value, f"closure {plain_path(name)}")
    same = _same_inside(value)
    if same is not None:
        return Through(same)
    wrapped = _only_member(value.type)
    if wrapped is not None and name.startswith(_LIBRARY):
        return Through(value.of(wrapped), before=f"{last_segment(name)} ")
    return _fields(value, last_segment(name))


def _same_inside(value: Value) -> Value | None:
    """Return the value in a structure that only wraps one of its own name.

    Runtimes wrap std's types so: ``AtomicUsize { inner: UnsafeCell<AtomicUsize> }``.
    """
    name = last_segment(value.type.name)
    for _ in range(2):
        sized = [m for m in value.type.members if m.type.size]
        if len(sized) != 1 or sized[0].type.kind is not Kind.STRUCT:
            return None
        value = value.of(sized[0])
        if last_segment(value.type.name) == name:
            return value
        if value.type.base_name != "core::cell::UnsafeCell":
            return None
    return None


def _only_member(type_: Type) -> Member | None:
    """Return the one named field that has a size, of a structure that has only one."""
    sized = [m for m in type_.members if m.type.size]
    if len(sized) != 1 or _TUPLE_FIELD.match(sized[0].name):
        return None
    return sized[0]


def _fields(value: Value, name: str) -> Look:
    """Look at the fields of a structure, or of the payload of a variant."""
    all_members = value.type.members
    if not all_members:
        return Leaf(name or "()")
    named = not _TUPLE_FIELD.match(all_members[0].name)
    return Group(name, "{}" if named else "()", len(all_members), members(value), named)


def _enum(value: Value) -> Look:
    part = value.type.variant_part
    if part is None or not part.variants:
        return Leaf(last_segment(value.type.name))
    variant = value.variant()
    return _fields(value.payload(variant), clean(variant.name, 100))


def _c_enum(value: Value) -> str:
    size = value.type.size
    raw = value.unsigned()
    names = value.type.enumerators
    found = names.get(raw)
    if found is None:
        # DWARF has the numbers of a signed enum with their signs.
        found = names.get(raw - (1 << 8 * size))
    if found is None:
        raise LayoutError(f"{value.type.name}: no variant has the discriminant {raw}")
    return clean(found, 100)


@lru_cache(maxsize=2)
def _coroutines(program: Program) -> Coroutines:
    """Keep the layouts of a program's coroutines: they are read from its functions."""
    return Coroutines(program)


def _coroutine(program: Program, value: Value) -> Look | None:
    """Look at what an async function or block has come to; None for another enum."""
    if not is_coroutine_name(value.type.name):
        return None
    layout = _coroutines(program).layout(value.type)
    if layout is None:
        return None
    state = layout.state(value)
    name = f"{_KINDS.get(layout.kind, layout.kind)} {layout.function}"
    if state is None:
        raise LayoutError(f"{name}: its state is none that it has")
    if state.name != "suspended":
        rows = _live(value, state) if state.name == "unresumed" else no_rows
        return Leaf(f"{name} {_STATES.get(state.name, state.name)}", rows, expandable=bool(rows(1)))
    return Leaf(f"{name} suspended at {_at(state.place)}", _live(value, state), expandable=True)


def _at(place: Place | None) -> str:
    if place is None:
        return "a place that the debug information does not tell"
    return f"{PurePosixPath(place.file).name}:{place.line}"


class _live:
    """Rows of a coroutine: its live variables, then what it awaits."""

    def __init__(self, value: Value, state: State) -> None:
        self._value = value
        self._state = state

    def __call__(self, limit: int) -> Sequence[Row]:
        payload = self._value.of(self._state.variant.member)
        rows = [Row(clean(n, 100), v, p) for n, v, p in live_variables(payload)]
        awaitee = self._state.awaitee
        if awaitee is not None:
            rows.append(Row("(awaits)", payload.of(awaitee)))
        return rows[:limit]
