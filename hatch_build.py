"""Compile what reads ELF and DWARF, with mypyc: the source stays as it is, and runs without this.

A wheel has the compiled modules beside the source where ``ADP_TUI_COMPILE=1`` stands in the
environment; it needs a C compiler then, and is of one version of Python.

    python hatch_build.py     copy the package to target/compiled and compile it (`make compiled`)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # started by hand, where nothing is packed
    BuildHookInterface = object

ROOT = Path(__file__).parent
BENCHED = ROOT / "target" / "compiled"
"""Where `make compiled` puts it, for tests and benchmarks."""
COMPILED = ("engine/dwarf", "engine/elf")
"""Packages that are compiled: half of a report's time, and nothing that waits or draws."""
TOOLS = ("mypy>=2.4,<3", "setuptools")
_SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

modules = sys.argv[3:]
del sys.argv[3:]
setup(name="compiled", packages=[], ext_modules=mypycify(modules, opt_level="2"))
"""


def compile_into(folder: Path) -> list[Path]:
    """Copy the package into a folder, which is none yet, and compile it there.

    Return the shared objects, relative to the folder.

    Raises:
        subprocess.CalledProcessError: a compiler failed, and said why.
    """
    package = folder / "adp_tui"
    shutil.copytree(ROOT / "adp_tui", package, ignore=shutil.ignore_patterns("__pycache__"))
    modules = [
        str(path.relative_to(folder))
        for each in COMPILED
        for path in sorted((package / each).glob("*.py"))
    ]
    command = [sys.executable, "-c", _SETUP, "build_ext", "--inplace", *modules]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder / "build")
    return [path.relative_to(folder) for path in sorted(folder.rglob("*.so"))]


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """What hatchling calls before it packs a wheel."""

    PLUGIN_NAME = "custom"

    def _is_wanted(self) -> bool:
        return os.environ.get("ADP_TUI_COMPILE") == "1"

    def dependencies(self) -> list[str]:
        """Return what has to be installed to build."""
        return list(TOOLS) if self._is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came out to the wheel."""
        if version != "standard" or not self._is_wanted():
            return
        self._folder = tempfile.TemporaryDirectory(prefix="adp-tui-")
        folder = Path(self._folder.name)
        for path in compile_into(folder / "compiled"):
            build_data["force_include"][str(folder / "compiled" / path)] = str(path)
        build_data["pure_python"], build_data["infer_tag"] = False, True


if __name__ == "__main__":
    shutil.rmtree(BENCHED, ignore_errors=True)
    for made in compile_into(BENCHED):
        print(made)
