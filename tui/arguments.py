"""The grammar of the command line. Nothing slow is imported before it is known to be right."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from adp_tui import __version__
from adp_tui.engine.report import FINDING_KINDS
from adp_tui.tui import descriptor_arguments
from adp_tui.tui.extension_arguments import EXTENSION_DEFAULTS, add_extensions
from adp_tui.tui.macro_arguments import (
    MACRO_DEFAULTS,
    MACRO_USAGE,
    add_macro_name,
    add_macro_options,
    add_trust,
)

__all__ = ["UsageError", "parse"]


_WITH_TARGET = {
    "report": "adp-tui report core CORE [--json], or adp-tui report --pid PID [--json]",
    "graph": "adp-tui graph core CORE [--dot | --json], or adp-tui graph --pid PID",
    "save": "adp-tui save core CORE -o FILE, or adp-tui save --pid PID -o FILE",
    "dump": "adp-tui dump --pid PID -o FILE [--force]",
    "macro": MACRO_USAGE,
    **descriptor_arguments.WITH_TARGET,
}
"""Commands that name their target behind them, with what can be typed."""

_TO = {
    "report": "report on", "graph": "draw", "save": "save", "dump": "dump", "macro": "ask",
    "adp": "explain",
}  # fmt: skip

_DEFAULTS: dict[str, Any] = {
    "pid": None, "max_pause": None, "no_stop": False, "no_mouse": False,
    "exe": None, "debug_file": (), "sysroot": None, "debuginfod": False, "no_cache": False,
    "output": None, "force": False, "no_values": False, **EXTENSION_DEFAULTS, **MACRO_DEFAULTS,
}  # fmt: skip
"""Of options that may stand before a command or behind it: the parser of neither sets them."""
_PAUSE_S = 0.1
"""How long a process may stand for a snapshot, by default."""


class UsageError(Exception):
    """The command line is wrong: what, and what to type."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and exit."""

    typed: str | None = None
    """What can be typed, where that is said in a line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, self.typed or f"{self.prog} --help shows what can be typed")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options.

    ``command`` is screen, report, graph, save, dump, macro, trust, adp (``action`` is lint or
    explain) or doctor; ``target`` is core, open, live or demo.

    Raises:
        UsageError: they make no sense.
        SystemExit: ``--help`` or ``--version`` was answered.
    """
    listing = "macro" in arguments and "--list" in arguments
    options = _parser(listing).parse_args(arguments, argparse.Namespace(**_DEFAULTS))
    command = options.command
    if command == "trust" or (command == "macro" and options.list):
        options.target = None
        return options
    if descriptor_arguments.is_whole(options):
        return options
    if command == "dump":
        target = None
        if options.no_stop:
            raise UsageError(
                "a dump cannot be made without a stop: its memory would not belong together",
                f"{_WITH_TARGET[command]} [--max-pause MS]",
            )
    elif command in _WITH_TARGET:
        target = options.target
    else:
        target, options.command = command, "screen"
    pid = options.pid
    if target is not None and pid is not None:
        raise UsageError(
            f"two targets are named: process {pid} and {target}",
            "name one of them: --pid PID | core CORE | open FILE",
        )
    options.target = "live" if pid is not None else target
    if options.target is None and command in _WITH_TARGET:
        raise UsageError(f"nothing to {_TO[command]} is named", _WITH_TARGET[command])
    if command in ("save", "dump") and options.output is None:
        raise UsageError("no file to write is named", _WITH_TARGET[command])
    if options.max_pause is None and command != "dump":
        options.max_pause = _PAUSE_S
    return options


