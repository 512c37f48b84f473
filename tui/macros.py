"""``adp-tui macro``: a team's own question, on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from adp_tui.engine.adp.folder import provision
from adp_tui.engine.macros.library import default_library, row_of
from adp_tui.engine.macros.macro import MacroUsageError
from adp_tui.engine.macros.report import json_list, json_outcome, text_list, text_outcome
from adp_tui.engine.session import Session
from adp_tui.engine.text import clean
from adp_tui.tui.arguments import UsageError
from adp_tui.tui.extending import folders_of
from adp_tui.tui.progress_line import ProgressLine

__all__ = ["list_macros", "run_macro"]

FAILED = 1

Write = Callable[[Iterator[str], bool], None]
"""Writes pieces to standard output; the second tells whether they are JSON."""


def list_macros(options: argparse.Namespace, write: Write) -> int:
    """Print the macros that there are, and what is none with the reason.

    Returns:
        The exit status: 0.

    Raises:
        AdpError: the folder that is named is not there, or it cannot be written.
    """
    folders = folders_of(options)
    entries = default_library(folders).entries(provision(folders).descriptors)
    rows = [row_of(entry) for entry in entries]
    write(json_list(rows) if options.json else text_list(rows), options.json)
    return 0


def run_macro(options: argparse.Namespace, session: Session, write: Write) -> int:
    """Run a macro and print what it says.

    Returns:
        The exit status: 0; 1 where it failed, or something may be missing from what it says.

    Raises:
        UsageError: there is no such macro, or it is not to be run like this.
        AdpError: it cannot be written.
    """
    progress = ProgressLine(sys.stderr)
    try:
        outcome = session.run_macro(
            options.name, options.argument, options.on, progress, deadline_s=options.deadline
        )
    except MacroUsageError as error:
        raise UsageError(clean(error.message), clean(error.help)) from None
    finally:
        progress.clear()
    if options.json:
        write(json_outcome(outcome, session.snapshot.target), True)
    else:
        write(text_outcome(outcome), False)
    if outcome.error is not None:
        print(f"adp-tui: the macro {outcome.name} failed:", file=sys.stderr)
        for line in outcome.error.splitlines():
            print(f"  {clean(line)}", file=sys.stderr)
    lost = sum(loss.missing for loss in session.snapshot.losses)
    if lost:
        print(
            f"adp-tui: the macro saw not all: {lost} things could not be read",
            file=sys.stderr,
        )
        print("  adp-tui report says which", file=sys.stderr)
    return FAILED if outcome.error is not None or outcome.problems or lost else 0
