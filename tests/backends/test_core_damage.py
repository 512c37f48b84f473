"""Damaged and hostile cores: only AdpError children come out, in bounded time and memory."""

from __future__ import annotations

import contextlib
import struct
import time
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import AdpError, FaultError

HEADER = struct.Struct("<4sBBBB8xHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
LOAD, NOTE = 1, 4
TOP = (1 << 64) - 1


def note(kind, contents, owner=b"CORE\0"):
    name = owner.ljust((len(owner) + 3) & ~3, b"\0")
    return (
        struct.pack("<III", len(owner), len(contents), kind)
        + name
        + contents.ljust((len(contents) + 3) & ~3, b"\0")
    )


def prstatus(tid, signal=0, **registers):
    order = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip"
    values = [registers.get(name, 0) for name in order.split()]
    values += [
        0x33,
        0x246,
        registers.get("rsp", 0),
        0x2B,
        registers.get("fs_base", 0),
        0,
        0,
        0,
        0,
        0,
    ]
    head = struct.pack("<iiihhQQiiii64x", signal, 0, 0, signal, 0, 0, 0, tid, 1, 1, 1)
    return note(1, head + struct.pack("<27Q", *values) + bytes(8))


def nt_file(*entries, page=4096, count=None):
    table = b"".join(struct.pack("<QQQ", start, end, offset) for start, end, offset, _ in entries)
    names = b"".join(name + b"\0" for *_, name in entries)
    return note(
        0x46494C45,
        struct.pack("<QQ", len(entries) if count is None else count, page) + table + names,
    )


def core_file(path, notes=b"", loads=(), *, claimed=None):
    """Write a core; a load is (address, size in memory, bytes) or a raw header."""
    count = 1 + len(loads)
    at = 64 + count * SEGMENT.size
    headers, data = [SEGMENT.pack(NOTE, 0, at, 0, 0, len(notes), 0, 4)], notes
    for load in loads:
        if len(load) == 3:
            address, size, contents = load
            headers.append(
                SEGMENT.pack(LOAD, 6, at + len(data), address, 0, len(contents), size, 4096)
            )
            data += contents
        else:
            headers.append(SEGMENT.pack(*load))
    head = HEADER.pack(
        b"\x7fELF", 2, 1, 1, 0, 4, 62, 1, 0, 64, 0, 0, 64, 56, claimed or count, 64, 0, 0
    )
    path.write_bytes(head + b"".join(headers) + data)
    return path


def use(target):
    """Ask a target for everything."""
    for region in target.memory.regions():
        assert len(region.view) > 0
        assert target.memory.read(region.start, 1) == bytes(region.view[:1])
    for thread in target.threads():
        for address in thread.registers.values():
            with contextlib.suppress(FaultError):
                assert len(target.memory.read(address, 16)) == 16
    for module in target.modules():
        assert module.path.isprintable()
        for mapping in module.mappings:
            with contextlib.suppress(FaultError):
                target.memory.read(mapping.start, 64)
    assert target.facts.kind == "core"
    target.close()


def test_a_small_core(tmp_path):
    notes = prstatus(7, 11, rip=0x1010, rsp=0x2000, fs_base=0x2008) + prstatus(8, rip=0x1020)
    target: Any = open_core(
        core_file(tmp_path / "core", notes, [(0x1000, 0x1000, b"abcdefgh" * 512)])
    )
    assert [each.tid for each in target.threads()] == [7, 8]
    assert target.facts.signal.number == 11 and target.facts.signal.code is None
    assert target.threads()[0].thread_pointer == 0x2008 and target.threads()[0].signalled
    assert target.memory.read(0x1000, 8) == b"abcdefgh"
    use(target)


def test_two_notes_of_one_thread_are_one_thread(tmp_path):
    target = open_core(core_file(tmp_path / "core", prstatus(7, rip=1) + prstatus(7, rip=2)))
    (thread,) = target.threads()
    assert thread.registers[16] == 1


def test_segments_that_overlap(tmp_path):
    loads = [
        (0x1000, 0x2000, b"a" * 0x2000),
        (0x2000, 0x2000, b"b" * 0x2000),
        (0x1800, 16, b"c" * 16),
    ]
    memory = open_core(core_file(tmp_path / "core", b"", loads)).memory
    assert memory.read(0x1000, 0x3000) == b"a" * 0x2000 + b"b" * 0x1000
    assert [(each.start, each.end) for each in memory.regions()] == [
        (0x1000, 0x3000),
        (0x3000, 0x4000),
    ]


@pytest.mark.parametrize(
    "load",
    [
        (LOAD, 6, 0, 0, 0, TOP, TOP, 4096),
        (LOAD, 6, TOP, 0x1000, 0, TOP, TOP, 4096),
        (LOAD, 6, 0, TOP, 0, TOP, TOP, 4096),
        (LOAD, 6, 0, 0x1000, 0, 0, TOP, 4096),
        (LOAD, 6, 0, 0x1000, 0, TOP, 0, 0),
        (NOTE, 6, 0, 0, 0, TOP, 0, 0),
        (NOTE, 6, TOP, 0, 0, TOP, 0, TOP),
    ],
)
def test_sizes_that_claim_everything(tmp_path, load):
    path = core_file(tmp_path / "core", prstatus(1, rip=TOP, rsp=TOP), [load])
    tracemalloc.start()
    target = open_core(path)
    for address in (0, 0x1000, TOP):
        for size in (1, 1 << 20, 1 << 40, TOP):
            with contextlib.suppress(FaultError):
                assert len(target.memory.read(address, size)) == size <= 1 << 20
    use(target)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_more_program_headers_than_the_file_has(tmp_path):
    path = core_file(tmp_path / "core", prstatus(1), [(0x1000, 8, b"12345678")], claimed=0xFFFE)
    target = open_core(path)
    assert any("program headers" in each for each in target.facts.problems)
    use(target)


def test_more_segments_than_the_header_can_count(tmp_path):
    """PN_XNUM: a process with more than 65,534 mappings."""
    count, path = 70_000, tmp_path / "core"
    notes_at = 64 + SECTION.size + (count + 1) * SEGMENT.size
    notes = prstatus(1, 6, rsp=0x10008)
    head = HEADER.pack(
        b"\x7fELF", 2, 1, 1, 0, 4, 62, 1, 0, 64 + SECTION.size, 64, 0, 64, 56, 0xFFFF, 64, 1, 0
    )
    section = SECTION.pack(0, 0, 0, 0, 0, 0, 0, count + 1, 0, 0)
    segments = [SEGMENT.pack(NOTE, 0, notes_at, 0, 0, len(notes), 0, 4)] + [
        SEGMENT.pack(LOAD, 6, notes_at, 0x10000 + 4096 * index, 0, 16, 4096, 4096)
        for index in range(count)
    ]
    path.write_bytes(head + section + b"".join(segments) + notes)
    started = time.monotonic()
    target = open_core(path)
    assert len(target.memory.regions()) == count and target.threads()[0].tid == 1
    assert target.memory.read(0x10000 + 4096 * (count - 1), 16) == notes[:16]
    with pytest.raises(FaultError, match="not saved"):
        target.memory.read(0x10000 + 4096 * (count - 1) + 16, 1)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "notes",
    [
        nt_file((0x1000, 0x2000, 0, b"/a"), count=TOP),
        nt_file((0x1000, 0x2000, 0, b"/a"), count=1 << 30),
        nt_file((0x1000, 0x2000, TOP, b"/a"), page=TOP),
        nt_file((0x2000, 0x1000, 0, b"/a"), (TOP, TOP, 0, b"/b"), (0, TOP, 0, b"/c")),
        nt_file((0x1000, 0x2000, 0, b"\xff\x1b[31m\xe2\x80\xae/red\n")),
        nt_file((0x1000, 0x2000, 0, b"/dev/zero"), (0x2000, 0x3000, 0, b"/dev/tty")),
        nt_file((0x1000, 0x2000, 0, b"/" + b"x" * 100_000)),
        nt_file((0x1000, 0x2000, 0, b"/proc/self/mem")),
        note(6, struct.pack("<QQQQ", 3, TOP, 33, TOP)),
        note(6, struct.pack("<8Q", 3, 0x1000, 4, 56, 5, TOP, 33, 0x1000)),
        note(3, bytes(136)),
        note(3, b"\xff" * 136),
        note(0x53494749, b"\xff" * 128),
        note(1, bytes(10)),
        struct.pack("<III", TOP & 0xFFFFFFFF, TOP & 0xFFFFFFFF, 1),
        b"",
    ],
)
def test_notes_that_lie(tmp_path, notes):
    loads = [(0x1000, 0x1000, b"\x7fELF\2\1" + b"\xff" * 4090)]
    use(open_core(core_file(tmp_path / "core", prstatus(1, rsp=0x1000) + notes, loads)))


