"""From DIEs to types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from adp_tui.engine.dwarf.constants import AT, FORM, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.plain import body_from, plain_body, plain_type, type_from
from adp_tui.engine.dwarf.types import Body, Kind, Member, Type, Variant, VariantPart
from adp_tui.engine.errors import NoDebugInfoError

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.info import DebugInfo

__all__ = ["TypeReader"]

_KINDS: Final = {
    TAG.STRUCTURE: Kind.STRUCT,
    TAG.CLASS: Kind.STRUCT,
    TAG.UNION: Kind.UNION,
    TAG.ENUMERATION: Kind.C_ENUM,
    TAG.BASE: Kind.BASE,
    TAG.POINTER: Kind.POINTER,
    TAG.REFERENCE: Kind.POINTER,
    TAG.ARRAY: Kind.ARRAY,
    TAG.SUBROUTINE_TYPE: Kind.FUNCTION,
}
_QUALIFIERS: Final = frozenset({TAG.TYPEDEF, TAG.CONST, TAG.VOLATILE, TAG.RESTRICT, TAG.ATOMIC})
_NAMED: Final = frozenset({TAG.STRUCTURE, TAG.CLASS, TAG.UNION, TAG.ENUMERATION})
MAX_HOPS: Final = 32
MAX_MEMBERS: Final = 65_536
MAX_ELEMENTS: Final = 1 << 40


class TypeReader:
    """Interns the types of one file by the offset of their DIE."""

    def __init__(self, info: DebugInfo) -> None:
        self._info = info
        self._reading: set[int] = set()
        self._known: dict[int, Type] = {0: Type(info, 0, Kind.BASE, "()", 0, body=Body())}
        self._types = info.answers.table("types")
        self._bodies = info.answers.table("bodies")

    def type_at(self, offset: int) -> Type:
        """Return the type at an offset; type aliases and qualifiers are looked through.

        One that cannot be read is nameless, of an unknown kind and without size: whoever asks a
        type for a part of it need not expect an error.
        """
        known = self._known.get(offset)
        if known is None:
            try:
                known = self._recall(offset)
            except NoDebugInfoError:
                known = Type(self._info, offset, Kind.UNKNOWN, "", 0, body=Body())
            self._known[offset] = known
        return known

    def _recall(self, offset: int) -> Type:
        plain = self._types.get(offset)
        if plain is None:
            type_ = self._read(offset)
            self._types[offset] = plain = plain_type(type_)
            if type_.offset not in self._types:
                self._types[type_.offset] = plain
            return self._known.setdefault(type_.offset, type_)
        # An alias or a qualifier is looked through: the type is that of another DIE.
        return type_from(self._info, plain) if plain[0] == offset else self.type_at(plain[0])

    def _read(self, offset: int) -> Type:
        die = self._info.die(offset)
        for _ in range(MAX_HOPS):
            if die.tag not in _QUALIFIERS:
                break
            target = die.reference(AT.TYPE)
            if target is None:
                return self._known[0]
            if target in self._known:
                return self._known[target]
            die = self._info.die(target)
        kind = _KINDS.get(die.tag, Kind.UNKNOWN)
        if kind is Kind.STRUCT and _has_variants(die):
            kind = Kind.ENUM
        name = die.text(AT.NAME) or ""
        if die.tag in _NAMED and name:
            name = self._info.qualified_name(die)
        size = max(die.number(AT.BYTE_SIZE) or 0, 0)
        if kind is Kind.POINTER and not size:
            size = 8
        if kind is Kind.ARRAY and not size:
            size = self._array_size(die)
        return Type(
            self._info,
            die.offset,
            kind,
            name,
            size,
            target_offset=self._target(die, kind),
            encoding=die.number(AT.ENCODING),
            containing_offset=die.reference(AT.CONTAINING_TYPE),
            align=die.number(AT.ALIGNMENT),
            place=self._info.place_of(die),
        )

    def _array_size(self, die: Die) -> int:
        """Multiply an array's counts with the size of its elements: rustc writes no size."""
        target = die.reference(AT.TYPE)
        if target is None or die.offset in self._reading or len(self._reading) > MAX_HOPS:
            return 0
        self._reading.add(die.offset)
        try:
            count = _elements(c for c in die.children() if c.tag == TAG.SUBRANGE)
            return count * self.type_at(target).size
        finally:
            self._reading.discard(die.offset)

    @staticmethod
    def _target(die: Die, kind: Kind) -> int | None:
        target = die.reference(AT.TYPE)
        if target is None and kind is Kind.POINTER:
            return 0
        return target

    def body_of(self, type_: Type) -> Body:
        """Read members, variants, parameters, enumerators and the element count of a type.

        Of a type that is broken in the middle there are none.
        """
        if not type_.offset:
            return Body()
        plain = self._bodies.get(type_.offset)
        if plain is not None:
            return body_from(self._info, plain)
        try:
            body = self._body(type_)
        except NoDebugInfoError:
            return Body()
        self._bodies[type_.offset] = plain_body(body)
        return body

    def _body(self, type_: Type) -> Body:
        die = self._info.die(type_.offset)
        members: list[Member] = []
        params: dict[str, int] = {}
        enumerators: dict[int, str] = {}
        part: VariantPart | None = None
        ranges: list[Die] = []
        mask = (1 << 8 * min(type_.size or 16, 16)) - 1
        for child in die.children():
            tag = child.tag
            if tag == TAG.MEMBER and len(members) < MAX_MEMBERS:
                members.append(self._member(child))
            elif tag == TAG.TEMPLATE_TYPE:
                params[child.text(AT.NAME) or ""] = child.reference(AT.TYPE) or 0
            elif tag == TAG.ENUMERATOR:
                number = (_constant(child, AT.CONST_VALUE) or 0) & mask
                enumerators[number] = child.text(AT.NAME) or ""
            elif tag == TAG.VARIANT_PART:
                part = self._variants(child)
            elif tag == TAG.SUBRANGE:
                ranges.append(child)
        count = _elements(ranges) if type_.kind is Kind.ARRAY else None
        return Body(tuple(members), part, params, enumerators, count)

    def _member(self, die: Die) -> Member:
        place = self._info.place_of(die) if AT.DECL_LINE in die else None
        target = die.reference(AT.TYPE) or 0
        return Member(die.text() or "", _location(die), target, self._info, place)

    def _variants(self, die: Die) -> VariantPart:
        wanted = die.reference(AT.DISCR)
        discriminant: Member | None = None
        variants: list[Variant] = []
        for child in die.children():
            if child.tag == TAG.MEMBER and (wanted is None or child.offset == wanted):
                discriminant = self._member(child)
            elif child.tag == TAG.VARIANT and len(variants) < MAX_MEMBERS:
                payload = next((c for c in child.children() if c.tag == TAG.MEMBER), None)
                if payload is None:
                    continue
                member = self._member(payload)
                value = _constant(child, AT.DISCR_VALUE)
                variants.append(Variant(value, self._variant_name(member), member))
        if discriminant is not None:
            mask = (1 << 8 * min(discriminant.type.size, 16)) - 1
            variants = [
                v if v.value is None else Variant(v.value & mask, v.name, v.member)
                for v in variants
            ]
        return VariantPart(discriminant, tuple(variants))

    def _variant_name(self, member: Member) -> str:
        """Return a variant's name; a coroutine's members are numbers, their types have names."""
        if not member.name.isdigit():
            return member.name
        return self._info.die(member.type_offset).text(AT.NAME) or member.name


