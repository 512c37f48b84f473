"""Which words in memory may be somebody's way to wake a task."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from adp_tui.engine.analysis import sweep
from adp_tui.engine.analysis.mentions import Mention, Span, StackSpan, holding, mentions
from adp_tui.engine.memory import BytesMemory, Piece, SplicedMemory

CODE = (0x400000, 0x500000)
VTABLE, DYN, AWAY = 0x410000, 0x410100, 0x480000
HEAP, STACK = 0x10000, 0x20000
HEADER = 0x7000
PLACE = (HEADER - 16, HEADER + 32)


def program(heap: Sequence[int], stack: Sequence[int] = ()) -> Any:
    """Return as much of a program as is asked: a heap, a stack, and a file's tables."""
    tables = struct.pack("<4Q", 0x420000, 0x420010, 0x420020, 0x420030)
    # Of another trait: what drops it, size, alignment, a method.
    tables += bytes(0x100 - len(tables)) + struct.pack("<4Q", 0x420000, 24, 8, 0x420010)
    saved = [
        Piece(
            at, at + 8 * len(words), struct.pack(f"<{len(words)}Q", *words), 0, "", True, swept=True
        )
        for at, words in ((HEAP, heap), (STACK, stack))
        if words
    ]
    memory = SplicedMemory(saved, [Piece(VTABLE, VTABLE + len(tables), tables)])
    module = SimpleNamespace(start=CODE[0], end=CODE[1])
    return SimpleNamespace(memory=memory, target=SimpleNamespace(modules=lambda: [module]))


def found(
    program: Any, places: Sequence[Span] = (PLACE,), stacks: Sequence[StackSpan] = ()
) -> list[Mention]:
    return list(mentions(program, places, stacks, lambda: None))


@pytest.mark.parametrize(
    ("heap", "wakes"),
    [
        # Data beside a vtable, on either side: a waker.
        ((0, HEADER, VTABLE, 0), True),
        ((0, VTABLE, HEADER, 0), True),
        # What a counted reference, or a reference into the header, points to.
        ((0, HEADER - 16, VTABLE, 0), True),
        ((0, HEADER + 31, VTABLE, 0), True),
        # What a list of tasks has, and what stands beside another kind of table, or code.
        ((0, HEADER, 0), False),
        ((0, HEADER, DYN), False),
        ((0, HEADER, 0x420000 + 1), False),
        # A table in a file that is not here.
        ((0, HEADER, AWAY), True),
        # The first and last words that there are.
        ((HEADER,), False),
        ((HEADER, VTABLE), True),
        ((VTABLE, HEADER), True),
    ],
)
def test_a_word_beside_a_vtable_wakes(heap: Sequence[int], wakes: bool) -> None:
    (mention,) = found(program(heap))
    assert mention.wakes == wakes
    assert mention.place == 0


@pytest.mark.parametrize("word", [HEADER - 17, HEADER + 32, 0])
def test_words_that_lead_elsewhere(word: int) -> None:
    assert found(program((0, word, VTABLE, 0))) == []


def test_a_word_on_a_stack_wakes_alone() -> None:
    # GIVEN the same word below and above a thread's stack pointer, and above its first frame
    stack = StackSpan(STACK, STACK + 16, STACK + 32)
    words = (HEADER, 0, HEADER, 0, HEADER, 0)
    # THEN what is left over is passed over, even beside a vtable; the third may be in a list
    assert found(program((0,), words), stacks=[stack]) == [
        Mention(0, STACK + 16, True),
        Mention(0, STACK + 32, False),
    ]
    assert found(program((0,), (HEADER, VTABLE, 0)), stacks=[stack]) == []


def test_pairs_that_are_cut_by_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "CHUNK", 16)
    assert [m.wakes for m in found(program((0, HEADER, VTABLE, 0)))] == [True]
    assert [m.wakes for m in found(program((0, VTABLE, HEADER, 0)))] == [True]


def test_many_places() -> None:
    places = [(0x1000 * n, 0x1000 * n + 0x40) for n in range(1, 100)]
    heap = [0x1000 * 7 + 8, 0x1000 * 7 + 0x40, 0x1000 * 99 + 0x3F, 0x1000 * 100, 0xFFF]
    assert [mention.place for mention in found(program(heap), places)] == [6, 98]


def test_headers_so_close_that_their_places_overlap() -> None:
    places = [(0x100, 0x140), (0x130, 0x170)]
    assert list(holding(places, 0x138)) == [0, 1]
    assert list(holding(places, 0x12F)) == [0]
    assert list(holding(places, 0x140)) == [1]
    assert list(holding(places, 0x170)) == []
    assert list(holding(places, 0xFF)) == []


def test_memory_that_is_not_written_to_is_not_searched() -> None:
    memory = BytesMemory({HEAP: struct.pack("<2Q", HEADER, VTABLE)}, writable=False)
    only = SimpleNamespace(memory=memory, target=SimpleNamespace(modules=lambda: []))
    assert found(only) == []
