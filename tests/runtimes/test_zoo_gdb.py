"""Native stacks of the zoo's threads are those that gdb finds."""

from __future__ import annotations

import shutil

import pytest
from support.cores import Dump
from support.native import by_gdb
from support.reading import Reading


def test_every_pc_is_that_of_gdb(zoo: Reading) -> None:
    # GIVEN the stacks that gdb finds in the same core
    if shutil.which("gdb") is None:
        pytest.fail("gdb is needed: apt-get install gdb")
    expected = by_gdb(Dump(zoo.dump.core, zoo.dump.exe, {}))
    found = {thread.tid: thread.stack for thread in zoo.snapshot.threads}
    # THEN each thread has the same frames: address, inlined or not, line
    assert found.keys() == expected.keys()
    for tid, frames in expected.items():
        ours = [(f"{f.pc:#x}", f.inlined, f.line) for f in found[tid]]
        theirs = [(f"{f['pc']:#x}", f["inlined"], f["line"]) for f in frames]
        assert ours == theirs
        assert not any(frame.guessed for frame in found[tid])
