"""Trait objects: from a fat pointer to the value of its concrete type."""

from __future__ import annotations

from adp_tui.engine.errors import LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["concrete", "is_fat"]


def is_fat(value: Value) -> bool:
    """Tell whether a value is a pointer to a trait object."""
    type_ = value.type
    return type_.member("vtable") is not None and type_.member("pointer") is not None


def concrete(program: Program, value: Value) -> Value | None:
    """Return what a fat pointer points to, as its concrete type; None for a null pointer.

    Raises:
        LayoutError: the type behind the vtable is not known.
        FaultError: the pointer cannot be read.
    """
    pointer, vtable = value.member("pointer"), value.member("vtable")
    if pointer is None or vtable is None:
        raise LayoutError(f"{value.type.name} is no pointer to a trait object")
    table, address = vtable.unsigned(8), pointer.unsigned(8)
    if not address or not table:
        return None
    type_ = program.vtable_type(table)
    if type_ is None:
        raise LayoutError(
            f"the type behind the vtable at {table:#x} is not in the debug information"
        )
    return value.at(address, type_)
