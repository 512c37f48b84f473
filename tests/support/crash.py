"""Runs a program until it crashes, and keeps its core."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["MissingToolError", "crash"]

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
SECONDS = 180
"""Far more than any program needs: a program that hangs fails its test."""


class MissingToolError(Exception):
    """A tool that the tests need isn't there; the message says how to install it."""


def crash(folder: Path, command: Sequence[str], environment: Mapping[str, str] = {}) -> str:
    """Run ``command`` in ``folder`` until it crashes; leave ``core`` there, return its output.

    The kernel writes the core where its pattern lets it, else gdb does.

    Raises:
        MissingToolError: gdb is needed and isn't installed.
        AssertionError: the program left no core; the message has its output.
    """
    pattern = CORE_PATTERN.read_text().strip()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    by_kernel = pattern[:1] not in ("|", "/") and hard == resource.RLIM_INFINITY
    if not by_kernel:
        if shutil.which("gdb") is None:
            raise MissingToolError("gdb is needed to make cores here: apt-get install gdb")
        steps = ["run", "generate-core-file core", "kill"]
        options = [word for step in steps for word in ("-ex", step)]
        command = ["gdb", "-nx", "-batch", *options, "--args", *command]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "RUST_BACKTRACE": "0", **environment},
        preexec_fn=_allow_core,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    written = [each for each in folder.iterdir() if each.name.startswith("core")]
    assert len(written) == 1, f"no core: {written}, {done}"
    written[0].rename(folder / "core")
    return done.stdout


def _allow_core() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
