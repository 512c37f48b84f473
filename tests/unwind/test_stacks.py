"""Native stacks of real programs are those that gdb finds."""

from __future__ import annotations

import pytest
from support.cores import Cores, Dump
from support.native import Stack, by_gdb, marked, opened, stacks

from adp_tui.engine.unwind.locals import scopes

RUST = ("-Cpanic=abort",)
KINDS = {
    "debug": RUST,
    "release": (*RUST, "-O"),
    "debug, DWARF 5": (*RUST, "-Cdwarf-version=5"),
    "release, DWARF 5": (*RUST, "-O", "-Cdwarf-version=5"),
    "release, one unit": (*RUST, "-O", "-Ccodegen-units=1", "-Clto=fat"),
    "v0 names": (*RUST, "-Csymbol-mangling-version=v0"),
}


@pytest.fixture(scope="module", params=KINDS)
def dump(cores: Cores, request: pytest.FixtureRequest) -> Dump:
    return cores.dump(cores.program("stacks.rs", *KINDS[request.param]))


def test_every_frame_is_that_of_gdb(dump: Dump) -> None:
    # GIVEN the core of a program with four threads
    # WHEN its threads are unwound and named
    found = {stack.tid: stack for stack in stacks(opened(dump))}
    # THEN gdb has the same frames: address, inlined or not, with a function, line
    expected = by_gdb(dump)
    assert found.keys() == expected.keys()
    assert len(found) == 4
    for tid, frames in expected.items():
        assert found[tid].native.cut is None
        ours = [(f.pc, f.inlined, f.function is not None, f.line) for f in found[tid].frames]
        theirs = [(f["pc"], f["inlined"], f["name"] is not None, f["line"]) for f in frames]
        assert ours == theirs


def test_files_are_those_of_gdb(dump: Dump) -> None:
    expected = by_gdb(dump)
    for stack in stacks(opened(dump)):
        for frame, theirs in zip(stack.frames, expected[stack.tid], strict=True):
            if theirs["file"] is None:
                assert frame.file is None
            else:
                assert frame.file is not None
                assert theirs["file"].endswith(frame.file.removeprefix("./"))


def test_qualified_names_are_those_of_gdb(dump: Dump) -> None:
    # GIVEN the frames that lie in the program itself
    program, expected = opened(dump), by_gdb(dump)
    seen = 0
    for stack in stacks(program):
        theirs = iter(expected[stack.tid])
        for raw, part in stack.parts:
            # WHEN its functions are asked for
            names = [scope.name for scope in scopes(program, raw)]
            wanted = [next(theirs)["name"] for _ in part]
            # THEN they are named as gdb names them
            if raw.image is program.executable and names:
                assert names == wanted
                seen += len(names)
    assert seen > 60


def crashed(dump: Dump) -> Stack:
    return stacks(opened(dump))[0]


def test_the_first_thread_stands_where_its_source_aborts(dump: Dump) -> None:
    stack = crashed(dump)
    # main calls generic's closure inside map's closure
    inner = stack.frame("stacks::main::{closure#1}::{closure#0}")
    assert inner.line == marked("stacks.rs", "abort")
    assert stack.frame("stacks::generic").line == marked("stacks.rs", "generic")
    assert "stacks::main" in stack.functions()
    assert "std::process::abort" in stack.functions()


def test_parked_threads_stand_at_their_depths(dump: Dump) -> None:
    depths = []
    for stack in stacks(opened(dump))[1:]:
        deep = [f for f in stack.frames if f.function == "stacks::deep"]
        assert [f.line for f in deep] == [
            marked("stacks.rs", "parked"),
            *[marked("stacks.rs", "deeper")] * (len(deep) - 1),
        ]
        depths.append(len(deep) - 1)
        # middle is always inlined, into the closure that the thread runs
        middle = stack.frame("stacks::middle")
        assert middle.inlined
        assert middle.origin == "inline"
        assert middle.line == marked("stacks.rs", "middle")
        closure = stack.frames[stack.frames.index(middle) + 1]
        assert closure.function == "stacks::main::{closure#0}"
        assert closure.line == marked("stacks.rs", "spawned")
        assert closure.file is not None
        assert closure.file.endswith("stacks.rs")
        assert closure.module == "stacks"
    assert sorted(depths) == [3, 6, 9]
