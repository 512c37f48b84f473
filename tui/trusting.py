"""``adp-tui trust``: which files of macros may be run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from adp_tui.engine.adp.folder import NAME
from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros.files import FOLDER, MacroFile, macro_files, real_folder
from adp_tui.engine.macros.trust import Trust, default_trust
from adp_tui.engine.text import clean
from adp_tui.tui.arguments import UsageError

__all__ = ["trust"]

REFUSED = 1


def trust(options: argparse.Namespace, ask: Callable[[str], str] = input) -> int:
    """Trust the macros of a folder as they are now, list what is trusted, or forget a folder.

    Returns:
        The exit status: 0; 1 where nothing was changed.

    Raises:
        UsageError: no folder is named, or it has nothing to trust.
        AdpError: the list of what is trusted cannot be read or written.
    """
    known = default_trust(os.environ)
    if known is None:
        raise AdpError("there is no home to keep the list in", help="set XDG_CONFIG_HOME")
    if options.list:
        return _list(known)
    if options.folder is None:
        raise UsageError("no folder is named", "adp-tui trust DIR, or adp-tui trust --list")
    folder = _folder(options.folder)
    if options.forget:
        found = known.forget(folder) or known.forget(options.folder.absolute())
        print(clean(f"{folder} is not trusted" + ("" if found else ", and was not"), 4096))
        return 0 if found else REFUSED
    return _approve(known, folder, ask, yes=options.yes)


def _folder(named: Path) -> Path:
    """Return the ``.adp`` folder that is meant."""
    inner = named / NAME
    return inner if inner.is_dir() else named


def _list(known: Trust) -> int:
    folders = known.folders()
    if not folders:
        print("no folder is trusted")
    for folder, files in sorted(folders.items()):
        print(clean(folder, 4096))
        now = {file.name: file for file in macro_files(Path(folder))}
        for name, digest in sorted(files.items()):
            print(f"  {clean(digest, 64)}  {clean(name, 200)}  {_state(now.get(name), digest)}")
        for name in sorted(now.keys() - files.keys()):
            print(f"  {now[name].digest:64}  {clean(name, 200)}  not trusted")
    return 0


def _state(file: MacroFile | None, digest: str) -> str:
    if file is None:
        return "is not there"
    if file.problem:
        return clean(file.problem, 400)
    return "trusted" if file.digest == digest else "was changed: not trusted"


def _approve(known: Trust, folder: Path, ask: Callable[[str], str], *, yes: bool) -> int:
    files = macro_files(folder)
    good = [file for file in files if not file.problem]
    place = clean(str(real_folder(folder) / FOLDER), 4096)
    before = known.of(folder)
    if files:
        print(f"{place}:")
    for file in files:
        if file.problem:
            print(f"  {clean(file.name, 200)}  left out: {clean(file.problem, 400)}")
            continue
        new = "" if before.get(file.name) == file.digest else _news(file, before)
        print(f"  {file.digest}  {clean(file.name, 200)}  {len(file.data):,} bytes{new}")
    if not good:
        raise UsageError(
            f"there is no file to trust in {place}",
            f"macros stand in {FOLDER}/*.py of an {NAME} folder: docs/macros.md",
        )
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError("nobody is here to be asked", "look at the files, then add --yes")
        print("They will run with your rights whenever a macro is asked for. A change asks again.")
        try:
            answer = ask(f"Trust {len(good)} files? [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            print("nothing is trusted")
            return REFUSED
    # What was shown is trusted, not what may stand there by now.
    known.approve(folder, {file.name: file.digest for file in good})
    print(f"{len(good)} files are trusted")
    return 0


def _news(file: MacroFile, before: object) -> str:
    return ", changed" if isinstance(before, dict) and file.name in before else ", new"
