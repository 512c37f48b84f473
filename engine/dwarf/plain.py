"""Types, functions and places as tuples of numbers and texts: what a cache can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adp_tui.engine.dwarf.functions import Function
from adp_tui.engine.dwarf.types import (
    Body,
    Kind,
    Member,
    Place,
    Type,
    TypeSource,
    Variant,
    VariantPart,
)

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.info import DebugInfo

__all__ = [
    "body_from",
    "function_from",
    "place_from",
    "plain_body",
    "plain_function",
    "plain_place",
    "plain_type",
    "type_from",
]

_KINDS = {kind.value: kind for kind in Kind}


def plain_place(place: Place | None) -> Any:
    """Return a place's parts."""
    return None if place is None else (place.file, place.dir, place.line, place.column)


def place_from(plain: Any) -> Place | None:
    """Return the place with these parts."""
    return None if plain is None else Place(*plain)


def plain_type(type_: Type) -> Any:
    """Return a type's parts, its body left out."""
    return (
        type_.offset, type_.kind.value, type_.name, type_.size, type_.target_offset,
        type_.encoding, type_.containing_offset, type_.align, plain_place(type_.place),
    )  # fmt: skip


def type_from(source: TypeSource, plain: Any) -> Type:
    """Return the type with these parts."""
    offset, kind, name, size, target, encoding, containing, align, place = plain
    return Type(
        source, offset, _KINDS[kind], name, size, target_offset=target, encoding=encoding,
        containing_offset=containing, align=align, place=place_from(place),
    )  # fmt: skip


def _plain_member(member: Member) -> Any:
    return (member.name, member.offset, member.type_offset, plain_place(member.place))


def _member_from(source: TypeSource, plain: Any) -> Member:
    name, offset, type_offset, place = plain
    return Member(name, offset, type_offset, source, place_from(place))


def plain_body(body: Body) -> Any:
    """Return the parts of a type's body."""
    part = body.variant_part
    variants = None
    if part is not None:
        variants = (
            None if part.discriminant is None else _plain_member(part.discriminant),
            tuple((v.value, v.name, _plain_member(v.member)) for v in part.variants),
        )
    return (
        tuple(map(_plain_member, body.members)), variants, dict(body.params or {}),
        dict(body.enumerators or {}), body.count,
    )  # fmt: skip


def body_from(source: TypeSource, plain: Any) -> Body:
    """Return the body with these parts."""
    members, variants, params, enumerators, count = plain
    part = None
    if variants is not None:
        discriminant = None if variants[0] is None else _member_from(source, variants[0])
        part = VariantPart(
            discriminant,
            tuple(
                Variant(v, name, _member_from(source, member)) for v, name, member in variants[1]
            ),
        )
    return Body(
        tuple(_member_from(source, member) for member in members), part, params, enumerators, count
    )


def plain_function(function: Function | None) -> Any:
    """Return a function's parts."""
    if function is None:
        return None
    return (
        function.offset, function.name, function.linkage_name, function.low, function.size,
        dict(function.params), plain_place(function.place),
    )  # fmt: skip


def function_from(source: DebugInfo, plain: Any) -> Function | None:
    """Return the function with these parts."""
    if plain is None:
        return None
    offset, name, linkage_name, low, size, params, place = plain
    return Function(source, offset, name, linkage_name, low, size, params, place_from(place))
