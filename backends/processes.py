"""The processes of this machine, as a list to choose from."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from adp_tui.backends.files import clean
from adp_tui.backends.procfs import GoneError, Procfs
from adp_tui.backends.programs import Program, Programs

__all__ = ["Running", "running"]

MAX_PROCESSES = 1 << 16
MAX_COMMAND = 1 << 12
"""Bytes of a command line."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process, as far as this user may know it."""

    pid: int
    name: str
    user: str
    command: str
    """The words it was started with, joined by spaces."""
    uptime_s: float | None
    cpu_percent: float | None
    """Of one processor, on average since it was started."""
    threads: int | None
    memory: int | None
    """Bytes that it has in memory."""
    is_own: bool
    """Whether it belongs to this user."""
    is_readable: bool
    """Whether this user may look into it."""
    is_rust: bool | None
    """None where its program cannot be read."""
    runtimes: tuple[tuple[str, str | None], ...] = ()
    """Name and version of each async Rust runtime that its program carries."""


def running(programs: Programs) -> Iterator[Running]:
    """Yield the processes that have a program, but for adp-tui itself; the newest first.

    Args:
        programs: knows what was found out about programs before.
    """
    now = time.time()
    pids = sorted(psutil.pids(), reverse=True)[:MAX_PROCESSES]
    for pid in pids:
        if pid == os.getpid():
            continue
        try:
            found = _process(psutil.Process(pid), now, programs)
        except psutil.Error:
            # It has ended meanwhile, or may not even be listed.
            continue
        if found is not None:
            yield found


def _process(process: psutil.Process, now: float, programs: Programs) -> Running | None:
    """Return what is known of a process; None for one without a program.

    Raises:
        psutil.Error: it has ended.
    """
    pid = process.pid
    with process.oneshot():
        # Where its first thread has ended, another one knows of memory, program and command.
        whole = _heir(pid) if process.status() == psutil.STATUS_ZOMBIE else process
        if whole is None:
            return None
        memory = whole.memory_info()
        if not memory.vms:
            # Threads of the kernel have no memory of their own.
            return None
        times, started = process.cpu_times(), process.create_time()
        uptime = max(now - started, 0.0)
        used = times.user + times.system
        program = _program(whole.pid, programs)
        return Running(
            pid=pid,
            name=clean(process.name().encode("utf-8", "replace")),
            user=_user(process),
            command=_command(whole),
            uptime_s=uptime,
            cpu_percent=100 * used / uptime if uptime > 0 else 0.0,
            threads=process.num_threads(),
            memory=memory.rss,
            is_own=process.uids().real == os.getuid(),
            is_readable=_is_readable(whole.pid),
            is_rust=None if program is None else program.is_rust,
            runtimes=() if program is None else program.runtimes,
        )


def _heir(pid: int) -> psutil.Process | None:
    """Return a thread that runs on after the first one; None where all have ended."""
    try:
        heir = Procfs(pid).heir
    except (GoneError, OSError):
        return None
    return None if heir == pid else psutil.Process(heir)


def _program(pid: int, programs: Programs) -> Program | None:
    try:
        return programs.of(Path(f"/proc/{pid}/exe"))
    except OSError:
        return None


def _user(process: psutil.Process) -> str:
    try:
        return clean(process.username().encode("utf-8", "replace"))
    except (psutil.Error, KeyError):
        return str(process.uids().real)


def _command(process: psutil.Process) -> str:
    try:
        words: Sequence[str] = process.cmdline()
    except psutil.AccessDenied:
        return ""
    return clean(" ".join(words)[:MAX_COMMAND].encode("utf-8", "replace"))


def _is_readable(pid: int) -> bool:
    """Ask the kernel whether this user may trace a process: its memory opens only then."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
