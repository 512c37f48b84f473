"""A terminal that is gone ends the application, where nobody tells it by a signal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

PATIENCE_S = 60.0


def test_a_terminal_that_vanishes(tmp_path: Path) -> None:
    # GIVEN the demo in a terminal that is not its controlling one, as under setsid
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "adp_tui", "demo"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=os.environ | {"TERM": "xterm-256color", "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    try:
        os.close(slave)
        drawn = b""
        while b"Findings" not in drawn and b"Tasks" not in drawn:
            ready, _, _ = select.select([master], [], [], PATIENCE_S)
            assert ready, f"nothing was drawn: {drawn[-500:]!r}"
            drawn += os.read(master, 1 << 16)
        assert list(tmp_path.iterdir())
        # WHEN the terminal goes away
        os.close(master)
        # THEN it ends, with the status of a hang-up, and leaves no file behind
        assert process.wait(PATIENCE_S) == 128 + signal.SIGHUP
        assert not list(tmp_path.iterdir())
    finally:
        process.kill()
        process.wait()
