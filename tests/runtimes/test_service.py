"""A service of the crates that people run: each task says what it waits on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import PROFILES, Dump
from support.reading import Reading, read
from support.service import CONNECTIONS, IDLE, LIBRARIES, SPAWNED
from support.zoo import Expected

from adp_tui.engine.model import Frame, Task


@pytest.fixture(scope="module", params=PROFILES)
def service(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of the service, as the engine reads it."""
    reading = read(dump("service", profile=request.param))
    yield reading
    reading.session.close()


@pytest.fixture(scope="module")
def of_libraries(service: Reading) -> list[Task]:
    """Return the tasks that the program itself did not spawn."""
    own = {expected.name for expected in SPAWNED}
    return [task for name, task in service.tasks.items() if name not in own]


def with_socket(service: Reading, tasks: list[Task], name: str) -> Task:
    """Return the one task that waits for a socket of the program's."""
    fd = service.dump.facts[f"fd_{name}"]
    (task,) = [task for task in tasks if any(wait.fd == fd for wait in task.waits)]
    return task


def is_as(service: Reading, task: Task, expected: Expected) -> None:
    assert service.stack_text(task) == expected.lines
    waits = [service.wait_text(wait) for wait in task.waits]
    assert sorted(waits) == sorted(expected.waits)
    assert task.state == "idle"


def test_no_task_is_missing_and_none_is_made_up(service: Reading) -> None:
    assert len(service.tasks) == len(SPAWNED) + len(CONNECTIONS) + len(LIBRARIES)
    assert len(IDLE) == 50


@pytest.mark.parametrize("expected", SPAWNED, ids=str)
def test_task_of_the_program(service: Reading, expected: Expected) -> None:
    is_as(service, service.task(expected.name), expected)


@pytest.mark.parametrize("expected", CONNECTIONS, ids=str)
def test_connection(service: Reading, of_libraries: list[Task], expected: Expected) -> None:
    # GIVEN a connection whose descriptor the program printed
    task = with_socket(service, of_libraries, expected.name)
    # THEN its task waits for that socket, and for what its handler awaits
    is_as(service, task, expected)


@pytest.mark.parametrize("expected", LIBRARIES, ids=str)
def test_task_of_a_library(service: Reading, of_libraries: list[Task], expected: Expected) -> None:
    # GIVEN a task of a library without a socket of its own
    named = [t for t in of_libraries if t.future.startswith(expected.name)]
    (task,) = [t for t in named if all(wait.fd is None for wait in t.waits)]
    is_as(service, task, expected)


def test_every_wait_is_known(service: Reading) -> None:
    kinds = {wait.kind for task in service.snapshot.tasks for wait in task.waits}
    assert "unknown" not in kinds
    assert all(task.waits for task in service.snapshot.tasks)


def test_nothing_is_lost(service: Reading) -> None:
    assert service.snapshot.losses == ()


def all_frames(frames: tuple[Frame, ...]) -> Iterator[Frame]:
    """Yield the frames of a stack and of its branches."""
    for frame in frames:
        yield frame
        for branch in frame.branches:
            yield from all_frames(branch.frames)


def test_no_stack_is_cut(service: Reading) -> None:
    problems = [f.problem for stack in service.snapshot.stacks for f in all_frames(stack.frames)]
    assert [problem for problem in problems if problem] == []


def test_idle_connections_stand_alike(service: Reading, of_libraries: list[Task]) -> None:
    # THEN the fifty idle connections share one stack
    tasks = [with_socket(service, of_libraries, name) for name in IDLE]
    assert len({task.stack for task in tasks}) == 1


def test_release_shows_what_debug_shows(dump: Callable[..., Dump]) -> None:
    # GIVEN the same program, built in both ways
    shown = []
    for profile in PROFILES:
        reading = read(dump("service", profile=profile))
        shown.append(
            {name: list(functions(reading, task)) for name, task in by_name(reading).items()}
        )
        reading.session.close()
    # THEN each task has the same frames, those of the libraries too
    assert shown[0] == shown[1]


def by_name(reading: Reading) -> dict[str, Task]:
    """Return the tasks by what does not change from run to run."""
    found = {}
    for task in reading.snapshot.tasks:
        sockets = [reading.named("fd", wait.fd) for wait in task.waits if wait.fd is not None]
        own = reading.named("id", task.id)
        waits = ", ".join(sorted(wait.kind for wait in task.waits))
        found[own or (f"at {sockets[0]}" if sockets else f"{task.future}: {waits}")] = task
    return found


def functions(reading: Reading, task: Task) -> Iterator[tuple[str, int | None]]:
    stack = reading.stack(task)
    for frame in all_frames(stack.frames if stack is not None else ()):
        yield frame.function, frame.line


def test_time_left_of_timeouts(service: Reading, of_libraries: list[Task]) -> None:
    # GIVEN the layers that time out in an hour
    tasks = [with_socket(service, of_libraries, name) for name in ("stuck", "late")]
    for task in (*tasks, service.task("times_out")):
        (timer,) = [wait for wait in task.waits if wait.kind == "timer"]
        # THEN that time is left: the program ran for less than a minute
        assert timer.remaining_s == pytest.approx(3600, abs=60)
