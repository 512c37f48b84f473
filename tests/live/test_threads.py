"""What the kernel says of the threads of a live process, beside their registers."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path

import psutil
from support.alive import has_stopped, state_of, threads_of, until

from adp_tui.backends.live import LiveProcess, LiveTarget
from adp_tui.engine.session import Session
from adp_tui.engine.target import Scheduling, ThreadState

from .conftest import Heart


def said(state: ThreadState) -> Scheduling:
    assert state.scheduling is not None
    return state.scheduling


def rest(heart: Heart, threads: list[int]) -> None:
    """Wait until threads sleep: who was stopped runs for a moment when it is let go of."""
    until(lambda: all(state_of(heart.pid, tid) == "S" for tid in threads), "threads that sleep")


def snapshot(process: LiveProcess) -> list[ThreadState]:
    looked = process.look()
    stopped = process.stop(looked)
    assert isinstance(stopped, LiveTarget)
    threads = list(stopped.threads())
    for each in (looked, stopped):
        each.close()
    return threads


def test_states_and_times(heart: Heart) -> None:
    # GIVEN a process whose threads sleep, but for the first, which often does
    first, *others = threads_of(heart.pid)
    rest(heart, others)
    channels = {
        tid: Path(f"/proc/{heart.pid}/task/{tid}/wchan").read_text().strip() for tid in others
    }
    before = {each.id: each for each in psutil.Process(heart.pid).threads()}
    # WHEN a snapshot is taken, with a stop or without
    for stops in (True, False):
        rest(heart, others)
        process = LiveProcess(heart.pid, stops=stops)
        looked = process.look()
        found = {each.tid: said(each) for each in process.stop(looked).threads()}
        looked.close()
        process.close()
        after = {each.id: each for each in psutil.Process(heart.pid).threads()}
        # THEN it says what they did before it: none of them is said to stand
        assert {found[tid].state for tid in others} == {"S"}
        assert found[first].state in ("R", "S")
        for tid in others:
            assert found[tid].channel == (None if channels[tid] in ("", "0") else channels[tid])
        for tid, each in found.items():
            low, high = (it[tid].user_time + it[tid].system_time for it in (before, after))
            assert low - 0.011 <= each.cpu_s <= high + 0.011


def test_of_a_held_process_it_is_what_was_so_before(heart: Heart) -> None:
    _, *others = threads_of(heart.pid)
    rest(heart, others)
    # What is still held when a test fails could not be ended.
    with closing(LiveProcess(heart.pid)) as process:
        process.hold()
        assert state_of(heart.pid, others[0]) == "t"
        for _ in range(2):
            assert {said(each).state for each in snapshot(process)} <= {"R", "S"}
        process.let_go()
        # AND when it was let go of, stopped by somebody else and held again, that is said
        heart.program.process.send_signal(signal.SIGSTOP)
        until(lambda: has_stopped(heart.pid), "all threads to stop")
        process.hold()
        assert {said(each).state for each in snapshot(process)} == {"T"}


def test_the_details_of_a_thread_say_it(heart: Heart) -> None:
    _, *others = threads_of(heart.pid)
    rest(heart, others)
    session = Session(LiveProcess(heart.pid))
    pipes = set()
    for tid in others:
        facts = {label: cell.text for label, cell in session.task(f"tid:{tid}").facts}
        assert facts["kernel"].startswith("S sleeps") and ", CPU " in facts["kernel"]
        pipes |= {text for label, text in facts.items() if label.startswith("fd ")}
    session.close()
    # Half of them read from a pipe, the others wait for events of nothing.
    assert pipes == {"pipe, read end", "epoll, watches 0"}
