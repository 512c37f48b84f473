"""What the options say of a team's own descriptors and macros."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from adp_tui.engine.adp.folder import (
    Folder,
    Provision,
    find_folders,
    named_folder,
    provision,
    user_folder,
)
from adp_tui.engine.errors import OpenError

__all__ = ["folders_of", "provision_of"]


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


def provision_of(options: argparse.Namespace) -> Provision:
    """Return what those folders hold.

    Raises:
        OpenError: the folder that is named is not there.
    """
    return provision(folders_of(options))
