"""The text report of snapshots made by hand."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from adp_tui.engine.model import (
    Branch,
    Doing,
    Frame,
    Loss,
    NativeFrame,
    Snapshot,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskState,
    Thread,
    Wait,
)
from adp_tui.engine.report import FrameDetail, Options, Variable
from adp_tui.engine.text_report import text_report

CRATE = "/home/u/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/tokio-1.54.1/src/sync/m.rs"
READ = Frame("bank::read", "async_fn", "suspended", "R", CRATE, "", 9)
FRAMES = (
    Frame("bank::audit", "async_fn", "suspended", "A", "src/main.rs", "/b", 35),
    Frame(
        "tokio::select", "future", "suspended", "S",
        branches=(
            Branch("0", "pending", (READ,)),
            Branch("1", "unpolled", ()),
        ),
    ),
)  # fmt: skip
TARGET = TargetFacts("core", "c", 8, "/bank", None, "x86_64", None, None, "t", None, ())


def tasks(*parents: int, **given: Any) -> TaskColumns:
    """Return tasks with these parents, all at the same place."""
    columns = TaskColumns()
    for number, parent in enumerate(parents):
        usual: dict[str, Any] = {
            "key": "", "id": 100 + number, "name": None, "kind": "spawned",
            "state": TaskState.IDLE, "cancelled": False, "runtime": "tokio", "executor": None,
            "address": 0x1000 * number, "thread": None, "parent": None, "future": "bank::audit",
            "defined_at": None, "spawned_at": None, "panic": None, "stack": None,
            "waits": (Wait("timer", remaining_s=number + 0.5),),
        }  # fmt: skip
        columns.append(Task(**usual | given), -1, parent, 0)
    return columns


def lines(columns: TaskColumns, *given: Any, **options: Any) -> list[str]:
    """Return the lines of a report of these tasks."""
    stacks = (Stack("s1", len(columns), "h", "s", FRAMES),)
    shot = Snapshot(1, TARGET, stacks=stacks, tasks=columns)
    return "".join(text_report(shot, *given, **options)).splitlines()


def test_a_task_with_its_stack():
    # GIVEN a task that waits in a select!
    found = lines(tasks(-1))
    # THEN its frames and branches stand below it, with short places
    start = found.index("TASKS (1)") + 1
    assert found[start:] == [
        "t1  id 100  idle  bank::audit",
        "  waits on timer 500ms",
        "  at bank::audit  src/main.rs:35",
        "  at tokio::select",
        "    branch 0: pending",
        "      at bank::read  tokio-1.54.1/src/sync/m.rs:9",
        "    branch 1: unpolled",
    ]


def test_a_tree():
    # GIVEN t2 below t1, t3 below t2, and t4 beside t1
    found = lines(tasks(-1, 0, 1, -1))
    # THEN each is indented below its parent
    heads = [line for line in found if line.lstrip().startswith("t") and " id " in line]
    assert [line.split("id")[0] for line in heads] == ["t1  ", "  t2  ", "    t3  ", "t4  "]
    # AND the stack that they share is written once
    assert sum("at bank::audit" in line for line in found) == 1
    assert sum("stands where t1 does (s1)" in line for line in found) == 3


def test_like_siblings_are_one_entry():
    # GIVEN a parent with 1,000 children that do the same
    found = lines(tasks(-1, *[0] * 1000))
    # THEN they are one entry, with their number and the first of them
    assert "  1,000 tasks (t2, t3, t4, t5, t6, t7, …)  idle  bank::audit" in found
    assert len(found) < 30
    # WHEN their variables are asked for
    found = lines(tasks(-1, *[0] * 10), Options(locals=True), Details())
    # THEN each has its own entry and stack
    assert sum("at bank::audit" in line for line in found) == 11


def test_three_are_no_crowd():
    found = lines(tasks(-1, -1, -1))
    assert not [line for line in found if "3 tasks" in line]


def test_parents_in_a_circle():
    # GIVEN tasks whose parents go round, and one that hangs on the circle
    columns = tasks(-1, -1, -1)
    columns.parent = array("i", [1, 0, 0])
    # THEN each task is written once
    heads = [line.strip().split()[0] for line in lines(columns) if " id " in line]
    assert sorted(heads) == ["t1", "t2", "t3"]


def test_a_task_that_is_its_own_parent():
    columns = tasks(-1)
    columns.parent = array("i", [0])
    assert sum(" id 100 " in line for line in lines(columns)) == 1


def test_a_deep_tree():
    # GIVEN 5,000 tasks, each below the one before
    found = lines(tasks(-1, *range(4_999)))
    # THEN all are written, and what is too deep names its parent
    assert sum(" id " in line for line in found) == 5_000
    (last,) = (line for line in found if line.strip().startswith("t5000 "))
    assert "child of t4999" in last and len(last) < 200


class Details:
    """Details made by hand."""

    def frames(self, index: int, *, variables: bool) -> tuple[FrameDetail, ...]:
        inner = Variable("0", "u8", "5", None)
        held = Variable("held", "Guard", "Guard(5)", 0x31, (inner,))
        return (FrameDetail(0xA0), FrameDetail(0xB0), FrameDetail(0xC0, (held,)))


def test_variables_stand_below_their_frame():
    found = lines(tasks(-1), Options(addresses=True, locals=True), Details())
    at = found.index("      at bank::read  0xc0  tokio-1.54.1/src/sync/m.rs:9")
    assert found[at + 1 : at + 3] == ["          held: Guard = Guard(5)", "            0: u8 = 5"]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_folding_loses_nothing(width):
    # GIVEN a terminal
    whole = lines(tasks(-1, 0))
    folded = lines(tasks(-1, 0), width=width)
    # THEN the words are the same, and no line is too long that could have been broken
    assert " ".join(whole).split() == " ".join(folded).split()
    assert not [line for line in folded if len(line) > width and "  " in line.strip()]


def thread(tid: int, **given: Any) -> Thread:
    """Return a parked worker; what is given is other."""
    stack = (NativeFrame("park", CRATE, "", 3, 1, "bank", tid, False, "cfi"),)
    usual: dict[str, Any] = {
        "tid": tid, "name": "w", "role": "worker", "executor": "x1", "worker": tid, "task": None,
        "signal": False, "doing": Doing("parked", "futex"), "splice": None, "stack": stack,
    }  # fmt: skip
    return Thread(**usual | given)


def test_like_threads_are_one_entry():
    # GIVEN three parked workers, one of another name and the one with the signal
    threads = (thread(1), thread(2), thread(3), thread(4, name="x"), thread(5, signal=True))
    text = "".join(text_report(Snapshot(1, TARGET, threads=threads)))
    # THEN the three are one entry
    assert '3 threads  "w"  worker of x1  parked\n  threads 1 2 3\n' in text
    assert 'thread 4  "x"  worker 4 of x1' in text and "*** got the signal ***" in text
    assert text.count("park  tokio-1.54.1/src/sync/m.rs:3") == 3


def test_guesses_and_cuts_are_marked():
    frames = (
        NativeFrame(None, None, None, None, None, "libc.so.6", 0x99, False, "frame_pointer"),
        NativeFrame("f", "a.rs", "", 1, 1, "bank", 0x98, True, "inline"),
    )
    threads = (thread(1, stack=frames, cut="libc.so.6 is missing"),)
    text = "".join(text_report(Snapshot(1, TARGET, threads=threads)))
    assert "  #0  0x0000000000000099  libc.so.6  (guessed by frame pointer)\n" in text
    assert "  #1  f  a.rs:1  (inlined)\n" in text
    assert "  the stack is cut here: libc.so.6 is missing\n" in text


def test_losses_and_hostile_text():
    # GIVEN losses whose reason would clear the screen
    shot = Snapshot(1, TARGET, losses=(Loss("task", "bad \x1b[2J\u202e name", 3, (0x10,)),))
    text = "".join(text_report(shot))
    # THEN they stand in the report, as plain text
    assert "task (3 times): bad [2J name\n  at 0x10\n" in text
    assert "\x1b" not in text and "\u202e" not in text


def test_threads_only_and_tasks_only():
    shot = Snapshot(1, TARGET, threads=(thread(1),), tasks=tasks(-1),
                    stacks=(Stack("s1", 1, "h", "s", FRAMES),))  # fmt: skip
    assert "TASKS" not in "".join(text_report(shot, Options(tasks=False)))
    assert "THREADS" not in "".join(text_report(shot, Options(threads=False)))
