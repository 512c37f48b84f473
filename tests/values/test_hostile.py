"""Values that are not what their types say: said in the text, bounded, never raised."""

from __future__ import annotations

import hashlib
import struct

import pytest

from adp_tui.engine.dwarf.types import Body, Kind, Member, Type
from adp_tui.engine.errors import FaultError
from adp_tui.engine.rust.display import MAX_FIELDS, MAX_SUMMARY, fields, show
from adp_tui.engine.value import Value

NOWHERE = 0x10
"""An address at which nothing is mapped."""


class Spoiled:
    """Memory with some bytes replaced."""

    def __init__(self, memory, patches):
        self._memory = memory
        self._patches = patches

    def read(self, address, size):
        data = bytearray(self._memory.read(address, size))
        for start, patch in self._patches.items():
            for offset, byte in enumerate(patch):
                if 0 <= start + offset - address < size:
                    data[start + offset - address] = byte
        return bytes(data)

    def regions(self):
        return ()


class Noise:
    """Memory that has bytes at every address, and no sense."""

    def __init__(self, seed, small):
        self._seed = seed
        self._small = small

    def read(self, address, size):
        if size > 1 << 22:
            raise FaultError(address, size, "too much noise")
        first, last = address // 32, (address + size) // 32
        blocks = (self._block(number) for number in range(first, last + 1))
        return b"".join(blocks)[address % 32 :][:size]

    def _block(self, number):
        raw = hashlib.sha256(f"{self._seed} {number}".encode()).digest()
        return bytes(byte & 1 for byte in raw) if self._small else raw

    def regions(self):
        return ()


class Constant:
    """Memory of one byte, everywhere."""

    def __init__(self, byte):
        self._byte = byte

    def read(self, address, size):
        if size > 1 << 22:
            raise FaultError(address, size, "too much")
        return bytes([self._byte]) * size

    def regions(self):
        return ()


class Nothing:
    """Memory of which nothing was saved."""

    def read(self, address, size):
        raise FaultError(address, size)

    def regions(self):
        return ()


def offset_of(value, *names):
    """Return where a field of a field stands, from the start of the value."""
    offset, type_ = 0, value.type
    for name in names:
        member = type_.member(name)
        assert member is not None, name
        offset, type_ = offset + member.offset, member.type
    return offset


def spoiled(value, patches):
    """Return the value with bytes replaced, by offset in it."""
    places = {value.address + offset: raw for offset, raw in patches.items()}
    return Value(Spoiled(value.memory, places), value.type, value.address)


def word(number):
    return struct.pack("<Q", number)


def with_fields(sample, name, **numbers):
    """Return a field of the sample in which some words, by path, are other numbers."""
    value = sample.field(name)
    patches = {
        offset_of(value, *path.split("__")): word(number) for path, number in numbers.items()
    }
    return spoiled(value, patches)


CAPACITY = "buf__inner__cap"
POINTER = "buf__inner__ptr__pointer__pointer"

UNREADABLE = {
    "a vector of 2^60 elements": (
        "vec",
        {"len": 1 << 60},
        "alloc::vec::Vec<u32, alloc::alloc::Global> claims to have 1152921504606846976 elements",
    ),
    "a vector that is longer than its buffer": (
        "vec",
        {"len": 1 << 30},
        "alloc::vec::Vec<u32, alloc::alloc::Global> claims to have 1073741824 elements"
        " in room for 3",
    ),
    "a text of 2^60 bytes": (
        "string",
        {"vec__len": 1 << 60},
        "alloc::vec::Vec<u8, alloc::alloc::Global> claims to have 1152921504606846976 elements",
    ),
    "a text that is not mapped": (
        "string",
        {f"vec__{POINTER}": NOWHERE},
        "20 bytes at 0x10: not mapped",
    ),
    "a slice of 2^60 texts": (
        "text",
        {"length": 1 << 60},
        "a text claims to have 1152921504606846976 bytes",
    ),
    "a list of 2^60 elements": (
        "linked",
        {"len": 1 << 60},
        "alloc::collections::linked_list::LinkedList<u8, alloc::alloc::Global>"
        " claims to have 1152921504606846976 elements",
    ),
    "an Arc to nowhere": (
        "arc",
        {"ptr__pointer": NOWHERE},
        "8 bytes at 0x10: not mapped",
    ),
    "a trait object without a vtable": (
        "boxed_dyn",
        {"vtable": NOWHERE},
        "the type behind the vtable at 0x10 is not in the debug information",
    ),
    "a hash map with more entries than slots": (
        "map",
        {"base__table__table__items": 1 << 39},
        "std::collections::hash::map::HashMap<&str, u32, std::hash::random::RandomState,"
        " alloc::alloc::Global> claims to have 549755813888 entries in 4 slots",
    ),
}


