"""Writes a core of a process that lives on: adp-tui and gdb open it like that of a crash.

The process stands while its memory is copied into ours, so that all of the core belongs together;
it runs on while the core is written. Where our memory cannot hold it, it stands until most is
written.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ptrace import PtraceError
from ptrace.binding.func import PTRACE_GETREGSET, PTRACE_GETSIGINFO, ptrace

from adp_tui.backends.areas import Area, areas_of, used_pages
from adp_tui.backends.core_notes import NT_PRFPREG, NT_PRSTATUS, NT_X86_XSTATE
from adp_tui.backends.core_output import CoreOutput
from adp_tui.backends.core_records import ProcessRecord, ThreadRecord, core_head
from adp_tui.backends.elf_image import PAGE
from adp_tui.backends.free_memory import free_memory
from adp_tui.backends.live_memory import MAX_RUN, CopyPlan, ProcessPages, Run, Vector
from adp_tui.backends.live_refusals import check, explained
from adp_tui.backends.procfs import GoneError, Procfs
from adp_tui.backends.sparse import bytes_text
from adp_tui.backends.tracer import PTRACE_EVENT_STOP, StoppedThread, stop
from adp_tui.engine.errors import CancelledError, FaultError, OpenError

__all__ = ["Tell", "WrittenCore", "write_core"]

Tell: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, and how many of how many bytes are; may raise."""

STEP = 64 << 20
"""Bytes copied before it is seen whether they are still wanted: a few hundredths of a second."""
GROUP = 16 << 20
"""Bytes that are copied between two writes, at least, where our memory cannot hold all."""
GROWTH = 16 << 20
"""Bytes that the process may have got between a look at it and its stop."""
FOREVER = float("inf")

# struct user_regs_struct and struct user_fpregs_struct of x86-64, siginfo_t.
REGISTERS_SIZE, FLOATING_SIZE, SIGINFO_SIZE = 216, 512, 128
MAX_XSTATE = 1 << 16
"""With AMX it is 11 kB."""


@dataclass(frozen=True, slots=True)
class WrittenCore:
    """What was written, and what it cost the process."""

    path: Path
    size: int
    """Bytes on the disk; the file may be much longer, with holes."""
    threads: int
    stood: float
    """Seconds that the process stood."""
    problems: tuple[str, ...]
    """What is missing from the core, in sentences."""


