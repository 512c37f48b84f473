"""What /proc says of a process: its state, mappings, threads and files (proc(5))."""

from __future__ import annotations

import os
import re
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from adp_tui.backends.files import clean
from adp_tui.engine.errors import AdpError
from adp_tui.engine.target import Scheduling

__all__ = ["GoneError", "Mapping", "Procfs", "Sleep", "Status", "parse_mapping"]

MAX_MAPPINGS = 1 << 20
"""vm.max_map_count, which bounds the mappings of a process, is a million where it is raised."""
MAX_AUXV = 512
ADDRESS_END = 1 << 47
"""Of what a process can use; above it lies the vsyscall page."""
ENDED = ("Z", "X", "x")
"""States of a process, or of a thread, that runs no more (proc(5))."""
_PAIR = struct.Struct("<QQ")
_MAPPING = re.compile(
    rb"([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])([x-])([ps]) ([0-9a-f]+) ([0-9a-f]+):([0-9a-f]+) (\d+)"
    rb"(?: +(.*))?"
)
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")


class GoneError(AdpError):
    """The process, or a thread of it, has ended."""


class Mapping(NamedTuple):
    """A mapped range, a line of /proc/PID/maps."""

    start: int
    end: int
    readable: bool
    writable: bool
    executable: bool
    shared: bool
    offset: int
    device: tuple[int, int]
    inode: int
    path: bytes
    """With the kernel's mark for a deleted file; ``[stack]`` and the like; empty for none."""

    @property
    def is_file(self) -> bool:
        """Whether a file is mapped."""
        return self.inode != 0 and self.path.startswith(b"/")


