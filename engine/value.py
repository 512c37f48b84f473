"""A typed piece of the target's memory, read only when asked for."""

from __future__ import annotations

from adp_tui.engine.dwarf.types import Kind, Member, Type, Variant
from adp_tui.engine.errors import FaultError, LayoutError
from adp_tui.engine.target import Memory

__all__ = ["MAX_VALUE_SIZE", "Value"]

MAX_VALUE_SIZE = 1 << 20
"""Bytes read for one value at most: DWARF is hostile input, and no Rust value that a
person looks at is larger."""
_LAST = (1 << 64) - 1
"""Addresses wrap as the machine's do: pointers are hostile as well."""


class Value:
    """A value of a type at an address; nothing is read until a method needs it.

    ``data`` holds the bytes of a value that lies in registers or in pieces; such a value
    has no address (``address`` is 0) and its parts are cut from ``data``. A value never changes:
    it is no frozen dataclass as millions are made, and one of those takes four times as long.
    """

    __slots__ = ("address", "data", "memory", "type")

    def __init__(self, memory: Memory, type: Type, address: int, data: bytes | None = None) -> None:
        self.memory = memory
        self.type = type
        self.address = address
        self.data = data

    def __repr__(self) -> str:
        return f"<Value {self.type.name!r} at {self.address:#x}>"

    def read(self, size: int | None = None) -> bytes:
        """Return the value's bytes (``size`` of them, from its start).

        Raises:
            FaultError: they cannot be read.
            LayoutError: the size is not plausible.
        """
        wanted = self.type.size if size is None else size
        if not 0 <= wanted <= MAX_VALUE_SIZE:
            raise LayoutError(f"{self.type.name} claims to have {wanted} bytes")
        if self.data is None:
            return self.memory.read(self.address, wanted)
        if len(self.data) < wanted:
            raise FaultError(self.address, wanted, "only a part of the value has a location")
        return self.data[:wanted]

    def unsigned(self, size: int | None = None) -> int:
        """Return the first bytes as an unsigned little-endian number (at most 16 bytes)."""
        wanted = self.type.size if size is None else size
        if wanted > 16:
            raise LayoutError(f"{self.type.name} is no number: {wanted} bytes")
        return int.from_bytes(self.read(wanted), "little")

    def part(self, offset: int, type_: Type) -> Value:
        """Return the value of ``type_`` that stands ``offset`` bytes into this one."""
        if self.data is None:
            return Value(self.memory, type_, (self.address + offset) & _LAST)
        return Value(self.memory, type_, 0, self.data[offset : offset + type_.size])

    def at(self, address: int, type_: Type) -> Value:
        """Return the value of ``type_`` at ``address`` in the same memory."""
        return Value(self.memory, type_, address & _LAST)

    def member(self, name: str) -> Value | None:
        """Return the field ``name`` (``0`` is ``__0``), or None where the type has none."""
        found = self.type.member(name)
        return None if found is None else self.of(found)

    def of(self, member: Member) -> Value:
        """Return the value of one of this type's members."""
        return self.part(member.offset, member.type)

    def pointer(self) -> int:
        """Return the address that this thin pointer holds."""
        return self.unsigned(8)

    def deref(self) -> Value | None:
        """Follow a thin pointer; None for a null pointer.

        Raises:
            LayoutError: the type is no pointer, or DWARF does not say to what.
        """
        target = self.type.target
        if self.type.kind is not Kind.POINTER or target is None:
            raise LayoutError(f"{self.type.name or 'a nameless type'} is no pointer to a type")
        address = self.pointer()
        return self.at(address, target) if address else None

    def variant(self) -> Variant:
        """Return the active variant of an enum or coroutine.

        Raises:
            LayoutError: the type has no variants, or the discriminant fits none of them.
        """
        part = self.type.variant_part
        if part is None or not part.variants:
            raise LayoutError(f"{self.type.name} has no variants")
        if part.discriminant is None:
            return part.variants[0]
        value = self.of(part.discriminant).unsigned()
        default = None
        for variant in part.variants:
            if variant.value == value:
                return variant
            if variant.value is None:
                default = variant
        if default is None:
            raise LayoutError(f"{self.type.name}: no variant has the discriminant {value}")
        return default

    def payload(self, variant: Variant) -> Value:
        """Return the payload of ``variant``, whether it is the active one or not."""
        return self.of(variant.member)
