"""A service under load notices nothing of being looked at, and neither does who looks, for long."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.alive import Alive, alive, state_of, threads_of, tracer_of, until
from support.build import executable

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.cache import Cache
from adp_tui.engine.model import Snapshot
from adp_tui.engine.session import Session

MARK = signal.SIGRTMIN + 5
"""Real-time signals queue: each one that was sent must be counted."""
CYCLES = [80, pytest.param(200, marks=pytest.mark.matrix)]
SETTLED = 30
"""After so many, all that is made once has been made."""
CONNECTIONS = 4
MAX_GROWTH = 20 << 20
"""Bytes. One snapshot of a small service, with what is known of its files, takes more than twice
as many: not one of the later ones may stay.
"""
STANDS = ("t", "T")


@pytest.fixture(autouse=True)
def only_what_is_made_here() -> Iterator[None]:
    """Leave what other tests keep out of each search for garbage: it would take seconds."""
    gc.collect()
    gc.freeze()
    yield
    # One of them lets all of it be looked through again.
    gc.collect()
    gc.freeze()


@dataclass
class Served:
    """A service, and a client that keeps it busy."""

    server: Alive
    load: Alive


@pytest.fixture
def served() -> Iterator[Served]:
    program = executable("busy", profile="release")
    with alive([program, "http"], listens=True) as server:
        address = f"127.0.0.1:{server.fact('port')}"
        with alive([program, "load", address, str(CONNECTIONS)], listens=True) as load:
            until(lambda: load.ask("ok") > 0, "answers")
            yield Served(server, load)


def one_snapshot(pid: int, cache: Cache) -> Snapshot:
    session = Session(LiveProcess(pid), cache=cache)
    try:
        return session.snapshot
    finally:
        session.close()
        # What would be found and let go of some day is no leak, but leaves holes in the memory.
        gc.collect()


def resident() -> int:
    """Return the bytes of memory that this process has, without garbage and what malloc keeps."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("cycles", CYCLES)
def test_many_snapshots_under_load(served: Served, cycles: int, tmp_path: Path) -> None:
    # GIVEN a service under load, that was looked at often enough for all to be settled
    server, load, cache = served.server, served.load, Cache(tmp_path)
    memory = files = 0
    for number in range(cycles):
        if number == SETTLED:
            memory, files = resident(), open_files()
        os.kill(server.pid, MARK)
        # WHEN it is attached to, read and let go of
        snapshot = one_snapshot(server.pid, cache)
        # THEN it was stopped, and its tasks were read: those that accept, work and serve
        assert snapshot.target.pause_ms is not None
        assert len(snapshot.tasks) >= 2 + CONNECTIONS
    # THEN nothing of ours grew
    assert open_files() == files
    assert resident() - memory < MAX_GROWTH
    # THEN all threads run on, traced by nobody
    for tid in threads_of(server.pid):
        assert tracer_of(server.pid, tid) == 0
        assert state_of(server.pid, tid) not in STANDS
    # THEN no signal was lost or added
    until(lambda: server.ask("signals") == cycles, f"{cycles} signals")
    # THEN each request was answered
    assert load.end() == 0, load.printed()
    assert load.fact("failed") == 0, load.printed()
    assert load.fact("ok") == server.ask("served") > cycles


@contextmanager
def refreshed(name: str, cache: Cache) -> Iterator[Session]:
    with alive([executable("busy", profile="release"), name], listens=True) as program:
        program.fact("ready")
        session = Session(LiveProcess(program.pid), cache=cache)
        try:
            yield session
        finally:
            session.close()


@pytest.mark.parametrize("cycles", CYCLES)
def test_refreshing_for_long_takes_no_more_memory(cycles: int, tmp_path: Path) -> None:
    """As the screen does it: what was read first is kept out of the search for garbage."""
    with refreshed("pipeline", Cache(tmp_path)) as session:
        session.open()
        gc.freeze()
        try:
            memory = files = 0
            for number in range(cycles):
                if number == SETTLED:
                    memory, files = resident(), open_files()
                session.refresh()
            assert session.snapshot.epoch == cycles + 1
            assert open_files() == files
            assert resident() - memory < MAX_GROWTH
        finally:
            gc.unfreeze()


@pytest.mark.parametrize("stops", [True, False], ids=["stopped", "running"])
def test_a_thread_that_never_sleeps(stops: bool) -> None:
    """Where it is, only a stop tells; without one it has no stack, and the others have theirs."""
    program = executable("busy")
    with alive([program, "idle", "8", "1"], listens=True) as idle:
        idle.fact("ready")
        session = Session(LiveProcess(idle.pid, stops=stops))
        snapshot = session.snapshot
        session.close()
    (ticker,) = [thread for thread in snapshot.threads if thread.name == "ticker"]
    assert all(thread.stack for thread in snapshot.threads if thread is not ticker)
    lost = [(each.what, each.why) for each in snapshot.losses]
    if stops:
        assert "busy::ticker::ticks" in {frame.function for frame in ticker.stack}
        assert lost == []
    else:
        assert ticker.stack == ()
        assert ("thread stack", "it runs: where it is, only a stop can tell") in lost
