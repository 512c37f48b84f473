"""Macros of installed packages; and what lies in the working directory is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from adp_tui.engine.macros import packages as packages_module
from adp_tui.engine.macros.library import Library
from adp_tui.engine.macros.packages import packages

MODULE = """
from adp_tui.engine.macros import Text, macro

@macro("shared", help="From a package.")
def shared(ctx):
    return Text({word!r})
"""


def install(folder: Path, name: str, word: str, value: str | None = None) -> None:
    """Put a package with an entry point into a folder, as pip would."""
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        f"[adp_tui.macros]\n{name} = {value or f'{name}_macros'}\n[console_scripts]\nx = y:z\n"
    )
    (folder / f"{name}_macros.py").write_text(MODULE.format(word=word))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that packages are installed into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(packages_module, "_places", lambda: [str(folder)])
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test see the modules of another."""
    for name in [name for name in sys.modules if name.endswith("_macros")]:
        monkeypatch.delitem(sys.modules, name)


def test_a_module_and_a_macro(site: Path) -> None:
    install(site, "whole", "whole")
    install(site, "one", "one", "one_macros:shared")
    found = Library().entries()
    assert [(e.name, e.origin, e.place) for e in sorted(found, key=lambda e: e.place)] == [
        ("shared", "package", "one 1.0: one_macros:shared"),
        ("shared", "package", "whole 1.0: whole_macros"),
    ]
    assert all(entry.macro is not None and entry.help == "From a package." for entry in found)


def test_one_that_is_broken_is_listed(site: Path) -> None:
    install(site, "gone", "x", "nowhere.to.be.found")
    install(site, "other", "x", "other_macros:macro")
    install(site, "none", "x", "none_macros:nothing")
    reasons = {entry.name: entry.why for entry in Library().entries()}
    assert reasons["gone"].startswith("ModuleNotFoundError")
    assert reasons["other"] == "it names neither a module nor a macro"
    assert reasons["none"].startswith("AttributeError")


def test_the_working_directory_is_not_asked(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a package in the working directory, where Python looks first
    here = tmp_path / "here"
    here.mkdir()
    install(here, "hostile", "hostile")
    monkeypatch.chdir(here)
    for place in ("", str(here)):
        monkeypatch.setattr(sys, "path", [place, str(site), *sys.path])
    # THEN it is no package
    assert [package.name for package in packages()] == []
    # AND a module there does not stand in for one that is installed
    install(site, "good", "good")
    (here / "good_macros.py").write_text("raise SystemExit('run from the working directory')\n")
    before = list(sys.path)
    (entry,) = Library().entries()
    assert (entry.name, entry.state) == ("shared", "ready")
    assert sys.path == before
