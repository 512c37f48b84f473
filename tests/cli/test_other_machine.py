"""A core from another machine: its files are told apart by build-id, never by their names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.build import Dump
from support.crash import crash
from support.elf import build_id

from adp_tui.backends.core import open_core


@pytest.fixture
def foreign(dump, tmp_path: Path) -> tuple[Dump, Path, Path]:
    """Return a program, its core and its libc, which are where this machine does not look."""
    tiny = dump("tiny")
    path = next(each.file for each in open_core(tiny.core).modules() if "/libc.so" in each.path)
    assert path is not None
    there = tmp_path / "there"
    there.mkdir()
    libc, exe = there / "libc.so.6", there / "tiny"
    shutil.copy2(path, libc)
    shutil.copy2(tiny.exe, exe)
    crash(tmp_path, [str(exe)], {"LD_LIBRARY_PATH": str(there)})
    gone = tmp_path / "gone"
    there.rename(gone)
    return tiny, gone / "libc.so.6", tmp_path / "core"


def test_all_of_its_files_are_in_a_sysroot(foreign, tmp_path, adp_tui_command):
    # GIVEN a sysroot with the files of the machine
    _, libc, core = foreign
    root = tmp_path / "root" / tmp_path.relative_to("/") / "there"
    shutil.copytree(libc.parent, root)
    # WHEN the core is reported on
    ran = adp_tui_command("report", "core", core, "--sysroot", tmp_path / "root", "--json")
    # THEN nothing is missing
    assert (ran.status, ran.losses) == (0, "")
    assert "tiny::naps" in {task["future"] for task in ran.report["tasks"]}
    assert "abort" in {f["function"] for t in ran.report["threads"] for f in t["stack"]}


def test_a_libc_of_another_build_is_named_and_not_used(foreign, tmp_path, adp_tui_command):
    # GIVEN a sysroot whose libc is another build: a distribution has updated it since
    _, libc, core = foreign
    root = tmp_path / "root" / tmp_path.relative_to("/") / "there"
    shutil.copytree(libc.parent, root)
    wanted = build_id(libc)
    other = root / "libc.so.6"
    updated = bytes.fromhex(wanted)[::-1]
    other.write_bytes(libc.read_bytes().replace(bytes.fromhex(wanted), updated))
    # WHEN the core is reported on
    ran = adp_tui_command("report", "core", core, "--sysroot", tmp_path / "root", "--json")
    # THEN both builds are named, with the file and what to pass
    assert ran.status == 1
    assert f"/there/libc.so.6 (build-id {wanted}): {other} is another build" in ran.losses
    assert f"(build-id {updated.hex()}); pass --sysroot DIR" in ran.losses
    # AND none of its functions are named, while the tasks are there
    report = ran.report
    assert "abort" not in {f["function"] for t in report["threads"] for f in t["stack"]}
    assert "tiny::naps" in {task["future"] for task in report["tasks"]}


def test_a_program_of_another_build_in_a_sysroot_is_not_used(
    foreign, dump, tmp_path, adp_tui_command
):
    # GIVEN a sysroot whose program was built again since
    tiny, libc, core = foreign
    root = tmp_path / "root" / tmp_path.relative_to("/") / "there"
    shutil.copytree(libc.parent, root)
    other = dump("tiny", debug="1").exe
    shutil.copy2(other, root / "tiny")
    # WHEN the core is reported on
    ran = adp_tui_command("report", "core", core, "--sysroot", tmp_path / "root", "--json")
    # THEN it is refused to read tasks by the types of another program, and said why
    assert ran.status == 1 and ran.report["tasks"] == []
    assert f"(build-id {build_id(tiny.exe)}): {root}/tiny is another build" in ran.losses
    assert f"(build-id {build_id(other)}); pass --exe EXE" in ran.losses
