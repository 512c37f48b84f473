"""Words, places and stacks for people, from records written by hand."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from adp_tui.engine.model import (
    Branch,
    Confidence,
    Doing,
    Frame,
    Macro,
    NativeFrame,
    Resource,
    Snapshot,
    Splice,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskState,
    Thread,
    Wait,
)
from adp_tui.engine.views.frames import task_rows, thread_rows
from adp_tui.engine.views.places import is_library, place, short_path, user_frame
from adp_tui.engine.views.records import FrameRow, Tone
from adp_tui.engine.views.words import (
    duration,
    future_name,
    short_function,
    type_name,
    wait_sentence,
    wait_words,
)

REGISTRY = "/h/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f"
RUSTC = "/rustc/254b59607d4417e9dffbc307138ae5c86280fe4c"
CHECKOUT = "/h/.cargo/git/checkouts/tower-0123456789abcdef/1a2b3c4"


@pytest.mark.parametrize(
    ("file", "dir", "shown", "library"),
    [
        ("src/main.rs", "/home/u/bank", "src/main.rs", False),
        ("/home/u/bank/src/main.rs", None, "/home/u/bank/src/main.rs", False),
        (f"{REGISTRY}/tokio-1.54.1/src/a/b.rs", None, "tokio-1.54.1/src/a/b.rs", True),
        (f"{REGISTRY}/h2-0.4.0-rc.1/src/x.rs", None, "h2-0.4.0-rc.1/src/x.rs", True),
        ("src/a.rs", f"{REGISTRY}/tokio-1.54.1", "tokio-1.54.1/src/a.rs", True),
        ("cargo/tokio-1.54.1/src/a.rs", "/", "tokio-1.54.1/src/a.rs", True),
        (f"{RUSTC}/library/std/src/panic.rs", None, "library/std/src/panic.rs", True),
        (f"{CHECKOUT}/tower/src/lib.rs", None, "tower/tower/src/lib.rs", True),
        ("src/a.rs", "/cargo/registry/tokio-1.54.1", "tokio-1.54.1/src/a.rs", True),
        ("src/a.rs", "/home/u/bank/vendor/tokio", "/home/u/bank/vendor/tokio/src/a.rs", True),
        ("src/a.rs", "/home/u/bank-1.2.3", "src/a.rs", False),
        # a folder of the user's own that only looks a little like cargo's
        ("src/v1-2/main.rs", "/home/u/registry", "src/v1-2/main.rs", False),
    ],
)
def test_paths(file: str, dir: str | None, shown: str, library: bool) -> None:
    assert place(file, None, dir) == shown
    assert place(file, 7, dir) == f"{shown}:7"
    assert is_library(file, dir) is library


def test_paths_from_a_target_are_cleaned() -> None:
    assert short_path("src/\x1b[31mmain.rs").isprintable()
    assert place(None, 3) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bank::ledger", "bank::ledger"),
        ("a::b::c::run", "c::run"),
        ("bank::main::{async_block#0}", "bank::main::{async_block#0}"),
        ("<bank::Ledger as bank::Store>::get", "<Ledger as Store>::get"),
        ("tracing::instrument::Instrumented<bank::x>", "Instrumented<x>"),
        ("core::pin::Pin<alloc::boxed::Box<dyn core::future::Future<Output=u8>>>",
         "Pin<Box<dyn Future<Output=u8>>>"),
    ],
)  # fmt: skip
def test_futures(name: str, shown: str) -> None:
    assert future_name(name) == shown


def test_names() -> None:
    assert short_function("tokio::sync::mutex::Mutex::lock") == "Mutex::lock"
    assert short_function("<bank::Ledger as bank::Store>::get") == "<Ledger as Store>::get"
    assert short_function("bank::run::{async_block#0}::{closure#1}") == (
        "bank::run::{async_block#0}::{closure#1}"
    )
    assert short_function("main") == "main"
    assert type_name("alloc::vec::Vec<u8, alloc::alloc::Global>") == "Vec<u8>"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0ms"), (0.12, "120ms"), (0.9999, "1s"), (2.5, "2.5s"), (9.99, "10s"), (59.4, "59s"),
     (59.9, "1m"), (185, "3m05s"), (7380, "2h03m"), (3600, "1h"), (90_000, "1d01h"), (-3, "-3s")],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("wait", "shown"),
    [
        (Wait("mutex", resource="r3"), "mutex r3"),
        (Wait("rwlock", mode="write", resource="r2"), "rwlock write r2"),
        (Wait("timer", remaining_s=2.5), "timer 2.5s"),
        (Wait("timer", remaining_s=-0.3), "timer 300ms overdue"),
        (Wait("timer"), "timer"),
        (Wait("io", mode="readable", fd=7, resource="r1"), "io fd 7 readable"),
        (Wait("io", mode="readable", resource="r1"), "io r1 readable"),
        (Wait("join", task="t12"), "join t12"),
        (Wait("join", mode="any"), "join any"),
        (Wait("notify", resource="r1", armed=False), "notify r1 (not polled)"),
        (Wait("unknown", detail="a::Odd<b::C>"), "unknown Odd<C>"),
    ],
)
def test_waits_in_few_words(wait: Wait, shown: str) -> None:
    assert wait_words(wait) == shown


def test_waits_in_a_sentence() -> None:
    mutex = Resource(
        "r3", "mutex", "tokio::sync::mutex::Mutex<u32>", 0xBEE0, (("permits", 0), ("x", None)),
        waiters=("t1", "t2"),
    )  # fmt: skip
    wait = Wait("mutex", resource="r3", branch="value", conf=Confidence.DERIVED)
    assert wait_sentence(wait, mutex) == (
        "branch value: mutex r3, Mutex<u32> at 0xbee0, permits 0, 2 waiting (derived)"
    )
    assert wait_sentence(Wait("timer", remaining_s=4), None) == "timer 4s left"


# Stacks.

TARGET = TargetFacts("core", "core", 1, "/bank", None, "x86_64", None, None, "t", None, ())


def frame(function: str, file: str | None = "src/main.rs", line: int = 1, **more: object) -> Frame:
    values = {"kind": "async_fn", "state": "suspended", "type": f"{function}::T", **more}
    return Frame(function, file=file, line=line, **values)  # type: ignore[arg-type]


def snapshot(frames: Iterable[Frame], *waits: Wait, state: TaskState = TaskState.IDLE) -> Snapshot:
    tasks = TaskColumns()
    record = Task("", 1, None, "spawned", state, False, "tokio", None, 1, None, None, "f", None,
                  None, None, None, waits)  # fmt: skip
    found = tuple(frames)
    tasks.append(record, -1, -1, 0 if found else -1)
    stacks = (Stack("s1", 1, "", "", found),) if found else ()
    return Snapshot(1, TARGET, tasks=tasks, stacks=stacks)


def lines(rows: Iterable[FrameRow]) -> list[tuple[int, str, str, str]]:
    return [(r.depth, r.function, r.place, r.note) for r in rows]


def words(path: tuple[int, ...]) -> str:
    return "-".join(map(str, path))


def test_each_leaf_says_its_own_wait() -> None:
    # GIVEN a select in a select: the waits bear the labels of both
    inner = (Branch("a", "pending", (frame("two"),)), Branch("b", "unpolled", (frame("three"),)))
    arms = (
        Branch("0", "pending", (frame("one", macro=Macro("/x/m-1.2.3/src/sel.rs", 9)),)),
        Branch("1", "pending", (frame("pair", None, branches=inner),)),
        Branch("2", "disabled", ()),
    )
    waits = (
        Wait("timer", remaining_s=1, branch="0"),
        Wait("notify", resource="r1", branch="1.a"),
        Wait("notify", resource="r2", branch="1.b", armed=False),
        Wait("io", fd=3, mode="readable", resource="r3"),
    )
    rows = task_rows(snapshot([frame("top", branches=arms)], *waits), 0, words)
    # THEN each stands at its leaf, and what no leaf explains at the end
    assert lines(rows) == [
        (0, "top", "src/main.rs:1", ""),
        (1, "branch 0", "", "pending"),
        (2, "one", "src/main.rs:1", "in m-1.2.3/src/sel.rs:9; waits on timer 1s"),
        (1, "branch 1", "", "pending"),
        (2, "pair", "", ""),
        (3, "branch a", "", "pending"),
        (4, "two", "src/main.rs:1", "waits on notify r1"),
        (3, "branch b", "", "unpolled"),
        (4, "three", "src/main.rs:1", "waits on notify r2 (not polled)"),
        (1, "branch 2", "", "disabled"),
        (0, "", "", "also waits on io fd 3 readable"),
    ]
    # AND refs say where the frame stands
    assert [r.ref for r in rows if r.ref] == ["0", "0-0-0", "0-1-0", "0-1-0-0-0", "0-1-0-1-0"]


def test_a_wait_stands_at_the_end_of_what_it_is_made_of() -> None:
    # GIVEN a lock whose own future has a branch inside
    arms = (Branch("inner", "pending", (frame("acquire"),)),)
    rows = task_rows(
        snapshot([frame("lock", branches=arms)], Wait("mutex", resource="r1")), 0, words
    )
    assert [r.note for r in rows] == ["", "pending", "waits on mutex r1"]


def test_a_stack_that_is_cut_says_why() -> None:
    broken = frame("odd", None, kind="future", type="a::Odd<b::C>", problem="16 bytes at 0x10")
    rows = task_rows(snapshot([broken], Wait("unknown", detail="a::Odd")), 0, words)
    assert lines(rows) == [(0, "Odd<C>", "", "waits on something unknown; 16 bytes at 0x10")]
    assert rows[0].tone is Tone.WARNING


def test_no_stack_has_a_reason() -> None:
    rows = task_rows(snapshot([], state=TaskState.COMPLETE), 0, words)
    assert [r.note for r in rows] == ["the task is complete: its future is gone"]
    rows = task_rows(snapshot([]), 0, words)
    assert [r.note for r in rows] == ["its future could not be read; the losses say why"]


def test_where_the_user_waits() -> None:
    lib = f"{REGISTRY}/tokio-1.54.1/src/x.rs"
    mine, deep = frame("mine", line=5), frame("deep", line=8)
    # the innermost frame of the user's own, not the library's below it
    found = user_frame([mine, frame("lock", lib)])
    assert found is mine
    # behind a timeout it goes on where the user's code is
    arms = (Branch("value", "pending", (deep,)), Branch("deadline", "pending", (frame("s", lib),)))
    assert user_frame([mine, frame("timeout", None, branches=arms)]) is deep
    # two branches with the user's code: neither is the one
    both = (Branch("0", "pending", (deep,)), Branch("1", "pending", (deep,)))
    assert user_frame([mine, frame("select", None, branches=both)]) is mine
    # nothing of the user's: the innermost that has a place
    only = frame("lock", lib)
    assert user_frame([only, frame("acquire", None)]) is only
    assert user_frame([]) is None


def native(function: str | None, origin: str = "cfi", **more: object) -> NativeFrame:
    values = {"file": None, "dir": None, "line": None, "column": None, "module": "bank",
              "pc": 0xABC, "inlined": origin == "inline", **more}  # fmt: skip
    return NativeFrame(function, origin=origin, **values)  # type: ignore[arg-type]


def test_a_thread_is_shown_outermost_first_with_its_task() -> None:
    stack = (
        native("bank::inner", "inline", file="src/main.rs", line=9),
        native("bank::outer", file="src/main.rs", line=5),
        native("tokio::poll"),
        native("start", "scan"),
        native(None, "frame_pointer"),
    )
    thread = Thread(7, None, "worker", None, 0, "t1", False, Doing("polling"), Splice(2, "t1"),
                    stack, cut="no rules for 0xabc")  # fmt: skip
    shot = snapshot([frame("bank::top", line=3, state="polled")], state=TaskState.RUNNING)
    rows = thread_rows(shot, thread, lambda number: f"n{number}", words)
    assert lines(rows) == [
        (0, "", "", "the stack ends here: no rules for 0xabc"),
        (0, "0xabc", "", "guessed by frame pointer; bank"),
        (0, "start", "", "guessed by scanning the stack; bank"),
        (0, "tokio::poll", "", "bank"),
        (1, "", "", "task t1: f"),
        (1, "bank::top", "src/main.rs:3",
         "being polled; its variables are those of its last await"),
        (0, "bank::outer", "src/main.rs:5", ""),
        (0, "bank::inner", "src/main.rs:9", "inlined"),
    ]  # fmt: skip
    assert [r.ref for r in rows] == [None, "n4", "n3", "n2", None, "0", "n1", "n0"]
    assert rows[2].tone is Tone.WARNING
