"""Stacks without a Rust program's comforts: signal handlers, no tables, no files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cores import Cores, Dump
from support.native import Stack, by_gdb, marked, opened, stacks

NO_TABLES = ("-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
CHAIN = ["third", "second", "first"]

Crash = Callable[..., Dump]


@pytest.fixture
def crash(cores: Cores) -> Crash:
    """Return what builds ``bare.c`` with some flags and lets it crash in some way."""

    def crashed(*flags: str, how: str = "") -> Dump:
        return cores.dump(cores.program("bare.c", *flags), how)

    return crashed


def own(stack: Stack) -> list[str]:
    """Return the program's own functions, innermost first."""
    return [f.function or "?" for f in stack.frames if f.module == "bare"]


def like_gdb(dump: Dump) -> Stack:
    """Check that the crashed thread's frames are those of gdb."""
    (stack, *_) = stacks(opened(dump))
    theirs = [(f["pc"], f["inlined"], f["line"]) for f in by_gdb(dump)[stack.tid]]
    assert [(f.pc, f.inlined, f.line) for f in stack.frames] == theirs
    assert stack.native.cut is None
    return stack


@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("how", ["signal", "altstack"])
def test_a_signal_handler_stands_on_what_it_interrupted(crash: Crash, level: str, how: str) -> None:
    # GIVEN a program that divides by zero, and whose handler of that aborts
    dump = crash(level, how=how)
    # WHEN the thread is unwound
    stack = like_gdb(dump)
    # THEN below the handler stands the function that was interrupted, at the very line
    if level == "-O0":
        assert own(stack)[:6] == [*CHAIN, "handler", "raises", "main"]
        assert stack.frame("handler").line == marked("bare.c", "handler")
    assert stack.frame("raises").line == marked("bare.c", "raises")
    # AND its pc is no return address: the look-up is not moved back
    raw = stack.raw("raises")
    assert raw.lookup == raw.pc
    assert stack.raw("main").lookup == stack.raw("main").pc - 1


@pytest.mark.parametrize("version", ["2", "3", "4", "5"])
def test_each_version_of_dwarf_gives_lines(crash: Crash, version: str) -> None:
    stack = like_gdb(crash("-O0", f"-gdwarf-{version}"))
    assert own(stack)[:4] == [*CHAIN, "main"]
    for function in (*CHAIN, "main"):
        assert stack.frame(function).line == marked("bare.c", function)
        assert stack.frame(function).origin == "cfi"


@pytest.mark.parametrize(
    "flags", ["-no-pie", "-static", "-static-pie", "-gz", "-Wl,--no-eh-frame-hdr", "-O3 -flto"]
)
def test_other_ways_to_link(crash: Crash, flags: str) -> None:
    stack = like_gdb(crash(*flags.split(), how="thread"))
    if "-O3" not in flags:
        assert [f for f in stack.functions() if f in {*CHAIN, "spawned"}] == [*CHAIN, "spawned"]
    assert stack.frame("third").line == marked("bare.c", "third")


def test_debug_information_in_a_file_of_its_own(crash: Crash, tmp_path: Path) -> None:
    # GIVEN a stripped program, and its debug information beside it
    dump = crash("-O0")
    stripped, apart = tmp_path / "bare", tmp_path / "bare.debug"
    for command in (
        ["objcopy", "--only-keep-debug", dump.program, apart],
        ["objcopy", "--strip-all", f"--add-gnu-debuglink={apart}", dump.program, stripped],
    ):
        subprocess.run(command, check=True)
    # WHEN a core of it is read
    (stack, *_) = stacks(opened(Dump(dump.core, stripped, {})))
    # THEN functions and lines are there
    assert own(stack)[:4] == [*CHAIN, "main"]
    for function in (*CHAIN, "main"):
        assert stack.frame(function).line == marked("bare.c", function)


def test_a_stripped_program_has_frames_without_names(crash: Crash, tmp_path: Path) -> None:
    # GIVEN a stripped program, without its debug information
    dump = crash("-O0")
    stripped = tmp_path / "bare"
    subprocess.run(["objcopy", "--strip-all", dump.program, stripped], check=True)
    # WHEN a core of it is read
    (stack, *_) = stacks(opened(Dump(dump.core, stripped, {})))
    # THEN each frame is there, of the module, without a guess at its function
    (whole, *_) = stacks(opened(dump))
    assert [f.pc for f in stack.frames] == [f.pc for f in whole.frames]
    assert own(stack)[:4] == ["?"] * 4
    assert stack.native.cut is None