@pytest.mark.parametrize(("name", "numbers", "text"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_header_that_cannot_be_true_is_said(plain, name, numbers, text):
    # GIVEN a value whose header is spoiled
    value = with_fields(plain, name, **numbers)

    # WHEN it is shown
    shown = show(plain.program, value)

    # THEN the text says what is wrong, and its raw parts can be looked at
    assert (shown.text, shown.unreadable) == (text, True)
    assert shown.expandable == bool(fields(plain.program, value))


BYTES = {
    "a bool of 7": ("yes", b"\x07", "not a bool: 0x7"),
    "half a surrogate": ("letter", struct.pack("<I", 0xD800), "not a char: 0xd800"),
    "a char beyond Unicode": ("letter", struct.pack("<I", 0x110000), "not a char: 0x110000"),
    "no such colour": (
        "colour",
        b"\x63",
        "values::Colour: no variant has the discriminant 99",
    ),
    "no such shape": (
        "dot",
        struct.pack("<H", 9),
        "values::Shape: no variant has the discriminant 9",
    ),
    "a null reference": ("reference", word(0), "a null &u32"),
    "a reference to nowhere": ("reference", word(NOWHERE), "4 bytes at 0x10: not mapped"),
    "a null box": ("boxed_point", word(0), "a null Box<Point, Global>"),
}


@pytest.mark.parametrize(("name", "raw", "text"), BYTES.values(), ids=BYTES)
def test_bytes_that_are_no_value_of_the_type_are_said(plain, name, raw, text):
    # GIVEN a value of which some bytes are spoiled
    value = spoiled(plain.field(name), {0: raw})

    # WHEN it is shown
    shown = show(plain.program, value)

    # THEN the text says what is wrong
    assert (shown.text, shown.unreadable) == (text, True)


def test_a_coroutine_in_a_state_that_it_has_not_is_said(plain):
    # GIVEN the async function's future, behind Pin<Box<dyn Future>>
    pinned = plain.field("future").member("pointer")
    (_, first, _), *_ = fields(plain.program, pinned)
    assert first is not None
    assert show(plain.program, first).text == "8"
    type_ = plain.program.type_named("values::nap::{async_fn_env#0}")

    # WHEN its state is 77
    state = type_.variant_part.discriminant
    memory = Constant(77)
    assert state.type.size == 1
    shown = show(plain.program, Value(memory, type_, 0x1000))

    # THEN that is said
    assert shown.text == "async fn values::nap: its state is none that it has"
    assert shown.unreadable


def test_elements_that_are_not_mapped_are_said_once(plain):
    # GIVEN a vector whose buffer is not in the snapshot
    value = with_fields(plain, "vec", **{POINTER: NOWHERE})

    # WHEN it is shown and expanded
    shown = show(plain.program, value)
    rows = fields(plain.program, value)

    # THEN the length is still known, and each row says why it is missing
    assert shown.text == "[<4 bytes at 0x10: not mapped>, … 3 in all]"
    assert [show(plain.program, row).text for _, row, _ in rows if row] == [
        f"4 bytes at {NOWHERE + 4 * i:#x}: not mapped" for i in range(3)
    ]


def test_a_part_that_is_missing_leaves_the_rest(plain):
    # GIVEN a pair of a number and a text, of which the text is not in the snapshot
    value = plain.field("pair")
    text = offset_of(value, "1", "data_ptr")

    # THEN the number is still shown
    shown = show(plain.program, spoiled(value, {text: word(NOWHERE)}))
    assert shown.text == "Pair(9, <4 bytes at 0x10: not mapped>)"
    assert not shown.unreadable


def test_a_list_that_runs_in_a_circle_ends(plain):
    # GIVEN a linked list of 2^39 elements whose first node follows itself
    value = plain.field("linked")
    head = value.member("head").unsigned()
    node = plain.program.type_named("alloc::collections::linked_list::Node<u8>")
    patches = {
        value.address + offset_of(value, "len"): word(1 << 39),
        head + node.member("next").offset: word(head),
    }
    hostile = Value(Spoiled(value.memory, patches), value.type, value.address)

    # THEN its rows end, and the last says so
    rows = fields(plain.program, hostile)
    assert len(rows) == MAX_FIELDS + 1
    assert rows[-1][2] == f"{MAX_FIELDS} of {1 << 39} are shown"
    assert show(plain.program, hostile).text == "[1, 1, 1, 1, 1, 1, 1, 1, … 549755813888 in all]"


def test_a_hash_map_without_its_entries_says_what_was_found(plain):
    # GIVEN a hash map that claims two entries and has one
    value = with_fields(plain, "map", base__table__table__items=2)

    # THEN the rows say what could be found
    assert fields(plain.program, value)[-1] == ("…", None, "1 of 2 can be found")


def test_a_tree_of_too_many_levels_is_said(plain):
    # GIVEN a B-tree that claims a height of 2^30
    value = plain.field("tree")
    some = next(v for v in value.member("root").type.variant_part.variants if v.name == "Some")
    height = some.member.type.member("0").type.member("height").offset
    start = offset_of(value, "root") + some.member.type.member("0").offset
    shown = show(plain.program, spoiled(value, {start + height: word(1 << 30)}))

    # THEN nobody climbs down
    assert shown.unreadable
    assert shown.text.endswith("claims to have 1073741824 levels")


MEMORIES = {
    "zeros": Constant(0),
    "ones": Constant(1),
    "all bits": Constant(0xFF),
    "letters": Constant(0x41),
    "nothing": Nothing(),
    **{f"noise {seed}": Noise(seed, small=False) for seed in range(6)},
    **{f"small noise {seed}": Noise(seed, small=True) for seed in range(6)},
}


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_no_bytes_make_it_raise(plain, memory):
    # GIVEN a sample in memory that is not what it should be
    value = Value(memory, plain.value.type, 0x7000_0000_1000)

    # WHEN everything in it is shown and expanded, and what is below that too
    pending = [value]
    for level in range(3):
        below: list[Value] = []
        for each in pending:
            shown = show(plain.program, each)
            rows = fields(plain.program, each)
            # THEN there is a bounded text and bounded rows
            assert 0 < len(shown.text) <= MAX_SUMMARY
            assert len(rows) <= MAX_FIELDS + 1
            below += [row for _, row, _ in rows if row is not None][: MAX_FIELDS >> 2 * level]
        pending = below


def test_a_value_of_which_only_a_part_has_a_location_is_said(plain):
    # GIVEN a point of which only one register is known
    type_ = plain.field("point").type
    value = Value(plain.program.memory, type_, 0, struct.pack("<i", 5))

    # THEN the other half is said to be missing
    assert show(plain.program, value).text == (
        "Point { x: 5, y: <4 bytes at 0x0: only a part of the value has a location> }"
    )


@pytest.mark.parametrize(
    ("name", "members", "text"),
    [
        ("core::Loop", 1, "more wrappers and references than can be followed"),
        ("values::Loop", 2, "Loop { m0: <cycle>, m1: <cycle> }"),
    ],
)
def test_a_type_that_holds_itself_ends(plain, name, members, text):
    # GIVEN debug information in which a structure is a member of itself
    class Circular:
        def type_at(self, offset):
            return loop

        def body_of(self, type_):
            raise AssertionError("has its body")

    source = Circular()
    body = Body(members=tuple(Member(f"m{i}", 0, 1, source) for i in range(members)))
    loop = Type(source, 1, Kind.STRUCT, name, 8, body=body)
    value = Value(plain.program.memory, loop, plain.value.address)

    # THEN the summary and the rows end
    assert show(plain.program, value).text == text
    assert len(fields(plain.program, value)) == members
