"""What a cursor move costs a terminal, counted at a real pty.

Counted are all bytes that the application writes between a key press and the moment it falls
silent. "The move itself" is measured with a rest so long that the detail side never follows:
exactly what each press of a held key costs. What follows once the cursor rests is counted
apart: it is sent once, however far the cursor went.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

HERE = Path(__file__).parent
SILENCE_S = 0.3
"""An application that has written nothing for so long is idle: it has no timers of its own."""
START_S = 60.0
NEVER = "3600"
CHOSEN = "▌ ".encode()
ALL = b"/100,000"


class Terminal:
    """An application in a pty of 120 by 40 with 16 million colours."""

    def __init__(self, tasks: int, rest: str) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "bytes_app.py"), str(tasks), rest],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=HERE,
            start_new_session=True,
        )
        os.close(slave)

    def read(self, until: bytes = b"", silence: float = SILENCE_S) -> bytes:
        """Return what is written until it is silent, and ``until`` was written."""
        written = b""
        while True:
            missing = until not in written
            ready, _, _ = select.select([self.master], [], [], START_S if missing else silence)
            if not ready:
                assert not missing, f"{until!r} was never written; the last is {written[-500:]!r}"
                return written
            try:
                written += os.read(self.master, 1 << 16)
            except OSError:
                pytest.fail(f"the application ended: {written[-2000:].decode(errors='replace')}")

    def press(self, key: str, until: bytes = b"") -> bytes:
        """Type a key and return what is written from then on."""
        os.write(self.master, key.encode())
        return self.read(until)

    def move(self) -> tuple[bytes, bytes]:
        """Move to the second row and back, and return what each move wrote."""
        return self.press("j", CHOSEN + b"t2 "), self.press("k", CHOSEN + b"t1 ")

    def settle(self) -> None:
        """Wait until all is painted: until a move writes what the one before wrote."""
        before = self.move()
        while (again := self.move()) != before:
            before = again

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def still() -> Iterator[Terminal]:
    """An application whose detail side never follows."""
    terminal = Terminal(100_000, NEVER)
    yield terminal
    terminal.close()


@pytest.fixture
def following() -> Iterator[Terminal]:
    """An application as users have it."""
    terminal = Terminal(100_000, "0.12")
    yield terminal
    terminal.close()


def test_a_move_in_100_000_rows_writes_at_most_1_kb(still: Terminal) -> None:
    # GIVEN the tasks, 100,000 of them, on the screen
    still.read(until=ALL)
    still.settle()
    # WHEN the cursor moves down and up without scrolling
    written = still.move()
    # THEN two lines are written, and little else
    assert max(map(len, written)) <= 1000, list(map(len, written))


def test_a_move_in_the_zoomed_list_writes_at_most_1_kb(still: Terminal) -> None:
    # GIVEN the tasks over the whole width of the screen
    still.read(until=ALL)
    still.settle()
    still.press("z", until=ALL)
    still.settle()
    # WHEN the cursor moves down and up without scrolling
    written = still.move()
    # THEN that is cheap as well
    assert max(map(len, written)) <= 1000, list(map(len, written))


def test_a_mouse_that_moves_writes_nothing(still: Terminal) -> None:
    # GIVEN the tasks on the screen
    still.read(until=ALL)
    still.settle()
    down, _ = still.move()
    # WHEN the mouse moves over three rows, and then the cursor moves
    mouse = "".join(f"\x1b[<35;20;{row}M" for row in (20, 21, 22))
    written = still.press(f"{mouse}j", CHOSEN + b"t2 ")
    # THEN only what the cursor's move costs is written
    assert written == down


def test_the_detail_follows_once_the_cursor_rests(following: Terminal) -> None:
    # GIVEN the tasks on the screen, and the first one's stack beside them
    following.read(until=b"transfer_t1")
    # WHEN the cursor goes down ten rows, as fast as a held key
    written = following.press("j" * 10, until=b"transfer_t11")
    # THEN the detail of the last row is shown, and of none between
    assert b"transfer_t5" not in written
    # AND it costs less than the half screen that the detail side is
    assert len(written) <= 12_000, len(written)
