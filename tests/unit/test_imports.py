"""The engine is a library: it draws nothing and touches no process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import adp_tui

FORBIDDEN = ("textual", "rich", "ptrace", "psutil")

IMPORT_ALL = f"""
import importlib, pkgutil, sys
import adp_tui.engine
names = [m.name for m in pkgutil.walk_packages(adp_tui.engine.__path__, "adp_tui.engine.")]
for name in names:
    importlib.import_module(name)
print(len(names), *[name for name in {FORBIDDEN} if name in sys.modules])
"""


def test_the_engine_imports_no_screen_and_no_process():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(adp_tui.__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    count, *found = done.stdout.split()
    assert int(count) >= 10 and found == []