@dataclass(frozen=True, slots=True)
class Status:
    """The lines of /proc/PID/status that matter here."""

    name: str
    state: str
    """One letter: R, S, D, T (stopped), t (stopped by a tracer), Z, X."""
    pid: int
    """The process; the same as was asked for unless that was another thread of it."""
    parent: int
    tracer: int
    user: int
    """The real user id."""
    effective: int
    capabilities: int
    """Bits of CapPrm."""
    number: int
    """Its own number for itself, in the innermost namespace of process ids."""
    has_memory: bool
    """False for a thread of the kernel, and for a process that has ended."""

    @property
    def has_ended(self) -> bool:
        """Whether only its exit status is left, if that."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Sleep:
    """Where a thread sleeps, a line of /proc/PID/task/TID/syscall."""

    syscall: int | None
    """None where it sleeps in the kernel without a system call."""
    arguments: tuple[int, ...]
    sp: int
    pc: int


def parse_mapping(line: bytes) -> Mapping | None:
    """Return what a line of /proc/PID/maps says; None for another line."""
    parts = _MAPPING.fullmatch(line)
    if parts is None:
        return None
    start, end, r, w, x, shared, offset, major, minor, inode, path = parts.groups()
    return Mapping(
        int(start, 16), int(end, 16), r == b"r", w == b"w", x == b"x", shared == b"s",
        int(offset, 16), (int(major, 16), int(minor, 16)), int(inode),
        _ESCAPE.sub(lambda it: bytes([int(it[1], 8)]), path or b""),
    )  # fmt: skip


class Procfs:
    """The folder of one process under /proc.

    Each method raises GoneError when the process has ended, OSError when it may not be read.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.folder = Path(f"/proc/{pid}")
        self._heir = pid

    @property
    def heir(self) -> int:
        """A thread that has the memory: not the first one, where that has ended before others."""
        if self.status(self._heir).has_ended:
            alive = (t for t in self.threads() if not self.status(t).has_ended)
            self._heir = next(alive, self.pid)
        return self._heir

    @property
    def memory_folder(self) -> Path:
        """The folder under /proc that tells of memory and mapped files."""
        heir = self.heir
        return self.folder if heir == self.pid else self.folder / "task" / str(heir)

    def status(self, tid: int | None = None) -> Status:
        """Return the state of the process, or of one of its threads."""
        where = "status" if tid is None else f"task/{tid}/status"
        lines = dict(
            line.split(b":", 1) for line in self._bytes(where).splitlines() if b":" in line
        )

        def number(key: bytes, at: int = 0, base: int = 10) -> int:
            words = lines.get(key, b"").split()
            return int(words[at], base) if len(words) > max(at, 0) else 0

        return Status(
            name=clean(lines.get(b"Name", b"").strip()),
            state=clean(lines.get(b"State", b"?").strip()[:1]),
            pid=number(b"Tgid"),
            parent=number(b"PPid"),
            tracer=number(b"TracerPid"),
            user=number(b"Uid"),
            effective=number(b"Uid", 1),
            capabilities=number(b"CapPrm", base=16),
            number=number(b"NSpid", -1),
            has_memory=b"VmSize" in lines,
        )

    def threads(self) -> list[int]:
        """Return the ids of all threads, the oldest first."""
        try:
            return [int(name) for name in os.listdir(self.folder / "task")]
        except FileNotFoundError:
            raise self._gone() from None

    def mappings(self) -> list[Mapping]:
        """Return what is mapped, sorted by address."""
        lines = self._bytes("maps", self.memory_folder).splitlines()[:MAX_MAPPINGS]
        return [each for each in map(parse_mapping, lines) if each is not None]

    def smaps(self) -> bytes:
        """Return what is mapped with how much of it is in memory, as the kernel writes it."""
        return self._bytes("smaps", self.memory_folder)

    def raw_auxv(self) -> bytes:
        """Return the auxiliary vector as the kernel gave it to the program."""
        return self._bytes("auxv", self.memory_folder)

    def auxv(self) -> dict[int, int]:
        """Return the auxiliary vector."""
        raw = self.raw_auxv()
        return dict(_PAIR.iter_unpack(raw[: min(len(raw) // 16, MAX_AUXV) * 16]))

    def started(self) -> int:
        """Return when the process was started, in clock ticks since boot: tells a reused pid."""
        return int(self.stat()[19])

    def stat(self, tid: int | None = None) -> list[bytes]:
        """Return the fields of /proc/PID/stat, or of a thread's, from the third, the state, on."""
        # The name may hold spaces and brackets; what follows its last bracket does not.
        where = "stat" if tid is None else f"task/{tid}/stat"
        return self._bytes(where).rpartition(b")")[2].split()

    def command_line(self) -> list[bytes]:
        """Return the words that the program was started with, unless it changed them."""
        return self._bytes("cmdline", self.memory_folder).rstrip(b"\0").split(b"\0")

    def executable(self) -> bytes:
        """Return the path of the program; the kernel marks a deleted one."""
        try:
            return os.readlink(os.fsencode(self.memory_folder / "exe"))
        except FileNotFoundError:
            raise self._gone() from None

    def clock_ns(self) -> int:
        """Return CLOCK_MONOTONIC as the process sees it: a time namespace may shift it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        try:
            lines = [line.split() for line in self._bytes("timens_offsets").splitlines()]
        except (GoneError, OSError):
            # Before Linux 5.6 there are no such namespaces.
            return now
        shift = next((line for line in lines if line[0] == b"monotonic"), [b"", b"0", b"0"])
        return now + int(shift[1]) * 1_000_000_000 + int(shift[2])

    def sleep(self, tid: int) -> Sleep | None:
        """Return where a thread sleeps; None for one that runs."""
        words = self._bytes(f"task/{tid}/syscall").split()
        if len(words) < 3:
            return None
        number, *rest = (int(word, 0) for word in words)
        return Sleep(number if number >= 0 else None, tuple(rest[:-2]), rest[-2], rest[-1])

    def scheduling(self, tid: int) -> Scheduling:
        """Return what is known of a thread beyond registers: state, where it sleeps, CPU time."""
        stat = self.stat(tid)
        ticks = int(stat[11]) + int(stat[12])
        try:
            channel = clean(self._bytes(f"task/{tid}/wchan").strip())
        except OSError:
            channel = "0"
        # The kernel writes 0 for a thread that does not sleep.
        shown = None if channel in ("", "0") else channel
        return Scheduling(clean(stat[0]), shown, ticks / os.sysconf("SC_CLK_TCK"))

    def _bytes(self, name: str, folder: Path | None = None) -> bytes:
        try:
            return ((folder or self.folder) / name).read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            raise self._gone() from None

    def _gone(self) -> GoneError:
        return GoneError(f"process {self.pid} has ended")
