"""The ``adp-tui`` command: from the command line to a screen or a report.

Exit status: 0 read; 1 read, but something may be missing; 2 wrong usage; 3 the target cannot
be opened; 4 a finding that ``--fail-on`` names stands; 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import gc
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.text import clean
from adp_tui.tui.arguments import UsageError, parse
from adp_tui.tui.descriptor_arguments import is_whole

if TYPE_CHECKING:
    from adp_tui.backends.debuginfod import Debuginfod
    from adp_tui.engine.macros.library import Library
    from adp_tui.engine.session import Session
    from adp_tui.tui.opening import FilePlaces, TargetOpener

__all__ = ["main"]

NOT_WHOLE, USAGE, CANNOT_OPEN, INTERRUPTED, BROKEN_PIPE = 1, 2, 3, 130, 141
CHUNK = 1 << 16
"""Characters written at once."""


class WriteError(AdpError):
    """The report could not be written to its end."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run adp-tui and return its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    # numpy would start a thread on each core for linear algebra, of which we have none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _run(words)
    except UsageError as error:
        return _fail(error.message, error.help, USAGE)
    except WriteError as error:
        return _fail(error.message, error.help, NOT_WHOLE)
    except CancelledError:
        return INTERRUPTED
    except AdpError as error:
        return _fail(error.message, error.help, CANNOT_OPEN)
    except KeyboardInterrupt:
        _abandon_output()
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has what it wants, as in `adp-tui report … | head`.
        _abandon_output()
        return BROKEN_PIPE


