"""What a backend is: memory, threads, modules and facts of one process.

A backend knows nothing of Rust, DWARF or tasks. Everything it returns is hostile
input: the engine bounds and checks it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from adp_tui.engine.arch import Arch
from adp_tui.engine.dataclass import dataclass

__all__ = [
    "Described",
    "Facts",
    "FileMapping",
    "Memory",
    "Module",
    "Moving",
    "NotingMemory",
    "Region",
    "Scheduling",
    "Signal",
    "Target",
    "ThreadState",
    "TornMemory",
]


@dataclass(frozen=True, slots=True)
class Region:
    """A range of memory that can be swept: ``view`` is zero-copy and starts at ``start``."""

    start: int
    view: memoryview
    writable: bool
    executable: bool

    @property
    def end(self) -> int:
        """The first address after the region."""
        return self.start + len(self.view)


class Memory(Protocol):
    """The memory of a target."""

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes.

        Raises:
            FaultError: any of the bytes cannot be read.
        """
        ...

    def regions(self) -> Sequence[Region]:
        """Return what can be swept, sorted by address, without overlap."""
        ...


@runtime_checkable
class TornMemory(Protocol):
    """Memory of which parts were read while the target ran, so that they may not fit the rest."""

    def is_torn(self, address: int) -> bool:
        """Tell whether what stands at an address was read while the target ran."""
        ...

    def torn_pages(self) -> Sequence[int]:
        """Return the addresses of the pages that were read so."""
        ...


@runtime_checkable
class NotingMemory(Protocol):
    """Memory that notes what is read of it."""

    def note(self, addresses: Iterable[int], size: int) -> None:
        """Note what was read through a view of a region."""
        ...


@dataclass(frozen=True, slots=True)
class Scheduling:
    """What the kernel says of a thread while it is not stopped by us."""

    state: str
    """One letter, as ps has it: R for one that runs or could, S for one that sleeps."""
    channel: str | None
    """The kernel's function that it sleeps in; None where it does not, or that is not told."""
    cpu_s: float
    """Seconds of processor time that it has used."""


@dataclass(frozen=True, slots=True)
class ThreadState:
    """One thread of the operating system at the moment of the snapshot."""

    tid: int
    registers: Mapping[int, int]
    """By DWARF number: with the program counter and the stack pointer, or empty."""
    thread_pointer: int
    """``fs_base`` on x86-64."""
    syscall: int | None
    """Number of the system call that the thread is in, as the register file says; else None."""
    signalled: bool = False
    """True for the thread that got the signal which ended the process."""
    name: str | None = None
    """Only what the operating system surely knows: the process name, for the main thread."""
    scheduling: Scheduling | None = None
    """None on a core, which does not tell."""
    problem: str | None = None
    """Why there are no registers; None where there are."""


@dataclass(frozen=True, slots=True)
class FileMapping:
    """One mapped range of a module's file. ``offset`` is into the file, in bytes."""

    start: int
    end: int
    offset: int


@dataclass(frozen=True, slots=True)
class Module:
    """An ELF file that is mapped into the target."""

    path: str
    """As the target names it (control characters stripped); ``[vdso]`` for the vdso."""
    mappings: tuple[FileMapping, ...]
    file: Path | None
    """The file on this machine that holds it, by ``--exe`` or ``--sysroot``; None when missing."""
    image: bytes | None = None
    """The ELF image itself where only memory holds it (the vdso)."""
    build_id: str | None = None
    """Hex, as the target's own memory has it; None when no header page is readable."""
    file_build_id: str | None = None
    """Hex, as ``file`` has it."""
    verified: bool = False
    """True when both build-ids were read and are equal."""
    is_executable: bool = False
    """True for the program itself (as against its shared libraries)."""
    problem: str | None = None
    """Why ``file`` is None or is not used, with the option to pass; None when all is well."""

    @property
    def start(self) -> int:
        """The lowest mapped address."""
        return min((m.start for m in self.mappings), default=0)

    @property
    def end(self) -> int:
        """The first address after the highest mapping."""
        return max((m.end for m in self.mappings), default=0)


@dataclass(frozen=True, slots=True)
class Signal:
    """The signal that ended the process."""

    name: str
    number: int
    code: int | None
    fault_address: int | None
    tid: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the process as a whole."""

    kind: str
    """``core``, ``live`` or ``snapshot``."""
    arch: Arch
    pid: int | None
    path: str
    """What the user named: the core's path, or the process."""
    executable: str | None
    """Path of the program, as the target names it."""
    command: str | None
    """The process name (comm), cut by the kernel at 15 characters."""
    signal: Signal | None
    taken_at: str | None
    """ISO 8601, UTC; for a core the time its file was written."""
    entry: int | None
    """AT_ENTRY: the run-time address of the program's entry point."""
    problems: tuple[str, ...] = ()
    """What is missing from the target itself, in sentences (a truncated core: how much)."""
    pause_ms: float | None = None
    """How long a live process stood for this snapshot; None where it was not stopped."""
    clock_ns: int | None = None
    """CLOCK_MONOTONIC of the target at this moment; None for a core, which does not tell."""
    whole: bool = False
    """Whether its memory may be searched from end to end: a core's is there already."""
    complete: bool = False
    """Whether what was searched so is all that the process could write to: of a core nothing was
    cut off, and nothing left out."""


class Target(Protocol):
    """A process to look at, live or dead."""

    @property
    def facts(self) -> Facts:
        """What is known of the process as a whole."""
        ...

    @property
    def memory(self) -> Memory:
        """Its memory."""
        ...

    def threads(self) -> Sequence[ThreadState]:
        """Return every thread, in the order of the target."""
        ...

    def modules(self) -> Sequence[Module]:
        """Return every mapped ELF file, sorted by address; the vdso included."""
        ...

    def close(self) -> None:
        """Let go of files and processes; the target runs on."""
        ...


@runtime_checkable
class Described(Protocol):
    """A target of which it can be asked what its file descriptors lead to; no core knows that."""

    def describe(self, fds: Collection[int]) -> Mapping[int, str]:
        """Return what each leads to now, in a few words: addresses of a socket, a path."""
        ...


@runtime_checkable
class Moving(Protocol):
    """A process that runs on while it is looked at.

    What belongs together is copied while it stands for a moment. To copy little, the engine
    looks without a stop first: what it reads then is what will be copied.
    """

    def look(self) -> Target:
        """Return the process as it runs: no two reads need fit together.

        Raises:
            OpenError: it cannot be read, or has ended.
        """
        ...

    def stop(self, looked: Target) -> Target:
        """Stop the process, copy what was read of ``looked``, and let it run on.

        Return ``looked`` itself where the process is not to be stopped: then its memory tells
        what is torn.

        Raises:
            OpenError: it cannot be stopped, or has ended.
        """
        ...

    @property
    def is_held(self) -> bool:
        """Whether the process stands until it is let go."""
        ...

    def hold(self) -> None:
        """Let the process stand until ``let_go`` or ``close``.

        Raises:
            OpenError: it may not be stopped, or has ended.
        """
        ...

    def let_go(self) -> None:
        """Let the process run on."""
        ...

    def close(self) -> None:
        """Let go of the process; it runs on."""
        ...
