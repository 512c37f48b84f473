"""The grammar of the commands about descriptors: ``adp lint``, ``adp explain`` and ``doctor``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["WITH_TARGET", "add", "is_whole"]

WITH_TARGET = {"adp": "adp-tui adp explain core CORE [--json], or adp-tui adp explain --pid PID"}


def is_whole(options: argparse.Namespace) -> bool:
    """Tell whether the options name all that is needed: commands that open no target."""
    command: str = options.command or ""
    return command == "doctor" or (command == "adp" and options.action == "lint")


def add(commands: Any, on_targets: Callable[..., None]) -> None:
    """Add the commands.

    Args:
        commands: what argparse adds commands to.
        on_targets: adds ``explain``, which names its target behind it, to a parser's commands.
    """
    adp = commands.add_parser(
        "adp",
        help="check descriptors of the Async Debugging Protocol, and say what they found",
        description="Descriptors say how an async runtime is read (docs/adp.md).",
        allow_abbrev=False,
    )
    actions = adp.add_subparsers(dest="action", metavar="ACTION", required=True)
    lint = actions.add_parser(
        "lint",
        help="check descriptors against a program's types; nothing runs",
        description="Check descriptors against a program's types; nothing runs. Without"
        " --descriptor those are checked that the program carries, else those that ship with"
        " adp-tui and apply. Exit status 1: a rule is broken, or resolves for no type.",
        allow_abbrev=False,
    )
    _add_files(lint)
    lint.add_argument(
        "--descriptor",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a descriptor, JSON (may be repeated)",
    )
    form = type(adp)(add_help=False)
    form.add_argument("--json", action="store_true", help="JSON instead of text")
    on_targets(
        actions,
        form,
        help="say which descriptors applied, why others did not, what each rule found and cost",
        core="of a core file",
        open="of a snapshot that was saved",
        demo="of the crash dump that ships with adp-tui",
    )
    doctor = commands.add_parser(
        "doctor",
        help="say what can be read of a program or process, what will be missing, what mends it",
        description="Say how much debug information a program has, which runtimes are recognised,"
        " and what will be missing, with the line of Cargo.toml that mends it. Exit status 1:"
        " something will be missing.",
        allow_abbrev=False,
    )
    _add_files(doctor, or_process=True)


def _add_files(parser: argparse.ArgumentParser, *, or_process: bool = False) -> None:
    parser.add_argument(
        "program",
        metavar="BIN|PID" if or_process else "BIN",
        help="the program's file, or the number of a process" if or_process else "the program",
    )
    parser.add_argument(
        "--debug-file",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="its separate debug information",
    )
    parser.add_argument("--json", action="store_true", help="JSON instead of text")
