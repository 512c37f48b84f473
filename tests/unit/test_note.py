"""Notes of descriptors in ELF files: what is read, and what is refused."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.note import JSON, MAX_BYTES, PACKED, noted_texts
from adp_tui.engine.adp.provided import provided
from adp_tui.engine.adp.schema import Origin
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.program_file import ProgramFile


def record(data: bytes, kind: int = JSON, owner: bytes = b"ADP\0") -> bytes:
    padded = data + b" " * (-len(data) % 4)
    return struct.pack("<III", len(owner), len(padded), kind) + owner + padded


def descriptor(name: str, title: str = "") -> bytes:
    return f'{{"adp": 1, "id": "{name}", "title": "{title}"}}'.encode()


@pytest.fixture(scope="module")
def noted(debug_sample, tmp_path_factory):
    """Return what puts a section of notes into a real program."""
    folder = tmp_path_factory.mktemp("notes")

    def make(section: bytes) -> Path:
        raw, exe = folder / "raw", folder / f"{len(list(folder.iterdir()))}"
        raw.write_bytes(section)
        words = ["--add-section", f".note.adp={raw}", "--set-section-flags", ".note.adp=readonly"]
        subprocess.run(["objcopy", *words, debug_sample, exe], check=True)
        return exe

    return make


def read(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    (module,) = ProgramFile(path).modules()
    return noted_texts(Image(module))


def test_a_program_without_notes(debug_sample) -> None:
    assert read(debug_sample) == ((), ())


def test_records_stand_one_behind_the_other(noted) -> None:
    """GIVEN two crates that describe themselves, one packed, and a note of somebody else."""
    one, two = descriptor("one"), descriptor("two")
    others = record(b"{}", 7) + record(b"{}", JSON, b"XYZ\0") + record(b"", 0x41445002)
    section = record(one) + others + record(zlib.compress(two), PACKED)
    # THEN both are read, and the others are passed over
    assert read(noted(section)) == ((one.decode(), two.decode()), ())


BROKEN = {
    "cut off": (record(descriptor("late"))[:-8], "cut off"),
    "a size that is a lie": (struct.pack("<III", 4, 0xFFFFFFF0, JSON) + b"ADP\0", "wrong size"),
    "a name that is a lie": (struct.pack("<III", 0xFFFFFFF0, 4, JSON) + b"ADP\0{}  ", "wrong size"),
    "no UTF-8": (record(b"\xff\xfe\xfd\xfc"), "no UTF-8"),
    "not packed": (record(b"{}  ", PACKED), "cannot be unpacked"),
    "packed, cut off": (record(zlib.compress(b"{}" * 500)[:8], PACKED), "cut off"),
    "a bomb": (record(zlib.compress(b" " * (64 << 20)), PACKED), "more than"),
    "too long": (record(b" " * (MAX_BYTES + 4)), "more than"),
    "bytes behind the last": (b"\1\2\3\4", "are none"),
    "very many": (record(b"", 7) * 5000, "more than 4096"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_note_is_said_and_spoils_no_other(noted, name: str) -> None:
    section, words = BROKEN[name]
    good = descriptor("good")
    texts, problems = read(noted(record(good) + section))
    assert texts == (good.decode(),)
    assert len(problems) == 1 and words in problems[0]


def test_all_notes_of_a_module_share_a_megabyte(noted) -> None:
    half = descriptor("half", "x" * (MAX_BYTES // 2))
    texts, problems = read(noted(record(half) + record(half) + record(descriptor("small"))))
    assert [len(text) for text in texts] == [len(half), len(descriptor("small"))]
    assert len(problems) == 1 and f"more than {MAX_BYTES} bytes" in problems[0]


def test_the_separate_half_is_asked_where_the_program_has_none(
    noted, debug_sample, tmp_path
) -> None:
    # GIVEN a stripped program whose debug file alone has the note
    debug, stripped = tmp_path / "half.debug", tmp_path / "stripped"
    whole = noted(record(descriptor("half")))
    subprocess.run(["objcopy", "--only-keep-debug", whole, debug], check=True)
    subprocess.run(["objcopy", "--strip-debug", debug_sample, stripped], check=True)
    program = Program(ProgramFile(stripped), debug_files=(debug,))
    (found,) = [d for d in provided(program).descriptors if d.origin.kind == "note"]
    assert (found.id, found.origin.place) == ("half", str(stripped))


def test_the_nearest_comes_first(noted) -> None:
    """Project, user, note, catalogue."""
    exe = noted(record(descriptor("tokio")) + record(b'{"adp": 1, "id": 7}'))
    given = [
        load(descriptor("tokio").decode(), origin=Origin(kind)) for kind in ("project", "user")
    ]
    found = provided(Program(ProgramFile(exe)), given)
    assert [d.origin.kind for d in found.descriptors][:4] == [
        "project",
        "user",
        "note",
        "catalogue",
    ]
    assert len(found.problems) == 1 and "with an id" in found.problems[0]


def test_a_note_may_extend_what_ships(noted) -> None:
    exe = noted(record(b'{"adp": 1, "id": "mine", "extends": "tokio-1.29", "probe": []}'))
    found = provided(Program(ProgramFile(exe)))
    mine = found.descriptors[0]
    assert (mine.id, mine.probe, mine.origin.kind) == ("mine", (), "note")
    assert mine.executors and found.problems == ()