def _parser(listing: bool) -> _Parser:
    """Return the grammar; ``listing`` macros needs none to be named."""
    screen = _options()
    screen.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    _add_no_values(screen)
    live, form = _live(), _form()
    parser = _Parser(
        prog="adp-tui",
        description="A full-screen terminal debugger for async Rust programs.",
        allow_abbrev=False,
        parents=[live, screen],
    )
    parser.add_argument("--version", action="version", version=f"adp-tui {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    core = _core()
    saved = _saved()
    _command(commands, "core", "open a core file, full screen", core, screen)
    _command(commands, "open", "open a snapshot that was saved, full screen", saved, screen)
    _command(commands, "demo", "open the crash dump that ships with adp-tui", screen)
    _on_targets(
        commands,
        "report",
        (live, core, saved, form),
        "print a report, as text or as JSON",
        core="report on a core file",
        open="report on a snapshot that was saved",
        demo="report on the crash dump that ships with adp-tui",
    )
    drawn = _Parser(add_help=False)
    ways = drawn.add_mutually_exclusive_group()
    ways.add_argument("--dot", action="store_true", help="for Graphviz: … --dot | dot -Tsvg")
    ways.add_argument("--json", action="store_true", help="JSON, as docs/findings.md says")
    _on_targets(
        commands,
        "graph",
        (live, core, saved, drawn),
        "print who waits for whom",
        "Print who waits for whom, and through what. Circles are marked: * in text, red in"
        " Graphviz.",
        core="of a core file",
        open="of a snapshot that was saved",
        demo="of the crash dump that ships with adp-tui",
    )
    output = _output("the snapshot to write; only this user can read it")
    _add_no_values(output)
    _on_targets(
        commands,
        "save",
        (live, core, saved, output),
        "write what adp-tui shows to a file, which `adp-tui open` shows on any machine",
        core="save what is seen of a core file",
        open="save a saved snapshot again, without its memory",
        demo="save the crash dump that ships with adp-tui",
    )
    asked = _options()
    add_macro_options(asked)
    _on_targets(
        commands,
        "macro",
        (live, core, saved, asked),
        "ask a question that your team has written down: docs/macros.md",
        before=lambda parser: _add_macro_name(parser, listing),
        core="of a core file",
        open="of a snapshot that was saved",
        demo="of the crash dump that ships with adp-tui",
    )
    trust = commands.add_parser(
        "trust",
        help="say which folders' macros may be run",
        description="Say which folders' macros may be run. Macros are Python: they have your"
        " rights. A file that was changed is not trusted until you say so again.",
        allow_abbrev=False,
    )
    add_trust(trust)
    descriptor_arguments.add(
        commands,
        lambda added, own, **words: _on_targets(
            added, "explain", (live, core, saved, own), **words
        ),
    )
    commands.add_parser(
        "dump",
        help="write a core file of a process, which lives on",
        description="Write a core file of a process, which lives on. It stands while its memory"
        " is copied, about half a second for each gigabyte that it uses.",
        allow_abbrev=False,
        parents=[_dump()],
    )
    return parser


def _on_targets(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    parents: tuple[_Parser, _Parser, _Parser, _Parser],
    help: str,
    description: str | None = None,
    before: Callable[[_Parser], None] = lambda parser: None,
    **targets: str,
) -> None:
    """Add a command that names its target behind it.

    Args:
        commands: what it is added to.
        name: of the command.
        parents: options of a process, of a core, of a saved snapshot, and the command's own.
        help: what it does.
        description: the same at length.
        before: adds what stands before the target.
        targets: what it does with each kind of target.
    """
    live, core, saved, own = parents
    parser = commands.add_parser(
        name, help=help, description=description, parents=[live, own], allow_abbrev=False
    )
    before(parser)
    added = parser.add_subparsers(dest="target", metavar="TARGET")
    _command(added, "core", targets["core"], core, own)
    _command(added, "open", targets["open"], saved, own)
    _command(added, "demo", targets["demo"], own)


def _add_macro_name(parser: _Parser, listing: bool) -> None:
    parser.typed = f"{MACRO_USAGE}; adp-tui macro --list"
    add_macro_name(parser, "?" if listing else None)


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, help: str, *parents: _Parser
) -> None:
    commands.add_parser(name, help=help, description=help, parents=parents, allow_abbrev=False)


def _options() -> _Parser:
    return _Parser(add_help=False, argument_default=argparse.SUPPRESS)


def _core() -> _Parser:
    core = _options()
    core.add_argument(
        "core", metavar="CORE", type=Path, help="the core file; systemd's .zst, .lz4 and .xz too"
    )
    _add_places(core)
    return core


def _live() -> _Parser:
    live = _options()
    live.add_argument("--pid", metavar="PID", type=_pid, help="a running process")
    live.add_argument(
        "--max-pause",
        metavar="MS",
        type=_milliseconds,
        help="how long the process may stand for a snapshot (default: 100); what was not copied"
        " by then is read while it runs",
    )
    live.add_argument(
        "--no-stop",
        action="store_true",
        help="read the process while it runs; what changed meanwhile is marked torn",
    )
    _add_places(live)
    return live


def _saved() -> _Parser:
    saved = _options()
    saved.add_argument("file", metavar="FILE", type=Path, help="a snapshot that was saved")
    add_extensions(saved)
    return saved


def _add_no_values(parser: _Parser) -> None:
    parser.add_argument(
        "--no-values",
        action="store_true",
        help="leave memory out of what is saved: there are no variables then",
    )


def _output(help: str) -> _Parser:
    output = _options()
    output.add_argument("-o", "--output", metavar="FILE", type=Path, help=help)
    output.add_argument("--force", action="store_true", help="replace FILE where it is there")
    return output


def _dump() -> _Parser:
    dump = _output("the core file to write; only this user can read it")
    dump.add_argument("--pid", metavar="PID", type=_pid, help="a running process")
    dump.add_argument(
        "--max-pause",
        metavar="MS",
        type=_milliseconds,
        help="write nothing if the process would have to stand longer (default: it stands as long"
        " as the copy takes)",
    )
    dump.add_argument("--no-stop", action="store_true", help=argparse.SUPPRESS)
    return dump


def _add_places(core: _Parser) -> None:
    """Add where the files of a target are."""
    core.add_argument(
        "--exe",
        metavar="EXE",
        type=Path,
        help="the program that ran, where it is not at the path that the target names",
    )
    core.add_argument(
        "--debug-file",
        metavar="FILE",
        type=Path,
        action="append",
        help="separate debug information of the program or a library (may be repeated)",
    )
    core.add_argument(
        "--sysroot",
        metavar="DIR",
        type=Path,
        help="a folder with the files of the machine that the target comes from",
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
    add_extensions(core)


def _pid(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text} is no process id: a number is wanted")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        seconds = float(text) / 1000
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 60:
        raise argparse.ArgumentTypeError(f"{text} is no pause: between 0 and 60000 milliseconds")
    return seconds


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
