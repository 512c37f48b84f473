"""Saved snapshots of real programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import NEWEST, Dump
from support.saved import Pair

PROGRAMS = [
    pytest.param((name, tokio, profile), id=f"{name}-{profile}")
    for name, tokio, profile in (
        ("zoo", NEWEST, "debug"),
        ("service", None, "release"),
    )
]


@pytest.fixture(scope="session", params=PROGRAMS)
def pair(
    request: pytest.FixtureRequest,
    dump: Callable[..., Dump],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    name, tokio, profile = request.param
    found = Pair(
        dump(name, tokio=tokio, profile=profile), tmp_path_factory.mktemp("saved") / "it.adps"
    )
    yield found
    found.core.close()
    found.copy.close()
