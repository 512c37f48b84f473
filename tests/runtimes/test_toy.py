"""A runtime that no catalogue knows describes itself: it is read from its binary's own note."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.alive import stayed
from support.build import PROGRAMS, Dump
from support.compared import Record, missing_and_others
from support.reading import Reading, read
from support.reports import differences, report_of
from support.toy import BUILDS, HELD, TASKS
from support.zoo import Expected

from adp_tui.backends.core import open_core
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.adp.catalogue import load_catalogue
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.schema import Origin
from adp_tui.engine.report import Options, json_report
from adp_tui.engine.saved.file import read as read_saved
from adp_tui.engine.session import Session


def built(dump: Callable[..., Dump], build: tuple[str, str | None]) -> Dump:
    profile, way = build
    return dump("toy", profile=profile, build=way)


@pytest.fixture(scope="module", params=BUILDS, ids=lambda b: "-".join(filter(None, b)))
def toy(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    reading = read(built(dump, request.param))
    yield reading
    reading.session.close()


def test_no_catalogue_knows_it() -> None:
    assert "toy" not in {descriptor.id for descriptor in load_catalogue()}


def test_tasks_are_those_of_the_program(toy: Reading, record_property: Record) -> None:
    expected = [each.name for each in TASKS]
    assert missing_and_others(toy.tasks, expected, record_property) == ([], [])


each_task = pytest.mark.parametrize("expected", TASKS, ids=str)


@each_task
def test_stack(toy: Reading, expected: Expected) -> None:
    assert toy.stack_text(toy.task(expected.name)) == expected.lines


@each_task
def test_waits(toy: Reading, expected: Expected) -> None:
    waits = toy.task(expected.name).waits
    assert tuple(toy.wait_text(wait) for wait in waits) == expected.waits


@each_task
def test_state(toy: Reading, expected: Expected) -> None:
    task = toy.task(expected.name)
    assert (task.state, task.name) == (expected.state, expected.name)


@each_task
def test_place_in_tree(toy: Reading, expected: Expected) -> None:
    assert toy.name_of(toy.task(expected.name).parent) == expected.parent


def test_executor(toy: Reading) -> None:
    (executor,) = toy.snapshot.executors
    assert (executor.kind, executor.name, executor.queues.global_) == ("toy", "toys", 1)
    # Three tasks sleep for an hour; those that crossed slept before.
    assert executor.timers == 3
    workers = [t for t in toy.snapshot.threads if t.role == "worker"]
    assert sorted((t.name, t.worker, t.executor) for t in workers) == [
        ("toy-worker-0", 0, executor.key),
        ("toy-worker-1", 1, executor.key),
    ]


@pytest.mark.parametrize(("waiter", "holder"), HELD.items())
def test_who_holds_it(toy: Reading, waiter: str, holder: str) -> None:
    (wait,) = toy.task(waiter).waits
    assert wait.resource is not None
    resource = toy.snapshot.resources.named(wait.resource)
    assert [toy.name_of(h.task) for h in resource.holders] == [holder]
    assert [toy.name_of(key) for key in resource.waiters] == [waiter]


def test_batons_that_cross_are_a_deadlock(toy: Reading) -> None:
    (found,) = [f for f in toy.snapshot.findings if f.kind == "deadlock"]
    assert sorted(str(toy.name_of(key)) for key in found.tasks) == ["left", "right"]


def test_nothing_is_lost(toy: Reading) -> None:
    assert toy.snapshot.losses == ()


def test_it_is_said_which_version_was_not_tested(toy: Reading) -> None:
    # A crate that is used by path has no version in the paths of its sources.
    (runtime,) = toy.snapshot.target.runtimes
    assert (runtime.name, runtime.version, runtime.tested) == ("toy", None, False)


def normalised(reading: Reading) -> Any:
    """Return the report without what differs from run to run: the target, threads, addresses."""
    report = json.loads("".join(json_report(reading.snapshot, Options())))
    del report["target"], report["fds"], report["threads"]
    for each in report["extensions"]:
        # The binary that carries the descriptor.
        del each["place"]
    tids = {t.tid: f"thread {t.name}" for t in reading.snapshot.threads}

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            # Functions, kinds and branches are in ``shape``; the hash is one executable's.
            return {name: plain(each) for name, each in part.items() if name != "hash"}
        if isinstance(part, list):
            found = [plain(each) for each in part]
            return sorted(found) if part and part[0] in (*tids,) else found
        if isinstance(part, int) and not isinstance(part, bool):
            return tids.get(part, part)
        if isinstance(part, str):
            part = re.sub(r"\d{3,}", lambda m: tids.get(int(m[0]), m[0]), part)
            return re.sub(r"0x[0-9a-f]+", "ADDRESS", part)
        return part

    return plain(report)


def test_every_build_shows_the_same(dump: Callable[..., Dump]) -> None:
    """Debug, release, thin and fat LTO, stripped with a separate debug file."""
    shown = []
    for build in BUILDS:
        reading = read(built(dump, build))
        shown.append(normalised(reading))
        reading.session.close()
    assert len(shown[0]["tasks"]) == len(TASKS)
    for build, other in zip(BUILDS[1:], shown[1:], strict=True):
        assert list(differences(shown[0], other)) == [], build


def test_a_live_process_shows_what_its_core_shows(dump: Callable[..., Dump]) -> None:
    core = read(dump("toy"))
    with stayed(dump("toy")) as program:
        session = Session(LiveProcess(program.pid))
        live = Reading(core.dump, session, session.snapshot)
        found = {name: live.task(name) for name in live.tasks}
        for expected in TASKS:
            task = found[expected.name]
            assert live.stack_text(task) == expected.lines
            assert tuple(live.wait_text(wait) for wait in task.waits) == expected.waits
        # A process tells the time: an hour less the little that it ran.
        (timer,) = found["sleeps"].waits
        assert timer.remaining_s is not None and 3500 < timer.remaining_s < 3600
        session.close()
    core.session.close()


def test_a_saved_snapshot_has_the_descriptor(dump: Callable[..., Dump], tmp_path: Path) -> None:
    # GIVEN a core of a program that describes itself, saved
    core = read(dump("toy", profile="release"))
    core.session.save(str(tmp_path / "toy.adps"))
    # WHEN it is opened without its program
    copy = Session(read_saved(tmp_path / "toy.adps"))
    # THEN variables expand: the analysis found the same tasks by the descriptor in the file
    seen = report_of(copy)
    assert list(differences(report_of(core.session), seen)) == []
    assert any(any(frame) for task in seen["tasks"] for frame in task["locals"])
    core.session.close()
    copy.close()


def test_a_saved_snapshot_has_what_the_project_gave(
    dump: Callable[..., Dump], tmp_path: Path
) -> None:
    # GIVEN the same program without its note, and its descriptor from the project
    toy = dump("toy")
    exe = tmp_path / "toy"
    exe.write_bytes(toy.exe.read_bytes().replace(b"ADP\0{", b"XYZ\0{"))
    text = (PROGRAMS / "toy/rt/src/adp.json").read_text()
    given = load(text, origin=Origin("project", ".adp/toy.adp.json"))
    without = Session(open_core(toy.core, executable=exe))
    assert len(without.snapshot.tasks) == 0
    core = Session(open_core(toy.core, executable=exe), descriptors=[given])
    assert len(core.snapshot.tasks) == len(TASKS)
    # WHEN it is saved and opened elsewhere THEN its variables are found by that descriptor
    core.save(str(tmp_path / "toy.adps"))
    copy = Session(read_saved(tmp_path / "toy.adps"), explains=True)
    seen = report_of(copy)
    assert list(differences(report_of(core), seen)) == []
    assert any(any(frame) for task in seen["tasks"] for frame in task["locals"])
    (used,) = [e.descriptor for e in copy.explanation().applied if e.descriptor.id == "toy"]
    assert used.origin == given.origin
    for session in (without, core, copy):
        session.close()
