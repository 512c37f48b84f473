"""Values: pieces of memory or of registers, and plans that run over them."""

from __future__ import annotations

import struct

import pytest

from adp_tui.engine.adp.plan import LOAD, Check, Plan, variant_check
from adp_tui.engine.dwarf.types import Body, Kind, Member, Type, Variant, VariantPart
from adp_tui.engine.errors import FaultError, LayoutError
from adp_tui.engine.memory import BytesMemory
from adp_tui.engine.text import clean
from adp_tui.engine.value import MAX_VALUE_SIZE, Value

MEMORY = BytesMemory({0x1000: struct.pack("<QIHbB", 0x2000, 7, 513, -3, 1), 0x2000: b"\x2a" * 16})


class Source:
    """Debug information made by hand: types by number."""

    def __init__(self) -> None:
        self.types: dict[int, Type] = {}

    def add(self, kind: Kind, name: str, size: int, **parts) -> Type:
        number = len(self.types) + 1
        self.types[number] = Type(self, number, kind, name, size, **parts)
        return self.types[number]

    def type_at(self, offset: int) -> Type:
        return self.types[offset]

    def body_of(self, type_: Type) -> Body:
        return Body()


SOURCE = Source()
U8 = SOURCE.add(Kind.BASE, "u8", 1, encoding=7)
U32 = SOURCE.add(Kind.BASE, "u32", 4, encoding=7)
I8 = SOURCE.add(Kind.BASE, "i8", 1, encoding=5)
POINTER = SOURCE.add(Kind.POINTER, "*const u32", 8, target_offset=U32.offset)
OPAQUE = SOURCE.add(Kind.POINTER, "*const ?", 8)
PAIR = SOURCE.add(
    Kind.STRUCT, "Pair", 16,
    body=Body((Member("to", 0, POINTER.offset, SOURCE), Member("__0", 8, U32.offset, SOURCE))),
)  # fmt: skip
HUGE = SOURCE.add(Kind.ARRAY, "[u8; 1 << 40]", 1 << 40)


def enum(*values: int | None, discriminant: bool = True) -> Type:
    """Make an enum whose discriminant is one byte at 4."""
    member = Member("", 4, U8.offset, SOURCE) if discriminant else None
    variants = tuple(
        Variant(value, f"V{number}", Member(f"V{number}", 0, U32.offset, SOURCE))
        for number, value in enumerate(values)
    )
    return SOURCE.add(Kind.ENUM, "Enum", 8, body=Body((), VariantPart(member, variants)))


def value(type_: Type, data: bytes | None = None, address: int = 0x1000) -> Value:
    return Value(MEMORY, type_, 0 if data is not None else address, data)


def test_members():
    pair = value(PAIR)
    found = pair.member("0")
    assert found is not None and found.unsigned() == 7
    to = pair.member("to")
    assert to is not None and to.pointer() == 0x2000
    target = to.deref()
    assert target is not None and (target.address, target.type) == (0x2000, U32)
    assert target.unsigned() == 0x2A2A2A2A
    assert pair.member("1") is None and pair.member("nothing") is None


def test_a_value_in_registers():
    """GIVEN a value whose bytes lie in registers THEN its parts are cut from them."""
    pair = value(PAIR, struct.pack("<QI", 0x2000, 9))
    first, second = pair.member("to"), pair.member("0")
    assert first is not None and second is not None
    assert second.unsigned() == 9 and second.address == 0
    target = first.deref()
    assert target is not None and target.unsigned() == 0x2A2A2A2A


def test_a_value_of_which_a_part_has_no_place():
    pair = value(PAIR, b"\x01\x02")
    second = pair.member("0")
    assert second is not None
    for broken in (pair.read, second.unsigned, pair.deref):
        with pytest.raises((FaultError, LayoutError)):
            broken()
    with pytest.raises(FaultError, match="only a part of the value"):
        second.read()


@pytest.mark.parametrize(
    ("values", "byte", "name"),
    [
        ((0, 1), 0, "V0"),
        ((0, 1), 1, "V1"),
        ((0, None), 9, "V1"),
        ((None, 3), 3, "V1"),
        ((None, 3), 4, "V0"),
    ],
)
def test_the_active_variant(values, byte, name):
    assert value(enum(*values), bytes([0, 0, 0, 0, byte, 0, 0, 0])).variant().name == name


def test_variants_that_are_none():
    with pytest.raises(LayoutError, match="no variant has the discriminant 9"):
        value(enum(0, 1), bytes([0, 0, 0, 0, 9, 0, 0, 0])).variant()
    with pytest.raises(LayoutError, match="has no variants"):
        value(PAIR).variant()
    assert value(enum(None, discriminant=False), bytes(8)).variant().name == "V0"


def test_bounds():
    with pytest.raises(LayoutError, match="claims to have"):
        value(HUGE).read()
    with pytest.raises(LayoutError, match="claims to have"):
        value(U32).read(-1)
    with pytest.raises(LayoutError, match="is no number"):
        value(U32).unsigned(17)
    with pytest.raises(LayoutError, match="is no pointer to a type"):
        value(OPAQUE).deref()
    with pytest.raises(FaultError):
        value(U32, address=0x9000).read()
    with pytest.raises(FaultError):
        value(U32, address=-4).read()
    assert HUGE.size > MAX_VALUE_SIZE


def test_a_null_pointer():
    assert value(POINTER, bytes(8)).deref() is None


def test_plans_over_memory_and_registers():
    """WHEN a plan runs over memory or over the same bytes in registers THEN both agree."""
    data = MEMORY.read(0x1000, 16)
    for steps, type_ in (((8,), U32), ((0, LOAD), U32), ((0, LOAD, 4), U32), ((4, 4), U32)):
        plan = Plan(steps, type_)
        found = [plan.run(value(PAIR)), plan.run(value(PAIR, data))]
        assert len({f.unsigned() for f in found if f is not None}) == 1 and None not in found


@pytest.mark.parametrize("data", [None, MEMORY.read(0x1000, 16)])
def test_checks(data):
    part = VariantPart(Member("", 8, U8.offset, SOURCE), ())
    for wanted, passes in ((7, True), (8, False)):
        plan = Plan((variant_check(part, wanted), 8), U32)
        assert (plan.run(value(PAIR, data)) is not None) == passes
    others = Check(8, 1, None, frozenset({7}))
    assert Plan((others,), U32).run(value(PAIR, data)) is None
    assert Plan((variant_check(VariantPart(None, ()), None),), U32).run(value(PAIR, data))


def test_a_check_of_a_part_that_has_no_place():
    """GIVEN a value of which the discriminant is missing THEN no variant is guessed."""
    plan = Plan((Check(8, 1, 0, frozenset()),), U32)
    with pytest.raises(FaultError, match="only a part"):
        plan.run(value(PAIR, b"\x00\x00"))
    with pytest.raises(FaultError, match="only a part"):
        Plan((LOAD,), U32).run(value(PAIR, b"\x00\x20"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("grüße", "grüße"),
        ("a\x1b[31mb", "a[31mb"),
        ("tab\tline\nend\r", "tab line end"),
        ("\x7f\x80\x9b", ""),
        ("right\u202eleft\u2066", "rightleft"),
        ("\u2028x\u2029", " x "),
        ("\ud800", "\ufffd"),
        ("[bold]", "[bold]"),
    ],
)
def test_text_of_a_target(text, cleaned):
    assert clean(text) == cleaned


def test_long_text_is_cut():
    assert clean("x" * 100, 10) == "x" * 9 + "…"
    assert clean("x" * 10, 10) == "x" * 10
    assert len(clean("\x1b" * 100, 10)) <= 10
