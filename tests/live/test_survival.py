"""Whatever ends adp-tui, the process that it looked at runs on as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest
from support.alive import has_stopped, state_of, threads_of, tracer_of, until

from adp_tui.backends.live import LiveProcess
from adp_tui.backends.procfs import Procfs
from adp_tui.backends.tracer import Hold, stop

from .conftest import BEATS, CUT_SHORT, ERRORS, SIGNALS, Heart

MARK = signal.SIGRTMIN + 5
"""Real-time signals queue: each one that was sent must be counted."""

HOLDS = textwrap.dedent(
    """
    import sys, time
    from adp_tui.backends.procfs import Procfs
    from adp_tui.backends.tracer import stop

    def work(threads, began):
        print("stands", flush=True)
        time.sleep(float(sys.argv[2]))

    stop(Procfs(int(sys.argv[1])), work)
    """
)
FAILS = textwrap.dedent(
    """
    import sys
    from adp_tui.backends.procfs import Procfs
    from adp_tui.backends.tracer import stop

    def work(threads, began):
        print("stands", flush=True)
        raise RuntimeError("nobody foresaw this")

    stop(Procfs(int(sys.argv[1])), work)
    """
)


def runs(heart: Heart) -> None:
    """Check that all threads run, untraced."""
    before = heart.count(BEATS)
    until(lambda: heart.count(BEATS) > before + 3, "the heart to beat")
    for tid in threads_of(heart.pid):
        assert tracer_of(heart.pid, tid) == 0
        assert state_of(heart.pid, tid) in ("R", "S")


def holder(heart: Heart, script: str = HOLDS, seconds: int = 600) -> subprocess.Popen[str]:
    """Start a process of ours that stops the target, and wait until it stands."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(heart.pid), str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "stands\n"
    return process


@pytest.mark.parametrize(
    ("number", "seconds"),
    [
        (signal.SIGTERM, 600),
        (signal.SIGHUP, 600),
        (signal.SIGKILL, 600),
        # Ctrl-C is heard at the end of the stop, which never takes longer than --max-pause.
        (signal.SIGINT, 1),
    ],
)
def test_killed_in_the_stop(heart: Heart, number: signal.Signals, seconds: int) -> None:
    # GIVEN a target that stands, with signals that wait for it
    process = holder(heart, seconds=seconds)
    assert all(state_of(heart.pid, tid) == "t" for tid in threads_of(heart.pid))
    for _ in range(20):
        os.kill(heart.pid, MARK)
    # WHEN adp-tui is killed
    process.send_signal(number)
    process.wait()
    # THEN all threads run, and no signal is lost or added
    runs(heart)
    until(lambda: heart.count(SIGNALS) == 20, "twenty signals")
    assert heart.count(SIGNALS) == 20
    assert heart.count(ERRORS) == 0


def test_an_exception_in_the_stop(heart: Heart) -> None:
    process = holder(heart, FAILS)
    assert process.wait() == 1
    runs(heart)


def test_no_signal_is_lost_or_added(heart: Heart) -> None:
    """Signals arrive before, in and after stops; also those that stop a thread themselves."""
    procfs = Procfs(heart.pid)
    sent = 0

    def work(threads: object, began: float) -> None:
        nonlocal sent
        for _ in range(3):
            os.kill(heart.pid, MARK)
            sent += 1

    for _ in range(200):
        os.kill(heart.pid, MARK)
        sent += 1
        stop(procfs, work)
    until(lambda: heart.count(SIGNALS) == sent, f"{sent} signals, not {heart.count(SIGNALS)}")
    runs(heart)
    assert heart.count(SIGNALS) == sent


def test_calls_that_are_cut_short(heart: Heart) -> None:
    """EINTR from epoll_wait is the one thing that a target may see; read(2) goes on."""
    # GIVEN four threads in epoll_wait and four in read
    until(lambda: state_of(heart.pid, threads_of(heart.pid)[-1]) == "S", "threads that sleep")
    procfs = Procfs(heart.pid)
    # WHEN it is stopped ten times
    for _ in range(10):
        stop(procfs, lambda threads, began: None)
        runs(heart)
    # THEN each epoll_wait is cut short at most once for each stop, and no other call is
    assert 0 < heart.count(CUT_SHORT) <= 40
    assert heart.count(ERRORS) == 0


def test_without_a_stop_nothing_is_seen(heart: Heart) -> None:
    process = LiveProcess(heart.pid, stops=False)
    for _ in range(10):
        looked = process.look()
        assert process.stop(looked) is looked
        looked.close()
    assert heart.count(CUT_SHORT) == 0
    runs(heart)


def test_a_pause_ends(heart: Heart) -> None:
    hold = Hold(Procfs(heart.pid))
    try:
        before = heart.count(BEATS)
        assert all(state_of(heart.pid, tid) == "t" for tid in threads_of(heart.pid))
        assert heart.count(BEATS) == before
    finally:
        hold.let_go()
    runs(heart)


class CutShort(Procfs):
    """A process whose last thread the kernel leaves out of the first three lists."""

    lists = 0

    def threads(self) -> list[int]:
        self.lists += 1
        return super().threads()[: -1 if self.lists <= 3 else None]


def test_a_thread_that_lists_left_out_stands_as_well(heart: Heart) -> None:
    # GIVEN a list that ends early, as when a thread ends while it is read
    hold = Hold(CutShort(heart.pid))
    # THEN all threads stand
    try:
        assert {state_of(heart.pid, tid) for tid in threads_of(heart.pid)} == {"t"}
    finally:
        hold.let_go()
    runs(heart)


def test_a_stopped_process_stays_stopped(heart: Heart) -> None:
    """A process in group-stop is left in it; SIGCONT lets it run on."""
    os.kill(heart.pid, signal.SIGSTOP)
    until(lambda: has_stopped(heart.pid), "it to stop")
    for _ in range(5):
        stop(Procfs(heart.pid), lambda threads, began: None)
        until(lambda: has_stopped(heart.pid), "it to be stopped again")
    before = heart.count(BEATS)
    os.kill(heart.pid, signal.SIGCONT)
    until(lambda: heart.count(BEATS) > before, "it to run on")
    runs(heart)
