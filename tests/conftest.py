"""Fixtures for all tests: real programs and their cores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.build import Dump, MissingToolError, make


@pytest.fixture(scope="session")
def dump() -> Callable[..., Dump]:
    """Return ``support.build.make``: a program of ``tests/programs`` and its core."""

    def made(*arguments: str, **options: Any) -> Dump:
        try:
            return make(*arguments, **options)
        except MissingToolError as problem:
            pytest.fail(str(problem))

    return made
