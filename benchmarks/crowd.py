"""A program with 100,000 tasks: how long a report takes, and a key while the screen loads it.

The program is ``tests/programs/crowd``. Printed are wall time and peak memory of
``adp-tui report core CORE --json``, and the time from writing a key to the full-screen
application until the first byte that answers it, while it reads the same core.

    python benchmarks/crowd.py               100,000 tasks
    python benchmarks/crowd.py --tasks 2000
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

from report_vs_gdb import ROOT, run

REPORT_S = 5.0
KEY_MS = 50.0
"""At most so long."""
RUNS = 3
PAUSE_S = 0.03
"""Between an answer and the next key: more keys than any hand types."""
GIVE_UP_S = 10.0
LONGEST_S = 120.0
PANES = (("2", "2 Threads"), ("3", "3 Tasks"))
"""Keys that go to another pane, and its title, which is written again when it is chosen."""
READING = "esc stops it"
"""Stands on the screen while the core is read."""


class Screen:
    """The full-screen application in a terminal of 120 by 40."""

    def __init__(self, core: Path, executable: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        command = [sys.executable, "-m", "adp_tui", "core", str(core), "--exe", str(executable)]
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def read(self, seconds: float) -> bytes:
        """Return what is written next; nothing where nothing is, for so long."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        return os.read(self._master, 1 << 16) if ready else b""

    def wait_for(self, text: str) -> None:
        """Return when a text was written."""
        written = b""
        while text.encode() not in written:
            more = self.read(GIVE_UP_S)
            if not more:
                raise SystemExit(f"{text!r} was never written")
            written += more

    def answer(self, key: str, title: str) -> tuple[float, bytes]:
        """Type a key; return the milliseconds until it is answered, and all that was written."""
        written = b""
        began = time.perf_counter()
        os.write(self._master, key.encode())
        while True:
            more = self.read(GIVE_UP_S)
            took = 1000 * (time.perf_counter() - began)
            written += more
            if not more or title.encode() in written:
                return took, written


def keys_while_reading(core: Path, executable: Path, tasks: int) -> list[float]:
    """Return the milliseconds that each key took, until the core was read."""
    took: list[float] = []
    # The number of rows stands over the list once it is there; main's own root is one of them.
    read = f"/{tasks + 1:,}".encode()
    end = time.monotonic() + LONGEST_S
    with Screen(core, executable) as screen:
        screen.wait_for(READING)
        while time.monotonic() < end:
            key, title = PANES[len(took) % len(PANES)]
            milliseconds, written = screen.answer(key, title)
            rest = b""
            while more := screen.read(PAUSE_S):
                rest += more
            if read in written + rest:
                break
            took.append(milliseconds)
    return took


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    from support.build import make

    made = make("crowd", str(options.tasks), profile="release")
    command = [sys.executable, "-m", "adp_tui", "report", "core", str(made.core)]
    command += ["--exe", str(made.exe), "--json"]
    before = os.getloadavg()[0]
    runs = [run(command) for _ in range(options.runs)]
    if any(each.status not in (0, 1) for each in runs):
        print(f"the report ended with status {[each.status for each in runs]}")
        return 1
    seconds = statistics.median(each.seconds for each in runs)
    memory = statistics.median(each.megabytes for each in runs)
    print(f"report   {seconds:7.2f} s, {memory:.0f} MB, median of {len(runs)} ", end="")
    print(f"(budget {REPORT_S:.0f} s)")
    keys = sorted(keys_while_reading(made.core, made.exe, options.tasks))
    if keys:
        late = keys[min(len(keys) * 95 // 100, len(keys) - 1)]
        print(
            f"key      {statistics.median(keys):7.1f} ms, 95 of 100 in {late:.1f} ms, "
            f"the slowest {keys[-1]:.1f} ms, {len(keys)} keys while reading "
            f"(budget {KEY_MS:.0f} ms)"
        )
    print(f"load     {before:7.2f} at the beginning, {os.getloadavg()[0]:.2f} at the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
