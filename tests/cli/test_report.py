"""Reports of real cores, as a script reads them. ``ran.report`` checks each by the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


def walk(frames: list[Any]) -> Iterator[Any]:
    """Yield the frames of a stack depth first."""
    for frame in frames:
        yield frame
        for branch in frame["branches"]:
            yield from walk(branch["frames"])


def values(variables: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of variables and their fields."""
    for variable in variables:
        yield variable["name"], variable["value"]
        yield from values(variable["children"])


@pytest.fixture(scope="module")
def zoo(dump: Any) -> Any:
    return dump("zoo", tokio="1.54.1")


def test_keys_lead_somewhere(zoo, adp_tui_command):
    # GIVEN the report of a program with many kinds of tasks
    report = adp_tui_command("report", "core", zoo.core, "--json").report
    keys = {
        name: {entity["key"] for entity in report[name]}
        for name in ("executors", "stacks", "tasks", "resources")
    }
    tids = {thread["tid"] for thread in report["threads"]}
    # THEN every key that it names is the key of something
    for task in report["tasks"]:
        assert {task["executor"]} <= keys["executors"] | {None}
        assert {task["stack"]} <= keys["stacks"] | {None}
        assert {task["parent"]} <= keys["tasks"] | {None}
        assert {task["thread"]} <= tids | {None}
        for wait in task["waits"]:
            assert {wait["resource"]} <= keys["resources"] | {None}
            assert {wait["task"]} <= keys["tasks"] | {None}
    for executor in report["executors"]:
        assert {*executor["workers"], *executor["blocking_threads"]} <= tids
        assert {executor["parent"]} <= keys["executors"] | {None}
    for resource in report["resources"]:
        assert set(resource["waiters"]) <= keys["tasks"]
    # AND the counts agree with what is listed
    for stack in report["stacks"]:
        assert stack["count"] == sum(t["stack"] == stack["key"] for t in report["tasks"])
    for executor in report["executors"]:
        own = [t["state"] for t in report["tasks"] if t["executor"] == executor["key"]]
        assert executor["tasks"] == {
            state: own.count(state) for state in ("idle", "running", "scheduled", "complete")
        }


def test_addresses_and_variables(zoo, adp_tui_command):
    # GIVEN a report with addresses and variables
    words = ("report", "core", zoo.core, "--json", "--addresses", "--locals", "--tasks-only")
    report = adp_tui_command(*words).report
    stacks = {stack["key"]: list(walk(stack["frames"])) for stack in report["stacks"]}
    # THEN each task has one entry for each frame, in the order of a depth-first walk
    seen = 0
    for task in report["tasks"]:
        frames = stacks.get(task["stack"], [])
        assert len(task["addresses"]) == len(task["locals"]) == len(frames)
        seen += sum(bool(variables) for variables in task["locals"])
    assert seen > 20 and report["threads"] == []
    # AND they are not there when they were not asked for
    plain = adp_tui_command("report", "core", zoo.core, "--json").report
    assert "addresses" not in plain["tasks"][0] and "locals" not in plain["tasks"][0]


def test_a_variable_of_a_frame(dump, adp_tui_command):
    # GIVEN the task that sleeps for an hour
    words = ("report", "core", dump("tiny").core, "--json", "--locals")
    (task,) = (t for t in adp_tui_command(*words).report["tasks"] if t["future"] == "tiny::naps")
    # THEN its variable is there, with its fields as the source has them
    found = list(values(task["locals"][0]))
    assert ("nap", '("siesta", 3600)') in found
    assert {("0", '"siesta"'), ("1", "3600")} <= set(found)


def test_the_same_core_gives_the_same_report(dump, adp_tui_command):
    words = ("report", "core", dump("tiny").core, "--json", "--addresses")
    assert adp_tui_command(*words).out == adp_tui_command(*words).out


def test_threads_only(dump, adp_tui_command):
    words = ("report", "core", dump("tiny").core, "--json", "--threads-only")
    report = adp_tui_command(*words).report
    assert report["tasks"] == report["stacks"] == report["resources"] == []
    assert {thread["name"] for thread in report["threads"]} == {"tiny", "other"}
    assert report["executors"]


def test_text(dump, adp_tui_command):
    # GIVEN a core
    tiny = dump("tiny")
    ran = adp_tui_command("report", "core", tiny.core)
    file, line = tiny.markers["naps.sleep"]
    # THEN the text has the head, each thread and the task with its stack and wait
    assert ran.status == 0 and ran.err == ""
    lines = ran.out.splitlines()
    assert lines[0].startswith(f"{tiny.exe}  pid ")
    assert any(each.startswith("killed by SIGABRT (6)  in thread ") for each in lines)
    assert "THREADS (2)" in lines and "EXECUTORS (1)" in lines
    assert f"  at tiny::naps  src/{file}:{line}" in lines
    assert any(each.startswith("  waits on timer ") for each in lines)


def test_the_demo(adp_tui_command):
    # GIVEN the dump that ships with adp-tui
    # WHEN a report is asked for
    ran = adp_tui_command("report", "demo", "--json")
    # THEN all of it can be read, without anything else on this machine
    assert (ran.status, ran.err, ran.losses) == (0, "", "")
    assert len(ran.report["tasks"]) > 10 and len(ran.report["executors"]) > 1
