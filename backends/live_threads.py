"""The threads of a live process: as they run, and as they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping as Values
from collections.abc import Sequence

from adp_tui.backends.live_memory import ProcessPages
from adp_tui.backends.procfs import ENDED, GoneError, Mapping, Procfs
from adp_tui.backends.registers import syscall_of
from adp_tui.backends.thread_pointers import thread_pointers
from adp_tui.backends.tracer import StoppedThread
from adp_tui.engine.arch import X86_64
from adp_tui.engine.target import Memory, Scheduling, ThreadState

__all__ = ["running_threads", "schedulings", "stopped_threads"]


def schedulings(procfs: Procfs) -> dict[int, Scheduling]:
    """Return what the kernel says of each thread that has not ended."""
    found = {}
    for tid in procfs.threads():
        with contextlib.suppress(GoneError):
            scheduling = procfs.scheduling(tid)
            if scheduling.state not in ENDED:
                found[tid] = scheduling
    return found


def running_threads(
    procfs: Procfs, mappings: Sequence[Mapping], pages: ProcessPages
) -> tuple[ThreadState, ...]:
    """Return the threads as far as they are known without a stop: where each sleeps.

    Raises:
        GoneError: the process has ended.
    """
    scheduled = schedulings(procfs)
    numbers = {}
    for tid in scheduled:
        with contextlib.suppress(GoneError):
            numbers[procfs.status(tid).number] = tid
    pointers = thread_pointers(list(numbers), mappings, pages)
    known = {numbers[number]: pointer for number, pointer in pointers.items()}
    return tuple(_running(procfs, tid, known.get(tid, 0), it) for tid, it in scheduled.items())


def _running(procfs: Procfs, tid: int, pointer: int, scheduling: Scheduling) -> ThreadState:
    try:
        sleep = procfs.sleep(tid)
    except GoneError:
        sleep = None
    registers: dict[int, int] = {}
    if sleep is not None and sleep.sp:
        registers = dict(zip(X86_64.syscall_arguments, sleep.arguments, strict=False))
        registers |= {X86_64.sp: sleep.sp, X86_64.pc: sleep.pc}
    return ThreadState(
        tid=tid,
        registers=registers,
        thread_pointer=pointer,
        syscall=None if sleep is None else sleep.syscall,
        name=_name_of(procfs, tid),
        scheduling=scheduling,
        problem=None if registers else "it runs: where it is, only a stop can tell",
    )


def stopped_threads(
    procfs: Procfs,
    stopped: Sequence[StoppedThread],
    memory: Memory,
    scheduled: Values[int, Scheduling],
) -> tuple[ThreadState, ...]:
    """Return the threads of a process that stood.

    Args:
        procfs: the process.
        stopped: their registers.
        memory: as it was then.
        scheduled: what the kernel said of them before.

    Raises:
        GoneError: the process has ended.
    """
    return tuple(
        ThreadState(
            tid=each.tid,
            registers=each.registers,
            thread_pointer=each.thread_pointer,
            syscall=syscall_of(memory, each.registers, each.syscall),
            name=_name_of(procfs, each.tid),
            scheduling=scheduled.get(each.tid),
            problem=each.problem,
        )
        for each in stopped
    )


def _name_of(procfs: Procfs, tid: int) -> str | None:
    """Return the process name for the main thread; those of others are cut by the kernel."""
    return procfs.status().name if tid == procfs.pid else None
