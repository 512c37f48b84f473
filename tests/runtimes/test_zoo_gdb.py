"""Native stacks of the zoo's threads are those that gdb finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from support.cores import Dump
from support.native import by_gdb
from support.reading import Reading


def test_every_pc_is_that_of_gdb(
    zoo: Reading, record_property: Callable[[str, object], None]
) -> None:
    # GIVEN the stacks that gdb finds in the same core
    if shutil.which("gdb") is None:
        pytest.fail("gdb is needed: apt-get install gdb")
    expected = by_gdb(Dump(zoo.dump.core, zoo.dump.whole, {}))
    found = {thread.tid: thread.stack for thread in zoo.snapshot.threads}
    # THEN each thread has the same frames: address, inlined or not, line
    ours = {
        tid: [(f"{f.pc:#x}", f.inlined, f.line) for f in frames] for tid, frames in found.items()
    }
    theirs = {
        tid: [(f"{f['pc']:#x}", f["inlined"], f["line"]) for f in frames]
        for tid, frames in expected.items()
    }
    pairs = [pair for tid in theirs for pair in zip(theirs[tid], ours.get(tid, ()), strict=False)]
    record_property("equal", sum(mine == other for mine, other in pairs))
    record_property("compared", sum(map(len, theirs.values())))
    assert ours.keys() == theirs.keys()
    for tid in theirs:
        assert ours[tid] == theirs[tid]
        assert not any(frame.guessed for frame in found[tid])
