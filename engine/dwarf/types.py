"""Types as DWARF describes them, read lazily.

A ``Type`` knows its kind, name and size at once; its members, variants and parameters
are read from the debug information when first asked for. Types are interned: one
``Type`` object for one DIE. The same Rust type stands in many compile units; two such
copies are different objects with equal names.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Protocol

from adp_tui.engine.dataclass import dataclass

__all__ = [
    "Body",
    "Kind",
    "Member",
    "Place",
    "Type",
    "TypeSource",
    "Variant",
    "VariantPart",
]


class Kind(enum.Enum):
    """What sort of type a DIE describes."""

    STRUCT = "struct"
    UNION = "union"
    ENUM = "enum"
    """A structure with a variant part: a Rust enum with data, or a coroutine."""
    C_ENUM = "c_enum"
    """A DW_TAG_enumeration_type: an enum without data, or a discriminant."""
    BASE = "base"
    POINTER = "pointer"
    ARRAY = "array"
    FUNCTION = "function"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in source text. ``file`` is as DWARF has it, ``dir`` the compilation directory."""

    file: str
    dir: str
    line: int
    column: int | None = None


class Member:
    """A named part of a structure at ``offset`` bytes (``__0`` for tuple fields).

    It never changes. It is no frozen dataclass, and nor are variants and bodies: there are tens of
    thousands, and one of those takes several times as long, above all where this is compiled.
    """

    __slots__ = ("name", "offset", "place", "source", "type_offset")

    def __init__(
        self,
        name: str,
        offset: int,
        type_offset: int,
        source: TypeSource,
        place: Place | None = None,
    ) -> None:
        self.name = name
        self.offset = offset
        self.type_offset = type_offset
        self.source = source
        self.place = place

    def __repr__(self) -> str:
        return f"<Member {self.name!r} at {self.offset} of the type at {self.type_offset:#x}>"

    @property
    def type(self) -> Type:
        """The member's type."""
        return self.source.type_at(self.type_offset)


class Variant:
    """One variant: ``value`` is the discriminant, None for the default (niche) variant.

    ``name`` is the variant's Rust name (``Some``; ``Unresumed``, ``Suspend0`` of a coroutine).
    ``member`` holds the payload; of a coroutine's SuspendN its ``place`` is the await point.
    """

    __slots__ = ("member", "name", "value")

    def __init__(self, value: int | None, name: str, member: Member) -> None:
        self.value = value
        self.name = name
        self.member = member

    def __repr__(self) -> str:
        return f"<Variant {self.name!r} of value {self.value}>"


@dataclass(frozen=True, slots=True)
class VariantPart:
    """How a value says which of its variants it is.

    ``discriminant`` is None for an enum with a single variant. Values are masked to the
    discriminant's size, as unsigned numbers.
    """

    discriminant: Member | None
    variants: tuple[Variant, ...]


class Body:
    """The parts of a type that are read on demand.

    Attributes:
        members: fields of a structure or union.
        variant_part: of an enum or coroutine.
        params: template parameters by name: offsets of their types.
        enumerators: names of an enumeration's values.
        count: number of elements of an array.
    """

    __slots__ = ("count", "enumerators", "members", "params", "variant_part")

    def __init__(
        self,
        members: tuple[Member, ...] = (),
        variant_part: VariantPart | None = None,
        params: Mapping[str, int] | None = None,
        enumerators: Mapping[int, str] | None = None,
        count: int | None = None,
    ) -> None:
        self.members = members
        self.variant_part = variant_part
        self.params = params
        self.enumerators = enumerators
        self.count = count


class TypeSource(Protocol):
    """Where types come from: the debug information of one file."""

    def type_at(self, offset: int) -> Type:
        """Return the type whose DIE stands at ``offset`` (0 is the unit type ``()``)."""
        ...

    def body_of(self, type_: Type) -> Body:
        """Read the parts of a type that are not read at once."""
        ...


class Type:
    """A type. Compare with ``is``; compare copies from several units by ``name``.

    Attributes:
        kind: what sort of type it is.
        name: the full Rust path with generic arguments, as DWARF spells it:
            ``tokio::sync::mutex::Mutex<u32>``, ``bank::top::{async_fn_env#0}``,
            ``&mut u32``; empty for a nameless type.
        size: in bytes.
        offset: of its DIE in the source's ``.debug_info``.
        target_offset: DIE offset of the pointee, element, or underlying type, or None.
        encoding: DW_ATE_* of a base type, or None.
        containing_offset: of a ``{vtable_type}``: DIE offset of the concrete type, or None.
        align: in bytes, where DWARF says it.
        place: where the type was declared, or None.
    """

    __slots__ = (
        "_body",
        "align",
        "containing_offset",
        "encoding",
        "kind",
        "name",
        "offset",
        "place",
        "size",
        "source",
        "target_offset",
    )

    def __init__(
        self,
        source: TypeSource,
        offset: int,
        kind: Kind,
        name: str,
        size: int,
        *,
        target_offset: int | None = None,
        encoding: int | None = None,
        containing_offset: int | None = None,
        align: int | None = None,
        place: Place | None = None,
        body: Body | None = None,
    ) -> None:
        self.source = source
        self.offset = offset
        self.kind = kind
        self.name = name
        self.size = size
        self.target_offset = target_offset
        self.encoding = encoding
        self.containing_offset = containing_offset
        self.align = align
        self.place = place
        self._body = body

    def __repr__(self) -> str:
        return f"<Type {self.kind.value} {self.name!r} {self.size} bytes at {self.offset:#x}>"

    @property
    def body(self) -> Body:
        """The parts that are read on demand."""
        if self._body is None:
            self._body = self.source.body_of(self)
        return self._body

    @property
    def members(self) -> tuple[Member, ...]:
        """Fields of a structure or union, in the order of DWARF."""
        return self.body.members

    @property
    def variant_part(self) -> VariantPart | None:
        """The variants of an enum or coroutine."""
        return self.body.variant_part

    @property
    def count(self) -> int | None:
        """Number of elements of an array."""
        return self.body.count

    @property
    def enumerators(self) -> Mapping[int, str]:
        """Names of the values of an enumeration type, which are unsigned numbers of its size."""
        return self.body.enumerators or {}

    @property
    def target(self) -> Type | None:
        """The pointee, element, or underlying type."""
        return None if self.target_offset is None else self.source.type_at(self.target_offset)

    @property
    def containing(self) -> Type | None:
        """Of a ``{vtable_type}``: the concrete type that the vtable belongs to."""
        if self.containing_offset is None:
            return None
        return self.source.type_at(self.containing_offset)

    def param(self, name: str) -> Type | None:
        """Return the template parameter ``name`` (``T``), or None."""
        offset = (self.body.params or {}).get(name)
        return None if offset is None else self.source.type_at(offset)

    def member(self, name: str) -> Member | None:
        """Return the field ``name``; a number names a tuple field (``0`` is ``__0``)."""
        wanted = f"__{name}" if name.isdigit() else name
        for member in self.members:
            if member.name == wanted:
                return member
        return None

    @property
    def base_name(self) -> str:
        """The name without generic arguments: ``alloc::vec::Vec``."""
        cut = self.name.find("<")
        return self.name if cut <= 0 else self.name[:cut]
