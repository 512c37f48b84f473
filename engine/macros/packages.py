"""Macros of installed packages: entry points of the group ``adp_tui.macros``.

Who installs a package trusts it. But what lies in the working directory is not installed, though
Python may look there first.
"""

from __future__ import annotations

import importlib
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adp_tui.engine.dataclass import dataclass

__all__ = ["GROUP", "Package", "loaded", "packages"]

GROUP = "adp_tui.macros"
MAX_PACKAGES = 256


@dataclass(frozen=True, slots=True)
class Package:
    """An entry point: ``name = module`` or ``name = module:macro`` of an installed package."""

    name: str
    value: str
    package: str


def packages() -> list[Package]:
    """Return the entry points of all installed packages."""
    # It brings what reads mail.
    from importlib import metadata

    places = [path for path in _places() if Path(path).is_dir()]
    found: list[Package] = []
    for each in metadata.distributions(path=places):
        for entry in each.entry_points:
            if entry.group == GROUP and len(found) < MAX_PACKAGES:
                name, version = each.metadata["Name"], each.version
                found.append(Package(entry.name, entry.value, f"{name} {version}"))
    return found


def loaded(package: Package) -> object:
    """Import what an entry point names; without what lies in the working directory.

    Raises:
        Exception: whatever the package raises.
    """
    module, _, attribute = package.value.partition(":")
    with _installed_only():
        found: object = importlib.import_module(module.strip())
        for name in filter(None, attribute.split("[")[0].strip().split(".")):
            found = getattr(found, name)
    return found


def _places() -> list[str]:
    """Return the folders into which packages are installed."""
    paths = sysconfig.get_paths()
    places = [paths["purelib"], paths["platlib"], *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        places.append(site.getusersitepackages())
    return list(dict.fromkeys(places))


@contextmanager
def _installed_only() -> Iterator[None]:
    """Leave the working directory out of where modules are looked for."""
    here = str(Path.cwd())
    kept = [path for path in sys.path if path not in ("", ".", here) or path in _places()]
    before, sys.path[:] = list(sys.path), kept
    try:
        yield
    finally:
        sys.path[:] = before
