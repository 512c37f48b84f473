"""``adp-tui dump``: what it says, what it leaves, and that the process survives it."""

from __future__ import annotations

import os
import re
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.alive import Alive, alive, has_stopped, state_of, stayed, threads_of, tracer_of, until
from support.build import NEWEST, PROFILES
from support.reports import differences, report_of

import adp_tui
from adp_tui.backends import core_writer
from adp_tui.backends.core import open_core
from adp_tui.backends.core_writer import write_core
from adp_tui.backends.live import LiveProcess
from adp_tui.engine.errors import CancelledError
from adp_tui.engine.session import Session

ROOT = Path(adp_tui.__file__).parents[1]
SECONDS = 60


@pytest.fixture
def sleeper() -> Iterator[Alive]:
    with alive(["sleep", "1000"]) as program:
        until(lambda: state_of(program.pid) == "S", "sleep to sleep")
        yield program


PROGRAMS = [("zoo", NEWEST, profile) for profile in PROFILES] + [("service", None, "release")]


@pytest.mark.parametrize(("name", "tokio", "profile"), PROGRAMS, ids=lambda it: it or "own")
def test_the_reports_agree(name, tokio, profile, dump, adp_tui_command, tmp_path):
    # GIVEN a program with many kinds of tasks that stands, and its report
    made = dump(name, tokio=tokio, profile=profile)
    core = tmp_path / "core"
    with stayed(made) as program:
        live = Session(LiveProcess(program.pid))
        expected = report_of(live)
        live.close()
        # WHEN it is dumped
        ran = adp_tui_command("dump", "--pid", program.pid, "-o", core)
        assert ran.status == 0 and ran.out == ""
        # THEN it says how long the process stood, and the core is for this user alone
        assert re.fullmatch(
            rf"{core}: [\d.]+ MB, \d+ threads; process {program.pid} stood for \d+ ms and runs on",
            ran.err.rstrip(),
        )
        assert stat.S_IMODE(core.stat().st_mode) == 0o600
        until(lambda: has_stopped(program.pid), "it to stand as before")
    # AND the report of that core, when the process is gone, is the same but for the target
    session = Session(open_core(core))
    found = report_of(session)
    session.close()
    assert found["tasks"] and list(differences(expected, found)) == []


def test_refusals(sleeper, adp_tui_command, tmp_path):
    core = tmp_path / "core"
    core.write_text("important")
    pid = sleeper.pid
    for words, status, says, advises in (
        (("--pid", pid), 2, "no file to write is named", "adp-tui dump --pid PID -o FILE"),
        (("-o", core), 2, "nothing to dump is named", "adp-tui dump --pid PID -o FILE"),
        (
            ("--pid", pid, "-o", core, "--no-stop"),
            2,
            "cannot be made without a stop",
            "--max-pause",
        ),
        (("--pid", pid, "-o", core), 3, "is there already", "--force"),
        (("--pid", 2**31 - 1, "-o", core), 3, f"there is no process {2**31 - 1}", "lists"),
        (
            ("--pid", pid, "-o", f"{core}2", "--max-pause", "0.001"),
            3,
            "longer than 0.001 ms",
            "dump",
        ),
    ):
        ran = adp_tui_command("dump", *words)
        message, help = ran.err.splitlines()
        assert (ran.status, ran.out) == (status, "") and says in message and advises in help
    assert core.read_text() == "important" and list(tmp_path.iterdir()) == [core]
    goes_on(pid)


def goes_on(pid: int) -> None:
    """Assert that a process that sleeps is let go of: it runs for a moment then."""
    until(lambda: state_of(pid) == "S", "the process to go on")
    assert tracer_of(pid) == 0


def test_a_file_that_may_not_be_so_long(sleeper, adp_tui_command, tmp_path):
    # GIVEN a user who may write files of 16 kB
    ran = adp_tui_command(
        "dump", "--pid", sleeper.pid, "-o", tmp_path / "core",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384)),
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    # THEN it is said, and nothing is left
    assert ran.status == 3 and "cannot be written: File too large" in ran.err
    assert not list(tmp_path.iterdir())
    goes_on(sleeper.pid)


