"""A target that was let go of leaves nothing behind, however often one is opened."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from support.build import Dump
from support.reading import read

from adp_tui.engine.program import Program


@pytest.fixture(params=[False, True], ids=["not collecting", "collecting"])
def collecting(request: pytest.FixtureRequest) -> Iterator[bool]:
    if not request.param:
        gc.disable()
    yield request.param
    gc.enable()


def test_what_was_read_can_be_forgotten(dump: Callable[..., Dump], collecting: bool) -> None:
    # GIVEN a program that was read
    made, frozen = dump("tiny"), gc.get_freeze_count()
    known = {id(each) for each in gc.get_objects() if isinstance(each, Program)}
    reading = read(made)
    programs = [
        weakref.ref(each)
        for each in gc.get_objects()
        if isinstance(each, Program) and id(each) not in known
    ]
    assert programs
    # THEN the collector is as it was
    assert (gc.get_freeze_count(), gc.isenabled()) == (frozen, collecting)
    # WHEN the session is closed and garbage collected
    reading.session.close()
    del reading
    gc.collect()
    # THEN the program is gone
    assert [each() for each in programs] == [None] * len(programs)
