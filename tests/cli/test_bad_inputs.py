"""Targets that cannot be read, or not in whole: for each its message and its exit status.

Each is a real program, built by rustc or cargo, and a real core of it.
"""

from __future__ import annotations

import ctypes
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.crash import crash
from support.elf import build_id

PROGRAMS = Path(__file__).parents[1] / "programs"
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def functions(report: Any) -> set[str]:
    """Return the functions in all native stacks."""
    return {f["function"] for thread in report["threads"] for f in thread["stack"]}


# Debug information.


@dataclass(frozen=True)
class Level:
    """How a program is built, and what is said of it."""

    debug: str
    says: str
    names_lines: bool


LEVELS = {
    "debug-0": Level("0", "tiny has no debug information", False),
    "debug-1": Level("1", "tiny has debug information of level 1 (`debug = 1`", True),
    "line-tables-only": Level("line-tables-only", "tiny has line tables only", True),
}


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
def test_too_little_debug_information(level, dump, adp_tui_command):
    # GIVEN a tokio program that was built with less than `debug = 2`
    core = dump("tiny", debug=level.debug).core
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", core, "--json")
    # THEN the level is named, with what to write and where, and the status says tasks are missing
    assert ran.status == 1 and ran.err == ""
    assert level.says in ran.losses
    assert "build it with `debug = 2` in [profile.release] of Cargo.toml" in ran.losses
    # AND the threads are there, down to the functions of the program
    report = ran.report
    assert report["tasks"] == [] and report["executors"] == []
    assert len(report["threads"]) == 2
    assert {"tiny::main", "abort"} <= functions(report) or level.debug == "line-tables-only"
    lines = [f["line"] for t in report["threads"] for f in t["stack"] if f["file"] == "src/main.rs"]
    assert bool(lines) == level.names_lines


def test_dependencies_without_debug_information(dump, adp_tui_command):
    # GIVEN a program whose own crates alone have debug information
    tiny = dump("tiny", profile="own-only")
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", tiny.core, "--json")
    # THEN it says why the task is not there, and where to change that
    assert ran.status == 1
    assert "tokio was built without debug information" in ran.losses
    assert "give dependencies `debug = 2` as well" in ran.losses
    assert not [task for task in ran.report["tasks"] if task["kind"] == "spawned"]


def test_enough_debug_information(dump, adp_tui_command):
    # GIVEN the same program built with `debug = 2`
    tiny = dump("tiny")
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", tiny.core, "--json")
    # THEN nothing is missing, and the task is there
    assert ran.status == 0 and ran.err == ran.losses == ""
    report = ran.report
    (task,) = (t for t in report["tasks"] if t["future"] == "tiny::naps")
    assert [wait["kind"] for wait in task["waits"]] == ["timer"]


def test_debug_information_that_was_split_off(dump, adp_tui_command, tmp_path, split):
    # GIVEN a program whose debug information is in a file of its own, in another folder
    tiny = dump("tiny")
    stripped, debug = split(tiny.exe, tmp_path)
    # WHEN the file is not named
    ran = adp_tui_command("report", "core", tiny.core, "--exe", stripped, "--json")
    # THEN it is asked for by its name
    assert ran.status == 1
    assert f"in a file of its own, {debug.name}" in ran.losses
    assert f"pass --debug-file {debug.name}" in ran.losses
    assert not ran.report["tasks"]
    # WHEN it is named
    words = ("report", "core", tiny.core, "--exe", stripped, "--debug-file", debug, "--json")
    ran = adp_tui_command(*words)
    # THEN the task is read
    assert ran.status == 0
    assert "tiny::naps" in {task["future"] for task in ran.report["tasks"]}


SPLIT = {
    # How the program was built, and what is said of where its debug information is.
    "split-unpacked": "split off, into .dwo files such as tiny-",
    "split-packed": "split off, into tiny.dwp, and .dwp files are not read",
}


