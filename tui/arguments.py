"""The grammar of the command line. Nothing slow is imported before it is known to be right."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from adp_tui import __version__
from adp_tui.engine.report import FINDING_KINDS

__all__ = ["UsageError", "parse"]


class UsageError(Exception):
    """The command line is wrong: what, and what to type."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"{self.prog} --help shows what can be typed")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options. ``target`` is core or demo, ``report`` tells whether one is wanted.

    Raises:
        UsageError: they make no sense.
        SystemExit: ``--help`` or ``--version`` was answered.
    """
    options = _parser().parse_args(arguments)
    if options.command is None:
        raise UsageError(
            "nothing to open is named",
            "adp-tui core CORE opens a core file, adp-tui demo the crash dump that ships with it",
        )
    options.report = options.command == "report"
    if not options.report:
        options.target = options.command
    elif options.target is None:
        raise UsageError("nothing to report on is named", "adp-tui report core CORE [--json]")
    return options


def _parser() -> _Parser:
    parser = _Parser(
        prog="adp-tui",
        description="A full-screen terminal debugger for async Rust programs.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"adp-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    screen = _Parser(add_help=False)
    screen.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    core = _core()
    _command(commands, "core", "open a core file, full screen", core, screen)
    _command(commands, "demo", "open the crash dump that ships with adp-tui", screen)
    report = commands.add_parser(
        "report", help="print a report, as text or as JSON", allow_abbrev=False
    )
    targets = report.add_subparsers(dest="target", metavar="TARGET")
    form = _form()
    _command(targets, "core", "report on a core file", core, form)
    _command(targets, "demo", "report on the crash dump that ships with adp-tui", form)
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, help: str, *parents: _Parser
) -> None:
    commands.add_parser(name, help=help, description=help, parents=parents, allow_abbrev=False)


def _core() -> _Parser:
    core = _Parser(add_help=False)
    core.add_argument(
        "core", metavar="CORE", type=Path, help="the core file; systemd's .zst, .lz4 and .xz too"
    )
    core.add_argument(
        "--exe",
        metavar="EXE",
        type=Path,
        help="the program that ran, where it is not at the path that the core names",
    )
    core.add_argument(
        "--debug-file",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="separate debug information of the program or a library (may be repeated)",
    )
    core.add_argument(
        "--sysroot",
        metavar="DIR",
        type=Path,
        help="a folder with the files of the machine that the core comes from",
    )
    core.add_argument(
        "--debuginfod",
        action="store_true",
        help="fetch missing programs, libraries and debug information by build-id from the"
        " servers in DEBUGINFOD_URLS",
    )
    core.add_argument(
        "--no-cache",
        action="store_true",
        help="neither use nor keep what was found out about the program in earlier runs",
    )
    return core


def _form() -> _Parser:
    form = _Parser(add_help=False)
    form.add_argument("--json", action="store_true", help="JSON, as docs/report.md defines it")
    form.add_argument("--addresses", action="store_true", help="add the addresses of frames")
    form.add_argument("--locals", action="store_true", help="add the variables of frames")
    only = form.add_mutually_exclusive_group()
    only.add_argument("--threads-only", action="store_true", help="leave out tasks")
    only.add_argument("--tasks-only", action="store_true", help="leave out threads")
    form.add_argument(
        "--fail-on",
        metavar="KIND[,KIND…]",
        type=_kinds,
        default=frozenset(),
        help=f"exit with 4 when there is such a finding: {', '.join(FINDING_KINDS)}",
    )
    return form


def _kinds(text: str) -> frozenset[str]:
    kinds = frozenset(filter(None, (part.strip() for part in text.split(","))))
    unknown = sorted(kinds.difference(FINDING_KINDS))
    if unknown or not kinds:
        raise argparse.ArgumentTypeError(
            f"{', '.join(unknown) or 'nothing'} is no kind of finding; known are "
            f"{', '.join(FINDING_KINDS)}"
        )
    return kinds
