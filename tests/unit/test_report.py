"""The JSON report of snapshots made by hand: form, order, edges and cost."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import (
    Branch,
    Confidence,
    Doing,
    Executor,
    Finding,
    Frame,
    Holder,
    Loss,
    Macro,
    NativeFrame,
    Owner,
    PanicFacts,
    Queues,
    Resource,
    ResourceColumns,
    RuntimeFacts,
    SignalFacts,
    Snapshot,
    Splice,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskCounts,
    TaskState,
    Thread,
    Wait,
)
from adp_tui.engine.report import (
    FINDING_KINDS,
    FrameDetail,
    Options,
    Variable,
    exit_status,
    json_report,
)

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/report.schema.json").read_text())
CONTRACT = (ROOT / "docs/report.md").read_text()

LEAF = Frame("tokio::sync::mutex::Mutex::lock", "async_fn", "suspended", "M", "m.rs", "/d", 440, 9)
OUTER = Frame(
    "bank::audit", "async_fn", "suspended", "bank::audit::{async_fn_env#0}", "src/main.rs", "/b",
    35, macro=Macro("select.rs", 7), label="span",
    branches=(Branch("0", "pending", (LEAF,)), Branch("1", "unpolled", ())),
)  # fmt: skip
WAIT = Wait("mutex", None, "0", "r1", src="tokio >=1.38")


def task(**given: Any) -> Task:
    """Return an idle task; what is given is other."""
    usual: dict[str, Any] = {
        "key": "", "id": 7, "name": None, "kind": "spawned", "state": TaskState.IDLE,
        "cancelled": False, "runtime": "tokio", "executor": None, "address": 0x7F00, "thread": None,
        "parent": None, "future": "bank::audit",
        "defined_at": ("src/main.rs", 33), "spawned_at": None, "panic": None, "stack": None,
        "waits": (WAIT,),
    }  # fmt: skip
    return Task(**usual | given)


def snapshot(**given: Any) -> Snapshot:
    """Return a snapshot with one of everything; what is given is other."""
    tasks = TaskColumns()
    tasks.append(task(), 0, -1, 0)
    tasks.append(task(id=None, state=TaskState.RUNNING, thread=8, waits=()), 0, 0, -1)
    holder = Holder("t2", None, "bank::f", "g", None, 4, 1, "read", Confidence.DERIVED, "guard")
    owner = Owner(None, 8, "bank::f", "tx", "a.b", 5, "sender", Confidence.CERTAIN, "x")
    usual: dict[str, Any] = {
        "epoch": 1,
        "target": TargetFacts(
            "core", "c", 8, "/bank", "ab12", "x86_64", None, "2026-11-23T15:52:03Z", "adp-tui 0",
            SignalFacts("SIGSEGV", 11, 1, 0, 8, PanicFacts("no", ("src/x.rs", 2))),
            (RuntimeFacts("tokio", None, "tokio >=1.38", False),),
        ),
        "executors": (
            Executor("x1", "tokio.multi_thread", "tokio", "main", 0x10, None, (8,), (9,),
                     TaskCounts(1, 1), Queues(0, (1, None), None), 5),
        ),
        "threads": (
            Thread(8, "bank", "worker", "x1", 0, "t2", True,
                   Doing("polling", "futex", 3, None, "0x1"), Splice(0, "t2"),
                   (NativeFrame("f", "a.rs", "/d", 1, 2, "bank", 0x99, False, "cfi"),
                    NativeFrame(None, None, None, None, None, None, 0x98, False, "scan")), "why"),
        ),
        "stacks": (Stack("s1", 1, "h", "s", (OUTER,)),),
        "tasks": tasks,
        "resources": ResourceColumns(
            [Resource("r1", "mutex", "M<u8>", 0x20, (("permits", 0), ("readers", None)), (holder,),
                      ("t1",), (owner,))]
        ),
        "findings": (
            Finding("deadlock", "error", Confidence.CERTAIN, "s", ("t1",), (8,), ("r1",)),
        ),
        "losses": (Loss("a", "b", 2, (0x1, 0x2)),),
        "extensions": (Extension("descriptor", "a", "project", "/a", "broken", "no JSON"),),
        "fds": {7: "tcp 127.0.0.1:80 LISTEN", 3: 'epoll "of" 2'},
    }  # fmt: skip
    return Snapshot(**usual | given)


def written(shot: Snapshot, *given: Any, **options: Any) -> Any:
    """Return the report as a reader gets it; it must be valid."""
    found = json.loads("".join(json_report(shot, *given, **options)))
    errors = [
        f"{e.json_path}: {e.message}" for e in Draft202012Validator(SCHEMA).iter_errors(found)
    ]
    assert not errors
    return found


def example() -> Any:
    """Return the example of the contract, its comments taken out."""
    block = CONTRACT.split("```jsonc\n")[1].split("```")[0]
    return json.loads(re.sub(r"\s//.*", "", block))


# What the contract leaves to be added.
ADDED = {
    "threads[].cut", "stacks[].frames[].label", "stacks[].frames[].problem",
    "tasks[].waits[].detail", "losses[].missing",
}  # fmt: skip
# Cycles are made with the findings; a snapshot has none.
NOT_YET = re.compile(r"findings\[\]\.cycle\[\].*")


def paths(value: Any, at: str = "") -> list[str]:
    """Return the paths of all fields, in their order."""
    if isinstance(value, list):
        return list(dict.fromkeys(p for each in value for p in paths(each, f"{at}[]")))
    if not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        path = f"{at}.{name}".lstrip(".")
        found.append(path)
        found.extend(paths(inner, path))
    return found


def test_fields_and_their_order_are_the_contracts():
    # GIVEN the example in the contract
    wanted = [p for p in paths(example()) if not NOT_YET.fullmatch(p)]
    # WHEN a snapshot with one of everything is written
    found = paths(written(snapshot()))
    # THEN it has those fields in that order, and the few that were added
    assert written(snapshot())["fds"] == {"3": 'epoll "of" 2', "7": "tcp 127.0.0.1:80 LISTEN"}
    named = {*wanted, "fds.3"}
    wanted.insert(wanted.index("fds.7"), "fds.3")
    assert [p for p in found if p in named] == wanted
    # The example has no frames within branches, no splice, macro, place or other state.
    inner = re.compile(r".*\.(branches\[\]\.frames\[\]|splice|macro|state|spawned_at)\..*")
    assert {p for p in found if p not in named and not inner.match(p)} == ADDED


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_takes_the_contracts_example():
    # GIVEN the example, whose ellipses stand for addresses and names, with what was added
    text = json.dumps(example()).replace("0x\\u2026", "0x1").replace('"\\u2026"', '"ab"')
    found = json.loads(text)
    found["threads"][0]["cut"] = None
    found["stacks"][0]["frames"][0] |= {"label": None, "problem": None}
    found["tasks"][0]["waits"][0]["detail"] = None
    found["losses"][0]["missing"] = True
    # THEN it is valid, and without any one field it is not
    validator = Draft202012Validator(SCHEMA)
    assert [e.message for e in validator.iter_errors(found)] == []
    for place in (found, found["target"], found["tasks"][0], found["tasks"][0]["waits"][0]):
        for name in list(place):
            value = place.pop(name)
            assert not validator.is_valid(found), name
            place[name] = value


def test_kinds_of_findings_are_the_contracts():
    listed = CONTRACT.split("- Finding kinds: `")[1].split("`")[0].split()
    assert list(FINDING_KINDS) == listed
    assert SCHEMA["$defs"]["finding"]["properties"]["kind"]["enum"] == listed


def test_what_is_unknown_is_null():
    # GIVEN a snapshot of which little is known
    target = TargetFacts("core", None, None, None, None, "x86_64", None, None, "t", None, ())
    # WHEN it is written
    report = written(Snapshot(1, target))
    # THEN every field stands
    assert list(report) == [
        "schema", "target", "executors", "threads", "stacks", "tasks", "resources", "findings",
        "losses", "extensions", "fds",
    ]  # fmt: skip
    assert report["fds"] == {} and report["extensions"] == []
    assert report["target"]["signal"] is None and report["target"]["runtimes"] == []


def test_values():
    report = written(snapshot())
    first, second = report["tasks"]
    assert first["key"] == "t1" and first["executor"] == "x1" and first["stack"] == "s1"
    assert first["address"] == "0x7f00" and first["id"] == 7 and first["future"] == "bank::audit"
    assert first["defined_at"] == {"file": "src/main.rs", "line": 33}
    assert second["parent"] == "t1" and second["id"] is None and second["waits"] == []
    assert report["target"]["signal"]["fault_address"] == "0x0"
    assert report["executors"][0]["queues"] == {"global": 0, "local": [1, None], "blocking": None}
    assert report["executors"][0]["tasks"] == {
        "idle": 1, "running": 1, "scheduled": 0, "complete": 0,
    }  # fmt: skip
    assert report["stacks"][0]["frames"][0]["branches"][0]["frames"][0]["line"] == 440


def test_every_task_is_counted():
    # GIVEN an executor with tasks whose state could not be read
    executor = Executor(
        "x1", "k", "tokio", None, 1, None, (), (), TaskCounts(unknown=3), Queues(), None
    )
    # THEN they are counted too
    assert written(snapshot(executors=(executor,)))["executors"][0]["tasks"]["unknown"] == 3


@pytest.mark.parametrize(
    ("options", "empty"),
    [
        (Options(tasks=False), {"stacks", "tasks", "resources"}),
        (Options(threads=False), {"threads"}),
    ],
)  # fmt: skip
def test_shortened(options, empty):
    report = written(snapshot(), options)
    assert {name for name, value in report.items() if value == []} == empty


class Details:
    """Details made by hand."""

    def frames(self, index: int, *, variables: bool) -> Sequence[FrameDetail]:
        if index == 1:
            raise AdpError("not there")
        held = Variable("held", "Guard", "Guard { … }", 0x31, (Variable("0", "u8", "5", None),))
        return (FrameDetail(0x30, (held,) if variables else ()), FrameDetail(None))


def test_addresses_and_variables():
    # GIVEN frames of which one has an address and a variable
    # WHEN both are asked for
    first, second = written(snapshot(), Options(addresses=True, locals=True), Details())["tasks"]
    # THEN they stand in the order of the frames
    assert first["addresses"] == ["0x30", None]
    (held,), none = first["locals"]
    assert none == [] and held["name"] == "held" and held["children"][0]["value"] == "5"
    # AND a task that could not be read again does not end the report
    assert second["addresses"] == second["locals"] == []
    # WHEN they are not asked for
    assert "addresses" not in written(snapshot(), Options(), Details())["tasks"][0]


def test_hostile_text():
    # GIVEN names with everything that JSON must escape, and a path that is no UTF-8
    name = 'a"b\\c\u2028\x1b[31m[red]é'
    target = TargetFacts("core", "/c\udce4re", 8, name, None, "x", None, None, "t", None, ())
    text = "".join(json_report(snapshot(target=target)))
    # THEN a reader gets them back, by the bytes that are written
    read = json.loads(text.encode("utf-8", "backslashreplace"))
    assert read["target"]["exe"] == name and read["target"]["core"] == "/c\udce4re"
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("given", "fail_on", "status"),
    [
        ({"losses": (), "findings": ()}, {"deadlock"}, 0),
        ({"losses": (Loss("a", "b", 1, missing=False),)}, {"crash"}, 0),
        ({"losses": (Loss("a", "b", 1, missing=False), Loss("a", "c", 1))}, (), 1),
        ({}, {"deadlock", "crash"}, 4),
        ({}, {"crash"}, 1),
    ],
)
def test_exit_status(given, fail_on, status):
    assert exit_status(snapshot(**given), fail_on) == status


def test_cancelled():
    with pytest.raises(CancelledError):
        list(json_report(snapshot(), cancelled=lambda: True))


def many(count: int) -> Snapshot:
    """Return a snapshot of many tasks that share a stack and a wait."""
    tasks = TaskColumns()
    one = task()
    for _ in range(count):
        tasks.append(one, 0, -1, 0)
    return snapshot(tasks=tasks)


def test_a_large_report_is_a_stream():
    # GIVEN 20,000 tasks
    shot = many(20_000)
    # WHEN they are written
    tracemalloc.start()
    try:
        size = sum(len(piece) for piece in json_report(shot))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # THEN the report is large and was never in memory as a whole
    assert size > 8_000_000 and peak < 1_000_000
