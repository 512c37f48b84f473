"""The demo, unpacked, and what the debugger makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adp_tui.backends.core import open_core
from adp_tui.engine.session import Session
from adp_tui.tui.demo import DemoFiles, demo_files


@pytest.fixture(scope="session")
def demo() -> Iterator[DemoFiles]:
    with demo_files() as files:
        yield files


@pytest.fixture(scope="session")
def session(demo: DemoFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Open the demo as on a machine that has none of its files but the executable."""
    nothing: Path = tmp_path_factory.mktemp("empty-sysroot")
    opened = Session(
        open_core(demo.core, executable=demo.executable, sysroot=nothing), sysroot=nothing
    )
    yield opened
    opened.close()
