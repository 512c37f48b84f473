"""A pytest plugin: run the tests of one row of the matrix, and keep how each ended.

``pytest -p support.recorder --row 1.54.1-release-musl --record FILE``
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.rows import EVERY, AnyRow

__all__ = ["Recorder", "pytest_addoption", "pytest_configure"]

MAX_MESSAGE = 2000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addoption("--row", help="run only the tests of this row")
    parser.addoption("--record", type=Path, help="write how each test ended")


def pytest_configure(config: pytest.Config) -> None:
    """Record if that is asked for."""
    file: Path | None = config.getoption("--record")
    if file is not None:
        config.pluginmanager.register(Recorder(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drop the tests of other rows."""
    name = config.getoption("--row")
    if name:
        (row,) = (each for each in EVERY if str(each) == name)
        items[:] = [item for item in items if _is_of(row, item)]


def _is_of(row: AnyRow, item: pytest.Item) -> bool:
    chosen = getattr(getattr(item, "callspec", None), "params", {})
    return row.fixture in chosen and row.is_of(chosen[row.fixture])


class Recorder:
    """Collects the outcome of each test."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._tests: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first phase that failed, or that the test was run.

        What is skipped asks for something that this program does not have.
        """
        if report.skipped:
            return
        known = self._tests.get(report.nodeid)
        if known is not None and known["failed"]:
            return
        if report.when == "call" or report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            # A parameter may have `::` in it.
            name = report.nodeid.partition("::")[2]
            self._tests[report.nodeid] = {
                "test": name.partition("[")[0],
                "id": name,
                "failed": not report.passed,
                "setup": report.when == "setup",
                "message": str(getattr(crash, "message", report.longrepr or ""))[:MAX_MESSAGE],
                "properties": dict(report.user_properties),
            }

    def pytest_sessionfinish(self) -> None:
        """Write them."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(list(self._tests.values()), indent=1))
