"""Programs that nothing is wrong with, looked at again and again while they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from support.alive import alive, until
from support.build import executable

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.cache import Cache
from adp_tui.engine.session import Session

SAMPLES = [8, pytest.param(100, marks=pytest.mark.matrix)]
FALSE = frozenset(
    {
        "deadlock", "lost_wakeup", "futurelock", "blocked_worker", "nested_block_on",
        "channel_stuck", "workers_exhausted", "panicked", "crash", "std_lock_across_await",
    }
)  # fmt: skip
"""What none of these programs has, at any moment."""


@contextmanager
def running(name: str) -> Iterator[int]:
    """Start a program; a server gets a client that keeps it busy."""
    program = executable("busy", profile="release")
    with ExitStack() as stack:
        started = stack.enter_context(alive([program, name], listens=True))
        started.fact("ready")
        if name == "http":
            address = f"127.0.0.1:{started.fact('port')}"
            load = stack.enter_context(alive([program, "load", address, "8"], listens=True))
            until(lambda: load.ask("ok") > 0, "answers")
        yield started.pid


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Return one for all: they look at one executable."""
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize("samples", SAMPLES)
@pytest.mark.parametrize("name", ["http", "pipeline", "timers", "joinset", "select"])
def test_nothing_is_found_wrong(name: str, samples: int, cache: Cache) -> None:
    found: list[tuple[str, str, tuple[str, ...]]] = []
    tasks = 0
    with running(name) as pid:
        session = Session(LiveProcess(pid), cache=cache)
        session.open()
        for _ in range(samples):
            session.refresh()
            tasks += len(session.snapshot.tasks)
            found += [
                (f.kind, f.summary, f.evidence)
                for f in session.snapshot.findings
                if f.kind in FALSE
            ]
        assert session.snapshot.epoch == samples + 1
        session.close()
    kinds = dict(Counter(kind for kind, _, _ in found))
    print(f"{name}: {samples} samples, {tasks:,} tasks, {len(found)} false findings {kinds}")
    assert tasks > samples
    assert found == []
