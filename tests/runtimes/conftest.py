"""The zoo's cores: each version of tokio, debug and release, each analysed once."""

from __future__ import annotations

import pytest
from support.build import PROFILES, TOKIO
from support.reading import Reading, read

CORES = [(version, profile) for version in reversed(TOKIO) for profile in PROFILES]


@pytest.fixture(scope="session", params=CORES, ids="-".join)
def zoo(request, dump) -> Reading:
    """Return a core of the zoo, as the engine reads it."""
    version, profile = request.param
    return read(dump("zoo", tokio=version, profile=profile))
