"""Every task of the zoo: its stack, state and waits, as its source implies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import pytest
from support.build import version_of
from support.compared import Record, missing_and_others
from support.reading import Reading
from support.zoo import TASKS, Expected

from adp_tui.engine.model import Frame, Resource

each_task = pytest.mark.parametrize("expected", TASKS, ids=str)
each_suspended = pytest.mark.parametrize(
    "expected", [each for each in TASKS if each.kind != "blocking"], ids=str
)
"""A blocking job is a closure: it has a native stack only."""

PARTS = {"{async_block#": "async_block", "{async_closure#": "async_closure"}


def test_tasks_are_those_of_the_program(zoo: Reading, record_property: Record) -> None:
    # WHEN every task is named
    expected = [each.name for each in zoo.expected]
    # THEN none is missing, and there are no others: no worker's loop, no image on a stack
    assert missing_and_others(zoo.tasks, expected, record_property) == ([], [])


def test_keys_and_numbers(zoo: Reading) -> None:
    # GIVEN tasks that tokio numbers since 1.18; a root is none of its tasks
    numbered = version_of(zoo.dump.tokio or "") >= (1, 18)
    tasks = list(zoo.tasks.values())
    # THEN each has a key and an address of its own, and its number where there is one
    assert len({task.key for task in tasks}) == len({task.address for task in tasks}) == len(tasks)
    for task in tasks:
        assert (task.id is not None) == (numbered and task.kind != "block_on")


@each_suspended
def test_stack(zoo: Reading, expected: Expected) -> None:
    # GIVEN the task
    task = zoo.task(expected.name)
    # THEN its frames are the source's, at the marked lines
    assert zoo.stack_text(task) == expected.lines


@each_task
def test_waits(zoo: Reading, expected: Expected) -> None:
    task = zoo.task(expected.name)
    # THEN it waits for what its source awaits, and for nothing else
    waits = [zoo.wait_text(wait) for wait in task.waits]
    if expected.state == "scheduled":
        # It has been woken: whether its last wait still stands is the primitive's matter.
        assert set(waits) <= set(expected.waits)
    else:
        assert sorted(waits) == sorted(expected.waits)


@each_task
def test_state(zoo: Reading, expected: Expected) -> None:
    task = zoo.task(expected.name)
    assert (task.kind, task.state, task.cancelled, zoo.named("tid", task.thread)) == (
        expected.kind,
        expected.state,
        expected.cancelled,
        expected.thread,
    )


@each_task
def test_place_in_tree(zoo: Reading, expected: Expected) -> None:
    task = zoo.task(expected.name)
    assert zoo.name_of(task.parent) == expected.parent
    assert task.executor == zoo.executors[expected.executor].key
    assert task.runtime == "tokio"


def test_names_and_definitions(zoo: Reading) -> None:
    # GIVEN the tasks of async fns of the program
    for expected in zoo.expected:
        first = expected.lines.split("\n")[0].split(" ")[0]
        if first and "{" not in first:
            # THEN each is named after its fn, with the line where that begins
            task = zoo.task(expected.name)
            file, line = zoo.dump.markers.function(first.split("::")[-1])
            assert (task.future, task.defined_at) == (first, (f"src/{file}", line))


def frames_of(frames: Sequence[Frame]) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        for branch in frame.branches:
            yield from frames_of(branch.frames)


def test_kinds_of_frames(zoo: Reading) -> None:
    for frame in chain.from_iterable(frames_of(stack.frames) for stack in zoo.snapshot.stacks):
        if frame.function.startswith(("zoo::", "<zoo::")) and frame.file:
            kinds = [kind for part, kind in PARTS.items() if part in frame.function]
            assert frame.kind == (kinds[0] if kinds else "async_fn")


def test_no_stack_is_cut(zoo: Reading) -> None:
    for stack in zoo.snapshot.stacks:
        assert not [frame for frame in frames_of(stack.frames) if frame.problem]


def test_blocking_jobs_are_named(zoo: Reading) -> None:
    # GIVEN jobs that are closures, of the program and of a library
    # (a function's type has no name of its own in debug information)
    for name, function in (
        ("job0", "zoo::main::{closure#"),
        ("job9", "zoo::combine::start_all::{closure#"),
        ("of_file", "tokio::fs::read_to_string::"),
    ):
        assert zoo.task(name).future.startswith(function)


def test_time_left(zoo: Reading) -> None:
    # GIVEN the tasks that sleep an hour, and those that sleep longer or shorter
    hours = {("closure", None): 2, ("timeouts", "value.deadline"): 0.5}
    for expected in zoo.expected:
        for wait in zoo.task(expected.name).waits:
            if wait.kind != "timer":
                assert wait.remaining_s is None
                continue
            # THEN that time is left: the program ran for less than a minute
            asked = 3600 * hours.get((expected.name, wait.branch), 1)
            assert wait.remaining_s == pytest.approx(asked, abs=60)
            assert wait.conf == "derived"


def test_a_searched_root_is_derived(zoo: Reading) -> None:
    # GIVEN roots that threads of a multi_thread runtime drive, for whose futures the frames were
    # searched, and tasks that wait for the same in the runtime's list
    for root, spawned in (("main_root", "oneshot"), ("guest_root", "notify")):
        assert {wait.conf for wait in zoo.task(root).waits} == {"derived"}
        assert {wait.conf for wait in zoo.task(spawned).waits} == {"certain"}


def test_unknown_wait_names_the_future(zoo: Reading) -> None:
    (wait,) = zoo.task("unknown").waits
    assert wait.detail is not None and wait.detail.startswith("core::future::pending::Pending")


def test_macros(zoo: Reading) -> None:
    # GIVEN awaits that stand in macros of tokio
    for name, file in (("select", "select.rs"), ("join", "join.rs"), ("try_join", "try_join.rs")):
        stack = zoo.stack(zoo.task(name))
        assert stack is not None
        # THEN the place within the macro is told too
        macro = stack.frames[0].macro
        assert macro is not None and macro.file.endswith(f"src/macros/{file}")


def test_resources(zoo: Reading) -> None:
    # GIVEN waits for something that has an address
    for expected in zoo.expected:
        for wait in zoo.task(expected.name).waits:
            # THEN it is a resource of that kind, and timers and joins have none
            has = wait.kind not in ("timer", "join", "unknown", "signal")
            assert (wait.resource is not None) == has
            if has:
                found = next(r for r in zoo.snapshot.resources if r.key == wait.resource)
                assert found.kind == wait.kind
                assert zoo.task(expected.name).key in found.waiters


def test_room_in_channels(zoo: Reading) -> None:
    # GIVEN an empty channel for 8, and full ones for 1
    for waiter, capacity, left in (("mpsc_recv", 8, 8), ("mpsc_send", 1, 0), ("reserve", 1, 0)):
        state = dict(resource_of(zoo, waiter).state)
        assert (state["senders"], state["capacity"], state["permits"]) == (1, capacity, left)


def resource_of(zoo: Reading, waiter: str) -> Resource:
    (wait,) = zoo.task(waiter).waits
    return next(each for each in zoo.snapshot.resources if each.key == wait.resource)