@pytest.mark.parametrize(("build", "says"), SPLIT.items(), ids=SPLIT)
def test_split_debug_information(build, says, dump, adp_tui_command):
    # GIVEN a program whose debug information rustc has split off
    tiny = dump("tiny", build=build)
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", tiny.core, "--json")
    # THEN it is refused by name, with what to write instead
    assert ran.status == 1 and ran.err == ""
    assert says in ran.losses
    assert 'build it with `split-debuginfo = "off"`' in ran.losses
    assert ran.report["tasks"] == []
    # AND the threads are there, with their lines: line tables are not split off
    assert len(ran.report["threads"]) == 2
    places = {(f["file"], f["line"]) for t in ran.report["threads"] for f in t["stack"]}
    source = (PROGRAMS / "tiny/src/main.rs").read_text().splitlines()
    (aborts,) = (number for number, line in enumerate(source, 1) if "abort()" in line)
    assert ("src/main.rs", aborts) in places


# Files that are others than those that ran, or are not there.


def test_a_wrong_executable(dump, adp_tui_command):
    # GIVEN a core, and another build of its program
    tiny, other = dump("tiny"), dump("tiny", debug="1")
    # WHEN the other build is passed
    ran = adp_tui_command("report", "core", tiny.core, "--exe", other.exe)
    # THEN it is refused, with both build-ids and what to pass
    assert ran.status == 3 and ran.out == ""
    message, help, *more = ran.err.splitlines()
    assert message.startswith(f"adp-tui: {other.exe} is not the program of this target, {tiny.exe}")
    assert (
        f"its build-id is {build_id(other.exe)}, the program's is {build_id(tiny.exe)}" in message
    )
    assert help.startswith("  pass the file that ran") and "--exe EXE" in help and not more


def test_a_missing_executable(dump, adp_tui_command, tmp_path):
    # GIVEN a core whose program is gone
    tiny = dump("tiny")
    shutil.copy2(tiny.exe, tmp_path / "gone")
    crash(tmp_path, [str(tmp_path / "gone")])
    wanted = build_id(tmp_path / "gone")
    (tmp_path / "gone").unlink()
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", tmp_path / "core", "--json")
    # THEN the program is named with its build-id and the option to pass
    assert ran.status == 1
    assert (
        f"{tmp_path}/gone (build-id {wanted}) is not on this machine; pass --exe EXE" in ran.losses
    )
    assert len(ran.report["threads"]) == 2


def test_a_missing_libc(dump, adp_tui_command, tmp_path):
    # GIVEN a program that ran with a libc which is not there any more
    tiny = dump("tiny")
    (path,) = {
        Path(line.split()[-1])
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith("/libc.so.6")
    }
    libc = tmp_path / "lib" / "libc.so.6"
    libc.parent.mkdir()
    shutil.copy2(path, libc)
    crash(tmp_path, [str(tiny.exe)], {"LD_LIBRARY_PATH": str(libc.parent)})
    wanted = build_id(libc)
    libc.unlink()
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", tmp_path / "core", "--json")
    # THEN libc is named with its build-id and the option to pass, and stacks may be wrong
    assert ran.status == 1
    assert f"{libc} (build-id {wanted}) is not on this machine; pass --sysroot DIR" in ran.losses
    report = ran.report
    assert len(report["threads"]) == 2
    assert "tiny::naps" in {task["future"] for task in report["tasks"]}
    assert "abort" not in functions(report)
    # WHEN a sysroot has it
    there = tmp_path / "root" / libc.relative_to("/")
    there.parent.mkdir(parents=True)
    shutil.copy2(path, there)
    words = ("report", "core", tmp_path / "core", "--sysroot", tmp_path / "root", "--json")
    ran = adp_tui_command(*words)
    # THEN nothing is missing, and libc's functions are named
    assert ran.status == 0 and ran.losses == ""
    assert "abort" in functions(ran.report)


@pytest.mark.parametrize("kind", ["text", "missing", "other-build"])
def test_a_debug_file_that_is_none(kind, dump, adp_tui_command, tmp_path, split):
    # GIVEN a core, and a file that is not its program's debug information
    tiny = dump("tiny")
    path = tmp_path / "some.debug"
    if kind == "text":
        path.write_text("no debug information")
    if kind == "other-build":
        _, debug = split(dump("tiny", debug="1").exe, tmp_path)
        debug.rename(path)
    # WHEN it is passed
    ran = adp_tui_command("report", "core", tiny.core, "--debug-file", path)
    # THEN it is refused
    assert ran.status == 3 and ran.out == ""
    message, help = ran.err.splitlines()
    assert message.startswith(f"adp-tui: --debug-file {path}")
    expected = {
        "text": "is no ELF file",
        "missing": "No such file",
        "other-build": f"the program's is {build_id(tiny.exe)}",
    }
    assert expected[kind] in message and help.startswith("  pass the file")


