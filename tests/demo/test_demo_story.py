"""What the debugger says of the demo is what the demo's sources say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from support.bank import marked

from adp_tui.engine.model import Frame, Snapshot, Task, TaskCounts, TaskState
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import FrameRow

EXPECTED = {
    # function: (number of tasks, state, function of the parent)
    "bank::business_day": (1, "idle", None),
    "bank::open_ceremonially": (1, "complete", "bank::business_day"),
    "bank::auditor::audit": (1, "running", "bank::business_day"),
    "bank::transfers::desk": (1, "idle", "bank::business_day"),
    "bank::transfers::transfer": (3, "idle", "bank::transfers::desk"),
    "bank::transfers::clearing_house": (1, "idle", "bank::transfers::desk"),
    "bank::customers::queue": (4, "idle", "bank::business_day"),
    "bank::customers::online": (2, "idle", "bank::business_day"),
    "bank::counter::open": (1, "idle", "bank::business_day"),
    "bank::counter::teller": (2, "idle", "bank::counter::open"),
    "bank::rates::department": (1, "idle", "bank::business_day"),
    "bank::rates::discuss": (1, "idle", "bank::rates::department"),
    "bank::rates::look_up": (1, "idle", "bank::rates::department"),
    "bank::statements::print_everything": (1, "idle", "bank::business_day"),
    "bank::statements::monthly_statements": (1, "idle", "bank::business_day"),
    "bank::statements::add_up_the_region": (1, "idle", "bank::business_day"),
    "bank::post::send_letters": (1, "idle", "bank::business_day"),
    "bank::post::pay_interest": (1, "idle", "bank::business_day"),
    "bank::vault::turn_key": (2, "idle", "bank::vault::guard"),
    "bank::vault::count_gold": (1, "running", "bank::vault::guard"),
    "bank::vault::seal": (1, "scheduled", "bank::vault::guard"),
}
"""The tasks that the sources spawn, but for the two blocking jobs and the vault's own root."""


@pytest.fixture(scope="module")
def snapshot(session: Session) -> Snapshot:
    return session.snapshot


@pytest.fixture(scope="module")
def tasks(snapshot: Snapshot) -> list[Task]:
    return list(snapshot.tasks)


def frames_of(snapshot: Snapshot, task: Task) -> tuple[Frame, ...]:
    return next((s.frames for s in snapshot.stacks if s.key == task.stack), ())


def is_users(frame: Frame) -> bool:
    return frame.dir == "/bank" and frame.file is not None and frame.file.startswith("src/")


def function(snapshot: Snapshot, task: Task) -> str | None:
    """Return the outermost function of the bank itself."""
    for frame in frames_of(snapshot, task):
        if is_users(frame):
            return frame.function
    # A finished task has no stack; it is still known what it was.
    return task.future


def innermost(frames: Sequence[Frame], above: Frame | None = None) -> Iterator[Frame]:
    """Yield the innermost frame of the bank on each way to a leaf that still waits."""
    for frame in frames:
        if is_users(frame):
            above = frame
        pending = [b for b in frame.branches if b.state == "pending"]
        if frame.branches:
            for branch in pending:
                yield from innermost(branch.frames, above)
            return
    if above is not None:
        yield above


def by_function(snapshot: Snapshot, tasks: list[Task], name: str) -> list[Task]:
    return [t for t in tasks if function(snapshot, t) == name]


def test_nothing_is_missing(snapshot: Snapshot) -> None:
    assert snapshot.losses == ()


@pytest.mark.parametrize("name", EXPECTED)
def test_tasks_and_their_parents(snapshot: Snapshot, tasks: list[Task], name: str) -> None:
    # GIVEN what the sources spawn
    number, state, parent = EXPECTED[name]

    # WHEN the tasks of that function are looked at
    found = by_function(snapshot, tasks, name)

    # THEN there are as many, in the state that the sources lead them into
    assert [t.state for t in found] == [TaskState(state)] * number

    # THEN whoever holds their handle is their parent
    functions = {t.key: [f.function for f in frames_of(snapshot, t)] for t in tasks}
    for task in found:
        if parent is None:
            assert task.parent is None
        else:
            assert task.parent is not None
            assert parent in functions[task.parent]


def test_there_are_no_other_tasks(snapshot: Snapshot, tasks: list[Task]) -> None:
    names = Counter(function(snapshot, t) for t in tasks if t.kind != "blocking")
    expected = {name: number for name, (number, _, _) in EXPECTED.items()}
    assert names == {**expected, "bank::vault::guard": 1}


