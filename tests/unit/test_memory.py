"""Spliced memory: which layer wins, where reads end, what a fault says."""

from __future__ import annotations

import itertools
import mmap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adp_tui.engine.errors import FaultError
from adp_tui.engine.memory import MAX_READ, BytesMemory, Piece, SplicedMemory

DATA = bytes(range(256)) * 64


def piece(start, end, fill=None, **options):
    """Return a piece filled with a letter; a hole without one."""
    if fill is None:
        return Piece(start, end, None, reason=options.pop("reason", "a hole"), **options)
    return Piece(start, end, fill.encode() * (end - start), **options)


def text_of(memory, start, end):
    """Return memory as text: ``-`` for a hole, ``.`` for what is not mapped."""

    def letter(address):
        try:
            return memory.read(address, 1).decode()
        except FaultError as error:
            return "." if error.reason == "not mapped" else "-"

    return "".join(letter(address) for address in range(start, end))


SPLICES = {
    "one layer": ([[(2, 5, "a")]], "..aaa....."),
    "insert before": ([[(5, 7, "a")], [(1, 3, "b")]], ".bb..aa..."),
    "insert after": ([[(1, 3, "a")], [(5, 7, "b")]], ".aa..bb..."),
    "touching": ([[(1, 3, "a")], [(3, 6, "b")]], ".aabbb...."),
    "punch a hole": ([[(4, 6, "a")], [(1, 9, "b")]], ".bbbaabbb."),
    "hide": ([[(1, 9, "a")], [(3, 6, "b")]], ".aaaaaaaa."),
    "same": ([[(2, 6, "a")], [(2, 6, "b")]], "..aaaa...."),
    "over the start": ([[(1, 5, "a")], [(3, 8, "b")]], ".aaaabbb.."),
    "over the end": ([[(5, 9, "a")], [(3, 7, "b")]], "...bbaaaa."),
    "many gaps": ([[(1, 2, "a"), (4, 5, "a"), (7, 8, "a")], [(0, 10, "b")]], "babbabbabb"),
    "many below": ([[(2, 8, "a")], [(0, 1, "b"), (3, 4, "b"), (7, 10, "b")]], "b.aaaaaabb"),
    "three layers": ([[(4, 6, "a")], [(3, 7, "b")], [(1, 9, "c")]], ".ccbaabcc."),
    "a hole hides": ([[(2, 4, None)], [(0, 6, "b")]], "bb--bb...."),
    "a hole is filled": ([[(0, 6, "a")], [(0, 9, None)]], "aaaaaa---."),
    "overlap in a layer": ([[(1, 5, "a"), (3, 8, "b")]], ".aaaabbb.."),
    "inside in a layer": ([[(1, 9, "a"), (3, 5, "b")]], ".aaaaaaaa."),
    "unsorted": ([[(6, 8, "a"), (1, 3, "b")]], ".bb...aa.."),
    "nothing": ([[], []], ".........."),
}


@pytest.mark.parametrize(("layers", "expected"), SPLICES.values(), ids=SPLICES)
def test_splices(layers, expected):
    memory = SplicedMemory(*([piece(*each) for each in layer] for layer in layers))
    assert text_of(memory, 0, 10) == expected


ranges = st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from(["x", "y", "z", None]))


@given(st.lists(st.lists(ranges, max_size=6), max_size=4))
def test_splices_as_a_plain_array_does(layers):
    expected = ["."] * 80
    for layer in reversed(layers):
        # Within a layer the piece that starts first wins; at one start, the shorter.
        first = {}
        for start, size, fill in sorted(layer, key=lambda each: each[:2]):
            for address in range(start, start + size):
                first.setdefault(address, fill or "-")
        expected = [first.get(address, expected[address]) for address in range(80)]
    memory = SplicedMemory(
        *([piece(start, start + size, fill) for start, size, fill in layer] for layer in layers)
    )
    assert text_of(memory, 0, 80) == "".join(expected)


def test_offsets_survive_clipping():
    lower = Piece(0, 100, DATA, offset=1000)
    memory = SplicedMemory([Piece(10, 20, b"x" * 10)], [lower])
    assert memory.read(0, 30) == DATA[1000:1010] + b"x" * 10 + DATA[1020:1030]


