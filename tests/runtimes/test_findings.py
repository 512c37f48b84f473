"""What is found wrong with the programs of `hang`, as their sources imply."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.alive import stayed
from support.build import PROFILES, Dump
from support.hang import HANGS, Hang
from support.reading import Reading, read

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.model import Finding
from adp_tui.engine.session import Session

UNRELIABLE = ("queued_behind", "semaphore_exhausted", "permits_unaccounted")
"""Kinds that tell of a queue, which may stand beside any of the others."""


def named(reading: Reading, finding: Finding) -> str:
    tasks = sorted(reading.name_of(key) or key for key in finding.tasks)
    facts = reading.dump.facts.items()
    names = {tid: name.removeprefix("tid_") for name, tid in facts if name.startswith("tid_")}
    alone = sorted(names[step.thread] for step in finding.cycle if step.thread is not None)
    return " ".join((finding.kind, *tasks, *(f"thread {name}" for name in alone)))


def test_what_the_source_implies_is_found(case: tuple[Hang, Reading]) -> None:
    hang, reading = case
    found = {named(reading, each) for each in reading.snapshot.findings}
    kinds = {each.kind for each in reading.snapshot.findings}
    for text in hang.findings:
        if " " in text and text.split()[0] not in UNRELIABLE and not text.startswith("channel"):
            assert text in found
        else:
            assert text.split()[0] in kinds


def test_nothing_else_is_found(case: tuple[Hang, Reading]) -> None:
    hang, reading = case
    kinds = {text.split()[0] for text in hang.findings}
    # Each program ends itself by abort; those that wait in a queue are told as well.
    others = {
        named(reading, each)
        for each in reading.snapshot.findings
        if each.kind not in kinds and each.kind not in ("crash", *UNRELIABLE)
    }
    assert others <= ALSO.get(hang.name, set())


ALSO = {
    # The receiver of the full channel stands in the ring.
    "ring": {"channel_stuck ring_receiver ring_sender"},
    "channel": {"channel_stuck channel_receiver channel_sender"},
    # The workers that are exhausted are blocked, each of them.
    "busyworkers": {"blocked_worker busyworkers_1", "blocked_worker busyworkers_2"},
    # Those that have the receivers wait for good, each for a bell of its own.
    "permits": {
        "channel_stuck permits_owned_reserved_receiver permits_owned_reserved_waiter",
        "channel_stuck permits_reserved_receiver permits_reserved_waiter",
    },
    # What drives the timers sleeps in a poll.
    "overdue": {"blocked_worker overdue_blocks", "blocked_worker overdue_later"},
}


def test_each_step_names_variable_and_line(case: tuple[Hang, Reading]) -> None:
    _, reading = case
    for finding in reading.snapshot.findings:
        if finding.kind != "deadlock":
            continue
        assert len(finding.cycle) >= len({step.task for step in finding.cycle}) > 0
        for step, sentence in zip(finding.cycle, finding.evidence, strict=False):
            assert sentence.startswith(f"{step.task or f'thread {step.thread}'} ")
            if step.waits_for is None:
                assert "to end" in sentence
                continue
            resource = reading.snapshot.resources[int(step.waits_for[1:]) - 1]
            ends = [
                e
                for e in (*resource.holders, *resource.owners)
                if (e.task or None) == step.held_by_task and e.thread == step.held_by_thread
            ]
            assert any(f"`{e.variable}" in sentence for e in ends)
            assert any(e.line is None or f"line {e.line}" in sentence for e in ends)


OFTEN = ("two", "thread", "rwself", "nested", "lostwake", "slots")
"""Constellations that each run looks at alive; the others only those of the matrix."""


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        pytest.param(
            hang.name,
            profile,
            marks=() if hang.name in OFTEN and profile == "debug" else pytest.mark.matrix,
        )
        for hang in HANGS
        for profile in PROFILES
        # That one does not live on.
        if hang.name != "crash"
    ],
)
def test_a_live_process_has_them_too(name: str, profile: str, dump: Callable[..., Dump]) -> None:
    made = dump("hang", name, profile=profile)
    core = read(made)
    with stayed(made, name) as program:
        session = Session(LiveProcess(program.pid))
        live = {(f.kind, f.conf, len(f.tasks)) for f in session.snapshot.findings}
        session.close()
    core.session.close()
    expected = {(f.kind, f.conf, len(f.tasks)) for f in core.snapshot.findings}
    # Nothing has ended the process that lives on.
    assert live == {each for each in expected if each[0] != "crash"}
