"""What the tests of the screen share: their helpers' folder, and an application on a door."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

# Pictures have the colours of the theme, whatever the terminal that runs the tests prefers.
os.environ.pop("NO_COLOR", None)
sys.path.insert(0, str(Path(__file__).parent))

from driving import Screen, started

Starter = Callable[..., AbstractAsyncContextManager[Screen]]


@pytest.fixture
def start() -> Starter:
    """Return what starts an application on a door."""
    return started