def test_debug_frame_serves_where_there_is_no_eh_frame(crash: Crash) -> None:
    # GIVEN a program whose only tables are in .debug_frame
    dump = crash("-O2", "-fomit-frame-pointer", *NO_TABLES)
    # WHEN it is unwound
    stack = like_gdb(dump)
    # THEN the callers are exact and say where they are from
    assert own(stack)[:4] == [*CHAIN, "main"]
    assert {stack.frame(name).origin for name in ("second", "first", "main")} == {"debug_frame"}
    assert not any(frame.guessed for frame in stack.frames)


@pytest.mark.parametrize("how", [[], ["-DTHREAD"]], ids=["start", "clone"])
def test_a_stack_ends_where_the_frame_pointer_is_zero(cores: Cores, how: list[str]) -> None:
    # GIVEN a program that begins as musl's do, where no table says that its stack ends
    program = cores.program("start.c", "-nostdlib", "-static", "-O1", *how)
    # WHEN it is unwound THEN it ends like gdb's, and nothing is said to be missing
    stack = like_gdb(cores.dump(program))
    assert stack.functions() == ["fails", "begins", "_start"]


@pytest.mark.parametrize("how", ["", "thread"])
def test_frame_pointers_serve_where_there_are_no_tables(crash: Crash, how: str) -> None:
    # GIVEN a program without any tables that keeps frame pointers
    dump = crash("-O0", "-g0", "-fno-omit-frame-pointer", *NO_TABLES, how=how)
    (stack, *_) = stacks(opened(dump))
    # THEN its functions are found, marked as guesses, and the stack is whole
    below = ["spawned"] if how else ["main"]
    assert own(stack)[:4] == [*CHAIN, *below]
    frames = [stack.frame(name) for name in ("second", "first", *below)]
    assert {frame.origin for frame in frames} == {"frame_pointer"}
    assert all(frame.guessed for frame in frames)
    assert stack.frame("third").origin == "cfi", "raise() in libc has tables"
    assert stack.native.cut is None
    assert all(frame.line is None for frame in frames), "there is no debug information"


def test_return_addresses_are_searched_where_nothing_else_helps(crash: Crash) -> None:
    # GIVEN a program with neither tables nor frame pointers
    dump = crash("-O1", "-g0", "-fomit-frame-pointer", *NO_TABLES)
    (stack, *_) = stacks(opened(dump))
    # THEN its functions are found by the calls before the return addresses
    assert own(stack)[:4] == [*CHAIN, "main"]
    frames = [stack.frame(name) for name in ("second", "first", "main")]
    assert {frame.origin for frame in frames} == {"scan"}
    assert all(frame.guessed for frame in frames)
    assert stack.native.cut is None


def test_a_call_to_nowhere_shows_who_called(crash: Crash) -> None:
    # GIVEN a program that calls a null function pointer
    dump = crash("-O0", how="null")
    (stack, *_) = stacks(opened(dump))
    # THEN the first frame is of no module, and the next is the caller
    first, second, *_ = stack.frames
    assert (first.pc, first.function, first.module) == (0, None, None)
    assert (second.function, second.line) == ("falls", marked("bare.c", "falls"))
    assert second.guessed
    assert stack.functions()[2] == "main"


@pytest.fixture
def without_libc(crash: Crash, tmp_path: Path) -> tuple[Dump, str]:
    """Return a core as from another machine, whose libc is not on this one, and its build-id."""
    dump = crash("-O0")
    libc = next(i.module for i in opened(dump).images if i.name == "libc.so.6")
    notes = subprocess.run(["readelf", "-n", libc.path], capture_output=True, text=True, check=True)
    (build_id,) = re.findall(r"Build ID: ([0-9a-f]+)", notes.stdout)
    core = tmp_path / "core"
    core.write_bytes(dump.core.read_bytes().replace(b"libc.so.6\0", b"libc.so.9\0"))
    return Dump(core, dump.program, {}), build_id


def test_a_missing_library_is_named_with_its_build_id(
    without_libc: tuple[Dump, str], tmp_path: Path
) -> None:
    # GIVEN a core whose libc is neither on this machine nor in the sysroot
    dump, build_id = without_libc
    sysroot = tmp_path / "empty"
    sysroot.mkdir()
    # WHEN the thread is unwound
    (stack, *_) = stacks(opened(dump, sysroot))
    # THEN its first frame names the library, without a function
    assert stack.frames[0].function is None
    assert stack.frames[0].module == "libc.so.9"
    # AND the reason why the stack is cut names file and build-id, and what to type
    assert stack.native.cut is not None
    assert "libc.so.9" in stack.native.cut
    assert build_id in stack.native.cut
    assert "--sysroot" in stack.native.cut
    # AND what can be known of the program is there: its innermost function as a guess
    assert own(stack)[:4] == [*CHAIN, "main"]
    assert stack.frame("third").origin == "scan"
    assert stack.frame("second").origin == "cfi"
