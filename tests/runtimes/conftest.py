"""The zoo's cores: versions and builds of tokio, debug and release, each analysed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from support.build import HANG_OLDER, PROFILES, Dump
from support.hang import HANGS, Hang
from support.reading import Reading, read
from support.rows import KEPT, ROWS, Row
from support.zoo import Expected

CORES = (
    *KEPT,
    *(pytest.param(row, marks=pytest.mark.matrix) for row in ROWS if row not in KEPT),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test of the zoo its cores: one row of the matrix if that is all that is run, none
    of the matrix if that was not asked for.

    Listing the tests of all rows takes longer than running those of one.
    """
    if "zoo" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("row", None)
        kept = KEPT if metafunc.config.option.markexpr == "not matrix" else CORES
        cores = kept if chosen is None else [row for row in ROWS if str(row) == chosen]
        metafunc.parametrize("zoo", cores, indirect=True, ids=str, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop what asks for a task that is not in the program for an old version of tokio."""
    absent = [item for item in items if _is_absent(item)]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if not _is_absent(item)]


def _is_absent(item: pytest.Item) -> bool:
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    expected = chosen.get("expected")
    return (
        "zoo" in chosen
        and isinstance(expected, Expected)
        and not expected.is_in(chosen["zoo"].tokio)
    )


@pytest.fixture(scope="session")
def zoo(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of the zoo, as the engine reads it."""
    row: Row = request.param
    reading = read(dump("zoo", tokio=row.tokio, profile=row.profile, build=row.build))
    yield reading
    reading.session.close()


HANGING = tuple(product(HANGS, PROFILES, (None,)))
HANGING_OLDER = tuple(
    pytest.param(case, marks=pytest.mark.matrix)
    for case in product(
        (hang for hang in HANGS if hang.name != "handlers"), PROFILES, (HANG_OLDER,)
    )
)
"""In an older tokio a task does not know its own id, which the handlers would tell."""


@pytest.fixture(
    scope="session",
    params=(*HANGING, *HANGING_OLDER),
    ids=lambda case: "-".join(map(str, filter(None, case))),
)
def case(
    request: pytest.FixtureRequest, dump: Callable[..., Dump]
) -> Iterator[tuple[Hang, Reading]]:
    """Return a constellation that hangs, and its core as the engine reads it."""
    hang, profile, tokio = request.param
    reading = read(dump("hang", hang.name, profile=profile, tokio=tokio))
    yield hang, reading
    reading.session.close()
