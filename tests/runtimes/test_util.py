"""What tasks wait for in tokio-util, as the source of ``util`` implies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import PROFILES, Dump
from support.compared import Record, missing_and_others
from support.holding import blocks_of, expected_text, resource_text
from support.reading import Reading, read
from support.util import RESOURCES, TASKS
from support.zoo import Expected

from adp_tui.engine.model import Resource

each_task = pytest.mark.parametrize("expected", TASKS, ids=str)


@pytest.fixture(scope="module", params=PROFILES)
def util(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return the core of the program, as the engine reads it."""
    reading = read(dump("util", profile=request.param))
    yield reading
    reading.session.close()


def test_tasks_are_those_of_the_program(util: Reading, record_property: Record) -> None:
    expected = [each.name for each in TASKS]
    assert missing_and_others(util.tasks, expected, record_property) == ([], [])


@each_task
def test_stack(util: Reading, expected: Expected) -> None:
    assert util.stack_text(util.task(expected.name)) == expected.lines


@each_task
def test_waits(util: Reading, expected: Expected) -> None:
    waits = [util.wait_text(wait) for wait in util.task(expected.name).waits]
    assert sorted(waits) == sorted(expected.waits)


@each_task
def test_state(util: Reading, expected: Expected) -> None:
    task = util.task(expected.name)
    assert (task.kind, task.state) == (expected.kind, expected.state)


@each_task
def test_place_in_tree(util: Reading, expected: Expected) -> None:
    assert util.name_of(util.task(expected.name).parent) == expected.parent


def test_holders_and_owners(util: Reading, record_property: Record) -> None:
    found = [resource_text(util, each) for each in util.snapshot.resources]
    expected = [expected_text(util, block) for block in blocks_of(RESOURCES)]
    assert missing_and_others(found, expected, record_property) == ([], [])


def test_what_a_token_and_a_tracker_say(util: Reading) -> None:
    # GIVEN a token with two handles and a child, and a tracker that is closed and has one task
    assert dict(waited_for(util, "cancelled").state) == {"cancelled": 0, "handles": 2}
    assert dict(waited_for(util, "child").state) == {"cancelled": 0, "handles": 1}
    assert dict(waited_for(util, "tracker").state) == {"closed": 1, "tasks": 1}


def test_who_ends_a_tracker(util: Reading) -> None:
    # GIVEN a tracker, of whose task the library's own future around it has a token
    owners = waited_for(util, "tracker").owners
    assert [(util.name_of(each.task), each.role) for each in owners] == [("tracked", "notify")]


def test_a_delay_queue_waits_for_its_next(util: Reading) -> None:
    # GIVEN a queue with an item that is due in an hour and one in two
    (wait,) = util.task("delays").waits
    assert wait.remaining_s == pytest.approx(3600, abs=60)


def test_nothing_is_lost(util: Reading) -> None:
    assert util.snapshot.losses == ()


def waited_for(util: Reading, name: str) -> Resource:
    (wait,) = util.task(name).waits
    assert wait.resource is not None
    return util.snapshot.resources.named(wait.resource)
