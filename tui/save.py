"""``adp-tui save``: what would be shown, in a file."""

from __future__ import annotations

import sys
from pathlib import Path

from adp_tui.engine.text import clean
from adp_tui.tui.opening import TargetOpener
from adp_tui.tui.progress_line import ProgressLine
from adp_tui.tui.sentences import sentence

__all__ = ["save"]


def save(opener: TargetOpener, path: Path, *, values: bool, force: bool) -> int:
    """Read a target, write its snapshot and say so on standard error.

    Returns:
        The exit status: 0.

    Raises:
        AdpError: it cannot be read, or not be written.
    """
    progress = ProgressLine(sys.stderr)
    try:
        session = opener(progress)
        try:
            saved = session.save(str(path), values=values, overwrite=force, progress=progress)
        finally:
            session.close()
    finally:
        progress.clear()
    print(clean(sentence(saved)), file=sys.stderr)
    return 0
