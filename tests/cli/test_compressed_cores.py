"""The command on compressed cores: what it says, and what it leaves behind."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from support.build import Dump

import adp_tui
from adp_tui.engine.errors import CancelledError
from adp_tui.engine.views.records import Progress
from adp_tui.tui import opening
from adp_tui.tui.opening import CoreOpener

SECONDS = 120
ROOT = Path(adp_tui.__file__).parents[1]


def pack(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.fixture
def tiny(dump) -> Dump:
    return dump("tiny")


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def packed(tiny: Dump, tmp_path: Path) -> Path:
    path = tmp_path / "core.tiny.zst"
    path.write_bytes(pack(tiny.core.read_bytes()))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_a_report_is_the_same(tiny, packed, temporary, adp_tui_command):
    # GIVEN a core and the same one compressed
    whole = adp_tui_command("report", "core", tiny.core, "--json", "--locals")
    # WHEN both are reported on
    ran = adp_tui_command(
        "report", "core", packed, "--json", "--locals", env={"TMPDIR": str(temporary)}
    )
    # THEN the reports differ in the name of the core only, and in when it was written
    assert (ran.status, ran.err) == (0, "")
    target = ran.report["target"]
    assert target["core"] == str(packed)
    assert target["taken_at"] == "2023-11-14T22:13:20Z"
    expected = whole.report
    expected["target"].update(core=target["core"], taken_at=target["taken_at"])
    assert ran.report == expected
    # AND nothing is left
    assert list(temporary.iterdir()) == []


def test_a_damaged_archive_is_a_loss(packed, tmp_path, adp_tui_command):
    # GIVEN an archive that is cut off
    cut = tmp_path / "cut.zst"
    data = packed.read_bytes()
    cut.write_bytes(data[: len(data) * 9 // 10])
    # WHEN it is reported on
    ran = adp_tui_command("report", "core", cut, "--json")
    # THEN the threads are there, the losses say what is missing and the status that something is
    assert (ran.status, ran.err) == (1, "")
    assert f"{cut} is cut off after" in ran.losses and "the core is truncated" in ran.losses
    assert len(ran.report["threads"]) == 2


def test_no_room_is_said(packed, adp_tui_command):
    # GIVEN a folder for temporary files that takes nothing: its file system is the kernel's own
    # WHEN a core is to be unpacked there
    code = (
        "import sys, tempfile; tempfile.tempdir = '/proc/self/fd';"
        "from adp_tui.tui.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "report", "core", packed],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        cwd=ROOT,
    )
    # THEN the command says how much is needed and where, and what to type
    assert (done.returncode, done.stdout) == (3, "")
    message, help = done.stderr.splitlines()
    assert message.startswith(f"adp-tui: there is no room to unpack {packed} (zstd): it needs ")
    assert "in /proc/self/fd, where 0 kB are free" in message
    assert f"TMPDIR=DIR adp-tui core {packed}" in help


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_by_a_process_that_is_killed(number, packed, temporary):
    # GIVEN a full screen that shows a compressed core
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "adp_tui", "core", packed],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "TMPDIR": str(temporary)},
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while b"naps" not in shown:
        ready, _, _ = select.select([ours], [], [], SECONDS)
        assert ready, shown
        shown += os.read(ours, 65_536)
    assert held_by(process.pid, temporary)
    # WHEN it is killed
    process.send_signal(number)
    while True:
        try:
            if not os.read(ours, 65_536):
                break
        except OSError:  # EIO: the other end is closed
            break
    process.wait(SECONDS)
    os.close(ours)
    # THEN nothing is left
    assert list(temporary.iterdir()) == []


def held_by(pid: int, folder: Path) -> list[str]:
    """Return the files below a folder that a process has open."""
    names = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        # It may be closed meanwhile.
        with suppress(FileNotFoundError):
            names.append(os.readlink(each))
    return [name for name in names if name.startswith(f"{folder}/")]


# The opener of the screen.


def test_the_screen_has_its_title_before_the_core_is_unpacked(packed, tiny, monkeypatch):
    # GIVEN a compressed core WHEN an opener is made THEN it knows the program
    monkeypatch.setattr(opening, "open_core", lambda *_, **__: pytest.fail("it is unpacked"))
    assert CoreOpener(packed).title == "tiny — core.tiny.zst"


def test_unpacking_is_told_and_can_be_stopped(packed, temporary, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    # GIVEN an opener whose user wants to stop when the archive is being unpacked
    opener = CoreOpener(packed)
    steps: list[Progress] = []

    def stop(step: Progress) -> None:
        steps.append(step)
        raise CancelledError

    # WHEN it opens THEN it stops
    with pytest.raises(CancelledError):
        opener(stop)
    assert [step.text for step in steps] == ["unpacking core.tiny.zst: 0 of 0 MB"]
    # AND it can be asked again
    session = opener(lambda step: None)
    assert len(session.snapshot.tasks) == 2
    session.close()


def test_a_text_report_names_what_was_unpacked(packed, adp_tui_command):
    ran = adp_tui_command("report", "core", packed)
    assert ran.status == 0 and str(packed) in ran.out
