"""The tutorial of docs/adp.md reads the runtime that it describes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.build import ROOT
from support.cores import Cores
from support.markers import Markers

from adp_tui.backends.core import open_core
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.schema import Origin
from adp_tui.engine.session import Session

TEXT = (ROOT / "docs/adp.md").read_text()
MARKERS = Markers(Path(__file__).with_name("sources"))


@pytest.mark.parametrize("flags", [(), ("-O",)], ids=["debug", "release"])
def test_the_tutorial_shows_executors_tasks_states_and_stacks(
    cores: Cores, flags: tuple[str, ...]
) -> None:
    found = re.search(r"<!-- tutorial -->\n```json\n(.*?)```", TEXT, re.S)
    assert found is not None
    given = load(found[1], origin=Origin("project", "adp.json"))
    dump = cores.dump(cores.program("mini.rs", "--edition", "2021", "-g", *flags))
    session = Session(open_core(dump.core, executable=dump.program), descriptors=[given])
    snapshot = session.snapshot
    (executor,) = snapshot.executors
    assert executor.kind == "mini"
    tasks = {task.id: task for task in snapshot.tasks}
    assert {key: task.state for key, task in tasks.items()} == {
        1: "idle", 2: "complete", 3: "scheduled",
    }  # fmt: skip
    stacks = {stack.key: stack for stack in snapshot.stacks}
    frames = stacks[str(tasks[1].stack)].frames
    assert [(frame.function, frame.line) for frame in frames[:2]] == [
        ("mini::outer", MARKERS["outer.inner"][1]),
        ("mini::inner", MARKERS["inner.bell"][1]),
    ]
    assert frames[2].function == "mini::Bell"
    session.close()
