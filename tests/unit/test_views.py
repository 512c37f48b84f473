"""Rows of the panes, from snapshots written by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adp_tui.engine.analysis.described import described
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import (
    Confidence,
    Doing,
    Executor,
    Frame,
    Holder,
    Loss,
    NativeFrame,
    Owner,
    Queues,
    Resource,
    ResourceColumns,
    RuntimeFacts,
    SignalFacts,
    Snapshot,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskCounts,
    TaskState,
    Thread,
    Wait,
)
from adp_tui.engine.target import Scheduling
from adp_tui.engine.text_report import text_report
from adp_tui.engine.views.details import Details
from adp_tui.engine.views.panes import Panes
from adp_tui.engine.views.records import Query, Rows, Tone

TARGET = TargetFacts(
    kind="core", core="core", pid=3419, exe="/opt/bank", build_id=None, arch="x86_64",
    pause_ms=None, taken_at=None, tool="adp-tui", runtimes=(
        RuntimeFacts("tokio", None, "tokio >=1.38", tested=True),
    ),
    signal=SignalFacts("SIGSEGV", 11, 1, 0x10, 7),
)  # fmt: skip


def task(
    future: str,
    state: TaskState = TaskState.IDLE,
    *waits: Wait,
    id: int | None = None,
    kind: str = "spawned",
    thread: int | None = None,
    cancelled: bool = False,
    panic: str | None = None,
) -> Task:
    return Task(
        key="", id=id, name=None, kind=kind, state=state, cancelled=cancelled, runtime="tokio",
        executor=None, address=0x1000, thread=thread, parent=None, future=future,
        defined_at=None, spawned_at=None, panic=panic, stack=None, waits=waits,
    )  # fmt: skip


def stack(key: str, *places: tuple[str, int]) -> Stack:
    frames = tuple(Frame("f", "async_fn", "suspended", "T", file=f, line=n) for f, n in places)
    return Stack(key, 1, "", "", frames)


def bank() -> Snapshot:
    """Six tasks: t2 and t3 queue for one mutex, t1 holds t2's handle, which holds t4's."""
    tasks = TaskColumns()
    audit, pay = "bank::audit", "bank::pay"
    mutex = Wait("mutex", resource="r1")
    # executor, parent, stack of each.
    tasks.append(task(audit, TaskState.IDLE, Wait("join", task="t2"), id=8), 0, -1, 0)
    tasks.append(task(pay, TaskState.IDLE, mutex, id=10), 0, 0, 1)
    tasks.append(task(pay, TaskState.SCHEDULED, mutex, id=9), 0, -1, 1)
    timers = (
        Wait("timer", remaining_s=2.5, branch="0", conf=Confidence.DERIVED),
        Wait("io", mode="readable", resource="r2", fd=7, branch="1", armed=False),
    )
    tasks.append(task(audit, TaskState.IDLE, *timers, id=11), 0, 1, 0)
    tasks.append(task(audit, TaskState.COMPLETE, id=12, panic="no money"), 0, -1, -1)
    tasks.append(task("bank::Job", TaskState.RUNNING, kind="blocking", thread=7), 0, -1, -1)
    stacks = (
        stack("s1", ("src/audit.rs", 35), ("/c/registry/src/i-1/tokio-1.54.1/src/time.rs", 9)),
        stack("s2", ("src/pay.rs", 4)),
    )
    native = (
        NativeFrame("futex_wait", None, None, None, None, "libc.so.6", 1, False, "cfi"),
        NativeFrame("bank::work", "src/work.rs", "/b", 20, 1, "bank", 2, False, "cfi"),
    )
    threads = (
        Thread(7, "pool", "blocking", "x1", None, "t6", True, Doing("blocking_job", "futex"), None,
               native),
        Thread(8, None, "worker", "x1", 0, None, False, Doing("driver", "epoll_wait", 3), None, ()),
    )  # fmt: skip
    executors = (
        Executor("x1", "tokio.multi_thread", "tokio", "main", 1, None, (8,), (7,),
                 TaskCounts(idle=3, running=1, scheduled=1, complete=1),
                 Queues(2, (0, None), 1), 1),
        Executor("x2", "tokio.current_thread", "tokio", None, 2, None, (), (), TaskCounts(),
                 Queues(), None),
        Executor("x3", "tokio.local_set", "tokio", None, 3, "x1", (), (), TaskCounts(),
                 Queues(0), None),
    )  # fmt: skip
    resources = ResourceColumns(
        [
            Resource("r1", "mutex", "tokio::sync::mutex::Mutex<u32>", 0xA0, (("permits", 0),),
                     waiters=("t3", "t2")),
            Resource("r2", "io", "tokio::x::ScheduledIo", 0xB0, waiters=("t4",)),
        ]
    )  # fmt: skip
    losses = (Loss("module libc.so.6", "not found", 2, (16,), missing=False),)
    return Snapshot(1, TARGET, executors, threads, stacks, tasks, resources, (), losses)


def keys(rows: Rows) -> list[str]:
    return [row.key for row in rows.rows]


def column(rows: Rows, key: str) -> list[str]:
    at = [c.key for c in rows.columns].index(key)
    return [row.cells[at].text for row in rows.rows]


def test_tasks_say_state_place_and_wait() -> None:
    # GIVEN a snapshot, WHEN its tasks are asked for
    rows = Panes(bank()).rows(Query("tasks"))
    # THEN each column says what the records say
    assert keys(rows) == ["t1", "t2", "t3", "t4", "t5", "t6"]
    assert column(rows, "state") == ["idle", "idle", "scheduled", "idle", "complete", "running"]
    assert column(rows, "future") == ["bank::audit", "bank::pay", "bank::pay", "bank::audit",
                                      "bank::audit", "bank::Job"]  # fmt: skip
    # a library's frame is not where the user looks; a blocking job stands where its thread does
    assert column(rows, "at") == ["src/audit.rs:35", "src/pay.rs:4", "src/pay.rs:4",
                                  "src/audit.rs:35", "", "src/work.rs:20"]  # fmt: skip
    assert column(rows, "waits") == [
        "join t2", "mutex r1", "mutex r1", "timer 2.5s | io fd 7 readable (not polled)",
        "panicked: no money", "",
    ]  # fmt: skip
    assert column(rows, "id") == ["8", "10", "9", "11", "12", ""]
    assert column(rows, "where") == ["x1"] * 5 + ["x1 7"]
    state = rows.rows[4].cells[1]
    assert state.tone is Tone.ERROR


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["t1", "t2", "t3", "t4", "t5", "t6"]),
        ("MUTEX", ["t2", "t3"]),
        ("mutex scheduled", ["t3"]),
        ("!mutex !complete", ["t1", "t4", "t6"]),
        ("state:idle", ["t1", "t2", "t4"]),
        ("!state:idle", ["t3", "t5", "t6"]),
        ("waits:t2", ["t1"]),
        ("t2", ["t1", "t2"]),
        ("bank::audit", ["t1", "t4", "t5"]),
        ("audit.rs:35", ["t1", "t4"]),
        ("nothing-like-it", []),
    ],
)
def test_filter(text: str, expected: list[str]) -> None:
    rows = Panes(bank()).rows(Query("tasks", filter=text))
    assert keys(rows) == expected
    assert (rows.total, rows.all) == (len(expected), 6)


@pytest.mark.parametrize(
    ("sort", "descending", "expected"),
    [
        ("id", False, ["t1", "t3", "t2", "t4", "t5", "t6"]),
        ("id", True, ["t5", "t4", "t2", "t3", "t1", "t6"]),
        ("state", False, ["t5", "t1", "t2", "t4", "t6", "t3"]),
        ("at", False, ["t1", "t4", "t2", "t3", "t6", "t5"]),
        ("waits", False, ["t1", "t2", "t3", "t4", "t5", "t6"]),
        (None, True, ["t6", "t5", "t4", "t3", "t2", "t1"]),
    ],
)
def test_sort(sort: str | None, descending: bool, expected: list[str]) -> None:
    rows = Panes(bank()).rows(Query("tasks", sort=sort, descending=descending))
    assert keys(rows) == expected


def test_timers_sort_by_the_time_left() -> None:
    # GIVEN timers whose texts would sort otherwise: 2h, 3s, 500ms
    tasks = TaskColumns()
    for left in (7200.0, 3.0, 0.5, None):
        tasks.append(task("f", TaskState.IDLE, Wait("timer", remaining_s=left)), -1, -1, -1)
    panes = Panes(Snapshot(1, TARGET, tasks=tasks))
    # WHEN sorted, THEN the shortest comes first, the unknown last
    assert keys(panes.rows(Query("tasks", sort="waits"))) == ["t3", "t2", "t1", "t4"]
    assert keys(panes.rows(Query("waits"))) == ["t3/0", "t2/0", "t1/0", "t4/0"]
    assert column(panes.rows(Query("waits")), "on") == ["500ms", "3s", "2h", ""]


def test_tree_puts_children_below_their_parents() -> None:
    panes = Panes(bank())
    rows = panes.rows(Query("tasks", group="tree"))
    assert [(r.key, r.depth, r.expandable, r.expanded) for r in rows.rows] == [
        ("t1", 0, True, True),
        ("t2", 1, True, True),
        ("t4", 2, False, False),
        ("t3", 0, False, False),
        ("t5", 0, False, False),
        ("t6", 0, False, False),
    ]
    # WHEN a parent is collapsed THEN its children are counted out, and have no position
    query = Query("tasks", group="tree", collapsed=frozenset({"t2"}))
    rows = panes.rows(query)
    assert keys(rows) == ["t1", "t2", "t3", "t5", "t6"]
    assert [(r.expandable, r.expanded) for r in rows.rows[:2]] == [(True, True), (True, False)]
    assert panes.position(query, "t4") is None
    assert panes.position(query, "t3") == 2


def test_a_filtered_tree_keeps_the_way_to_each_match() -> None:
    rows = Panes(bank()).rows(Query("tasks", filter="timer", group="tree"))
    assert [(r.key, r.depth) for r in rows.rows] == [("t1", 0), ("t2", 1), ("t4", 2)]


def test_parents_in_a_cycle_are_still_shown() -> None:
    # GIVEN two tasks that a damaged core makes each other's parent
    tasks = TaskColumns()
    tasks.append(task("a"), -1, 1, -1)
    tasks.append(task("b"), -1, 0, -1)
    # WHEN shown as a tree THEN both have one row
    rows = Panes(Snapshot(1, TARGET, tasks=tasks)).rows(Query("tasks", group="tree"))
    assert sorted(keys(rows)) == ["t1", "t2"]


def test_waits_are_grouped_by_resource_in_the_order_of_its_queue() -> None:
    rows = Panes(bank()).rows(Query("waits"))
    assert [(r.key, r.depth) for r in rows.rows] == [
        ("r1", 0), ("t3/0", 1), ("t2/0", 1), ("r2", 0), ("t4/0", 0), ("t1/0", 0),
    ]  # fmt: skip
    assert column(rows, "what") == ["mutex", "mutex", "mutex", "io readable", "timer", "join"]
    assert column(rows, "on") == ["r1 Mutex<u32>", "r1", "r1", "r2 fd 7 ScheduledIo", "2.5s",
                                  "t2 bank::pay"]  # fmt: skip
    assert column(rows, "task") == ["t3 t2", "t3", "t2", "t4", "t4", "t1"]
    assert column(rows, "state") == ["permits 0, 2 tasks waiting", "", "", "not polled, branch 1",
                                     "branch 0", ""]  # fmt: skip


def held_bank() -> Snapshot:
    """The same, and who has what is waited for: t1 the mutex, thread 8 a permit, t5 an end."""
    holders = (
        Holder("t1", None, "bank::audit", "desk", ".held", 43, 1, "exclusive", Confidence.CERTAIN,
               "tokio"),
        Holder(None, 8, "bank::\x1bwork", "p", None, None, 3, "permit", Confidence.DOUBTFUL, "x"),
    )  # fmt: skip
    owner = Owner("t5", None, "bank::pay", "tx", None, 4, "sender", Confidence.CERTAIN, "tokio")
    shot = bank()
    first, second = shot.resources
    resources = [replace(first, holders=holders), replace(second, owners=(owner,))]
    return replace(shot, resources=ResourceColumns(resources))


def test_who_has_what_others_wait_for() -> None:
    shot = held_bank()
    # The row of a resource names its holders
    rows = Panes(shot).rows(Query("waits"))
    assert column(rows, "state")[0] == "permits 0, held by t1 thread 8, 2 tasks waiting"
    # AND its details say through which variable, since when, and how sure that is
    details = Details(shot)
    held = [(cell.text, cell.tone) for name, cell in details.of("r1").facts if name == "held by"]
    assert held == [
        ("t1 bank::audit (idle): as desk.held in bank::audit, since line 43", Tone.NORMAL),
        ("thread 8: 3 permits as p in bank::work (doubtful)", Tone.WARNING),
    ]
    assert dict(details.of("r2").facts)["sender"].text == (
        "t5 bank::audit (complete): as tx in bank::pay, since line 4"
    )
    # AND lead there and back
    assert ("held by", "t1") in details.of("r1").links
    assert ("held by", "tid:8") in details.of("r1").links
    assert ("sender", "t5") in details.of("r2").links
    assert ("has", "r1") in details.of("t1").links
    assert ("has", "r2") in details.of("t5").links
    assert (
        dict(details.of("t5").facts)["has"].text == "r2 io sender as tx in bank::pay, since line 4"
    )
    # AND the text report says the same
    text = "".join(text_report(shot))
    assert "  held by t1  as desk.held in bank::audit, since line 43\n" in text
    assert "  held by thread 8  3 permits as p in bank::work (doubtful)\n" in text
    assert "  sender t5  as tx in bank::pay, since line 4\n" in text


def test_executors_stand_below_the_runtime_they_live_in() -> None:
    rows = Panes(bank()).rows(Query("executors"))
    assert [(r.key, r.depth) for r in rows.rows] == [("x1", 0), ("x3", 1), ("x2", 0)]
    assert column(rows, "version") == [">=1.38"] * 3
    assert column(rows, "queues") == ["g2 l0,? b1", "g0", ""]
    assert column(rows, "idle") == ["3", "0", "0"]
    assert column(rows, "timers") == ["1", "", ""]


def test_threads_say_what_they_do_and_which_one_crashed() -> None:
    rows = Panes(bank()).rows(Query("threads"))
    assert keys(rows) == ["tid:7", "tid:8"]
    assert column(rows, "doing") == ["SIGSEGV; blocking job in futex",
                                     "waits for events in epoll_wait fd 3"]  # fmt: skip
    assert column(rows, "role") == ["blocking", "worker 0"]
    assert column(rows, "at") == ["bank::work src/work.rs:20", ""]
    assert rows.rows[0].cells[0].tone is Tone.ERROR


def live_bank() -> Snapshot:
    """The same of a process: the kernel tells of its threads and file descriptors."""
    shot = bank()
    says = (Scheduling("R", None, 100.0), Scheduling("S", "do_epoll_wait", 12.5))
    threads = zip(shot.threads, says, strict=True)
    return replace(
        shot,
        threads=tuple(replace(thread, scheduling=each) for thread, each in threads),
        fds={7: "tcp 10.0.0.1:80 LISTEN", 3: "epoll, watches 9"},
    )


def test_of_a_live_process_the_kernel_says_more_of_threads() -> None:
    panes = Panes(live_bank())
    rows = panes.rows(Query("threads"))
    assert column(rows, "cpu") == ["R 1m40s", "S 12s"]
    assert rows.rows[0].cells[-1].tone is Tone.GOOD
    # Sorted by time, not by text.
    by_time = panes.rows(Query("threads", sort="cpu", descending=True))
    assert keys(by_time) == ["tid:7", "tid:8"]
    # A core does not tell, and there is no such column.
    with pytest.raises(AdpError, match="no column cpu"):
        Panes(bank()).rows(Query("threads", sort="cpu"))
    facts = dict(Details(live_bank()).of("tid:8").facts)
    assert facts["kernel"].text == "S sleeps in do_epoll_wait, CPU 12s"
    assert "kernel" not in dict(Details(bank()).of("tid:8").facts)


def test_what_file_descriptors_lead_to() -> None:
    shot = live_bank()
    # A socket's addresses stand in the list of waits, and can be searched for
    rows = Panes(shot).rows(Query("waits", filter="10.0.0.1:80"))
    assert column(rows, "on") == ["r2 fd 7 tcp 10.0.0.1:80 LISTEN"]
    # AND in the details of the task, of what it waits on, and of a thread in a system call
    for key, fd, words in (
        ("t4", "fd 7", "tcp 10.0.0.1:80 LISTEN"),
        ("r2", "fd 7", "tcp 10.0.0.1:80 LISTEN"),
        ("tid:8", "fd 3", "epoll, watches 9"),
    ):
        assert dict(Details(shot).of(key).facts)[fd].text == words
        assert fd not in dict(Details(bank()).of(key).facts)
    # AND in the text report
    text = "".join(text_report(shot))
    assert "waits on io fd 7 readable (not polled) in branch 1 (tcp 10.0.0.1:80 LISTEN)\n" in text
    assert "waits for events in epoll_wait fd 3 (epoll, watches 9)\n" in text
    # One without a resource is named as well.
    tasks = TaskColumns()
    tasks.append(task("f", TaskState.IDLE, Wait("io", mode="readable", fd=7)), -1, -1, -1)
    bare = replace(shot, tasks=tasks, resources=ResourceColumns())
    assert column(Panes(bare).rows(Query("waits")), "on") == ["fd 7 tcp 10.0.0.1:80 LISTEN"]


def test_what_file_descriptors_lead_to_is_hostile_text() -> None:
    class Target:
        """Tells of one descriptor, what nobody should show."""

        def __init__(self) -> None:
            self.asked: list[set[int]] = []

        def describe(self, fds: set[int]) -> dict[int, str]:
            self.asked.append(fds)
            return {7: "/a\x1b[2Jb\u202e" + "x" * 5000}

    target = Target()
    found = described(target, bank()).fds
    # Only those are asked for that a wait or a thread names.
    assert target.asked == [{3, 7}]
    assert list(found) == [7] and found[7].startswith("/a[2Jbx") and len(found[7]) < 1100


def test_losses_are_a_view() -> None:
    rows = Panes(bank()).rows(Query("losses"))
    assert [[c.text for c in r.cells] for r in rows.rows] == [
        ["module libc.so.6", "2", "no", "not found", "0x10"]
    ]


def test_windows_of_a_view() -> None:
    panes = Panes(bank())
    window = panes.rows(Query("tasks"), 4, 10)
    assert (window.start, keys(window), window.total) == (4, ["t5", "t6"], 6)
    beyond = panes.rows(Query("tasks"), 40, 10)
    assert (beyond.start, keys(beyond)) == (6, [])
    assert keys(panes.rows(Query("tasks"), 0, 0)) == []


def test_questions_that_make_no_sense_are_refused() -> None:
    panes = Panes(bank())
    with pytest.raises(AdpError, match="no view fish") as found:
        panes.rows(Query("fish"))
    assert "tasks" in found.value.help
    with pytest.raises(AdpError, match="no column size"):
        panes.rows(Query("tasks", sort="size"))
    assert panes.position(Query("tasks"), "t99") is None
    assert panes.position(Query("tasks"), "x1") is None


def test_text_of_a_target_cannot_steer_the_terminal() -> None:
    tasks = TaskColumns()
    tasks.append(task("a\x1b[2Jb", TaskState.COMPLETE, panic="x\x1b]0;y\x07"), -1, -1, -1)
    rows = Panes(Snapshot(1, TARGET, tasks=tasks)).rows(Query("tasks"))
    assert all(cell.text.isprintable() for cell in rows.rows[0].cells)


def test_100_000_tasks() -> None:
    # GIVEN 100,000 tasks: every fourth waits on one of 1,000 mutexes, the rest on timers
    tasks = TaskColumns()
    count = 100_000
    for i in range(count):
        wait = Wait("timer", remaining_s=i) if i % 4 else Wait("mutex", resource=f"r{i % 1000 + 1}")
        tasks.append(task(f"app::f{i % 7}", TaskState.IDLE, wait), -1, -1, -1)
    resources = ResourceColumns([Resource(f"r{i + 1}", "mutex", "M", i) for i in range(1000)])
    panes = Panes(Snapshot(1, TARGET, tasks=tasks, resources=resources))
    # WHEN a window in the middle of a filtered, sorted view is asked for
    query = Query("tasks", filter="mutex", sort="waits", descending=True)
    rows = panes.rows(query, 12_500, 50)
    # THEN it is the right one, and only its rows were made
    assert (len(rows.rows), rows.total, rows.all) == (50, 25_000, count)
    # 25,000 over 250 mutexes, 100 each: number 12,500 from the end begins the 125th from below
    assert column(rows, "waits") == ["mutex r497"] * 50
    assert panes.position(query, rows.rows[7].key) == 12_507
    everything = panes.rows(Query("waits"), 0, 1)
    assert everything.all == count + 1000