@dataclass(slots=True)
class _Copied:
    """What was taken while the process stood."""

    areas: list[Area]
    threads: list[ThreadRecord]
    head: bytes
    """What stands before the memory."""
    offsets: list[int]
    """Where the memory of each area stands."""
    waiting: list[CopyPlan] = field(default_factory=list)
    """Memory that is not written yet."""
    singly: list[tuple[int, bytes]] = field(default_factory=list)
    """Pages that had to be read otherwise, by address."""
    missing: int = 0
    """Bytes that the kernel would not read."""
    problems: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes from the beginning of the core to its end."""
        ends = (o + area.kept for o, area in zip(self.offsets, self.areas, strict=True))
        return max(ends, default=len(self.head))

    def memory(self) -> Iterator[tuple[int, bytes]]:
        """Yield what is not written yet, and where it stands in the core; it is let go then."""
        starts = [each.mapping.start for each in self.areas]

        def place(address: int) -> int:
            index = bisect_right(starts, address) - 1
            return self.offsets[index] + address - starts[index]

        while self.waiting:
            for start, view in self.waiting.pop(0).runs():
                yield place(start), bytes(view)
        while self.singly:
            address, data = self.singly.pop()
            yield place(address), data


def write_core(
    pid: int,
    path: Path,
    *,
    overwrite: bool = False,
    max_pause: float | None = None,
    tell: Tell | None = None,
) -> WrittenCore:
    """Write a core of a running process; nobody but this user can read it.

    Args:
        pid: the process.
        path: the file; it appears when it is whole.
        overwrite: whether a file that is there may be replaced.
        max_pause: seconds that the process may stand; where it would be longer, nothing is
            written. None lets it stand as long as the copy takes.
        tell: is told how far it is; what it raises ends it.

    Raises:
        OpenError: the process cannot be read, or the file cannot be written.
    """
    procfs = Procfs(pid)
    with explained(procfs):
        check(procfs, stops=True)
    with CoreOutput(path, overwrite) as output:
        with explained(procfs):
            process = _process(procfs)
            needed = sum(each.room for each in areas_of(procfs))
        output.check_room(needed)
        if tell is not None:
            tell(f"copying process {pid}, which stands meanwhile", 0, needed)
        copier = _Copier(procfs, process, output, needed, max_pause)
        try:
            with explained(procfs):
                stopped = stop(procfs, copier.copy)
        finally:
            copier.give_up()
        copied = stopped.result
        output.put(copied.head, 0)
        written = 0
        for offset, data in copied.memory():
            if tell is not None:
                tell(f"writing {path.name}", written, needed)
            output.put(data, offset)
            written += len(data)
        size = output.keep(copied.size)
    problems = list(copied.problems)
    if copied.missing:
        problems.append(f"{bytes_text(copied.missing)} of its memory cannot be read by anybody")
    return WrittenCore(path, size, len(copied.threads), stopped.seconds, tuple(problems))


class _Copier:
    """Takes what a core is made of, on the thread that holds the process.

    Args:
        procfs: the process.
        process: what was known of it when it ran.
        output: where memory goes that ours cannot hold.
        needed: about how many bytes there will be.
        max_pause: seconds that it may take.
    """

    def __init__(
        self,
        procfs: Procfs,
        process: ProcessRecord,
        output: CoreOutput,
        needed: int,
        max_pause: float | None,
    ) -> None:
        self._procfs = procfs
        self._process = process
        self._output = output
        self._max_pause = max_pause
        self._room = min(needed + needed // 8 + GROWTH, max(free_memory() // 2, GROUP))
        # Made before the process stands: filling so much memory with pages takes time.
        self._plan: CopyPlan | None = CopyPlan((), self._room)
        self._given_up = False

    def give_up(self) -> None:
        """Let the process run on soon: nobody waits for the copy any more."""
        self._given_up = True

    def copy(self, threads: Sequence[StoppedThread], began: float) -> _Copied:
        """Copy the process, which stands since ``began``.

        Raises:
            OpenError: it would stand too long, or what had to be written could not be.
            CancelledError: it was given up.
        """
        deadline = FOREVER if self._max_pause is None else began + self._max_pause
        problems = [f"thread {t.tid}: {t.problem}" for t in threads if t.problem]
        records = list(filter(None, (_thread(t.tid) for t in threads if not t.problem)))
        if not records:
            raise GoneError(f"process {self._procfs.pid} has ended")
        areas = [each for each in areas_of(self._procfs) if each.is_listed]
        head, offsets = core_head(self._process, records, areas)
        copied = _Copied(areas, records, head, offsets, problems=problems)
        pages = ProcessPages(self._procfs)
        try:
            for group in _groups(self._runs(areas), self._room):
                # Where more is wanted than fits, the process stands until this is written.
                for offset, data in copied.memory():
                    self._go_on()
                    self._output.put(data, offset)
                self._copy_group(group, copied, pages, deadline)
        finally:
            pages.close()
        return copied

    def _runs(self, areas: Sequence[Area]) -> Iterator[Run]:
        """Yield what to copy, in runs of at most ``MAX_RUN``."""
        pagemap = os.open(self._procfs.memory_folder / "pagemap", os.O_RDONLY | os.O_CLOEXEC)
        try:
            for area in areas:
                for start, end in used_pages(pagemap, area):
                    for at in range(start, end, MAX_RUN):
                        yield at, min(at + MAX_RUN, end)
        finally:
            os.close(pagemap)

    def _copy_group(
        self, group: list[Run], copied: _Copied, pages: ProcessPages, deadline: float
    ) -> None:
        plan = self._plan or CopyPlan((), self._room)
        self._plan = None
        reader = self._procfs.heir
        for some in _groups(iter(group), STEP):
            self._go_on()
            plan.copy(reader, some, deadline)
            if time.perf_counter() > deadline:
                raise self._too_long()
        copied.waiting.append(plan)
        got = {start: start + len(view) for start, view in plan.runs()}
        for start, end in group:
            if got.get(start) == end:
                continue
            for at in range(start, end, PAGE):
                if at not in got:
                    self._copy_page(at, copied, pages)

    def _copy_page(self, address: int, copied: _Copied, pages: ProcessPages) -> None:
        """Copy a page that the process itself may not read; a debugger may."""
        try:
            data = pages.read(address, PAGE)
        except FaultError:
            copied.missing += PAGE
            return
        copied.singly.append((address, data))

    def _go_on(self) -> None:
        if self._given_up:
            raise CancelledError

    def _too_long(self) -> OpenError:
        pid, pause = self._procfs.pid, self._max_pause or 0.0
        return OpenError(
            f"process {pid} would have to stand longer than {pause * 1000:g} ms to be copied: it"
            " runs on, and nothing was written",
            help=f"let it stand as long as it takes: adp-tui dump --pid {pid} -o"
            f" {self._output.quoted}",
        )


def _groups(runs: Iterator[Run], limit: int) -> Iterator[list[Run]]:
    """Yield runs in groups of at most ``limit`` bytes."""
    group: list[Run] = []
    size = 0
    for run in runs:
        if group and size + run[1] - run[0] > limit:
            yield group
            group, size = [], 0
        group.append(run)
        size += run[1] - run[0]
    if group:
        yield group


def _process(procfs: Procfs) -> ProcessRecord:
    """Return what is known of a process while it runs."""
    stat, status = procfs.stat(), procfs.status()
    state, parent, group, session = stat[:4]
    return ProcessRecord(
        pid=procfs.pid,
        parent=int(parent),
        group=int(group),
        session=int(session),
        user=status.user,
        group_id=os.stat(procfs.folder).st_gid,
        state=state[:1],
        nice=int(stat[16]),
        flags=int(stat[6]),
        name=os.fsencode(status.name),
        command=procfs.command_line(),
        auxv=procfs.raw_auxv(),
    )


def _thread(tid: int) -> ThreadRecord | None:
    """Return the registers of a thread that stands; None for one that was killed meanwhile."""
    registers = _register_set(tid, NT_PRSTATUS, REGISTERS_SIZE)
    if len(registers) != REGISTERS_SIZE:
        return None
    floating = _register_set(tid, NT_PRFPREG, FLOATING_SIZE)
    extended = _register_set(tid, NT_X86_XSTATE, MAX_XSTATE)
    return ThreadRecord(tid, registers, floating, extended, _signal(tid))


def _register_set(tid: int, kind: int, size: int) -> bytes:
    """Return a set of registers; empty where this processor has none of that kind."""
    room = ctypes.create_string_buffer(size)
    vector = Vector(ctypes.addressof(room), size)
    try:
        ptrace(PTRACE_GETREGSET, tid, kind, ctypes.addressof(vector))
    except PtraceError:
        return b""
    return room.raw[: vector.length]


def _signal(tid: int) -> bytes:
    """Return the siginfo_t of a signal that a thread is about to get."""
    room = ctypes.create_string_buffer(SIGINFO_SIZE)
    try:
        ptrace(PTRACE_GETSIGINFO, tid, 0, ctypes.addressof(room))
    except PtraceError:
        # It was stopped by a signal long before, and has got it.
        return b""
    code = struct.unpack_from("<i", room.raw, 8)[0]
    # The upper bytes tell where it was a tracer that interrupted the thread.
    return b"" if code >> 8 == PTRACE_EVENT_STOP else room.raw
