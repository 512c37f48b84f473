"""Damaged executables, whose build-id still is that of the core."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hostile.damage import look_at_all
from hostile.places import unchanged
from support.build import Dump
from support.reading import Reading, read

from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.errors import LayoutError

SECTIONS = (".debug_info", ".debug_abbrev", ".debug_line", ".eh_frame", ".debug_str")

STANDING = ("idle", "scheduled")

Spoil = Callable[[str, float, int], Path]


@pytest.fixture
def spoil(zoo: Dump, tmp_path: Path) -> Spoil:
    """Return what writes a copy of the executable with random bytes in a section."""

    def spoil(section: str, share: float, seed: int) -> Path:
        chance = random.Random(f"{section} {seed}")
        path = tmp_path / "zoo"
        shutil.copy2(zoo.exe, path)
        place = ElfFile.open(zoo.exe).sections[section]
        with path.open("r+b") as file:
            for _ in range(int(place.size * share) + 1):
                file.seek(place.offset + chance.randrange(place.size))
                file.write(chance.choice((b"\0", b"\xff", b"\x7f", b"\x01", chance.randbytes(1))))
        return path

    return spoil


@pytest.mark.parametrize("share", [0.0001, 0.02])
@pytest.mark.parametrize("section", SECTIONS)
def test_damage_is_survived(
    section: str, share: float, spoil: Spoil, zoo: Dump, sound: Reading
) -> None:
    # GIVEN an executable with damage in one of its sections
    exe = spoil(section, share, 1)
    # WHEN all of the core is looked at with it
    seen = look_at_all(zoo.core, exe, locals=section == ".debug_info")
    # THEN all threads are there
    assert len(seen.snapshot.threads) == len(sound.snapshot.threads)
    # AND where tasks are missing that is said
    if len(seen.snapshot.tasks) < len(sound.snapshot.tasks):
        assert any(loss.missing for loss in seen.snapshot.losses)


def test_a_unit_that_is_cut_off(zoo: Dump, sound: Reading, tmp_path: Path) -> None:
    # GIVEN debug information that ends in the middle
    exe = tmp_path / "zoo"
    shutil.copy2(zoo.exe, exe)
    place = ElfFile.open(zoo.exe).sections[".debug_info"]
    with exe.open("r+b") as file:
        file.seek(place.offset + place.size // 2)
        file.write(bytes(place.size - place.size // 2))
    # WHEN all of the core is looked at with it THEN threads are there, and the loss is said
    seen = look_at_all(zoo.core, exe, locals=False)
    assert len(seen.snapshot.threads) == len(sound.snapshot.threads)
    assert any(loss.missing for loss in seen.snapshot.losses)


def test_call_frame_information_that_is_gone(zoo: Dump, sound: Reading, tmp_path: Path) -> None:
    # GIVEN an executable whose call frame information is zeros
    exe = tmp_path / "zoo"
    shutil.copy2(zoo.exe, exe)
    place = ElfFile.open(zoo.exe).sections[".eh_frame"]
    with exe.open("r+b") as file:
        file.seek(place.offset)
        file.write(bytes(place.size))
    # WHEN the core is read with it
    broken = read(replace(zoo, exe=exe))
    # THEN each thread that was in the program says that its stack is not whole
    for thread in sound.snapshot.threads:
        other = next(t for t in broken.snapshot.threads if t.tid == thread.tid)
        assert other.cut is not None, thread.name
        assert "zoo" in other.cut
    assert any(loss.what == "thread stack" for loss in broken.snapshot.losses)
    # AND the tasks in the runtimes' lists are as they were, but for the lines of those that run
    kept = [t for t in sound.snapshot.tasks if t.kind == "spawned" and t.state in STANDING]
    unchanged(sound, broken, but=[t for t in sound.snapshot.tasks if t not in kept])
    broken.session.close()


@pytest.mark.parametrize("step", ["choose", "find_roots", "find_fds", "WaitReader"])
def test_an_error_that_nobody_foresaw(
    step: str, zoo: Dump, sound: Reading, known_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN that a step of the analysis gives up
    def broken(*arguments: object) -> None:
        raise LayoutError("nobody foresaw this")

    monkeypatch.setattr(f"adp_tui.engine.analysis.survey.{step}", broken)
    # WHEN all of the core is looked at THEN all threads are there, and the loss says why no more is
    seen = look_at_all(zoo.core, zoo.exe, locals=False)
    assert [t.tid for t in seen.snapshot.threads] == [t.tid for t in sound.snapshot.threads]
    assert "nobody foresaw this" in {loss.why for loss in seen.snapshot.losses if loss.missing}