def test_each_task_waits_as_its_line_says(snapshot: Snapshot, tasks: list[Task]) -> None:
    # GIVEN the lines that are marked `waits: KIND`
    waits = marked("waits")
    met = set()
    for task in tasks:
        if task.kind == "block_on" and task.state is TaskState.RUNNING:
            # The vault's root is suspended, but its thread polls the tasks of its LocalSet.
            met |= {(f.file or "", f.line or 0) for f in innermost(frames_of(snapshot, task))}
            assert not task.waits
        if task.state is not TaskState.IDLE:
            continue

        # WHEN a task is suspended there, in the innermost function of the bank
        places = Counter((f.file or "", f.line or 0) for f in innermost(frames_of(snapshot, task)))
        assert set(places) <= set(waits), task
        met |= set(places)

        # THEN it waits for what stands there, once for each branch that came this far
        expected: Counter[str] = Counter()
        for place, branches in places.items():
            times, rest = divmod(branches, len(waits[place]))
            assert rest == 0, (task, place)
            expected.update(waits[place] * times)
        assert Counter(w.kind for w in task.waits) == expected, task
        assert all(w.armed for w in task.waits)

    # THEN no marked line is left over
    assert met == set(waits)


def test_three_transfers_wait_in_a_circle(session: Session, snapshot: Snapshot) -> None:
    tasks = list(snapshot.tasks)
    transfers = by_function(snapshot, tasks, "bank::transfers::transfer")

    # THEN each waits for another account's mutex, and the span names what it is
    mutexes = [w.resource for t in transfers for w in t.waits if w.kind == "mutex"]
    assert len(set(mutexes)) == len(mutexes) == 3
    assert {frames_of(snapshot, t)[0].label for t in transfers} == {"transfer"}

    # THEN their variables say who pays whom: Alice Bob, Bob Carol, Carol Alice
    pairs = set()
    for task in transfers:
        [row] = [r for r in session.frames(task.key) if r.function == "transfers::transfer"]
        pairs.add(
            tuple(value_at(session, row.ref, f"order/{way}/value/owner") for way in ("from", "to"))
        )
    assert pairs == {('"Alice"', '"Bob"'), ('"Bob"', '"Carol"'), ('"Carol"', '"Alice"')}


def value_at(session: Session, ref: str | None, path: str) -> str:
    """Return what is shown for a field of a frame's variable; ``value`` is what an Arc holds."""
    value = ""
    for name in path.split("/"):
        assert ref is not None, path
        [row] = [r for r in session.children(ref) if r.name == name]
        ref, value = row.ref, row.value
    return value


def test_the_victims_wait_behind_the_circle(snapshot: Snapshot) -> None:
    tasks = list(snapshot.tasks)

    # GIVEN the mutexes of the three accounts
    circle = {
        w.resource
        for t in by_function(snapshot, tasks, "bank::transfers::transfer")
        for w in t.waits
    }

    # THEN monthly statements wait for all of them, each in its own branch; Dora's is done
    [monthly] = by_function(snapshot, tasks, "bank::statements::monthly_statements")
    assert {w.resource for w in monthly.waits} == circle
    assert len({w.branch for w in monthly.waits}) == 3
    [branches] = [f.branches for f in frames_of(snapshot, monthly) if f.branches]
    assert [b.state for b in branches] == ["pending"] * 3 + ["done"]

    # THEN adding up, three boxes deep, waits for one of them
    [adding] = by_function(snapshot, tasks, "bank::statements::add_up_the_region")
    assert {w.resource for w in adding.waits} < circle
    deep = [f.function for f in frames_of(snapshot, adding)]
    assert deep.count("bank::statements::total::{async_block#0}") == 3


def test_the_slot_of_the_desk_is_full(snapshot: Snapshot, tasks: list[Task]) -> None:
    # GIVEN a slot for two orders that nobody takes out, and four customers
    customers = by_function(snapshot, tasks, "bank::customers::queue")

    # THEN two wait for receipts and two for room, those with limited patience
    kinds = Counter(tuple(sorted(w.kind for w in t.waits)) for t in customers)
    assert kinds == {("oneshot",): 2, ("mpsc", "timer"): 2}
    for task in customers:
        for wait in task.waits:
            if wait.kind == "timer":
                # Counted from the driver's last turn, which was some milliseconds earlier.
                assert wait.remaining_s == pytest.approx(15 * 60, abs=60)


