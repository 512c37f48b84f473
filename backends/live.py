"""Live processes: looked at while they run, and copied while they stand for a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Values
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from adp_tui.backends.core_memory import file_pieces
from adp_tui.backends.elf_image import PAGE
from adp_tui.backends.files import FilePages, clean
from adp_tui.backends.live_memory import CopyPlan, LiveMemory, ProcessPages, Run, runs_of
from adp_tui.backends.live_refusals import check, explained
from adp_tui.backends.live_threads import running_threads, schedulings, stopped_threads
from adp_tui.backends.modules import AT_ENTRY, FoundModule, MappedFile, Places, find_modules
from adp_tui.backends.open_files import describe_files
from adp_tui.backends.process_files import ProcessFiles
from adp_tui.backends.procfs import GoneError, Mapping, Procfs
from adp_tui.backends.tracer import Hold, StoppedThread, stop
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import FaultError, OpenError
from adp_tui.engine.memory import Piece
from adp_tui.engine.target import Facts, Module, Scheduling, Target, ThreadState

__all__ = ["LiveProcess", "LiveTarget"]

RegisterValues: TypeAlias = Values[int, int]
"""By DWARF number."""

MAX_STACK = 8 << 20
"""Bytes of one thread's stack that are copied, from its stack pointer on; ulimit -s is as much."""
STACK_ROOM = 256 << 10
"""Bytes to spare for each thread whose stack has grown since the look."""
RED_ZONE = 128
"""Bytes below the stack pointer that a function may use (System V AMD64 ABI, 3.2.2)."""


@dataclass(frozen=True, eq=False)
class LiveTarget:
    """A process at one moment. It stays readable as long as its ``LiveProcess`` is open."""

    facts: Facts
    memory: LiveMemory
    _threads: tuple[ThreadState, ...]
    _modules: tuple[Module, ...]
    mappings: tuple[Mapping, ...]
    pages: ProcessPages
    """What was read while the process ran."""
    procfs: Procfs
    started: int
    """When the process was started: another one may get its number."""

    def threads(self) -> Sequence[ThreadState]:
        """Return every thread, the oldest first."""
        return self._threads

    def modules(self) -> Sequence[Module]:
        """Return every mapped ELF file, sorted by address; the vdso included."""
        return self._modules

    def describe(self, fds: Collection[int]) -> Values[int, str]:
        """Return what file descriptors lead to now; nothing where the process has ended."""
        procfs = self.procfs
        try:
            found = describe_files(procfs.memory_folder, fds)
            status = procfs.status(procfs.heir)
            is_there = procfs.started() == self.started and not status.has_ended
        except (GoneError, OSError):
            return {}
        return found if is_there else {}

    def close(self) -> None:
        """Let go of the process."""
        self.pages.close()


