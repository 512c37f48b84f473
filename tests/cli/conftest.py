"""The command as a user runs it: a process of its own, its output and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import adp_tui

ROOT = Path(adp_tui.__file__).parents[1]
SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The JSON on standard output; it must be valid by the schema."""
        found = json.loads(self.out)
        errors = [f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(found)]
        assert not errors, errors[:5]
        return found

    @property
    def losses(self) -> str:
        """What and why of each loss, one on a line."""
        return "\n".join(f"{each['what']}: {each['why']}" for each in self.report["losses"])


VALIDATOR = Draft202012Validator(json.loads((ROOT / "docs/report.schema.json").read_text()))


@pytest.fixture(scope="session")
def adp_tui_command() -> Callable[..., Ran]:
    """Return a function that runs adp-tui with these words."""

    def run(*words: object, **options: Any) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "adp_tui", *map(str, words)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            cwd=ROOT,
            env={**os.environ, **options.pop("env", {})},
            **options,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def plain(cores: Any) -> Any:
    """Return the core of a program with threads and without an async runtime."""
    return cores.dump(cores.program("plain.rs"))


@pytest.fixture(scope="session")
def split() -> Callable[[Path, Path], tuple[Path, Path]]:
    """Return a function that splits a program into one without debug information, and that."""

    def run(program: Path, folder: Path) -> tuple[Path, Path]:
        debug = folder / "elsewhere" / f"{program.name}.debug"
        debug.parent.mkdir()
        stripped = folder / program.name
        for command in (
            ["objcopy", "--only-keep-debug", program, debug],
            ["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", program, stripped],
        ):
            subprocess.run(command, check=True, timeout=SECONDS)
        return stripped, debug

    return run