def test_the_crash(snapshot: Snapshot, tasks: list[Task]) -> None:
    # GIVEN the line that panics
    [place] = marked("crashes")

    # THEN the crashed thread is a worker, and stands there, called by the task that it polls
    assert snapshot.target.signal is not None
    assert snapshot.target.signal.name == "SIGABRT"
    [thread] = [t for t in snapshot.threads if t.signal]
    assert (thread.name, thread.role, thread.tid) == (
        "bank-worker",
        "worker",
        snapshot.target.signal.tid,
    )
    users = [(f.function, f.file, f.line) for f in thread.stack if f.dir == "/bank" and f.file]
    assert users[0] == ("bank::auditor::inspect", *place)
    assert users[1][0] == "bank::auditor::close_the_books"
    [auditor] = by_function(snapshot, tasks, "bank::auditor::audit")
    assert (thread.task, auditor.thread) == (auditor.key, thread.tid)
    assert auditor.waits == ()


def test_two_threads_block(snapshot: Snapshot, tasks: list[Task]) -> None:
    # GIVEN the lines that block a thread
    blocking = set(marked("blocks"))

    # THEN a thread of the pool and the vault's stand there, each with its task
    standing = {}
    for thread in snapshot.threads:
        for frame in thread.stack:
            if (frame.file, frame.line) in blocking and frame.dir == "/bank":
                standing[frame.function] = thread
    assert set(standing) == {"bank::statements::print_book", "bank::vault::write_down"}
    printing = standing["bank::statements::print_book"]
    assert (printing.role, printing.doing.kind) == ("blocking", "blocking_job")
    counting = standing["bank::vault::write_down"]
    assert (counting.name, counting.doing.kind) == ("bank-vault", "polling")
    [gold] = by_function(snapshot, tasks, "bank::vault::count_gold")
    assert counting.task == gold.key

    # THEN the second job queues for the one thread, and both belong to who spawned them
    [department] = by_function(snapshot, tasks, "bank::statements::print_everything")
    jobs = [t for t in tasks if t.kind == "blocking"]
    assert sorted(t.state for t in jobs) == ["running", "scheduled"]
    assert {t.parent for t in jobs} == {department.key}
    assert {w.task for w in department.waits} == {printing.task}


def test_a_task_that_was_never_polled(snapshot: Snapshot, tasks: list[Task]) -> None:
    [seal] = by_function(snapshot, tasks, "bank::vault::seal")
    assert [f.state for f in frames_of(snapshot, seal)] == ["unresumed"]
    assert seal.waits == ()


def test_executors(snapshot: Snapshot) -> None:
    # THEN there are the bank's runtime, the vault's and the LocalSet in it
    bank, vault, local = snapshot.executors
    assert (bank.kind, vault.kind, local.kind) == (
        "tokio.multi_thread",
        "tokio.current_thread",
        "tokio.local_set",
    )
    assert (bank.parent, vault.parent, local.parent) == (None, None, vault.key)
    assert [(r.name, r.version) for r in snapshot.target.runtimes] == [("tokio", "1.54.1")]

    # THEN the bank has three workers, one blocking thread with one job queued, and the timers of
    # two patient customers, two postmen and midnight
    assert len(bank.workers) == 3
    assert len(bank.blocking_threads) == 1
    assert (bank.queues.blocking, bank.timers) == (1, 5)

    # THEN the LocalSet counts two keys, one who counts and one who can't seal
    assert local.tasks == TaskCounts(idle=2, running=1, scheduled=1)


def test_every_thread_is_whole(snapshot: Snapshot) -> None:
    # GIVEN the main thread, three workers, one that blocks and the vault's
    assert Counter(t.name for t in snapshot.threads) == {
        "bank": 1,
        "bank-worker": 4,
        "bank-vault": 1,
    }
    for thread in snapshot.threads:
        # THEN with an empty sysroot each is unwound to where threads begin, and nothing is guessed
        assert thread.cut is None
        assert not any(f.guessed for f in thread.stack)
        assert thread.stack[-1].function in ("_start", "clone3"), thread.tid


def test_the_screen_shows_places_of_the_sources(session: Session, snapshot: Snapshot) -> None:
    rows: list[FrameRow] = []
    for task in snapshot.tasks:
        rows.extend(session.frames(task.key))
    places = {r.place for r in rows}
    for file, line in marked("waits"):
        assert f"{file}:{line}" in places