def _has_variants(die: Die) -> bool:
    """Tell whether a structure has a variant part: rustc writes it before all else."""
    for count, child in enumerate(die.children()):
        if child.tag == TAG.VARIANT_PART:
            return True
        if count >= 8:
            break
    return False


def _location(die: Die) -> int:
    """Return a member's offset: a constant, or an expression that adds one."""
    number = die.number(AT.DATA_MEMBER_LOCATION)
    if number is not None:
        return max(number, 0)
    block = die.block(AT.DATA_MEMBER_LOCATION)
    if block and block[0] == 0x23 and len(block) > 1:
        return uleb(block + b"\0", 1)[0]
    return 0


def _constant(die: Die, attribute: int) -> int | None:
    """Return a constant; a block holds one of 128 bits."""
    block = die.block(attribute)
    if block is not None:
        return int.from_bytes(block[:16], "little")
    return die.number(attribute)


def _elements(ranges: Iterable[Die]) -> int:
    """Multiply the counts of an array's dimensions; none where there are no dimensions."""
    total, dimensions = 1, 0
    for die in ranges:
        total, dimensions = min(total * _count(die), MAX_ELEMENTS), dimensions + 1
    return total if dimensions else 0


def _count(die: Die) -> int:
    count = die.number(AT.COUNT)
    if count is None:
        upper = die.raw(AT.UPPER_BOUND)
        if upper is None or not isinstance(upper[1], int):
            return 0
        # An upper bound of -1 (no elements) is stored in the width of its form.
        widths = {FORM.DATA1: 8, FORM.DATA2: 16, FORM.DATA4: 32, FORM.DATA8: 64}
        bits = widths.get(upper[0])
        count = 0 if bits is not None and upper[1] == (1 << bits) - 1 else upper[1] + 1
    return max(0, min(count, MAX_ELEMENTS))
