"""Programs that run while a test looks at them."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.build import Dump

__all__ = [
    "Alive",
    "alive",
    "has_stopped",
    "state_of",
    "stayed",
    "threads_of",
    "tracer_of",
    "until",
]

STAY = Path(__file__).with_name("stay.c")
SECONDS = 60
"""Far more than anything here takes: what hangs fails its test."""


class Alive:
    """A program that runs, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._output = output

    def printed(self) -> str:
        """Return all that it has written."""
        return self._output.read_text(errors="replace")

    def wait_for(self, word: str) -> None:
        """Wait until it has written a word."""
        until(lambda: word in self.printed(), f"{word!r} in {self.printed()!r}")

    def fact(self, name: str) -> int:
        """Wait until it has said a number, ``fact NAME NUMBER``, and return the last one."""
        self.wait_for(f"fact {name} ")
        found = re.findall(rf"^fact {name} (\d+)$", self.printed(), re.MULTILINE)
        return int(found[-1])

    def ask(self, name: str) -> int:
        """Say a name on its standard input, and return the number that it answers."""
        assert self.process.stdin is not None
        before = self.printed().count(f"fact {name} ")
        self.process.stdin.write(f"{name}\n".encode())
        self.process.stdin.flush()
        until(lambda: self.printed().count(f"fact {name} ") > before, f"an answer to {name!r}")
        return self.fact(name)

    def end(self) -> int:
        """Close its standard input, wait until it has ended, and return its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(SECONDS)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it is not after a minute.
    """
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


@contextmanager
def alive(
    command: Sequence[str | Path],
    *,
    preload: Path | None = None,
    cwd: Path | None = None,
    listens: bool = False,
) -> Iterator[Alive]:
    """Run a program in a session of its own until the end of the context.

    Its standard input is empty, unless it ``listens``.
    """
    environment = {**os.environ, "RUST_BACKTRACE": "0"}
    if preload is not None:
        environment["LD_PRELOAD"] = str(preload)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                list(map(str, command)),
                cwd=cwd,
                env=environment,
                stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield Alive(process, output)
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def stayed(dump: Dump, *arguments: str) -> Iterator[Alive]:
    """Run the program of a dump up to where it would crash; there it is stopped by SIGSTOP."""
    command = [dump.exe, *arguments]
    with alive(command, preload=_stay(), cwd=dump.exe.parent) as program:
        until(lambda: has_stopped(program.pid), f"{dump} to stop: {program.printed()}")
        yield program


@functools.cache
def _stay() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="adp-tui-stay-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = folder / "stay.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", STAY, "-o", library], check=True)
    return library


def state_of(pid: int, tid: int | None = None) -> str:
    """Return the letter of a process's state, or of one of its threads."""
    return _status(pid, tid, "State")[0]


def has_stopped(pid: int) -> bool:
    """Tell whether all threads of a process have stopped: they do one after the other."""
    try:
        return {state_of(pid, tid) for tid in threads_of(pid)} == {"T"}
    except (FileNotFoundError, ProcessLookupError):
        # One of them has ended meanwhile.
        return False


def tracer_of(pid: int, tid: int | None = None) -> int:
    """Return who traces a process; 0 for nobody."""
    return int(_status(pid, tid, "TracerPid"))


def threads_of(pid: int) -> list[int]:
    """Return the threads of a process."""
    return sorted(map(int, os.listdir(f"/proc/{pid}/task")))


def _status(pid: int, tid: int | None, name: str) -> str:
    text = Path(f"/proc/{pid}/task/{tid or pid}/status").read_text()
    found = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)
    assert found is not None
    return found[1]
