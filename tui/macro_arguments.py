"""The grammar of ``adp-tui macro`` and ``adp-tui trust``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

__all__ = ["MACRO_DEFAULTS", "MACRO_USAGE", "add_macro_name", "add_macro_options", "add_trust"]

MACRO_USAGE = "adp-tui macro NAME core CORE [--json], or adp-tui macro NAME --pid PID [--json]"
MACRO_DEFAULTS: dict[str, Any] = {
    "argument": (), "on": None, "deadline": 10.0, "list": False, "json": False,
}  # fmt: skip
"""Of options that may stand before a target or behind it: the parser of neither sets them."""


def add_macro_name(parser: argparse.ArgumentParser, nargs: str | None) -> None:
    """Add what stands before the target; ``nargs`` is ``?`` where no macro need be named."""
    parser.add_argument(
        "name", metavar="NAME", nargs=nargs, help="the macro; --list says which there are"
    )
    parser.add_argument(
        "--list",
        action="store_true",
        default=argparse.SUPPRESS,
        help="list the macros that there are, and the files that are not trusted",
    )


def add_macro_options(parser: argparse.ArgumentParser) -> None:
    """Add what may also stand behind the target."""
    parser.add_argument("--json", action="store_true", help="JSON, as docs/macros.md says")
    parser.add_argument(
        "-a",
        "--argument",
        metavar="NAME=VALUE",
        action="append",
        help="what the macro is told (may be repeated)",
    )
    parser.add_argument(
        "--on",
        metavar="KEY",
        help="what the macro is about, by the key that reports have: t7, tid:3419, x1, r2",
    )
    parser.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=_seconds,
        help="how long the macro may take (default: 10)",
    )


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``adp-tui trust``."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        help="a project with a folder .adp, or that folder itself",
    )
    parser.add_argument("--yes", action="store_true", help="trust what is there without asking")
    parser.add_argument(
        "--forget", action="store_true", help="trust this folder no more, there or not"
    )
    parser.add_argument("--list", action="store_true", help="list what is trusted")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is no time: between 0 and 3600 seconds")
    return seconds
