"""Programs that run while they are looked at."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.alive import Alive, alive
from support.cores import Cores

HERE = Path(__file__).parent
BEATS, SIGNALS, CUT_SHORT, ERRORS = range(4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each have the machine for itself: stops are timed, and what is looked at must get on."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.alone)


@dataclass
class Heart:
    """``sources/heart.c`` while it runs: its counters are read from a file that it maps."""

    program: Alive
    counters: Path

    @property
    def pid(self) -> int:
        return self.program.pid

    def count(self, which: int) -> int:
        with self.counters.open("rb") as file:
            file.seek(8 * which)
            return int(struct.unpack("<Q", file.read(8))[0])


@pytest.fixture
def heart(cores: Cores, tmp_path: Path) -> Iterator[Heart]:
    """Return a program of nine threads that counts what happens to it."""
    counters = tmp_path / "counters"
    with alive([cores.program("heart.c"), counters, "8"]) as program:
        program.wait_for("ready")
        yield Heart(program, counters)
