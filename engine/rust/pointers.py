"""Looks at pointers: references, boxes, raw and fat pointers, functions, trait objects."""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.dynamic import concrete, is_fat
from adp_tui.engine.rust.looks import Leaf, Look, Row, Through, array_of
from adp_tui.engine.rust.names import function_name, short_type
from adp_tui.engine.value import Value

__all__ = ["behind_fat", "fat_pointer", "function_text", "pointer"]

_ALIGN_SLOT = 16
"""Where a vtable has the alignment of its type, after drop and size."""
MAX_ALIGN = 1 << 29
"""The largest alignment that Rust allows."""
_SEEN_THROUGH = ("&", "alloc::boxed::Box<")


def pointer(program: Program, value: Value) -> Look:
    """Look at a thin pointer: a reference is seen through, a raw pointer is not followed."""
    target = value.type.target
    address = value.pointer()
    if target is not None and target.kind is Kind.FUNCTION:
        return Leaf(function_text(program, address))
    if target is not None and value.type.name.startswith(_SEEN_THROUGH):
        if not address:
            raise LayoutError(f"a null {short_type(value.type.name)}")
        return Through(value.at(address, target))
    if not address:
        return Leaf("null")
    return _raw(f"{address:#x}", value, address, target)


def _raw(text: str, value: Value, address: int, target: Type | None) -> Leaf:
    if target is None or not target.size:
        return Leaf(text)
    inside = value.at(address, target)

    def rows(_limit: int) -> Sequence[Row]:
        return (Row("*", inside),)

    return Leaf(text, rows, expandable=True)


def function_text(program: Program, address: int) -> str:
    """Name the function that a pointer points to."""
    if not address:
        return "null"
    function = program.function_at(address)
    if function is not None:
        return f"fn {function_name(function.linkage_name, function.name)}"
    symbol = program.symbol_at(address)
    if symbol is not None and symbol.address == address:
        return f"fn {function_name(symbol.name)}"
    return f"fn at {address:#x}"


def fat_pointer(program: Program, value: Value) -> Look | None:
    """Look at a pointer with a length or a vtable; None for another type."""
    type_ = value.type
    if is_fat(value):
        if type_.name.startswith("*"):
            data = value.member("pointer")
            return Leaf(f"{data.pointer():#x}" if data is not None else "?")
        inside = concrete(program, value)
        if inside is None:
            raise LayoutError(f"a null {short_type(type_.name)}")
        return Through(inside, before=_typed(inside.type))
    data, length = value.member("data_ptr"), value.member("length")
    if data is None or length is None or not type_.name.startswith("*"):
        return None
    return _raw_slice(value, data, length)


def _raw_slice(value: Value, data: Value, length: Value) -> Leaf:
    count = length.unsigned(8)
    element = data.type.target
    text = f"{data.pointer():#x} ({count} elements)"
    if element is None or not data.pointer():
        return Leaf(text)
    inside = value.at(data.pointer(), array_of(element, f"[{element.name}]", count))

    def rows(_limit: int) -> Sequence[Row]:
        return (Row("*", inside),)

    return Leaf(text, rows, expandable=True)


def _typed(type_: Type) -> str:
    """Return what names a type whose values don't name it themselves."""
    named = type_.kind in (Kind.STRUCT, Kind.ENUM, Kind.UNION) and not type_.name.startswith("(")
    return "" if named else f"{short_type(type_.name)} "


def behind_fat(program: Program, value: Value, header: Value, data: Value) -> Value:
    """Return the unsized data that stands behind a header (an ``ArcInner<dyn T>``).

    ``value`` is the fat pointer to the header; ``data`` is the header's last field, as DWARF
    places it for a type without alignment.

    Raises:
        LayoutError: the type behind the vtable is not known, or its alignment is absurd.
    """
    length = value.member("length")
    if length is not None:
        element, count = data.type, length.unsigned(8)
        name = "str" if header.type.name.endswith("<str>") else f"[{element.name}]"
        return data.at(data.address, array_of(element, name, count))
    inside = concrete(program, value)
    vtable = value.member("vtable")
    if inside is None or vtable is None:
        raise LayoutError(f"a null {short_type(value.type.name)}")
    raw = value.memory.read(vtable.unsigned(8) + _ALIGN_SLOT, 8)
    align = int.from_bytes(raw, "little")
    if not 0 < align <= MAX_ALIGN or align & (align - 1):
        raise LayoutError(f"a vtable claims an alignment of {align}")
    offset = data.address - header.address
    return inside.at(header.address + ((offset + align - 1) & -align), inside.type)
