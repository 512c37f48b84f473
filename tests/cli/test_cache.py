"""A second report on the same program asks the cache, and says the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.build import Dump

from adp_tui.engine.dwarf.names import UnitIndex
from adp_tui.tui.cli import main


@pytest.fixture(scope="module")
def zoo(dump: Callable[..., Dump]) -> Dump:
    return dump("zoo", tokio="1.54.1", profile="release")


def words(dump: Dump, *more: str) -> list[str]:
    return ["report", "core", str(dump.core), "--exe", str(dump.exe), "--json", "--locals", *more]


def report(dump: Dump, cache: Path, *more: str) -> str:
    command = [sys.executable, "-m", "adp_tui", *words(dump, *more)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_with_and_without(zoo: Dump, tmp_path: Path) -> None:
    # GIVEN a report that neither uses nor makes a cache
    plain = report(zoo, tmp_path, "--no-cache")
    assert not list(tmp_path.iterdir())
    # WHEN one makes it, and one uses it THEN both say the same
    assert report(zoo, tmp_path) == plain
    kept = {path: path.read_bytes() for path in (tmp_path / "adp-tui" / "answers").iterdir()}
    assert any(path.name != ".lock" for path in kept)
    assert report(zoo, tmp_path) == plain
    # AND nothing was left to find out
    assert {path: path.read_bytes() for path in kept} == kept


def test_names_are_not_looked_for_again(
    zoo: Dump,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # GIVEN a program of which a report was made
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    scans: list[int] = []
    scan = UnitIndex._scan

    def counted(index: UnitIndex, until: int) -> None:
        scans.append(until)
        scan(index, until)

    monkeypatch.setattr(UnitIndex, "_scan", counted)
    assert main(words(zoo)[:-1]) == 0
    first, _ = len(scans), scans.clear()
    assert first > 10
    # WHEN another is made THEN next to no unit is gone through
    assert main(words(zoo)[:-1]) == 0
    capfd.readouterr()
    assert len(scans) <= 2