def test_a_copy_that_nobody_waits_for_ends(sleeper, tmp_path, monkeypatch):
    # GIVEN a dump that is given up while the process stands
    plain = core_writer.core_head

    def given_up(*arguments: Any) -> Any:
        copiers[0].give_up()
        return plain(*arguments)

    class Copier(core_writer._Copier):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            copiers.append(self)

    copiers: list[Copier] = []
    monkeypatch.setattr(core_writer, "_Copier", Copier)
    monkeypatch.setattr(core_writer, "core_head", given_up)
    # THEN it ends before anything is copied, and the process goes on
    with pytest.raises(CancelledError):
        write_core(sleeper.pid, tmp_path / "core")
    assert not list(tmp_path.iterdir())
    goes_on(sleeper.pid)


# The end of adp-tui while the process stands. It would copy the memory next: a pipe holds it there.
HELD = """
import errno, os, sys
from adp_tui.backends import core_writer
from adp_tui.tui.cli import main

def held(*arguments):
    print("stands", flush=True)
    os.read(int(sys.argv[2]), 1)
    return plain_head(*arguments)

def without_nameless_files(path, flags, mode=0o777, **options):
    if flags & os.O_TMPFILE == os.O_TMPFILE:
        raise OSError(errno.EOPNOTSUPP, "")
    return plain(path, flags, mode, **options)

plain_head, core_writer.core_head = core_writer.core_head, held
if sys.argv[1] == "named":
    plain, os.open = os.open, without_nameless_files
sys.exit(main(sys.argv[3:]))
"""

ENDS = {
    "ctrl-c": (signal.SIGINT, 130),
    "terminal-closed": (signal.SIGHUP, 128 + signal.SIGHUP),
    "kill": (signal.SIGTERM, 128 + signal.SIGTERM),
    "kill-9": (signal.SIGKILL, -signal.SIGKILL),
}


@pytest.mark.parametrize(("number", "status"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("files", ["nameless", "named"])
def test_adp_tui_is_ended_while_the_process_stands(files, number, status, sleeper, tmp_path):
    # GIVEN a dump that is being made
    read, write = os.pipe()
    command = [sys.executable, "-c", HELD, files, str(read)]
    command += ["dump", "--pid", str(sleeper.pid), "-o", str(tmp_path / "core")]
    options = {"stdout": subprocess.PIPE, "pass_fds": [read], "cwd": ROOT}
    with subprocess.Popen(command, **options) as dumping:
        try:
            assert dumping.stdout is not None
            assert dumping.stdout.readline() == b"stands\n"
            assert state_of(sleeper.pid) == "t"
            # The kernel names the thread that traces.
            assert tracer_of(sleeper.pid) in threads_of(dumping.pid)
            # WHEN adp-tui is ended
            dumping.send_signal(number)
            if number != signal.SIGKILL:
                os.write(write, b"x")
            assert dumping.wait(SECONDS) == status
        finally:
            dumping.kill()
            os.close(read)
            os.close(write)
    # THEN the process goes on, untraced
    goes_on(sleeper.pid)
    # AND no part of the core is left, unless it had a name and nothing could be done
    left = [each.name for each in tmp_path.iterdir()]
    if files == "named" and number == signal.SIGKILL:
        assert len(left) == 1 and left[0].startswith(".core.")
    else:
        assert not left


def test_nothing_is_told_while_the_process_stands(sleeper, tmp_path):
    # GIVEN a terminal that may be slow
    told = []

    def tell(doing: str, done: int, total: int) -> None:
        told.append((doing.split()[0], state_of(sleeper.pid) in "RS"))

    # WHEN a core is written
    write_core(sleeper.pid, tmp_path / "core", tell=tell)
    # THEN it is told of it when the process runs
    assert told[0] == ("copying", True)
    assert len(told) > 1 and set(told[1:]) == {("writing", True)}