def _abandon_output() -> None:
    """Let what is not yet written go nowhere: Python would try again at its end, and complain."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str]) -> int:
    options = parse(words)
    if options.command == "screen":
        _check_terminal(options, words)
    if options.command == "dump":
        from adp_tui.tui.dump import dump

        return dump(options.pid, options.output, options.max_pause, force=options.force)
    if options.command == "trust":
        from adp_tui.tui.trusting import trust

        return trust(options)
    if options.command == "macro" and options.list:
        from adp_tui.tui.macros import list_macros

        return list_macros(options, _write_as)
    # What follows imports the readers of ELF and DWARF.
    if is_whole(options):
        return _checked(options)
    if options.target is None:
        return _choose(options)
    with _opener(options) as opener:
        if options.command == "report":
            return _report(options, opener)
        if options.command == "graph":
            return _graph(options, opener)
        if options.command == "macro":
            from adp_tui.tui.macros import run_macro

            with _session(opener) as session:
                return run_macro(options, session, _write_as)
        if options.command == "adp":
            return _explain(options, opener)
        if options.command == "save":
            from adp_tui.tui.save import save

            return save(opener, options.output, values=not options.no_values, force=options.force)
        return _screen(options, opener)


@contextmanager
def _opener(options: argparse.Namespace) -> Iterator[TargetOpener]:
    from adp_tui.tui.opening import CoreOpener, FilePlaces

    with ExitStack() as stack:
        opener: TargetOpener
        if options.target == "open":
            from adp_tui.tui.extending import added
            from adp_tui.tui.saved_opening import SavedOpener

            opener = SavedOpener(options.file, *added(options), explains=options.command == "adp")
        elif options.target == "demo":
            from adp_tui.tui.demo import demo_files

            demo = stack.enter_context(demo_files())
            library = _demo_library(options)
            places = FilePlaces(
                demo.executable,
                (),
                demo.sysroot,
                library=library,
                explains=options.command == "adp",
            )
            opener = CoreOpener(demo.core, places)
        elif options.target == "live":
            from adp_tui.tui.live_opening import LiveOpener

            opener = LiveOpener(
                options.pid,
                _places(options),
                max_pause=options.max_pause,
                stops=not options.no_stop,
            )
        else:
            opener = CoreOpener(options.core, _places(options))
        stack.callback(opener.close)
        yield opener


def _demo_library(options: argparse.Namespace) -> Library | None:
    """Return the macros that may be tried on the demo."""
    if options.command == "report":
        return None
    from adp_tui.tui.extending import added

    return added(options)[1]


def _places(options: argparse.Namespace) -> FilePlaces:
    from adp_tui.engine.cache import Cache, default_folder
    from adp_tui.tui.extending import added
    from adp_tui.tui.opening import FilePlaces

    folder = default_folder()
    provision, library = added(options)
    return FilePlaces(
        executable=options.exe,
        debug_files=tuple(options.debug_file),
        sysroot=options.sysroot,
        servers=_servers() if options.debuginfod else None,
        cache=None if options.no_cache or folder is None else Cache(folder),
        provision=provision,
        library=library,
        explains=options.command == "adp",
    )


def _servers() -> Debuginfod:
    from adp_tui.backends.debuginfod import from_environment

    return from_environment(os.environ)


def _screen(options: argparse.Namespace, opener: TargetOpener) -> int:
    from adp_tui.tui.app import run_app

    return run_app(
        opener, title=opener.title, mouse=not options.no_mouse, values=not options.no_values
    )


def _choose(options: argparse.Namespace) -> int:
    """List processes and cores, and show the one that is chosen."""
    from adp_tui.tui.app import run_picker
    from adp_tui.tui.choosing import choices

    found = choices(_places(options), max_pause=options.max_pause, stops=not options.no_stop)
    return run_picker(found, mouse=not options.no_mouse, values=not options.no_values)


def _check_terminal(options: argparse.Namespace, words: Sequence[str]) -> None:
    """Pass a terminal that a full screen can be drawn on.

    Raises:
        UsageError: there is none; the help names the report.
    """
    streams = (
        ("standard input", sys.stdin),
        ("standard output", sys.stdout),
        ("standard error", sys.stderr),
    )
    other = next((name for name, each in streams if each is None or not each.isatty()), None)
    if other is not None:
        problem = f"{other} is none"
    elif os.environ.get("TERM", "") in ("", "dumb"):
        problem = f"TERM={os.environ.get('TERM', '')} cannot place text"
    else:
        return
    if options.target is None:
        raise UsageError(
            "nothing to open is named, and there is no terminal to choose it on",
            "adp-tui --pid PID looks at a process, adp-tui core CORE opens a core file, adp-tui"
            " demo the crash dump that ships with it",
        )
    typed = shlex.join(["adp-tui", "report", *(word for word in words if word != "--no-mouse")])
    raise UsageError(f"a full screen needs a terminal, and {problem}", f"the same as text: {typed}")


@contextmanager
def _session(opener: TargetOpener) -> Iterator[Session]:
    """Read a target with a progress line; let go of it at the end."""
    from adp_tui.tui.progress_line import ProgressLine

    # A report makes much and throws little away: looking for cycles costs a tenth of its time.
    progress = ProgressLine(sys.stderr)
    gc.disable()
    try:
        session = opener(progress)
    finally:
        progress.clear()
        # Nor is what was read ever garbage: not even the end of the process looks through it.
        gc.freeze()
        gc.enable()
    try:
        yield session
    finally:
        session.close()


def _report(options: argparse.Namespace, opener: TargetOpener) -> int:
    from adp_tui.engine.report import Options, exit_status, json_report
    from adp_tui.engine.text_report import text_report

    with _session(opener) as session:
        chosen = Options(
            addresses=options.addresses,
            locals=options.locals,
            threads=not options.tasks_only,
            tasks=not options.threads_only,
        )
        details = session.details if options.addresses or options.locals else None
        snapshot = session.snapshot
        if options.json:
            _write(json_report(snapshot, chosen, details), _as_json)
        else:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            _write(text_report(snapshot, chosen, details, width), _as_text)
        return exit_status(snapshot, options.fail_on)


def _graph(options: argparse.Namespace, opener: TargetOpener) -> int:
    from adp_tui.engine.findings.graph import WaitGraph, dot_graph, json_graph, text_graph
    from adp_tui.engine.report import exit_status

    with _session(opener) as session:
        graph = WaitGraph(session.snapshot)
        if options.json:
            _write(json_graph(graph), _as_json)
        else:
            _write((dot_graph if options.dot else text_graph)(graph), _as_text)
        return exit_status(session.snapshot, frozenset())


def _checked(options: argparse.Namespace) -> int:
    """Check descriptors or a program: what needs no target that is opened."""
    from adp_tui.tui.descriptors import doctor_pieces, lint_pieces

    program, files = options.program, options.debug_file
    if options.command == "doctor":
        status, pieces = doctor_pieces(program, files, as_json=options.json)
    else:
        status, pieces = lint_pieces(program, options.descriptor, files, as_json=options.json)
    _write(pieces, _as_json if options.json else _as_text)
    return status


def _explain(options: argparse.Namespace, opener: TargetOpener) -> int:
    from adp_tui.engine.report import exit_status
    from adp_tui.tui.descriptors import explain_pieces

    with _session(opener) as session:
        pieces = explain_pieces(session.explanation(), as_json=options.json)
        _write(pieces, _as_json if options.json else _as_text)
        return exit_status(session.snapshot, frozenset())


def _as_json(text: str) -> bytes:
    """Return UTF-8; what a path holds that is no UTF-8 stays as an escape of JSON."""
    return text.encode("utf-8", "backslashreplace")


def _as_text(text: str) -> bytes:
    return text.encode(sys.stdout.encoding or "utf-8", "replace")


def _write_as(pieces: Iterator[str], is_json: bool) -> None:
    """Write what a macro says."""
    _write(pieces, _as_json if is_json else _as_text)


def _write(pieces: Iterator[str], encode: Callable[[str], bytes]) -> None:
    """Write to standard output as it comes.

    Raises:
        BrokenPipeError: nobody reads any more.
        WriteError: it cannot be written.
    """
    if sys.stdout is None:
        raise WriteError("the report cannot be written: standard output is closed")
    out = sys.stdout.buffer
    waiting: list[str] = []
    size = 0
    try:
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= CHUNK:
                _put(out, encode("".join(waiting)))
                waiting.clear()
                size = 0
        _put(out, encode("".join(waiting)))
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _abandon_output()
        raise WriteError(
            f"the report cannot be written: {error.strerror}",
            help="is the disk full? what was written is not whole",
        ) from error


def _put(out: BinaryIO, data: bytes) -> None:
    """Write all of it: with PYTHONUNBUFFERED a pipe takes what it has room for."""
    view = memoryview(data)
    while view:
        written = out.write(view)
        if not written:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        view = view[written:]


def _fail(message: str, help: str, status: int) -> int:
    # A message may name what a target says of itself.
    print(f"adp-tui: {clean(message)}", file=sys.stderr)
    if help:
        print(f"  {clean(help)}", file=sys.stderr)
    return status
