"""Runtimes, their threads and queues, as the zoo's source implies."""

from __future__ import annotations

import pytest
from support.reading import Reading

from adp_tui.backends.core import open_core
from adp_tui.engine.adp.catalogue import choose, load_catalogue
from adp_tui.engine.model import TaskState
from adp_tui.engine.program import Program

EXECUTORS = {
    # name: kind, workers, blocking threads, parent
    "main": ("tokio.multi_thread", 3, 2, None),
    "busy": ("tokio.multi_thread", 1, 0, None),
    "side": ("tokio.current_thread", 1, 0, None),
    "local": ("tokio.current_thread", 1, 0, None),
    "set": ("tokio.local_set", 0, 0, "local"),
}
each_executor = pytest.mark.parametrize("name", EXECUTORS)

THREADS = {
    # name: name in std, role, executor, task, what it does
    "main": ("zoo", "block_on", "main", None, "parked"),
    "side": ("side-thread", "block_on", "side", None, "driver"),
    "local": ("local-thread", "block_on", "local", None, "driver"),
    "busy": ("busy-worker", "worker", "busy", "busy", "polling"),
    "crash": ("zoo-worker", "worker", "main", "crash", "polling"),
    "blocking": ("zoo-worker", "blocking", "main", "job0", "blocking_job"),
    # A thread that blocks on the main runtime, and a job that does so.
    "guest": ("guest-thread", "block_on", "main", None, "parked"),
    "bridge": ("zoo-worker", "blocking", "main", "bridge", "blocking_job"),
    "plain": ("plain-thread", "other", None, None, "futex"),
}
each_thread = pytest.mark.parametrize("name", THREADS)


def test_executors_are_those_of_the_program(zoo: Reading) -> None:
    assert {each.key for each in zoo.executors.values()} == {
        each.key for each in zoo.snapshot.executors
    }
    assert len(zoo.snapshot.executors) == len(EXECUTORS)


@each_executor
def test_executor(zoo: Reading, name: str) -> None:
    # GIVEN a runtime of the program
    executor = zoo.executors[name]
    kind, workers, blocking, parent = EXECUTORS[name]
    # THEN it has the threads that it was built with
    assert (executor.kind, executor.runtime) == (kind, "tokio")
    assert len(executor.workers) == workers
    assert len(executor.blocking_threads) == blocking
    assert executor.parent == (zoo.executors[parent].key if parent else None)
    assert not set(executor.workers) & set(executor.blocking_threads)


@each_executor
def test_number_of_tasks_by_state(zoo: Reading, name: str) -> None:
    counts = zoo.executors[name].tasks
    mine = [expected.state for expected in zoo.expected if expected.executor == name]
    assert {state: getattr(counts, state) for state in TaskState} == {
        state: mine.count(state) for state in TaskState
    }


@each_executor
def test_timers(zoo: Reading, name: str) -> None:
    # GIVEN that each timer wait has an entry in its runtime's wheel; a LocalSet has no wheel
    waits = [w for e in zoo.expected if e.executor == name for w in e.waits if w.endswith("timer")]
    assert zoo.executors[name].timers == (None if name == "set" else len(waits))


def test_queues(zoo: Reading) -> None:
    queues = {name: zoo.executors[name].queues for name in EXECUTORS}
    # Two tasks were started from outside while the only worker was busy. That worker itself
    # started two and woke one: the last of them stands in its LIFO slot, not in its queue.
    assert queues["busy"].global_ == 2
    assert queues["busy"].local == (2,)
    # Two jobs run on the pool's two threads, three others and a file's stay queued.
    assert queues["main"].blocking == 4
    assert queues["main"].global_ == 0
    assert queues["main"].local == (0, 0, 0)
    for name in ("side", "local", "set"):
        assert queues[name].global_ == 0
        assert queues[name].local == (0,)


@each_thread
def test_thread(zoo: Reading, name: str) -> None:
    thread = zoo.thread(name)
    std_name, role, executor, task, doing = THREADS[name]
    assert (thread.name, thread.role, thread.doing.kind) == (std_name, role, doing)
    assert thread.executor == (zoo.executors[executor].key if executor else None)
    assert zoo.name_of(thread.task) == task
    assert thread.cut is None
    # The task's frames stand below the native frame that polls it.
    assert (zoo.name_of(thread.splice.task) if thread.splice else None) == task


def test_workers(zoo: Reading) -> None:
    # GIVEN the main runtime: one worker crashed, of the others one polls for events
    workers = [t for t in zoo.snapshot.threads if t.tid in zoo.executors["main"].workers]
    assert sorted(thread.worker or 0 for thread in workers) == [0, 1, 2]
    assert sorted(t.doing.kind for t in workers) == ["driver", "parked", "polling"]
    assert {(t.name, t.role) for t in workers} == {("zoo-worker", "worker")}


def test_no_thread_is_missing(zoo: Reading) -> None:
    # Those that say who they are, and two workers of the main runtime that nobody names.
    assert len(zoo.snapshot.threads) == len(THREADS) + 2
    assert set(zoo.dump.facts[f"tid_{name}"] for name in THREADS) < {
        thread.tid for thread in zoo.snapshot.threads
    }


def test_the_crash(zoo: Reading) -> None:
    signal = zoo.snapshot.target.signal
    assert signal is not None
    assert (signal.name, signal.tid) == ("SIGABRT", zoo.dump.facts["tid_crash"])
    assert [t.tid for t in zoo.snapshot.threads if t.signal] == [signal.tid]


def test_native_stack_of_the_crash(zoo: Reading) -> None:
    # GIVEN the thread that panicked, its native stack innermost first
    frames = zoo.thread("crash").stack
    # THEN it leads from abort to the line that panicked
    panicked = [f for f in frames if f.file and zoo.place(f.file, f.line) == "@crash.panic"]
    assert len(panicked) == 1
    assert "abort" in (frames[0].function or "") or any(
        "abort" in (frame.function or "") for frame in frames[: frames.index(panicked[0])]
    )


@pytest.mark.parametrize(
    ("thread", "marker"),
    [("busy", "busy.park"), ("blocking", "blocking.job"), ("plain", "plain.park")],
)
def test_native_stacks_stand_at_their_markers(zoo: Reading, thread: str, marker: str) -> None:
    places = [zoo.place(f.file, f.line) for f in zoo.thread(thread).stack if f.file]
    assert f"@{marker}" in places


def test_runtime_is_recognised(zoo: Reading) -> None:
    (runtime,) = zoo.snapshot.target.runtimes
    assert (runtime.name, runtime.version) == ("tokio", zoo.dump.tokio)
    assert runtime.tested, "the version stands in the descriptor's list of tested ones"


def test_one_descriptor_alone_fits(zoo: Reading) -> None:
    # GIVEN the program's types, without a look at its version
    target = open_core(zoo.dump.core, executable=zoo.dump.exe, sysroot=zoo.dump.sysroot)
    program = Program(target, debug_files=zoo.dump.debug_files, sysroot=zoo.dump.sysroot)
    mine = [each for each in load_catalogue() if each.id == "tokio"]
    # THEN of the descriptors of tokio one fits: that which names the version
    fitting = [each for each in mine if choose(program, [each]).applied]
    program.close()
    target.close()
    assert len(fitting) == 1
    assert zoo.dump.tokio in fitting[0].tested


def test_nothing_was_lost(zoo: Reading) -> None:
    assert zoo.snapshot.losses == ()
