"""The grammar of what extends adp-tui: ``.adp/`` folders."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["EXTENSION_DEFAULTS", "add_extensions"]

EXTENSION_DEFAULTS = {"adp": None, "no_adp": False}
"""Of options that may stand before a command or behind it."""


def add_extensions(parser: argparse.ArgumentParser) -> None:
    """Add where a team's own descriptors and macros are."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--adp",
        metavar="DIR",
        type=Path,
        help="a folder with descriptors and macros, in place of the .adp folders from the working"
        " directory up to the root of its repository",
    )
    which.add_argument(
        "--no-adp",
        action="store_true",
        help="use no descriptors and macros but those that ship with adp-tui",
    )
