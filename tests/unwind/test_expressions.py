"""DWARF expressions: what each operation does (DWARF 5, section 2.5), and broken ones."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.target import Region
from adp_tui.engine.unwind.expression import (
    Context,
    ExpressionError,
    Location,
    Piece,
    evaluate,
    locate,
)

RBX, RSP, XMM0 = 3, 7, 17
BASE = 0x1000


class Words:
    """Memory whose word at BASE + 8 * n is 100 + n, for n from 0 to 15; none elsewhere."""

    def read(self, address: int, size: int) -> bytes:
        data = b"".join((100 + n).to_bytes(8, "little") for n in range(16))
        if not BASE <= address <= BASE + len(data) - size:
            raise FaultError(address, size)
        return data[address - BASE : address - BASE + size]

    def regions(self) -> Sequence[Region]:
        return ()


TYPES = {0x20: (1, False), 0x21: (1, True), 0x22: (4, True), 0x23: (8, False)}
CONTEXT = Context(
    memory=Words(),
    registers={RBX: 0xFFFF_FFFF_FFFF_FF80, RSP: BASE},
    cfa=BASE + 64,
    frame_base=lambda: BASE + 16,
    bias=0x10_0000,
    indexed_address=lambda index: {2: 0x42}.get(index),
    base_type=TYPES.get,
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("35", 5),  # lit5
        ("08ff", 255),  # const1u
        ("09ff", 2**64 - 1),  # const1s
        ("0afeff", 0xFFFE),  # const2u
        ("0e0102030405060708", 0x0807060504030201),  # const8u
        ("10e58e26", 624485),  # constu
        ("117f", 2**64 - 1),  # consts -1
        ("031000000000000000", 0x10_0010),  # addr: moved with the module
        ("a102", 0x10_0042),  # addrx
        ("7708", BASE + 8),  # breg7 8
        ("920778", BASE - 8),  # bregx 7 -8
        ("9178", BASE + 8),  # fbreg -8
        ("9c", BASE + 64),  # call_frame_cfa
        ("770806", 101),  # breg7 8, deref
        ("77109401", 102),  # breg7 16, deref_size 1
        ("353612" + "22", 12),  # lit5 lit6 dup plus
        ("35361422", 11),  # lit5 lit6 over plus
        ("3536371502" + "22", 12),  # lit5 lit6 lit7 pick 2, plus
        ("353616" + "1c", 1),  # lit5 lit6 swap minus: 6 - 5
        ("35363717" + "1c", 2**64 - 1),  # rot: 7 5 6, then 5 - 6
        ("353613", 5),  # drop
        ("09f819", 8),  # abs -8
        ("351f", 2**64 - 5),  # neg
        ("3020", 2**64 - 1),  # not
        ("09f9321b", 2**64 - 3),  # div: -7 / 2 is -3
        ("37331d", 1),  # mod
        ("37331e", 21),  # mul
        ("3533" + "1a", 1),  # and
        ("3532" + "21", 7),  # or
        ("3533" + "27", 6),  # xor
        ("3531" + "24", 10),  # shl
        ("09fc31" + "25", 0x7FFF_FFFF_FFFF_FFFE),  # shr
        ("09fc31" + "26", 2**64 - 2),  # shra
        ("352307", 12),  # plus_uconst 7
        ("09ff302d", 1),  # -1 < 0: signed
        ("09ff302b", 0),  # -1 > 0
        ("353529", 1),  # eq
        ("35352e", 0),  # ne
        ("35352a", 1),  # ge
        ("35352c", 1),  # le
        ("352f0100" + "31" + "23" + "02", 7),  # skip over lit1
        ("3531" + "280100" + "31" + "2302", 7),  # bra, taken
        ("3530" + "280100" + "31" + "22", 6),  # bra, not taken
        ("7300" + "a820" + "a822", 0x80),  # breg3, convert u8, convert i32
        ("7300" + "a821" + "a823", 2**64 - 128),  # breg3, convert i8, convert u64
        ("a50320", 0x80),  # regval_type rbx u8
        ("a42001ff", 0xFF),  # const_type u8
        ("7708" + "a60120", 101),  # deref_type
        ("35a800", 5),  # convert to the generic type
        ("3596", 5),  # nop
    ],
)
def test_operations(code: str, expected: int) -> None:
    assert evaluate(bytes.fromhex(code), CONTEXT) == expected


def test_a_rule_begins_with_the_cfa_on_the_stack() -> None:
    context = Context(Words(), {}, stack=(BASE,))
    assert evaluate(bytes.fromhex("230806"), context) == 101


@pytest.mark.parametrize(
    ("code", "size", "expected"),
    [
        ("9178", 16, Location(address=BASE + 8)),
        ("53", 4, Location(pieces=(Piece(4, data=b"\x80\xff\xff\xff"),))),  # reg3
        ("9003", 1, Location(pieces=(Piece(1, data=b"\x80"),))),  # regx 3
        ("379f", 2, Location(pieces=(Piece(2, data=b"\x07\x00"),))),  # lit7 stack_value
        ("9e03616263", 3, Location(pieces=(Piece(3, data=b"abc"),))),  # implicit_value
        (  # a slice: its pointer in a register, its length in memory
            "539308" + "91009308",
            16,
            Location(
                pieces=(
                    Piece(8, data=(2**64 - 128).to_bytes(8, "little")),
                    Piece(8, address=BASE + 16),
                )
            ),
        ),
        (  # the first half was optimized out
            "9308" + "379f9308",
            16,
            Location(pieces=(Piece(8), Piece(8, data=b"\x07" + bytes(7)))),
        ),
        (  # rax was lost, the rest is known
            "509308" + "379f9308",
            16,
            Location(pieces=(Piece(8), Piece(8, data=b"\x07" + bytes(7)))),
        ),
    ],
)
def test_locations(code: str, size: int, expected: Location) -> None:
    assert locate(bytes.fromhex(code), CONTEXT, size) == expected


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "optimized out"),
        ("50", "a later call has overwritten"),  # reg0
        ("7000", "a later call has overwritten"),  # breg0
        ("61", "vector register"),  # reg17: xmm0
        ("a301509f", "only its value at the function's entry"),  # entry_value
        ("f20000000000", "the pointer itself is not kept"),  # implicit_pointer
        ("31301b", "divides by zero"),
        ("2ffdff", "does not end"),  # skip to itself
        ("13", "malformed"),  # drop of nothing
        ("0a01", "malformed"),  # a constant that is cut off
        ("9e7f61", "malformed"),  # a value that is cut off
        ("2fff7f", "malformed"),  # a jump out of the expression
        ("35a824", "no integer"),  # convert to an unknown type
        ("a107", r"not in \.debug_addr"),
        ("02", "0x2"),  # no such operation
        ("9b", "0x9b"),  # form_tls_address
    ],
)
def test_what_has_no_place_says_why(code: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        locate(bytes.fromhex(code), CONTEXT, 8)


def test_memory_that_is_not_there_is_said() -> None:
    with pytest.raises(FaultError):
        evaluate(bytes.fromhex("3006"), CONTEXT)


@given(code=st.binary(max_size=64), size=st.integers(0, 64))
@settings(max_examples=2000, deadline=None)
def test_any_bytes_end_in_a_place_or_a_reason(code: bytes, size: int) -> None:
    try:
        found = locate(code, CONTEXT, size)
    except AdpError:
        return
    assert found.address is None or 0 <= found.address < 2**64
    for piece in found.pieces:
        assert piece.data is None or len(piece.data) <= piece.size