class LiveProcess:
    """A running process; it is stopped only by ``stop``, and for a moment.

    Args:
        pid: its id.
        places: where the user says that its files are.
        max_pause: seconds that it may stand; what was not copied by then is read while it runs.
        stops: whether it may be stopped at all.

    Raises:
        OpenError: there is no such process, or it may not be read; the help says what to type.
    """

    def __init__(
        self,
        pid: int,
        places: Places | None = None,
        *,
        max_pause: float = 0.1,
        stops: bool = True,
    ) -> None:
        self.procfs = Procfs(pid)
        self._places = places or Places()
        self._max_pause = max_pause
        self._stops = stops
        self._files: dict[str, FilePages] = {}
        self._hold: Hold | None = None
        self._before_hold: dict[int, Scheduling] | None = None
        """What the kernel said of threads before they were held: then they all stand."""
        self._mapped_files: list[MappedFile] = []
        self._found: list[FoundModule] = []
        with explained(self.procfs):
            check(self.procfs, stops)
            self._started = self.procfs.started()

    @property
    def name(self) -> str:
        """The process name, cut by the kernel at 15 characters."""
        with explained(self.procfs):
            return self.procfs.status().name

    def modules(self) -> Sequence[Module]:
        """Return the ELF files that are mapped now.

        Raises:
            OpenError: the process has ended.
        """
        with explained(self.procfs), ExitStack() as opened:
            self._mapped(opened)
            return tuple(each.module for each in self._found)

    def look(self) -> LiveTarget:
        """Return the process as it runs.

        Raises:
            OpenError: it cannot be read, or has ended.
        """
        with explained(self.procfs), ExitStack() as opened:
            self._check_same()
            mappings, pages = self._mapped(opened)
            clock = self.procfs.clock_ns()
            threads = running_threads(self.procfs, mappings, pages)
            stacks = filter(None, (_stack(mappings, each.registers) for each in threads))
            memory = self._memory(_copied(pages, stacks), mappings, pages)
            target = self._target(memory, mappings, pages, threads, clock, None)
            opened.pop_all()
            return target

    def stop(self, looked: Target) -> Target:
        """Stop the process, copy what was read of ``looked``, and let it run on.

        Raises:
            OpenError: it cannot be stopped, or has ended.
        """
        if not isinstance(looked, LiveTarget):
            return looked
        if not self._stops:
            looked.memory.compare()
            return looked
        with explained(self.procfs), ExitStack() as opened:
            self._check_same()
            plan, reader = _plan(looked), self.procfs.heir

            def copy(
                threads: Sequence[StoppedThread], began: float
            ) -> tuple[Sequence[StoppedThread], int]:
                used = (_stack(looked.mappings, each.registers) for each in threads)
                more = _lacking(plan, filter(None, used))
                plan.copy(reader, more, began + self._max_pause)
                return threads, self.procfs.clock_ns()

            scheduled = self._before_hold or schedulings(self.procfs)
            if self._hold is not None:
                (stopped, clock), pause = self._hold.run(copy), 0.0
            else:
                done = stop(self.procfs, copy)
                (stopped, clock), pause = done.result, done.seconds
            mappings, pages = self._mapped(opened)
            memory = self._memory(plan.pieces(), mappings, pages)
            threads = stopped_threads(self.procfs, stopped, memory, scheduled)
            target = self._target(memory, mappings, pages, threads, clock, pause)
            opened.pop_all()
            return target

    # To pause.

    @property
    def is_held(self) -> bool:
        """Whether the process stands until it is let go."""
        return self._hold is not None

    def hold(self) -> None:
        """Let the process stand until ``let_go``, ``close``, or the end of adp-tui.

        Raises:
            OpenError: it may not be stopped, or has ended.
        """
        if not self._stops:
            raise OpenError(
                f"process {self.procfs.pid} is looked at without stopping it",
                help="start adp-tui without --no-stop to pause it",
            )
        if self._hold is None:
            with explained(self.procfs):
                self._check_same()
                before = schedulings(self.procfs)
                self._hold, self._before_hold = Hold(self.procfs), before

    def let_go(self) -> None:
        """Let the process run on."""
        if self._hold is not None:
            self._hold.let_go()
            self._hold = self._before_hold = None

    def close(self) -> None:
        """Let go of the process; it runs on."""
        self.let_go()
        for pages in self._files.values():
            pages.close()
        self._files.clear()

    def _check_same(self) -> None:
        """Pass the process that was opened, and no later one with its number."""
        if self.procfs.started() != self._started:
            raise GoneError(f"process {self.procfs.pid} has ended, and another one has its number")

    def _mapped(self, opened: ExitStack) -> tuple[tuple[Mapping, ...], ProcessPages]:
        """Return what is mapped now, with the ELF files in it brought up to date.

        Args:
            opened: closes the pages, unless they are taken from it: the process may end just now.
        """
        mappings, pages = tuple(self.procfs.mappings()), ProcessPages(self.procfs)
        opened.callback(pages.close)
        mapped = [
            MappedFile(each.start, each.end, each.offset, each.path, each.executable)
            for each in mappings
            if each.is_file
        ]
        if self._mapped_files != mapped:
            memory = LiveMemory((), (), mappings, pages)
            places = replace(self._places, process=ProcessFiles(self.procfs, mappings))
            self._found = find_modules(mapped, memory, self.procfs.auxv(), places)
            self._mapped_files = mapped
            # Headers never change: that they were read says nothing of a moment.
            pages.pages.clear()
        return mappings, pages

    def _memory(
        self, copied: Iterable[Piece], mappings: Sequence[Mapping], pages: ProcessPages
    ) -> LiveMemory:
        """Splice what was copied over what the process cannot have changed, and over the rest."""
        constant: list[Piece] = []
        for each in self._found:
            if each.disk is not None and each.module.verified:
                path = each.disk.path
                file = self._files.setdefault(str(path), FilePages(path))
                constant += file_pieces(each, file, anonymous_saved=False)
        return LiveMemory(copied, constant, mappings, pages)

    def _target(
        self,
        memory: LiveMemory,
        mappings: tuple[Mapping, ...],
        pages: ProcessPages,
        threads: tuple[ThreadState, ...],
        clock_ns: int,
        pause: float | None,
    ) -> LiveTarget:
        program = next((each.module for each in self._found if each.module.is_executable), None)
        facts = Facts(
            kind="live",
            arch=X86_64,
            pid=self.procfs.pid,
            path=f"process {self.procfs.pid}",
            executable=clean(self.procfs.executable()) if program is None else program.path,
            command=self.procfs.status().name,
            signal=None,
            taken_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            entry=self.procfs.auxv().get(AT_ENTRY),
            pause_ms=None if pause is None else round(pause * 1000, 3),
            clock_ns=clock_ns,
        )
        modules = tuple(each.module for each in self._found)
        return LiveTarget(
            facts, memory, threads, modules, mappings, pages, self.procfs, self._started
        )


def _plan(looked: LiveTarget) -> CopyPlan:
    """Return what to copy: the pages that a look has read, and the stacks in use."""
    wanted = set(looked.pages.pages)
    for each in looked.threads():
        run = _stack(looked.mappings, each.registers)
        if run is not None:
            wanted.update(range(run[0] // PAGE, run[1] // PAGE))
    return CopyPlan(list(runs_of(wanted)), STACK_ROOM * (len(looked.threads()) + 4))


def _stack(mappings: Sequence[Mapping], registers: RegisterValues) -> Run | None:
    """Return the pages of a stack that are in use; None where its pointer leads to none."""
    sp = registers.get(X86_64.sp)
    if sp is None:
        return None
    index = bisect_right(mappings, sp, key=lambda each: each.start) - 1
    if index < 0 or not sp < mappings[index].end or not mappings[index].writable:
        return None
    start = max(mappings[index].start, (sp - RED_ZONE) // PAGE * PAGE)
    return start, min(mappings[index].end, start + MAX_STACK)


def _lacking(plan: CopyPlan, runs: Iterable[Run]) -> Iterator[Run]:
    """Yield the parts of runs that are not planned."""
    for start, end in runs:
        pages = range(start // PAGE, end // PAGE)
        yield from runs_of(page for page in pages if not plan.holds(page))


def _copied(pages: ProcessPages, runs: Iterable[Run]) -> Iterator[Piece]:
    """Read stacks while their threads run; those of threads that sleep do not change."""
    for start, end in runs:
        try:
            data = pages.read(start, end - start)
        except FaultError:
            continue
        yield Piece(start, end, data, 0, "", True, False, True)
