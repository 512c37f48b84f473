"""Cores that may be of interest: those that systemd keeps, and those in a folder."""

from __future__ import annotations

import json
import mmap
import os
import stat
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import which
from typing import Any

from adp_tui.backends.compressed import codec_of, unpack_beginning
from adp_tui.backends.core_memory import read_segments
from adp_tui.backends.core_notes import read_notes
from adp_tui.backends.elf_image import CORE, parse_header
from adp_tui.backends.files import clean, map_file, reader_of
from adp_tui.backends.signals import signal_name
from adp_tui.engine.errors import AdpError

__all__ = ["RecentCore", "cores_in", "cores_of_systemd"]

MAX_FILES = 200
"""Files of a folder that are looked at."""
MAX_ENTRIES = 200
SYSTEMD_S = 2.0
"""How long coredumpctl may take."""
SYSTEMD_FOLDER = Path("/var/lib/systemd/coredump")
_TYPE = struct.Struct("<H")


@dataclass(frozen=True, slots=True)
class RecentCore:
    """A core file, or what is known of one that is not here."""

    path: Path | None
    """None where systemd has removed it, or keeps it elsewhere."""
    program: str
    pid: int | None
    signal: str
    """Empty for a process that lived on."""
    written_at: float
    """Seconds since 1970."""
    size: int | None
    """Bytes of the file, compressed or not."""
    problem: str = ""
    """Why it cannot be opened; empty where it may."""


def cores_in(folder: Path) -> Iterator[RecentCore]:
    """Yield the cores in a folder, also compressed ones: told by what they begin with."""
    try:
        with os.scandir(folder) as entries:
            files = [each for each in islice(entries, MAX_FILES) if each.is_file()]
    except OSError:
        return
    for each in files:
        found = _core(Path(each.path))
        if found is not None:
            yield found


def _core(path: Path) -> RecentCore | None:
    """Return what a file says of itself; None for one that is no core."""
    try:
        facts = path.stat()
        # Most files are refused by their first bytes.
        with path.open("rb") as file:
            head = file.read(20)
        if not stat.S_ISREG(facts.st_mode) or not _may_be_core(head):
            return None
        pages = map_file(path)
    except (OSError, ValueError):
        return None
    if not isinstance(pages, mmap.mmap):
        return None
    with pages:
        try:
            codec = codec_of(pages)
            if codec is None:
                return _described(path, facts, pages)
            beginning = unpack_beginning(path, pages, codec).pages
        except AdpError:
            return None
        with beginning:
            return _described(path, facts, beginning)


def _may_be_core(head: bytes) -> bool:
    if head[:6] == b"\x7fELF\x02\x01":
        return len(head) >= 18 and _TYPE.unpack_from(head, 16)[0] == CORE
    return codec_of(head) is not None


def _described(path: Path, facts: os.stat_result, pages: mmap.mmap) -> RecentCore | None:
    header = parse_header(pages[:64])
    if header is None or header.type != CORE:
        return None
    notes = read_notes(reader_of(pages), read_segments(pages, header).notes)
    return RecentCore(
        path=path,
        program=notes.command or "",
        pid=notes.pid,
        signal=notes.signal.name if notes.signal else "",
        written_at=facts.st_mtime,
        size=facts.st_size,
    )


def cores_of_systemd(folder: Path = SYSTEMD_FOLDER) -> Iterator[RecentCore]:
    """Yield the cores that coredumpctl knows; none where there is no coredumpctl.

    Args:
        folder: where systemd keeps them.
    """
    command = which("coredumpctl")
    if command is None:
        return
    words = [command, "list", "--json=short", "--no-pager", "--quiet"]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SYSTEMD_S, check=False
        )
        entries = json.loads(done.stdout or b"[]")
    except (OSError, subprocess.TimeoutExpired, ValueError, RecursionError):
        return
    if not isinstance(entries, list):
        return
    files = _files_by_end(folder)
    # The newest are listed last.
    for entry in islice(reversed(entries), MAX_ENTRIES):
        if isinstance(entry, dict):
            yield _entry(entry, files)


def _entry(entry: Mapping[str, Any], files: Mapping[tuple[str, str], Path]) -> RecentCore:
    pid, time, size, number = (_number(entry.get(k)) for k in ("pid", "time", "size", "sig"))
    state = str(entry.get("corefile", ""))[:32]
    path = files.get((str(pid), str(time))) if pid is not None and time is not None else None
    problem = ""
    if path is None:
        fetch = f"coredumpctl dump {pid} -o core"
        missing = f"systemd says of this core: {clean(state.encode())}"
        problem = f"try `{fetch}`" if state in ("present", "journal") else missing
    return RecentCore(
        path=path,
        program=clean(os.path.basename(str(entry.get("exe") or ""))[:256].encode()),
        pid=pid,
        signal=signal_name(number) if number else "",
        written_at=(time or 0) / 1e6,
        size=size,
        problem=problem,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1 << 63 else None


def _files_by_end(folder: Path) -> dict[tuple[str, str], Path]:
    """Return systemd's files by pid and time: core.NAME.UID.BOOT.PID.TIME[.zst]."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for each in islice(entries, 1 << 16):
                name = each.name
                for end in (".zst", ".lz4", ".xz"):
                    name = name.removesuffix(end)
                parts = name.rsplit(".", 2)
                if len(parts) == 3 and os.access(each.path, os.R_OK):
                    found[parts[1], parts[2]] = Path(each.path)
    except OSError:
        return found
    return found
