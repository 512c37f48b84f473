"""The program ``steps`` while it runs: what it is told to do, it has done."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.alive import Alive, alive, state_of, threads_of, until
from support.build import Dump

__all__ = ["Steps", "steps"]


class Steps:
    """A process of which each task moves, ends or appears only when that is said."""

    def __init__(self, program: Alive, path: Path) -> None:
        self.program = program
        self.path = path
        """Of the socket that its first thread reads from."""

    @property
    def pid(self) -> int:
        return self.program.pid

    def turn(self) -> None:
        """Let the task ``turns`` come back to its await."""
        self._say("turn")

    def end(self) -> None:
        """Let the task ``ends`` end."""
        self._say("end")

    def new(self) -> None:
        """Let a task ``stands`` appear."""
        self._say("new")

    def rests(self) -> None:
        """Wait until every thread sleeps."""
        tids = threads_of(self.pid)
        until(lambda: all(state_of(self.pid, tid) == "S" for tid in tids), "threads that sleep")

    def _say(self, word: str) -> None:
        lines = len(self.program.printed().splitlines())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
            said.sendto(word.encode(), str(self.path))
        until(lambda: len(self.program.printed().splitlines()) > lines, f"{word} to be done")
        self.rests()


@contextmanager
def steps(dump: Dump) -> Iterator[Steps]:
    """Run ``steps`` until the end of the context."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "socket"
        with alive([dump.exe, path]) as program:
            program.wait_for("ready")
            found = Steps(program, path)
            found.rests()
            yield found
