"""The command line: usage, terminals, pipes and signals."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import adp_tui

SECONDS = 120
COMMAND = [sys.executable, "-m", "adp_tui"]
ROOT = Path(adp_tui.__file__).parents[1]


# Usage.

WRONG = {
    "nothing": ((), "nothing to open is named", "adp-tui core CORE"),
    "unknown": (("look",), "invalid choice: 'look'", "adp-tui --help"),
    "no-core": (("core",), "the following arguments are required: CORE", "adp-tui core --help"),
    "no-target": (("report",), "nothing to report on is named", "adp-tui report core CORE"),
    "two-cores": (("core", "a", "b"), "unrecognized arguments: b", "--help"),
    "no-value": (("core", "a", "--exe"), "argument --exe: expected one argument", "--help"),
    "abbreviated": (("report", "core", "a", "--js"), "unrecognized arguments: --js", "--help"),
    "json-screen": (("core", "a", "--json"), "unrecognized arguments: --json", "--help"),
    "both-only": (
        ("report", "core", "a", "--threads-only", "--tasks-only"),
        "argument --tasks-only: not allowed with argument --threads-only",
        "--help",
    ),
    "unknown-finding": (
        ("report", "core", "a", "--fail-on", "deadlock,slowness"),
        "slowness is no kind of finding; known are deadlock, queued_behind",
        "--help",
    ),
    "no-finding": (("report", "core", "a", "--fail-on", ","), "nothing is no kind", "--help"),
}


@pytest.mark.parametrize(("words", "says", "advises"), WRONG.values(), ids=WRONG)
def test_wrong_usage(words, says, advises, adp_tui_command):
    # GIVEN a command line that makes no sense
    # WHEN it is run
    ran = adp_tui_command(*words)
    # THEN it is refused in two lines: what is wrong, and what to type
    assert ran.status == 2 and ran.out == ""
    message, help = ran.err.splitlines()
    assert message.startswith("adp-tui: ") and says in message
    assert help.startswith("  ") and advises in help


def test_version(adp_tui_command):
    ran = adp_tui_command("--version")
    assert (ran.status, ran.out, ran.err) == (0, f"adp-tui {adp_tui.__version__}\n", "")


@pytest.mark.parametrize("words", [(), ("core",), ("report",), ("report", "core"), ("demo",)])
def test_help(words, adp_tui_command):
    ran = adp_tui_command(*words, "--help")
    assert ran.status == 0 and ran.err == ""
    assert ran.out.startswith(f"usage: {' '.join(('adp-tui', *words))}")


IMPORTED = """
import sys
from adp_tui.tui.cli import main
status = main(sys.argv[1:])
print(status, *sorted(m for m in ("textual", "rich", "elftools", "ptrace") if m in sys.modules))
"""


@pytest.mark.parametrize("words", [(), ("core",), ("core", "a", "--nothing"), ("core", "a")])
def test_a_usage_error_imports_nothing_slow(words):
    # GIVEN a wrong command line, or a screen without a terminal
    # WHEN it is refused
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=ROOT,
    )
    # THEN neither the screen's libraries nor the readers' were imported
    assert done.stdout == "2\n", done


# Terminals.


def test_a_screen_needs_a_terminal(adp_tui_command, tmp_path):
    # GIVEN no terminal
    # WHEN a screen is asked for
    ran = adp_tui_command("core", tmp_path / "a core", "--exe", "b", "--no-mouse")
    # THEN the report is named, as it would be typed
    assert ran.status == 2 and ran.out == ""
    message, help = ran.err.splitlines()
    assert message.startswith("adp-tui: a full screen needs a terminal")
    assert help == f"  the same as text: adp-tui report core '{tmp_path}/a core' --exe b"


def on_terminal(*words: object, term: str) -> tuple[int, str]:
    """Run adp-tui on a pseudo terminal of 80 columns; return its status and what it wrote."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *map(str, words)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, "TERM": term, "COLUMNS": "80", "LINES": "24"},
        )
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            written += piece
        return process.wait(SECONDS), written.decode().replace("\r\n", "\n")
    finally:
        os.close(ours)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_place_text(term, tmp_path):
    status, written = on_terminal("core", tmp_path / "core", term=term)
    assert status == 2
    assert f"TERM={term} cannot place text" in written
    assert f"adp-tui report core {tmp_path}/core" in written and "\x1b" not in written


def test_a_bad_core_never_opens_the_screen(tmp_path):
    # GIVEN a terminal and a file that is no core
    path = tmp_path / "text"
    path.write_text("no core\n" * 20)
    # WHEN it is opened full screen
    status, written = on_terminal("core", path, term="xterm-256color")
    # THEN it is refused on the plain terminal
    assert status == 3 and "\x1b" not in written
    assert written.splitlines()[0] == f"adp-tui: {path} is a text file, not a core"


def test_text_is_folded_to_the_terminal(dump):
    # GIVEN a terminal of 80 columns
    # WHEN a core is reported on
    status, written = on_terminal("report", "core", dump("tiny").core, term="dumb")
    # THEN lines that can be broken are, and nothing steers the terminal
    assert status == 0 and "\x1b" not in written
    lines = written.splitlines()
    numbered = re.compile(r"^\s*(#\d+)?\s*")
    long = [line for line in lines if len(line) > 80 and "  " in numbered.sub("", line)]
    assert not long and len(lines) > 40


# Pipes and signals.


def start_on_a_small_pipe(*words: object) -> tuple[subprocess.Popen[bytes], int]:
    """Run adp-tui with a pipe that its report does not fit into, and wait for its first bytes."""
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [*COMMAND, *map(str, words)], stdout=into, stderr=subprocess.PIPE, cwd=ROOT
    )
    os.close(into)
    ready, _, _ = select.select([out], [], [], SECONDS)
    assert ready
    return process, out


def test_a_reader_that_goes_away(dump):
    # GIVEN a report that is being written into a pipe
    process, out = start_on_a_small_pipe("report", "core", dump("tiny").core, "--json")
    # WHEN its reader goes away, as head does
    assert os.read(out, 10) == b'{"schema":'
    os.close(out)
    # THEN it ends quietly, as by SIGPIPE
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (128 + signal.SIGPIPE, b"")


def test_an_interrupt(dump):
    # GIVEN a report that waits for its reader
    process, out = start_on_a_small_pipe("report", "core", dump("tiny").core, "--json")
    # WHEN it is interrupted
    process.send_signal(signal.SIGINT)
    # THEN it ends without a traceback, though its output is not read
    _, errors = process.communicate(timeout=SECONDS)
    os.close(out)
    assert (process.returncode, errors) == (130, b"")


def test_a_full_disk(dump):
    # GIVEN an output that takes nothing
    with open("/dev/full", "wb") as full:
        # WHEN a report is written to it
        done = subprocess.run(
            [*COMMAND, "report", "core", dump("tiny").core, "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            cwd=ROOT,
        )
    # THEN the reason is given and the status says that the report is not whole
    assert done.returncode == 1
    assert done.stderr.startswith(b"adp-tui: the report cannot be written: No space left on")