def test_a_link_map_that_is_a_ring(tmp_path):
    """A core without NT_FILE whose link map leads back to itself."""
    base = 0x10000
    program = struct.Struct("<IIQQQQQQ")
    page = bytearray(4096)
    page[0:64] = HEADER.pack(b"\x7fELF", 2, 1, 1, 0, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    page[64:120] = program.pack(LOAD, 5, 0, 0, 0, 4096, 4096, 4096)
    page[120:176] = program.pack(2, 6, 512, 512, 0, 32, 32, 8)
    page[512:544] = struct.pack("<QQQQ", 21, base + 1024, 0, 0)
    page[1024:1040] = struct.pack("<QQ", 1, base + 2048)
    page[2048:2080] = struct.pack("<QQQQ", base, base + 3072, 0, base + 2048)
    page[3072:3080] = b"/no/lib\0"
    auxv = note(6, struct.pack("<6Q", 3, base + 64, 4, 56, 5, 2))
    path = core_file(tmp_path / "core", prstatus(1) + auxv, [(base, 4096, bytes(page))])
    target = open_core(path)
    assert {each.path for each in target.modules()} >= {"/no/lib"}
    use(target)


def test_a_dump_of_a_kernel(tmp_path):
    path = core_file(tmp_path / "core", prstatus(1) + note(0, b"OSRELEASE", b"VMCOREINFO\0"))
    with pytest.raises(AdpError, match="dump of a whole kernel"):
        open_core(path)


@pytest.fixture(scope="module")
def small(cores):
    """Return the bytes of a real core of a few kilobytes, and where its memory begins."""
    dump = cores.dump(cores.program("threads.c"), "abort", saves=0x10)
    return dump.core.read_bytes()[: 1 << 16]


@given(data=st.data())
@settings(
    max_examples=400,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_flipped_bytes(small, tmp_path, data):
    """GIVEN a real core with some bytes of its headers and notes changed."""
    damaged = bytearray(small)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, 0x3000))
        width = data.draw(st.sampled_from([1, 2, 4, 8]))
        value = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF]) | st.integers(0, 255))
        damaged[at : at + width] = bytes([value]) * width
    if data.draw(st.booleans()):
        del damaged[data.draw(st.integers(1, len(damaged))) :]
    path = tmp_path / "core"
    path.write_bytes(damaged)
    try:
        target = open_core(path)
    except AdpError:
        return
    use(target)
