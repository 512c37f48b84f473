"""Runs a macro on a thread of its own: with a deadline, cancelled when asked to, heard and bounded.

A macro may loop for ever, print, raise anything or end Python: none of that ends the session. It
asks the session through a ``Gate``, which is shut before it is told to stop; so it never touches
what others read meanwhile.
"""

from __future__ import annotations

import ctypes
import io
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Generic, TypeVar

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.text import clean

__all__ = ["DEADLINE_S", "Gate", "Ran", "StoppedError", "run"]

DEADLINE_S = 10.0
"""Wall clock of a macro."""
GRACE_S = 1.0
"""How long one that was told to stop may take to do so."""
LOOK_S = 0.05
"""How often it is looked whether it shall stop."""
MAX_PRINTED = 64 << 10
"""Characters that a macro prints."""
MAX_REASON = 4_000
MAX_FRAMES = 20
"""Lines of a traceback."""

T = TypeVar("T")


class StoppedError(BaseException):
    """A macro shall end; ``except Exception`` in it does not catch this."""


class Gate:
    """What a macro passes for each question that it asks; shut when its time is over."""

    def __init__(self, deadline: float = float("inf")) -> None:
        self._lock = threading.Lock()
        self.reason: str | None = None
        """Why it is shut."""
        self.deadline = deadline
        """By ``time.monotonic``."""

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Hold the gate open for one question.

        Raises:
            StoppedError: it is shut.
        """
        with self._lock:
            if self.reason is not None:
                raise StoppedError(self.reason)
            yield

    def shut(self, reason: str) -> None:
        """Wait for the question that is being answered, and let none through any more."""
        with self._lock:
            self.reason = self.reason or reason

    @property
    def left_s(self) -> float:
        """How many seconds are left."""
        return max(self.deadline - time.monotonic(), 0.001)


@dataclass(frozen=True, slots=True)
class Ran(Generic[T]):
    """What became of a macro: its result, or why there is none."""

    result: T | None
    error: str | None
    printed: str
    problems: tuple[str, ...] = ()


def run(
    function: Callable[[Gate], T],
    path: str,
    source: bytes = b"",
    *,
    deadline_s: float = DEADLINE_S,
    cancelled: Callable[[], bool] = lambda: False,
) -> Ran[T]:
    """Run a function on a thread of its own.

    Args:
        function: is given the gate for what it asks.
        path: of its file: only lines of it stand in a traceback.
        source: what the file held when it was read.
        deadline_s: after how many seconds it is told to stop.
        cancelled: whether to tell it so now.
    """
    gate = Gate(time.monotonic() + deadline_s)
    outcome: list[tuple[T | None, str | None]] = []

    def work() -> None:
        # Whatever it raises, SystemExit and KeyboardInterrupt included, ends the macro alone.
        try:
            outcome.append((function(gate), None))
        except BaseException as error:
            outcome.append((None, _reason(error, path, source)))

    thread = threading.Thread(target=work, name="macro", daemon=True)
    with _heard(thread) as printed:
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_S)
            over = time.monotonic() > gate.deadline
            if thread.is_alive() and (over or cancelled()):
                ended = _stop(
                    thread, gate, f"it took longer than {deadline_s:g} s" if over else "cancelled"
                )
                return _stopped(gate, outcome, printed, ended)
    result, error = outcome[0] if outcome else (None, "it ended without a word")
    problems = ("it printed more, which was left out",) if printed.cut else ()
    return Ran(result, error, printed.text, problems)


def _stopped(
    gate: Gate, outcome: list[tuple[T | None, str | None]], printed: _Printed, ended: bool
) -> Ran[T]:
    if outcome and outcome[0][1] is None:
        # It was done just then.
        return Ran(outcome[0][0], None, printed.text)
    problems = () if ended else ("it cannot be stopped: it goes on until adp-tui ends",)
    return Ran(None, gate.reason, printed.text, problems)


def _stop(thread: threading.Thread, gate: Gate, reason: str) -> bool:
    """Tell a thread to stop, again and again for a while; return whether it has."""
    gate.shut(reason)
    until = time.monotonic() + GRACE_S
    while thread.is_alive() and time.monotonic() < until:
        # It waits for nothing of ours any more, so the exception meets none of our code.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(StoppedError)
        )
        thread.join(LOOK_S)
    return not thread.is_alive()


# What it prints.


class _Printed:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = MAX_PRINTED
        self.cut = False

    def write(self, text: str) -> None:
        self.cut = self.cut or len(text) > self._left
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)

    @property
    def text(self) -> str:
        """What was printed, clean but for its line ends."""
        return "\n".join(clean(line) for line in "".join(self._parts).splitlines())


_LISTENING: dict[threading.Thread, _Printed] = {}


class _Ear(io.TextIOBase):
    """Takes what macros print; what other threads print goes where it went before."""

    def __init__(self, other: io.TextIOBase) -> None:
        self.other = other

    def write(self, text: str) -> int:
        printed = _LISTENING.get(threading.current_thread())
        if printed is None:
            return self.other.write(text)
        printed.write(str(text))
        return len(text)

    def flush(self) -> None:
        if threading.current_thread() not in _LISTENING and self.other is not None:
            self.other.flush()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.other.fileno()

    def isatty(self) -> bool:
        return self.other.isatty()


@contextmanager
def _heard(thread: threading.Thread) -> Iterator[_Printed]:
    """Listen to a thread. To one that cannot be stopped it is listened for ever."""
    _LISTENING[thread] = printed = _Printed()
    streams = ((name, getattr(sys, name)) for name in ("stdout", "stderr"))
    ears = {name: _Ear(stream) for name, stream in streams if stream is not None}
    for name, ear in ears.items():
        setattr(sys, name, ear)
    try:
        yield printed
    finally:
        if not thread.is_alive():
            del _LISTENING[thread]
            for name, ear in ears.items():
                if getattr(sys, name) is ear:
                    setattr(sys, name, ear.other)


# Why it failed.


def _reason(error: BaseException, path: str, source: bytes) -> str:
    """Say what went wrong, with the lines of the macro's own file that led there."""
    lines = list(_own_lines(error.__traceback__, path, source))
    words = f"{error.message}" if isinstance(error, AdpError) else _described(error)
    if isinstance(error, AdpError) and error.help:
        words += f"; {error.help}"
    if isinstance(error, SyntaxError) and error.lineno:
        lines.append(f"line {error.lineno}")
    return "\n".join([clean(words, MAX_REASON), *lines[-MAX_FRAMES:]])


def _described(error: BaseException) -> str:
    try:
        words = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        # The text of an exception may be code of the macro's own.
        words = "it cannot say what"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _own_lines(trace: TracebackType | None, path: str, source: bytes) -> Iterator[str]:
    text = source.decode("utf-8", "replace").splitlines()
    for frame, line in traceback.walk_tb(trace):
        if frame.f_code.co_filename == path:
            here = text[line - 1].strip() if 0 < line <= len(text) else ""
            name = path.rpartition("/")[2]
            yield clean(f"{name}:{line} in {frame.f_code.co_name}: {here}", 300)
