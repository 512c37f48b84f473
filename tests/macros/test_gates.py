"""A lock that a team has written itself, known by its descriptor alone: who waits, what hangs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.build import PROFILES, Dump

from adp_tui.backends.core import open_core
from adp_tui.engine.adp.folder import Folder, provision
from adp_tui.engine.macros.library import Library
from adp_tui.engine.macros.results import PlainTable
from adp_tui.engine.model import Resource
from adp_tui.engine.session import Session

FOLDER = Folder(Path(__file__).parent / "gates" / ".adp", "project")


class Gates:
    """A core of the program, read with the team's descriptor."""

    def __init__(self, dump: Dump) -> None:
        self.dump = dump
        self.session = Session(
            open_core(dump.core, executable=dump.exe),
            descriptors=provision((FOLDER,)).descriptors,
            library=Library((FOLDER,), with_packages=False),
        )
        tasks = {task.id: task for task in self.session.snapshot.tasks}
        names = ("first", "second", "third")
        self.tasks = {name: tasks[dump.facts[f"id_{name}"]] for name in names}

    def line(self, marker: str) -> int:
        return self.dump.markers[marker][1]

    def gate(self, name: str) -> Resource:
        """Return the gate that a task waits for."""
        (wait,) = self.tasks[name].waits
        assert wait.kind == "gate" and wait.src == "gates" and wait.armed
        return self.session.snapshot.resources.named(wait.resource or "")


@pytest.fixture(scope="module", params=PROFILES)
def gates(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Gates]:
    found = Gates(dump("gates", profile=request.param))
    yield found
    found.session.close()


def test_who_waits_and_who_is_in(gates: Gates) -> None:
    right, left = gates.gate("first"), gates.gate("second")
    assert gates.gate("third") == left != right
    keys = {name: task.key for name, task in gates.tasks.items()}
    assert right.waiters == (keys["first"],)
    # each is polled once before any is polled again, and the third meets a closed gate first
    assert left.waiters == (keys["third"], keys["second"])
    for gate, who in ((right, "second"), (left, "first")):
        (holder,) = gate.holders
        assert (holder.task, holder.variable, holder.line) == (
            keys[who], "inside", gates.line(f"{who}.holds"),
        )  # fmt: skip
        assert dict(gate.state) == {"closed": 1}


def test_the_deadlock_is_found(gates: Gates) -> None:
    found = {finding.kind: finding for finding in gates.session.snapshot.findings}
    keys = {name: task.key for name, task in gates.tasks.items()}
    assert found["deadlock"].tasks == (keys["first"], keys["second"])
    assert found["queued_behind"].tasks == (keys["third"],)
    evidence = "\n".join(found["deadlock"].evidence)
    assert f"main.rs:{gates.line('first.waits')}) waits for gate" in evidence
    assert f"main.rs:{gates.line('second.waits')}) waits for gate" in evidence


def test_without_the_descriptor_it_is_not_known(gates: Gates) -> None:
    dump = gates.dump
    session = Session(open_core(dump.core, executable=dump.exe))
    assert "gate" not in {w.kind for task in session.snapshot.tasks for w in task.waits}
    assert "deadlock" not in {finding.kind for finding in session.snapshot.findings}
    session.close()


def test_the_view_and_the_table(gates: Gates) -> None:
    session, key = gates.session, gates.tasks["first"].key
    ref = session.frames(key)[0].ref
    assert ref is not None
    variables = {row.name: row.value for row in session.children(ref)}
    assert "gate, closed, 1 in its queue" in variables["right"]
    assert "gate, closed, 2 in its queue" in variables["left"]
    result = session.run_macro("gates").result
    assert isinstance(result, PlainTable)
    rows = {(row[0].key, row[1].value, row[2].key) for row in result.rows}
    left, right = gates.gate("second").key, gates.gate("first").key
    assert rows == {
        (right, 1, key),
        (left, 1, gates.tasks["third"].key),
        (left, 2, gates.tasks["second"].key),
    }
