"""The zoo's cores: each version of tokio, debug and release, each analysed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import PROFILES, TOKIO, Dump
from support.reading import Reading, read

CORES = [(version, profile) for version in reversed(TOKIO) for profile in PROFILES]


@pytest.fixture(scope="session", params=CORES, ids="-".join)
def zoo(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of the zoo, as the engine reads it."""
    version, profile = request.param
    reading = read(dump("zoo", tokio=version, profile=profile))
    yield reading
    reading.session.close()
