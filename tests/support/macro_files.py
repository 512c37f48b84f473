"""Macro files that misbehave, and a library that trusts them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from adp_tui.engine.adp.folder import Folder
from adp_tui.engine.macros.files import macro_files
from adp_tui.engine.macros.library import Library
from adp_tui.engine.macros.trust import Trust

__all__ = ["HEAD", "library_of", "write"]

HEAD = "from adp_tui.engine.macros import *\n"


def write(project: Path, name: str, text: str) -> Path:
    """Write a file of macros into a project."""
    folder = project / ".adp" / "macros"
    for part in (project, project / ".adp", folder):
        part.mkdir(mode=0o755, exist_ok=True)
        part.chmod(0o755)
    path = folder / name
    path.write_text(HEAD + dedent(text))
    path.chmod(0o644)
    return path


def library_of(project: Path, *, trusts: bool = True) -> Library:
    """Return the library of a project, all of whose files are trusted as they are now."""
    folder = project / ".adp"
    trust = Trust(project.parent / "config" / "adp-tui" / "trusted.json")
    if trusts:
        trust.approve(folder, {file.name: file.digest for file in macro_files(folder)})
    return Library((Folder(folder, "project"),), trust, with_packages=False)
