"""Stops all threads of a process for a moment, and never for longer than its own life.

Each stop has a thread of ours that makes every ptrace call. The kernel lets go of all that a
thread traces when it ends, however it ends, and threads that were stopped by PTRACE_INTERRUPT then
run on (ptrace(2)). PTRACE_ATTACH would leave a SIGSTOP behind.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ptrace import PtraceError
from ptrace.binding import ptrace_detach, ptrace_getregs
from ptrace.binding.func import ptrace

from adp_tui.backends.procfs import GoneError, Procfs
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import AdpError

__all__ = ["Hold", "NotPermittedError", "Stopped", "StoppedThread", "stop"]

T = TypeVar("T")

# linux/ptrace.h; python-ptrace does not name them.
PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
PTRACE_EVENT_STOP = 128
_WALL = 0x40000000

MAX_ROUNDS = 64
"""Looks for threads that others have just made: one that still runs may make another."""
STOP_S = 1.0
"""How long a thread may take to stop. It stops at once, unless the kernel sleeps for a disk."""
_SPIN_S = 0.00005
_REAP_S = 0.02
"""How often it is looked for threads that have ended, while a stop is waited for."""


class NotPermittedError(AdpError):
    """The kernel forbids to trace the process."""


@dataclass(frozen=True, slots=True)
class StoppedThread:
    """A thread while it stands."""

    tid: int
    registers: dict[int, int]
    """By DWARF number; empty where ``problem`` says why."""
    thread_pointer: int
    syscall: int
    """``orig_rax``, signed: negative for a thread that is in no system call."""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Stopped(Generic[T]):
    """What a stop gave, and how long the process stood."""

    result: T
    seconds: float
    """From the first interrupt to the last thread that was let go."""


@dataclass(slots=True)
class _Tracee:
    tid: int
    stopped: bool = False
    gone: bool = False
    late: bool = False
    """It did not stop in time; it is let go when our thread ends."""
    signal: int = 0
    """What the thread was about to get: it gets it when it is let go."""


@dataclass(slots=True)
class _Stop:
    """The threads of one process that one thread of ours has seized."""

    procfs: Procfs
    tracees: dict[int, _Tracee] = field(default_factory=dict)
    began: float = 0.0
    """When the first thread was interrupted, by ``perf_counter``."""
    seconds: float = 0.0
    """How long the process stood."""

    def all_threads(self) -> None:
        """Stop every thread, also those that are made meanwhile."""
        while self._seize_new():
            continue
        self.began = time.perf_counter()
        for _ in range(MAX_ROUNDS):
            running = [t for t in self.tracees.values() if not (t.stopped or t.gone or t.late)]
            for tracee in running:
                self._interrupt(tracee)
            self._wait(running)
            # The kernel may end its list early where a thread ends: only two without news count.
            if not self._seize_new() and not self._seize_new():
                return

    def _seize_new(self) -> int:
        """Seize the threads that are not seized yet, which does not stop them."""
        new = 0
        for tid in self.procfs.threads():
            if tid not in self.tracees:
                self.tracees[tid] = tracee = _Tracee(tid)
                tracee.gone = not self._seize(tid)
                new += not tracee.gone
        return new

    def _seize(self, tid: int) -> bool:
        try:
            ptrace(PTRACE_SEIZE, tid)
        except PtraceError as error:
            if error.errno == errno.ESRCH:
                return False
            # A thread that has ended is refused like one that may not be traced.
            if error.errno == errno.EPERM and self._has_ended(tid):
                return False
            raise NotPermittedError(f"the kernel forbids to trace thread {tid}") from error
        return True

    def _has_ended(self, tid: int) -> bool:
        try:
            return self.procfs.status(tid).has_ended
        except (GoneError, OSError):
            return True

    @staticmethod
    def _interrupt(tracee: _Tracee) -> None:
        try:
            ptrace(PTRACE_INTERRUPT, tracee.tid)
        except PtraceError:
            tracee.gone = True

    @staticmethod
    def _wait(tracees: Sequence[_Tracee]) -> None:
        """Wait until all stand, or the time is over."""
        deadline = time.perf_counter() + STOP_S
        left = list(tracees)
        while left:
            left = [each for each in left if not _has_stopped(each)]
            if left:
                if time.perf_counter() > deadline:
                    for each in left:
                        each.late = True
                    return
                time.sleep(_SPIN_S)

    def stopped(self) -> list[StoppedThread]:
        """Stop every thread and return their registers.

        Raises:
            GoneError, NotPermittedError: as ``stop`` says.
        """
        self.all_threads()
        threads = [_thread(each) for each in self.tracees.values() if not each.gone]
        if not threads:
            raise GoneError(f"process {self.procfs.pid} has ended")
        return threads

    def reap(self) -> None:
        """Take notice of threads that have ended; runs on another thread than the tracer's.

        A thread that starts another program waits until all others are gone, and one that is
        traced is gone only when this was noticed. PTRACE_SEIZE waits for the program in turn:
        without this, our thread and the process would wait for each other for ever.
        """
        for tracee in list(self.tracees.values()):
            if not tracee.gone:
                with contextlib.suppress(ChildProcessError):
                    ended = os.WEXITED | os.WNOHANG | _WALL
                    if os.waitid(os.P_PID, tracee.tid, ended) is not None:
                        tracee.gone = True

    def let_go(self) -> None:
        """Let every thread run on, with the signal that it was about to get."""
        for tracee in self.tracees.values():
            if tracee.stopped and not tracee.gone:
                # One that was killed meanwhile is not there any more.
                with contextlib.suppress(PtraceError):
                    ptrace_detach(tracee.tid, tracee.signal)
        self.tracees.clear()
        self.seconds = time.perf_counter() - self.began


def _has_stopped(tracee: _Tracee) -> bool:
    if tracee.gone or tracee.stopped:
        return True
    try:
        tid, status = os.waitpid(tracee.tid, os.WNOHANG | _WALL)
    except ChildProcessError:
        tracee.gone = True
        return True
    if not tid:
        return False
    if not os.WIFSTOPPED(status):
        tracee.gone = True
        return True
    tracee.stopped = True
    if status >> 16 == 0:
        # It stands because a signal is about to be delivered, not because of the interrupt.
        tracee.signal = os.WSTOPSIG(status)
    return True


def _thread(tracee: _Tracee) -> StoppedThread:
    if not tracee.stopped:
        reason = "the thread did not stop: it sleeps in the kernel and takes no signals"
        return StoppedThread(tracee.tid, {}, 0, -1, reason)
    try:
        raw = ptrace_getregs(tracee.tid)
    except PtraceError:
        return StoppedThread(tracee.tid, {}, 0, -1, "the thread was killed while it was read")
    registers = {number: getattr(raw, name) for number, name in X86_64.registers.items()}
    syscall = raw.orig_rax - ((raw.orig_rax >> 63) << 64)
    return StoppedThread(tracee.tid, registers, raw.fs_base, syscall)


def stop(procfs: Procfs, work: Callable[[Sequence[StoppedThread], float], T]) -> Stopped[T]:
    """Stop a process, do something, and let it run on.

    Args:
        procfs: the process.
        work: is given the threads and the time (``perf_counter``) at which the process was
            first interrupted; runs on another thread, also after Ctrl-C ended this call.

    Raises:
        GoneError: the process has ended.
        NotPermittedError: it may not be traced.
    """
    held = _Stop(procfs)

    def once() -> T:
        try:
            # In one go: to change threads would cost a part of the pause.
            return work(held.stopped(), held.began)
        finally:
            held.let_go()

    collects = gc.isenabled()
    gc.disable()
    thread = ThreadPoolExecutor(1, "tracer")
    try:
        result = _outcome(thread.submit(once), held)
    finally:
        # A caller that was interrupted can tell the work to end sooner.
        thread.shutdown(wait=False)
        if collects:
            gc.enable()
    return Stopped(result, held.seconds)


def _outcome(stopping: Future[T], held: _Stop) -> T:
    """Wait for a stop."""
    while not wait((stopping,), _REAP_S).done:
        held.reap()
    return stopping.result()


class Hold:
    """A process that stands until it is let go, or adp-tui ends.

    Raises:
        GoneError: the process has ended.
        NotPermittedError: it may not be traced.
    """

    def __init__(self, procfs: Procfs) -> None:
        self._held = _Stop(procfs)
        self._thread = ThreadPoolExecutor(1, "tracer")
        try:
            self.threads = _outcome(self._thread.submit(self._held.stopped), self._held)
        except BaseException:
            self.let_go()
            raise

    def run(self, work: Callable[[Sequence[StoppedThread], float], T]) -> T:
        """Do something on the thread that traces the process."""
        return self._thread.submit(work, self.threads, time.perf_counter()).result()

    def let_go(self) -> None:
        """Let the process run on."""
        self._thread.submit(self._held.let_go)
        self._thread.shutdown()
