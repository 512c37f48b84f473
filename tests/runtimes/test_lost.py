"""Tasks that nothing can wake, of a runtime that does not count who could: the program `lost`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.alive import stayed
from support.build import PROFILES, Dump
from support.compared import Record, missing_and_others
from support.lost import LOST, WAKEABLE
from support.reading import Reading, read

from adp_tui.backends.core import CoreTarget, open_core
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.analysis import mentions, sweep, unwoken
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import CancelledError
from adp_tui.engine.model import Confidence, Finding
from adp_tui.engine.saved.file import read as read_saved
from adp_tui.engine.session import Session
from adp_tui.engine.target import ThreadState

R12 = next(number for number, name in X86_64.registers.items() if name == "r12")


@pytest.fixture(scope="module", params=PROFILES)
def lost(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    reading = read(dump("lost", profile=request.param))
    yield reading
    reading.session.close()


class Other(CoreTarget):
    """A core whose threads are not quite what they are."""

    change: Callable[[ThreadState], ThreadState]

    def threads(self) -> Sequence[ThreadState]:
        return tuple(map(self.change, super().threads()))


def changed(reading: Reading, change: Callable[[ThreadState], ThreadState]) -> Reading:
    target = open_core(reading.dump.core, executable=reading.dump.exe)
    target.__class__ = Other
    target.change = change  # type: ignore[attr-defined]
    session = Session(target)
    return Reading(reading.dump, session, session.snapshot)


def found(reading: Reading) -> dict[str, Finding]:
    """Return the findings by the names of their tasks."""
    return {
        str(reading.name_of(key)): finding
        for finding in reading.snapshot.findings
        if finding.kind == "lost_wakeup"
        for key in finding.tasks
    }


def again(reading: Reading) -> set[str]:
    """Return which tasks are lost when the same core is read once more."""
    other = read(reading.dump)
    try:
        return set(found(other))
    finally:
        other.session.close()


def test_tasks_are_those_of_the_program(lost: Reading, record_property: Record) -> None:
    expected = [*LOST, *WAKEABLE]
    assert missing_and_others(lost.tasks, expected, record_property) == ([], [])


@pytest.mark.parametrize(("name", "marker"), LOST.items())
def test_what_kept_no_waker_is_lost(lost: Reading, name: str, marker: str) -> None:
    finding = found(lost)[name]
    assert finding.conf is Confidence.DERIVED
    file, line = lost.dump.markers[marker]
    assert f"it is idle (src/{file}:{line})" in finding.summary
    threads = len(lost.snapshot.threads)
    assert f"the registers of {threads} threads were searched" in finding.evidence[0]


@pytest.mark.parametrize("name", WAKEABLE)
def test_what_can_be_woken_is_not(lost: Reading, name: str) -> None:
    assert name not in found(lost)


def test_only_a_register_keeps_a_waker(lost: Reading) -> None:
    # GIVEN the same core, as if no thread had anything in the register that the source names
    other = changed(lost, lambda each: replace(each, registers={**each.registers, R12: 0}))
    # THEN the task whose waker's data was there is lost as well
    assert set(found(other)) == {*LOST, "register"}
    other.session.close()


def test_a_thread_without_registers_is_a_doubt(lost: Reading) -> None:
    tid = lost.snapshot.threads[-1].tid

    def change(each: ThreadState) -> ThreadState:
        return replace(each, registers={}, problem="torn") if each.tid == tid else each

    other = changed(lost, change)
    assert found(other) == {}
    other.session.close()


@pytest.mark.parametrize("number", [0, -1], ids=["main", "last"])
def test_a_stack_that_is_no_thread_s_own_is_a_doubt(lost: Reading, number: int) -> None:
    # GIVEN a thread that stands in memory where neither its first frame nor its thread is
    heap = next(task.address for task in lost.snapshot.tasks)
    tid = lost.snapshot.threads[number].tid

    def change(each: ThreadState) -> ThreadState:
        moved = {**each.registers, X86_64.sp: heap & ~0xF}
        return replace(each, registers=moved) if each.tid == tid else each

    other = changed(lost, change)
    assert found(other) == {}
    other.session.close()


def test_nothing_is_concluded_from_a_core_that_was_cut_off(lost: Reading, tmp_path: Path) -> None:
    whole = lost.dump.core.read_bytes()
    (tmp_path / "core").write_bytes(whole[:-4096])
    cut = read(replace(lost.dump, core=tmp_path / "core"))
    assert set(cut.tasks) == set(lost.tasks)
    assert found(cut) == {}
    cut.session.close()


def test_nothing_is_concluded_from_a_live_process(dump: Callable[..., Dump]) -> None:
    made = dump("lost")
    with stayed(made) as program:
        session = Session(LiveProcess(program.pid))
        live = Reading(made, session, session.snapshot)
        assert set(live.tasks) == {*LOST, *WAKEABLE}
        assert found(live) == {}
        session.close()


@pytest.mark.parametrize(
    ("module", "limit"),
    [
        (mentions, "MAX_SWEPT"),
        (mentions, "MAX_MENTIONS"),
        (sweep, "MAX_TABLES"),
        (sweep, "MAX_WAKERS"),
        (unwoken, "MAX_WRAPPERS"),
    ],
)
def test_too_much_of_anything_is_a_doubt(
    lost: Reading, module: Any, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, limit, 0)
    assert again(lost) == set()


def test_the_search_can_be_cancelled(lost: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[str] = []
    real = mentions.mentions

    def stop() -> None:
        checks.append("asked")
        raise CancelledError

    def noted(program: Any, places: Any, stacks: Any, check: Any) -> Any:
        return real(program, places, stacks, stop)

    monkeypatch.setattr(mentions, "mentions", noted)
    with pytest.raises(CancelledError):
        again(lost)
    assert checks


def test_a_saved_snapshot_has_them(lost: Reading, tmp_path: Path) -> None:
    lost.session.save(str(tmp_path / "lost.adps"))
    copy = Session(read_saved(tmp_path / "lost.adps"))
    assert copy.snapshot.unreached == lost.snapshot.unreached != ()
    assert copy.snapshot.findings == lost.snapshot.findings
    copy.close()
