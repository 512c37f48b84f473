"""A line on standard error that says what is being read, gone when it was."""

from __future__ import annotations

import os
import shutil
import time
from typing import TextIO

from adp_tui.engine.text import clean
from adp_tui.engine.views.records import Progress

__all__ = ["ProgressLine"]

PATIENCE_S = 0.3
"""What takes less has no progress line: it would only flicker."""
_ERASE = "\r\x1b[K"


class ProgressLine:
    """Writes to a terminal; says nothing to a file, a pipe or a dumb terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._after = time.monotonic() + PATIENCE_S
        self._written = False

    def __call__(self, step: Progress) -> None:
        """Say what is being read now."""
        if not self._shows or time.monotonic() < self._after:
            return
        text = step.text
        if step.done is not None and step.total:
            text += f" {100 * step.done // step.total} %"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(_ERASE + clean(text, max(width, 1)))
        self._stream.flush()
        self._written = True

    def clear(self) -> None:
        """Take the line away."""
        if self._written:
            self._stream.write(_ERASE)
            self._stream.flush()
            self._written = False