@pytest.mark.parametrize("size", [1, 7, 8, 4096, 65536, 1 << 20])
def test_reads_of_any_size(size):
    """WHEN a read crosses pieces that touch THEN they are joined."""
    content = bytes(i * 31 % 251 for i in range((1 << 20) + 100))
    cuts = [0, 5, 4096, 70_000, 500_001, len(content)]
    pieces = [Piece(100 + a, 100 + b, content, a) for a, b in itertools.pairwise(cuts)]
    memory = SplicedMemory(pieces)
    for start in (0, 3, 99):
        assert memory.read(100 + start, size) == content[start : start + size]


def test_reads_from_a_map(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DATA)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        memory = SplicedMemory([Piece(0x1000, 0x2000, pages, 16)])
        assert memory.read(0x1008, 8) == DATA[24:32]
        assert type(memory.read(0x1008, 8)) is bytes


@pytest.mark.parametrize(
    ("address", "size", "reason"),
    [
        (0, 8, "not mapped"),
        (96, 8, "not mapped"),
        (104, 8, "a hole"),
        (120, 8, "not mapped"),
        (-8, 8, "not mapped"),
        (1 << 64, 8, "not mapped"),
        (100, -1, "a negative size"),
        (100, MAX_READ + 1, "more than 256 MB in one read"),
        (100, 1 << 62, "more than 256 MB in one read"),
    ],
)
@pytest.mark.parametrize("warm", [False, True])
def test_faults(address, size, reason, warm):
    memory = SplicedMemory([piece(100, 110, "a"), piece(110, 120)])
    if warm:
        memory.read(100, 8)
    with pytest.raises(FaultError) as caught:
        memory.read(address, size)
    assert (caught.value.address, caught.value.size) == (address, size)
    assert caught.value.reason == reason


def test_nothing_can_be_read_anywhere():
    assert SplicedMemory().read(12345, 0) == b""
    assert SplicedMemory().regions() == ()


def test_a_file_is_mapped_when_it_is_first_read():
    calls = []

    def pages():
        calls.append(1)
        return DATA

    memory = SplicedMemory([Piece(0, 100, pages), piece(200, 210, "a")])
    assert memory.read(200, 2) == b"aa" and not calls
    assert memory.read(0, 4) == DATA[:4] and memory.read(50, 4) == DATA[50:54]
    assert len(calls) == 1


def test_a_file_that_has_shrunk():
    memory = SplicedMemory([Piece(0, 100, lambda: b"short"), Piece(100, 200, lambda: b"", 50)])
    assert memory.read(0, 5) == b"short"
    for address, size in ((0, 6), (5, 1), (100, 1)):
        with pytest.raises(FaultError, match="beyond the end of its file"):
            memory.read(address, size)


def test_regions_are_what_is_swept():
    memory = SplicedMemory(
        [Piece(0, 10, DATA, 4, "", True, False, True)], [piece(5, 20, "b"), piece(30, 40)]
    )
    (region,) = memory.regions()
    assert (region.start, region.end, bytes(region.view)) == (0, 10, DATA[4:14])
    assert (region.writable, region.executable) == (True, False)
    assert region.view.obj is DATA and memory.regions() is memory.regions()


def test_piece_at():
    memory = SplicedMemory([piece(10, 20, "a"), piece(20, 30, reason="lost")])
    assert memory.piece_at(9) is None and memory.piece_at(30) is None
    assert memory.piece_at(29) == piece(20, 30, reason="lost")


def test_bytes_memory():
    memory = BytesMemory({0x2000: b"second", 0x1000: b"first"}, writable=False)
    assert memory.read(0x1000, 5) == b"first" and memory.read(0x2001, 5) == b"econd"
    assert [(each.start, bytes(each.view)) for each in memory.regions()] == [
        (0x1000, b"first"),
        (0x2000, b"second"),
    ]
    assert not memory.regions()[0].writable


@pytest.mark.alone
def test_a_small_read_is_quick():
    """The hottest function of the engine: some 0.2 µs for a read beside the last one."""
    memory = BytesMemory({index << 20: DATA for index in range(1000)})
    best = {"near": 1.0, "far": 1.0}
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(20_000):
            memory.read(64, 8)
        best["near"] = min(best["near"], time.perf_counter() - started)
        started = time.perf_counter()
        for index in range(20_000):
            memory.read(index % 1000 << 20, 8)
        best["far"] = min(best["far"], time.perf_counter() - started)
    # Ten times what was measured, for slow machines.
    assert best["near"] / 20_000 < 2e-6 and best["far"] / 20_000 < 6e-6
