"""What was found out about files is kept, and only for those very files and this very code."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import adp_tui.engine.cache as module
from adp_tui.engine.answers import Answers
from adp_tui.engine.cache import Cache, default_folder

BUILD_ID = "a0b1c2d3"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers"


def answers(**tables: dict[object, object]) -> Answers:
    found = Answers()
    for name, table in tables.items():
        found.table(name).update(table)
    return found


def test_answers_come_back(program: Path, folder: Path) -> None:
    # GIVEN answers of every kind
    kept = answers(names={1: "tokio::Task", 2: None}, places={7: ("a.rs", "/x", 3, None)})
    assert kept.grown
    Cache(folder).write(BUILD_ID, [program], kept)
    # WHEN another run asks for them THEN they are the same, and nothing in them is new
    found = Cache(folder).read(BUILD_ID, [program])
    assert found.tables == kept.tables
    assert not found.grown
    # AND nobody else can read or write them
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / BUILD_ID).stat().st_mode) == 0o600


def test_a_changed_file_is_asked_anew(program: Path, folder: Path) -> None:
    Cache(folder).write(BUILD_ID, [program], answers(names={1: "one"}))
    program.write_bytes(b"\x7fELF!")
    assert not Cache(folder).read(BUILD_ID, [program]).tables
    # AND what is written then does not take over what the old file said
    Cache(folder).write(BUILD_ID, [program], answers(names={2: "two"}))
    assert Cache(folder).read(BUILD_ID, [program]).tables == {"names": {2: "two"}}


def test_changed_code_asks_anew(
    program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(folder).write(BUILD_ID, [program], answers(names={1: "one"}))
    monkeypatch.setattr(module, "_code", lambda: ("another version",))
    assert not Cache(folder).read(BUILD_ID, [program]).tables


def test_damage_is_as_if_nothing_were_there(program: Path, folder: Path) -> None:
    cache = Cache(folder)
    cache.write(BUILD_ID, [program], answers(names={1: "one"}))
    path = folder / BUILD_ID
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert not cache.read(BUILD_ID, [program]).tables
        path.write_bytes(whole[:at])
        assert not cache.read(BUILD_ID, [program]).tables


def test_what_cannot_be_written_is_not_kept(program: Path, tmp_path: Path) -> None:
    # GIVEN a place that is no folder, a build-id that would lead elsewhere, a file that is gone
    for folder, build_id, files in (
        (program, BUILD_ID, [program]),
        (tmp_path / "new", "../../evil", [program]),
        (tmp_path / "new", BUILD_ID, [tmp_path / "nowhere"]),
    ):
        cache = Cache(folder)
        cache.write(build_id, files, answers(names={1: "one"}))
        assert not cache.read(build_id, files).tables
    assert not (tmp_path.parent / "evil").exists()


def _write(job: tuple[Path, Path, int]) -> None:
    folder, program, number = job
    cache = Cache(folder)
    known = cache.read(BUILD_ID, [program])
    known.table("names")[number] = "x" * 1000
    cache.write(BUILD_ID, [program], known)


def test_several_at_once(program: Path, folder: Path) -> None:
    # WHEN processes read and write the same file at once
    with ProcessPoolExecutor(8) as pool:
        list(pool.map(_write, [(folder, program, number) for number in range(64)]))
    # THEN it is whole, and no half-made file is left
    assert Cache(folder).read(BUILD_ID, [program]).tables["names"]
    assert sorted(path.name for path in folder.iterdir()) == [".lock", BUILD_ID]


def test_one_after_the_other_is_joined(program: Path, folder: Path) -> None:
    # GIVEN two runs that read the same and found out different things
    cache = Cache(folder)
    first, second = (cache.read(BUILD_ID, [program]) for _ in range(2))
    first.table("names")[1] = "one"
    second.table("names")[2] = "two"
    cache.write(BUILD_ID, [program], first)
    cache.write(BUILD_ID, [program], second)
    assert cache.read(BUILD_ID, [program]).tables == {"names": {1: "one", 2: "two"}}


def test_it_stays_small(program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE", 2000)
    monkeypatch.setattr(module, "MAX_FOLDER", 6000)
    cache = Cache(folder)
    # GIVEN more programs than there is room for, each used later than the one before
    for number in range(10):
        cache.write(f"id{number}", [program], answers(names={number: "x" * 1500}))
        os.utime(folder / f"id{number}", (number, number))
    cache.write("id3x", [program], answers(names={0: "x" * 1500}))
    # THEN those that were used last are there, and no more than fit
    left = {path.name for path in folder.iterdir() if path.name != ".lock"}
    assert left == {"id9", "id8", "id3x"}
    # AND what is too large by itself is not kept
    cache.write("large", [program], answers(names={0: "x" * 3000}))
    assert not (folder / "large").exists()


def test_what_others_may_have_written_is_not_read(
    program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(folder)
    cache.write(BUILD_ID, [program], answers(names={1: "one"}))
    # GIVEN a file that the group can write
    (folder / BUILD_ID).chmod(0o620)
    assert not cache.read(BUILD_ID, [program]).tables
    (folder / BUILD_ID).chmod(0o600)
    assert cache.read(BUILD_ID, [program]).tables
    # AND one that is another user's
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert not cache.read(BUILD_ID, [program]).tables


def test_a_user_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    assert default_folder() is None


def test_the_place_is_by_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/kept")
    assert default_folder() == Path("/var/kept/adp-tui/answers")
    # AND what is no absolute path is passed over
    for value in ("", "here"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        monkeypatch.setenv("HOME", "/home/grace")
        assert default_folder() == Path("/home/grace/.cache/adp-tui/answers")
