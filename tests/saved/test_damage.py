"""A file that was damaged, or made up, is refused or shown as far as it makes sense."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from support.build import Dump
from support.saved import Pair

from adp_tui.engine.errors import AdpError, OpenError
from adp_tui.engine.model import PanicFacts, SignalFacts, Snapshot, TargetFacts, TaskColumns, Wait
from adp_tui.engine.saved.columns import plain_snapshot, snapshot_from
from adp_tui.engine.saved.file import _HEAD, MAGIC, read
from adp_tui.engine.saved.plain import PlainError, decode
from adp_tui.engine.session import Session
from adp_tui.engine.target import Scheduling
from adp_tui.engine.views.records import VIEWS, Query

TARGET = TargetFacts("core", None, 1, None, None, "x86_64", None, None, "adp-tui", None, ())
Parts = list[tuple[bytes, bytes]]


def unpacked(path: Path) -> tuple[bytes, Parts]:
    data = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    end = data.index(b"\n") + 1
    first, at, parts = data[:end], end, []
    while at < len(data):
        name, size = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        parts.append((name.rstrip(b"\0"), data[at : at + size]))
        at += size
    return first, parts


def packed(path: Path, first: bytes, parts: Parts) -> Path:
    data = first + b"".join(_HEAD.pack(name, len(part)) + part for name, part in parts)
    path.write_bytes(zstandard.compress(data))
    return path


@pytest.fixture(scope="module")
def tiny(dump: Callable[..., Dump], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    found = Pair(dump("tiny"), tmp_path_factory.mktemp("saved") / "it.adps")
    yield found
    found.core.close()


@pytest.fixture(scope="module")
def whole(tiny: Pair) -> tuple[bytes, Parts]:
    return unpacked(tiny.path)


def used(session: Session) -> int:
    """Ask what a person would; count the answers. Nothing but an AdpError may be raised."""
    count = 0
    session.open()
    for view in VIEWS:
        for row in session.rows(Query(view)).rows[:8]:
            try:
                session.task(row.key)
                for frame in session.frames(row.key)[:6]:
                    if frame.ref is not None:
                        count += len(session.children(frame.ref))
            except AdpError:
                continue
    return count


def survives(path: Path) -> bool:
    """Open a file; tell whether it was shown."""
    try:
        target = read(path)
    except OpenError as error:
        assert error.message
        return False
    session = Session(target)
    try:
        used(session)
    except AdpError:
        return False
    finally:
        session.close()
    return True


def test_what_is_unpacked_and_packed_is_whole(
    tiny: Pair, whole: tuple[bytes, Parts], tmp_path: Path
) -> None:
    assert [name for name, _ in whole[1]] == [b"snapshot", b"values", b"memory"]
    session = Session(read(packed(tmp_path / "it", *whole)))
    assert used(session) == used(tiny.copy) > 0


def test_a_file_that_is_cut_off(tiny: Pair, tmp_path: Path) -> None:
    data = tiny.path.read_bytes()
    path = tmp_path / "cut"
    for size in {0, 1, 3, 4, 17, 60, *(len(data) * n // 12 for n in range(12)), len(data) - 8}:
        path.write_bytes(data[:size])
        with pytest.raises(OpenError):
            read(path)


def test_a_file_with_bytes_that_were_changed(tiny: Pair, tmp_path: Path) -> None:
    """The frame has a checksum: no change goes unnoticed."""
    data = bytearray(tiny.path.read_bytes())
    path = tmp_path / "changed"
    rng = random.Random(5)
    for _ in range(25):
        at = rng.randrange(8, len(data))
        data[at] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(OpenError):
            Session(read(path)).open()
        data[:] = tiny.path.read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no saved snapshot"),
        (b"\x7fELF" + bytes(100), "is no saved snapshot"),
        (zstandard.compress(b"a text"), "is no saved snapshot"),
        (zstandard.compress(MAGIC + b"[]\n"), "its first line makes no sense"),
        (zstandard.compress(MAGIC + b"x" * 10_000_000), "its first line makes no sense"),
        (zstandard.compress(MAGIC + b'{"format": 99, "adp_tui": "9\\u001b[2J"}\n'), "in format 99"),
        (zstandard.compress(MAGIC + b'{"format": 2, "adp_tui": "0.1"}\n'), "it has no snapshot"),
        (
            zstandard.compress(MAGIC + b'{"format": 2, "adp_tui": "0", "parts": ["memory"]}\n'),
            "memory is missing",
        ),
    ],
)
def test_what_is_no_snapshot(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(content)
    with pytest.raises(OpenError) as caught:
        read(path)
    assert message in caught.value.message
    assert "\x1b" not in caught.value.message


def test_a_part_that_claims_to_be_huge(whole: tuple[bytes, Parts], tmp_path: Path) -> None:
    data = whole[0] + _HEAD.pack(b"memory", 1 << 62) + b"x"
    path = tmp_path / "it"
    path.write_bytes(zstandard.compress(data))
    with pytest.raises(OpenError) as caught:
        read(path)
    assert "part" in caught.value.message


def test_much_inside_one_another(whole: tuple[bytes, Parts], tmp_path: Path) -> None:
    path = packed(tmp_path / "it", whole[0], [(b"snapshot", b"[" * 100_000 + b"]" * 100_000)])
    with pytest.raises(OpenError):
        read(path)


def _places(value: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    yield path
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*path, index))


CHANGES = (
    None, True, -1, 0, 1, 7, 1 << 31, 1 << 63, 1 << 200, -(1 << 63), 0.5, "", "t1", "x\x1b[31m",
    [], [[]], [1, 2], "AAAA", 10**30,
)  # fmt: skip


@pytest.mark.parametrize("part", ["snapshot", "values"])
def test_other_values_in_any_place(part: str, whole: tuple[bytes, Parts], tmp_path: Path) -> None:
    """400 files with up to three values changed: refused, or shown without an unforeseen error."""
    first, parts = whole
    content = dict(parts)
    record = json.loads(content[part.encode()])
    places = [place for place in _places(record) if place]
    rng = random.Random(11)
    shown = 0
    for _ in range(200):
        undo = []
        for _ in range(rng.randint(1, 3)):
            *above, index = rng.choice(places)
            owner: Any = record
            try:
                for step in above:
                    owner = owner[step]
                undo.append((owner, index, owner[index]))
                owner[index] = rng.choice((*CHANGES, owner[rng.randrange(len(owner))]))
            except (IndexError, TypeError):
                continue
        content[part.encode()] = json.dumps(record).encode()
        shown += survives(packed(tmp_path / "it", first, list(content.items())))
        for owner, index, old in reversed(undo):
            owner[index] = old
    # Some changes leave a snapshot that makes sense: the test reaches what is behind the checks.
    assert 0 < shown < 200


def test_other_bytes_in_memory(whole: tuple[bytes, Parts], tmp_path: Path) -> None:
    """What is read from there was hostile before it was saved."""
    first, parts = whole
    content = dict(parts)
    memory = content[b"memory"]
    rng = random.Random(3)
    for _ in range(10):
        data = bytearray(memory)
        for _ in range(200):
            at = rng.randrange(len(data) // 8) * 8
            data[at : at + 8] = rng.choice(
                (rng.randbytes(8), b"\0" * 8, b"\xff" * 8, data[:8], memory[at - 8 : at])
            ).ljust(8, b"\0")
        content[b"memory"] = bytes(data)
        survives(packed(tmp_path / "it", first, list(content.items())))


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999", "9" * 400])
def test_times_without_an_end(number: str) -> None:
    # GIVEN a file of which somebody made a time that nobody can say
    with pytest.raises(PlainError):
        decode(Scheduling, ["R", None, json.loads(number)])
    assert decode(Scheduling, ["R", None, 3]) == Scheduling("R", None, 3.0)


def test_a_field_that_came_later_may_be_missing() -> None:
    # GIVEN a signal as it was saved when nothing was known of panics
    plain = ["SIGABRT", 6, -6, None, 7]
    # WHEN it is read THEN it has the field's default, and no record has more or less
    assert decode(SignalFacts, plain) == SignalFacts("SIGABRT", 6, -6, None, 7)
    panic = PanicFacts("no", ("src/main.rs", 3))
    assert decode(SignalFacts, [*plain, ["no", ["src/main.rs", 3]]]).panic == panic
    for broken in (plain[:-1], [*plain, None, None], [*plain, ["no"]]):
        with pytest.raises(PlainError):
            decode(SignalFacts, broken)


def test_deadlines_without_an_end() -> None:
    tasks = TaskColumns()
    tasks.waits.append(Wait("timer", remaining_s=math.inf))
    with pytest.raises(PlainError, match="a time has no end"):
        snapshot_from(plain_snapshot(Snapshot(1, TARGET, tasks=tasks)))
