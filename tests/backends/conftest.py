"""Cores of the programs in ``sources``."""

from __future__ import annotations

import os

import pytest
from support.cores import Cores, Dump


@pytest.fixture(scope="session")
def threads_dump(cores: Cores) -> Dump:
    """Return the usual case: a dynamic PIE that aborted, with all that Linux saves by default."""
    return cores.dump(cores.program("threads.c"), "abort")


@pytest.fixture
def as_user() -> bool:
    """Tell whether file permissions hold for this user."""
    return os.geteuid() != 0
