"""Waits that no descriptor knows: the object that keeps the task's waker, and the way to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.build import PROFILES, Dump
from support.reading import read


@pytest.mark.parametrize("profile", PROFILES)
def test_the_object_with_the_waker(profile: str, dump: Callable[..., Dump]) -> None:
    reading = read(dump("hang", "slots", profile=profile))
    first, second, alone = (
        reading.tasks[name].waits for name in ("slots_first", "slots_second", "slots_alone")
    )
    for (wait,) in (first, second, alone):
        assert (wait.kind, wait.conf, wait.src) == ("unknown", "derived", "reach")
        assert wait.detail == "hang::slots::Taken via slots::Taken.slot"
        assert wait.resource is not None
    # THEN those who wait in one slot are told so, and it has its type
    assert first[0].resource == second[0].resource != alone[0].resource
    resources = reading.snapshot.resources
    assert {resources.named(w.resource or "").type for w in (*first, *alone)} == {
        "hang::slots::Slot"
    }
    reading.session.close()
