"""Cores that are offered to choose from."""

from __future__ import annotations

import json
import lzma
import os
import shutil
from pathlib import Path

import pytest

from adp_tui.backends import recent_cores
from adp_tui.backends.recent_cores import cores_in, cores_of_systemd

LISTED = [
    {"time": 1_700_000_000_000_000, "pid": 11, "uid": 0, "gid": 0, "sig": 6, "corefile": "present",
     "exe": "/usr/bin/kept", "size": 1000},
    {"time": 1_700_000_001_000_000, "pid": 12, "uid": 0, "gid": 0, "sig": 11, "corefile": "missing",
     "exe": "/usr/bin/gone\u001b[31m", "size": None},
    {"time": 1_700_000_002_000_000, "pid": 13, "uid": 0, "gid": 0, "sig": 11, "corefile": "journal",
     "exe": None, "size": 5},
]  # fmt: skip


def test_cores_of_a_folder(threads_dump, tmp_path):
    # GIVEN a folder with a core, a compressed one, and files of other kinds
    shutil.copy(threads_dump.core, tmp_path / "any name")
    packed = tmp_path / "core.threads.0.xz"
    packed.write_bytes(lzma.compress(threads_dump.core.read_bytes()[: 5 << 20], preset=0))
    (tmp_path / "text.xz").write_bytes(lzma.compress(b"no core at all" * 99))
    (tmp_path / "damaged.xz").write_bytes(b"\xfd7zXZ\0 and nothing else")
    (tmp_path / "cut").write_bytes(threads_dump.core.read_bytes()[:40])
    shutil.copy(threads_dump.program, tmp_path / "program")
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    # WHEN it is looked through
    found = {each.path: each for each in cores_in(tmp_path)}
    # THEN both cores are found, with the program, its number and what ended it
    assert set(found) == {tmp_path / "any name", packed}
    for path in (tmp_path / "any name", packed):
        core = found[path]
        assert (core.program, core.pid, core.signal) == (
            "threads",
            threads_dump.facts["pid"],
            "SIGABRT",
        )
        assert (core.size, core.written_at) == (path.stat().st_size, path.stat().st_mtime)


def test_a_large_folder_is_not_read_to_its_end(threads_dump, tmp_path, monkeypatch):
    for number in range(9):
        (tmp_path / f"core.{number}").write_bytes(threads_dump.core.read_bytes()[: 1 << 20])
    monkeypatch.setattr(recent_cores, "MAX_FILES", 4)
    assert len(list(cores_in(tmp_path))) == 4


def test_a_folder_that_is_gone(tmp_path):
    assert list(cores_in(tmp_path / "none")) == []


@pytest.fixture
def coredumpctl(tmp_path, monkeypatch):
    """Return what puts a coredumpctl that runs a script before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(script: str) -> None:
        command = folder / "coredumpctl"
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def test_cores_that_systemd_keeps(coredumpctl, tmp_path):
    # GIVEN a coredumpctl that knows three cores, one of which has a file here
    coredumpctl(f"cat <<'END'\n{json.dumps(LISTED)}\nEND")
    kept = tmp_path / "core.kept.0.abc.11.1700000000000000.zst"
    kept.write_bytes(b"")
    # WHEN it is asked
    newest, gone, oldest = cores_of_systemd(tmp_path)
    # THEN all are named, the newest first
    assert (oldest.path, oldest.program, oldest.signal) == (kept, "kept", "SIGABRT")
    assert oldest.written_at == 1_700_000_000 and not oldest.problem
    # AND without what could steer a terminal
    assert (gone.path, gone.pid, gone.signal) == (None, 12, "SIGSEGV")
    assert "\x1b" not in gone.program and "missing" in gone.problem
    assert newest.problem == "try `coredumpctl dump 13 -o core`"


@pytest.mark.parametrize(
    "script",
    ["exit 1", "echo No coredumps found. >&2; exit 1", "echo '['", "echo '{}'", "echo '[1, null]'",
     "sleep 1000", "head -c 99999 /dev/zero | tr '\\0' '['"],
)  # fmt: skip
def test_a_coredumpctl_that_fails(script, coredumpctl, tmp_path, monkeypatch):
    monkeypatch.setattr(recent_cores, "SYSTEMD_S", 0.5)
    coredumpctl(script)
    assert list(cores_of_systemd(tmp_path)) == []


def test_no_coredumpctl(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(cores_of_systemd(Path("/"))) == []
