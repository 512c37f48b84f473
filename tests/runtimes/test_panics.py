"""What a panic said that ended the program, as the source of ``panics`` implies."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from support.build import Dump
from support.panics import PANICS, WAYS, Panic
from support.reading import Reading, read

from adp_tui.engine.model import Finding
from adp_tui.engine.report import json_report
from adp_tui.engine.text_report import text_report

OFTEN = (*product(PANICS, ("abort", "release")), *((panic, "debug") for panic in PANICS[-6:]))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(case, marks=() if case in OFTEN else pytest.mark.matrix)
        for case in product(PANICS, WAYS)
    ],
    ids=lambda case: "-".join(map(str, case)),
)
def case(
    request: pytest.FixtureRequest, dump: Callable[..., Dump]
) -> Iterator[tuple[Panic, Reading]]:
    """Return a way to end, and its core as the engine reads it."""
    panic, profile = request.param
    reading = read(dump("panics", panic.name, profile=profile))
    yield panic.built(profile), reading
    reading.session.close()


def crash_of(reading: Reading) -> Finding:
    (found,) = (each for each in reading.snapshot.findings if each.kind == "crash")
    return found


def place_of(reading: Reading, place: tuple[str, int] | None) -> str | None:
    """Return the marker of a place; a file of std's as it is named."""
    if place is None:
        return None
    said = reading.place(*place)
    return said[1:] if said.startswith("@") else place[0].partition("/library/")[2]


def test_message_and_place(case: tuple[Panic, Reading]) -> None:
    panic, reading = case
    signal = reading.snapshot.target.signal
    assert signal is not None
    if panic.place is None:
        assert signal.panic is None
        return
    assert signal.panic is not None
    assert signal.panic.message == panic.message
    assert place_of(reading, signal.panic.place) == panic.place
    if panic.name == "foreign":
        # It needs no more of it: whether it is still there is the compiler's choice.
        assert signal.panic.unwound in (None, panic.unwound)
    else:
        assert signal.panic.unwound == panic.unwound


def test_the_finding_tells_it(case: tuple[Panic, Reading]) -> None:
    panic, reading = case
    found = crash_of(reading)
    said = "\n".join(each for each in found.evidence if "it panicked" in each)
    if panic.place is None:
        assert "panicked" not in found.summary and not said
        return
    if panic.message:
        assert f"; it panicked: {panic.message[:300]}" in found.summary
        assert said.endswith(f": {panic.message[:300]}")
    assert said.startswith("it panicked at ")
    if panic.name == "dropped" and panic.unwound is not None:
        assert found.summary.endswith(f", on the way from a panic: {panic.unwound}")
        assert f"the panic that was unwound: {panic.unwound}" in found.evidence


def test_the_function_is_the_one_that_panicked(case: tuple[Panic, Reading]) -> None:
    panic, reading = case
    named = "called_by_c" if panic.name == "foreign" else panic.name
    assert f" in panics::{named} (" in crash_of(reading).summary


def test_the_reports_tell_it(case: tuple[Panic, Reading]) -> None:
    panic, reading = case
    told = json.loads("".join(json_report(reading.snapshot)))["target"]["signal"]["panic"]
    assert (told is None) is (panic.place is None)
    assert told is None or told["message"] == panic.message
    if panic.message:
        assert f"panicked: {panic.message[:300]}" in "".join(text_report(reading.snapshot))


def test_the_async_frames_stand_inside_the_stack(case: tuple[Panic, Reading]) -> None:
    _, reading = case
    # GIVEN the text report's lines on the thread that crashed
    report = "".join(text_report(reading.snapshot)).splitlines()
    start = next(n for n, line in enumerate(report) if "*** got the signal ***" in line)
    # WHEN the polled task is looked for in them
    polls = next(n for n in range(start, len(report)) if "(polls " in report[n])
    # THEN its frames follow, between the function that polls it and the caller of that
    frames = [line.split()[:2] for line in report[polls + 1 : polls + 3]]
    assert frames == [["at", "panics::task"], ["at", "panics::ends"]]
    assert report[polls - 1].lstrip().startswith("#")
    assert report[polls + 3].lstrip().startswith("#")


def test_the_screen_has_both_stacks_and_the_message(case: tuple[Panic, Reading]) -> None:
    panic, reading = case
    thread = next(each for each in reading.snapshot.threads if each.signal)
    # The outermost frame comes first.
    functions = [row.function for row in reading.session.frames(f"tid:{thread.tid}")]
    assert functions.index("panics::task") < functions.index("panics::ends")
    facts = {name: cell.text for name, cell in reading.session.task(f"tid:{thread.tid}").facts}
    assert facts.get("panicked", "")[:999] == (panic.message or "")[:999]
    assert ("panicked at" in facts) is (panic.place is not None)


def test_symbols_in_a_file_of_their_own_serve(dump: Callable[..., Dump]) -> None:
    reading = read(dump("panics", "arguments", profile="release", build="debuglink"))
    signal = reading.snapshot.target.signal
    assert signal is not None and signal.panic is not None
    assert signal.panic.message == "3 numbers are left: [3, 5, 8]"
    reading.session.close()


def test_without_symbols_nothing_is_told(dump: Callable[..., Dump], tmp_path: Path) -> None:
    # GIVEN a program that was stripped, and no file with its symbols
    made = dump("panics", "arguments", profile="release")
    bare = tmp_path / "panics"
    subprocess.run(["strip", "-o", bare, made.exe], check=True)
    # WHEN its core is read THEN it is not known that it was a panic
    reading = read(replace(made, exe=bare))
    signal = reading.snapshot.target.signal
    assert signal is not None and signal.panic is None
    reading.session.close()