# The core itself.


def test_half_a_core(dump, adp_tui_command, tmp_path):
    # GIVEN a core of which the second half is missing
    tiny = dump("tiny")
    whole = tiny.core.read_bytes()
    half = tmp_path / "half.core"
    half.write_bytes(whole[: len(whole) // 2])
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", half, "--json")
    # THEN the report says how much is missing
    assert ran.status == 1
    missing = len(whole) - len(whole) // 2
    assert (
        f"the core is truncated: {missing:,} of {len(whole):,} bytes (50 %) are missing"
        in ran.losses
    )
    # AND has what is still there: the threads by number, and the program
    report = ran.report
    tids = [
        t["tid"] for t in adp_tui_command("report", "core", tiny.core, "--json").report["threads"]
    ]
    assert [t["tid"] for t in report["threads"]] == tids
    assert report["target"]["signal"]["name"] == "SIGABRT"
    assert report["target"]["exe"] == str(tiny.exe)


def make_text(path: Path, _: Path) -> None:
    path.write_text("this is no core\n" * 100)


def make_empty(path: Path, _: Path) -> None:
    path.write_bytes(b"")


def make_executable(path: Path, program: Path) -> None:
    shutil.copy2(program, path)


def make_folder(path: Path, _: Path) -> None:
    path.mkdir()


def make_nothing(path: Path, _: Path) -> None:
    assert not path.exists()


REFUSED = {
    "an-executable": (make_executable, "is an executable, not a core", "adp-tui core CORE --exe"),
    "a-text-file": (make_text, "is a text file, not a core", "core_pattern"),
    "empty": (make_empty, "is empty", "ulimit -c unlimited"),
    "a-folder": (make_folder, "is a folder, not a core", "name the core file in it"),
    "no-file": (make_nothing, "does not exist", "core_pattern"),
}


@pytest.mark.parametrize(("make", "says", "advises"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_core(make, says, advises, dump, adp_tui_command, tmp_path):
    # GIVEN a file that is no core
    path = tmp_path / "some.file"
    make(path, dump("tiny").exe)
    # WHEN a report of it is asked for
    ran = adp_tui_command("report", "core", path, "--json")
    # THEN it is refused: what it is, and what to type
    assert ran.status == 3 and ran.out == ""
    message, help = ran.err.splitlines()
    assert message == f"adp-tui: {path} {says}"
    assert help.startswith("  ") and advises in help


def without_privileges() -> None:
    """Give up what lets root read any file; the bounding set outlives execve."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def test_a_core_that_may_not_be_read(dump, adp_tui_command, tmp_path):
    # GIVEN a core that this user may not read
    path = tmp_path / "private.core"
    shutil.copy2(dump("tiny").core, path)
    path.chmod(0)
    # WHEN a report of it is asked for
    ran = adp_tui_command("report", "core", path, preexec_fn=without_privileges)
    # THEN it is refused, with the command that helps
    assert ran.status == 3 and ran.out == ""
    message, help = ran.err.splitlines()
    assert message == f"adp-tui: {path} may not be read by this user"
    assert f"sudo chown $USER {path}" in help


# Programs without a runtime.


def test_no_runtime(plain, adp_tui_command):
    # GIVEN a program that uses threads only
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", plain.core, "--json")
    # THEN nothing is lost, and a plain sentence says that there is no runtime
    assert ran.status == 0 and ran.err == ""
    report = ran.report
    (loss,) = report["losses"]
    assert loss["why"] == "no async runtime was recognised" and loss["missing"] is False
    assert report["tasks"] == report["executors"] == report["target"]["runtimes"] == []
    # AND the threads are there
    assert {"plain", "rester"} == {thread["name"] for thread in report["threads"]}
    assert {"plain::main", "plain::rests"} <= functions(report)
    # AND the text says it too
    text = adp_tui_command("report", "core", plain.core)
    assert text.status == 0 and "no async runtime was recognised" in text.out


def test_no_rust(cores, adp_tui_command):
    # GIVEN a C program
    core = cores.dump(cores.program("threads.c"), "abort").core
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", core, "--json")
    # THEN its threads are shown; what it never held is no loss
    assert ran.status == 0
    assert "no async runtime was recognised" in ran.losses
    assert len(ran.report["threads"]) == 5
