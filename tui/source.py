"""The lines of source around a frame, where the file is on this machine."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from adp_tui.engine.text import clean
from adp_tui.engine.views.records import FrameRow

__all__ = ["SourceLine", "excerpt"]

_AROUND = 8
"""Lines before and after the one in question."""
_MAX_SIZE = 4 << 20
_MAX_LINE = 400
_SUFFIXES = frozenset({".rs", ".c", ".h", ".cc", ".cpp", ".hpp"})
"""The name of the file comes from the target: what is no source is not opened."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of source; ``here`` marks the frame's own."""

    number: int
    text: str
    here: bool


def excerpt(frame: FrameRow) -> tuple[SourceLine, ...]:
    """Return the lines around a frame's; nothing where there is no such file or line.

    The file may be of another version than the program: the caller says so.
    """
    if frame.file is None or frame.line is None:
        return ()
    path = Path(frame.dir or "", frame.file)
    if not path.is_absolute() or path.suffix not in _SUFFIXES:
        return ()
    try:
        # Not a device or a pipe, which the target's debug information could name.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return ()
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_SIZE:
        os.close(descriptor)
        return ()
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        lines = file.read(_MAX_SIZE).splitlines()
    if not 0 < frame.line <= len(lines):
        return ()
    first = max(frame.line - _AROUND, 1)
    return tuple(
        SourceLine(number, clean(text.expandtabs(4), _MAX_LINE), number == frame.line)
        for number, text in enumerate(lines[first - 1 : frame.line + _AROUND], first)
    )
