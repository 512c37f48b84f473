"""What tells a task of one snapshot from those of another, on facts made up for it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from adp_tui.engine.analysis.changes import Census, compare, take_census
from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.model import Changes, Snapshot, TargetFacts, Task, TaskColumns, TaskState, Wait

TARGET = TargetFacts("live", None, 1, None, None, "x86_64", None, None, "adp-tui", None, ())
NEW = Changes.NEW
TIMER, MUTEX = Wait("timer"), Wait("mutex")


Made = tuple[TaskFacts, Wait]


def facts(
    address: int,
    type_: str = "T",
    wait: Wait = TIMER,
    state: TaskState = TaskState.IDLE,
    **more: Any,
) -> Made:
    applied: Any = SimpleNamespace(descriptor=SimpleNamespace(id=more.pop("runtime", "tokio")))
    named: Any = SimpleNamespace(name=type_)
    kind = more.pop("kind", "spawned")
    return TaskFacts(applied, address, None, kind, state, named, **more), wait


def census(*given: Made) -> Census:
    columns = TaskColumns()
    for task, wait in given:
        record = Task(
            "", task.id, None, task.kind, task.state, False, "tokio", None, task.address, None,
            None, "f", None, None, None, None, (wait,),
        )  # fmt: skip
        columns.append(record, -1, -1, -1)
    target = SimpleNamespace(facts=SimpleNamespace(clock_ns=0))
    survey: Any = SimpleNamespace(
        program=SimpleNamespace(target=target), tasks=[task for task, _ in given]
    )
    return take_census(survey, Snapshot(1, TARGET, tasks=columns))


def changes(before: Sequence[Made], after: Sequence[Made]) -> tuple[list[int], int, int]:
    found = compare(census(*before), census(*after), (task.state for task, _ in after))
    return list(found.still), found.gone, found.derived


def executor(address: int) -> Any:
    return SimpleNamespace(address=address)


@pytest.mark.parametrize(
    ("before", "after", "still", "gone"),
    [
        # The same, without a number: by kind, address and type.
        (facts(0x10), facts(0x10), 1, 0),
        (facts(0x10), facts(0x10, wait=MUTEX), 0, 0),
        (facts(0x10), facts(0x10, state=TaskState.RUNNING), 0, 0),
        (facts(0x10), facts(0x20), NEW, 1),
        (facts(0x10), facts(0x10, "U"), NEW, 1),
        (facts(0x10), facts(0x10, kind="local"), NEW, 1),
        (facts(0x10), facts(0x10, runtime="smol"), NEW, 1),
        # With one: wherever its memory is, but not in another executor.
        (facts(0x10, id=3), facts(0x10, id=3), 1, 0),
        (facts(0x10, id=3), facts(0x10, id=4), NEW, 1),
        (facts(0x10, id=3), facts(0x10), NEW, 1),
        (facts(0x10, id=3, executor=executor(1)), facts(0x10, id=3, executor=executor(1)), 1, 0),
        (facts(0x10, id=3, executor=executor(1)), facts(0x10, id=3, executor=executor(2)), NEW, 1),
    ],
)  # fmt: skip
def test_which_task_is_which(before: Any, after: Any, still: int, gone: int) -> None:
    derived = int(after[0].id is None)
    assert changes([before], [after]) == ([still], gone, derived)


def test_tasks_of_one_type_are_told_apart_by_where_they_are() -> None:
    # GIVEN three tasks without numbers, of one type
    before = [facts(0x10), facts(0x20), facts(0x30)]
    # WHEN the middle one is gone, the others changed places in the list, and one is new
    after = [facts(0x30), facts(0x40), facts(0x10, wait=MUTEX)]
    # THEN each is compared with itself
    assert changes(before, after) == ([1, NEW, 0], 1, 3)
