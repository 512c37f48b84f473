"""What the options say of a team's own descriptors and macros."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from adp_tui.engine.adp.folder import (
    Folder,
    Provision,
    find_folders,
    named_folder,
    provision,
    user_folder,
)
from adp_tui.engine.errors import OpenError

if TYPE_CHECKING:
    from adp_tui.engine.macros.library import Library

__all__ = ["added", "folders_of"]


def folders_of(options: argparse.Namespace) -> tuple[Folder, ...]:
    """Return the folders that are looked into, the nearest first.

    Raises:
        OpenError: the one that is named is not there.
    """
    if options.no_adp:
        return ()
    if options.adp is None:
        try:
            return find_folders(Path.cwd(), os.environ)
        except OSError as error:
            raise OpenError(
                f"the working directory is gone: {error.strerror}",
                help="cd to another, or --no-adp",
            ) from None
    own = user_folder(os.environ)
    users = () if own is None or not own.is_dir() else (Folder(own, "user"),)
    return (named_folder(options.adp), *users)


def added(options: argparse.Namespace) -> tuple[Provision, Library | None]:
    """Return the descriptors and the macros of those folders.

    Raises:
        OpenError: the folder that is named is not there.
    """
    folders = folders_of(options)
    found = provision(folders)
    asked = options.command in ("macro", "screen")
    if options.no_adp or not (asked or any((each.path / "macros").is_dir() for each in folders)):
        return found, None
    # It takes time to import, and most reports have no use for it.
    from adp_tui.engine.macros.library import default_library

    return found, default_library(folders)
