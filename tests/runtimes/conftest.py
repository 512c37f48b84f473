"""The zoo's cores: each version of tokio, debug and release, each analysed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import MATRIX, OLDEST, PROFILES, TOKIO, Dump, is_old
from support.reading import Reading, read

CORES = [
    *((version, profile) for version in (*reversed(TOKIO), OLDEST) for profile in PROFILES),
    *(
        pytest.param((version, profile), marks=pytest.mark.matrix)
        for version in reversed(MATRIX)
        for profile in PROFILES
    ),
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop what asks for a task that is not in the program for an old version of tokio."""
    absent = [item for item in items if _is_absent(item)]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if not _is_absent(item)]


def _is_absent(item: pytest.Item) -> bool:
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    expected = chosen.get("expected")
    return "zoo" in chosen and getattr(expected, "newer", False) and is_old(chosen["zoo"][0])


@pytest.fixture(scope="session", params=CORES, ids="-".join)
def zoo(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of the zoo, as the engine reads it."""
    version, profile = request.param
    reading = read(dump("zoo", tokio=version, profile=profile))
    yield reading
    reading.session.close()
