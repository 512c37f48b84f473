"""Lengths that no memory has room for: they are refused, and cost neither memory nor the rest."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hostile.damage import DamagedCore, strings
from hostile.places import Places, said_of, unchanged
from support.reading import Reading

from adp_tui.engine.value import Value

Reread = Callable[[], Reading]
HUGE = (1 << 60, (1 << 64) - 1, 1 << 63, 1 << 40, 10_000_001)
ROOM = 256 << 20
"""Bytes that a reading of this core may take at most; a sound one takes a tenth of it."""


@pytest.fixture(scope="module")
def places(sound: Reading) -> Places:
    return Places(sound)


@pytest.fixture
def measured() -> Iterator[Callable[[], int]]:
    """Return what tells the most bytes that were taken since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def lengths(value: Value, depth: int = 0) -> Iterator[Value]:
    """Yield the length of each slice, vector and text inside a value."""
    type_ = value.type
    for name in ("length", "len"):
        member = type_.member(name)
        if member is not None:
            yield value.of(member)
            return
    if depth > 6:
        return
    parts = type_.variant_part
    if parts is not None:
        yield from lengths(value.payload(value.variant()), depth + 1)
    for member in type_.members:
        yield from lengths(value.of(member), depth + 1)


def test_lengths_in_futures(
    sound: Reading,
    core: DamagedCore,
    places: Places,
    reread: Reread,
    measured: Callable[[], int],
) -> None:
    # GIVEN a set of futures, and variables of all kinds, that claim to have no end
    joined = places.frames("join_all")[1].value
    (elements,) = lengths(joined)
    core.poke(elements.address, 1 << 60)
    payload = places.frames("values")[0].payload
    assert payload is not None
    found = list(lengths(payload))
    assert len(found) > 8
    for number, length in enumerate(found):
        core.poke(length.address, HUGE[number % len(HUGE)], length.type.size)
    # WHEN the core is read, and all variables of these tasks
    broken = reread()
    for name in ("join_all", "values"):
        index = broken.snapshot.tasks.index(broken.task(name).key)
        frames = broken.session.details.frames(index, variables=True)
        # THEN it takes little, and what is written of them is short
        assert sum(len(text) for text in strings(frames)) < 1 << 20
    assert measured() < ROOM
    # AND only the task whose futures are without end has lost them
    unchanged(sound, broken, but=[sound.task("join_all")])
    values = broken.variables(broken.task("values").key, "values::holds_values")
    assert values["numbers"].unreadable and "claims to have" in values["numbers"].value
    assert values["small"].value == "200"


@pytest.mark.parametrize("number", [1 << 60, 3_000])
def test_lengths_in_the_runtime(
    number: int,
    sound: Reading,
    core: DamagedCore,
    places: Places,
    reread: Reread,
    measured: Callable[[], int],
) -> None:
    # GIVEN a runtime with so many workers, and so many lists of tasks
    for path in ("shared.remotes", "shared.owned.list.lists"):
        length = places.runtime("busy", path).member("length")
        assert length is not None
        core.poke(length.address, number)
    # WHEN the core is read
    broken = reread()
    # THEN it takes little, and what those lengths led to is no task
    assert measured() < ROOM
    key = sound.executors["busy"].key
    lost = [task for task in sound.snapshot.tasks if task.executor == key]
    unchanged(sound, broken, but=lost if number > 1 << 32 else ())
    assert sound.executors["busy"].address in said_of(broken, "queue lengths")
    assert said_of(broken, "tasks of")
