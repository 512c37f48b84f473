"""Working records of one analysis: filled step by step, then frozen into the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import NamedTuple

from adp_tui.engine.adp.schema import ExecutorRule
from adp_tui.engine.analysis.rules import Applied
from adp_tui.engine.analysis.stacks import LiveStack
from adp_tui.engine.arch import Arch
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.model import TaskState, Wait
from adp_tui.engine.syscalls import Call, describe
from adp_tui.engine.target import ThreadState
from adp_tui.engine.unwind.unwinder import NativeStack, RawFrame
from adp_tui.engine.value import Value

__all__ = ["ExecutorFacts", "TaskFacts", "ThreadFacts", "WaitRow"]


@dataclass(slots=True, eq=False)
class ThreadFacts:
    """An operating system thread and what the runtimes' thread-locals say of it."""

    state: ThreadState
    native: NativeStack
    scopes: tuple[tuple[RawFrame, tuple[str, ...]], ...] = ()
    """Each native frame with the names of its functions, outermost inlined one last."""
    executor: ExecutorFacts | None = None
    worker: int | None = None
    queue: int | None = None
    current_task: int | None = None
    parkers: set[int] = field(default_factory=set)
    """Data of the wakers that wake this thread itself."""
    drives: list[ExecutorFacts] = field(default_factory=list)
    """The executors that the thread's own root runs."""
    owner: int | None = None
    """The runtime's own number for this thread."""
    role: str = "other"
    task: TaskFacts | None = None
    lock: WaitRow | None = None
    """The lock of std or the like that it sleeps in."""
    root_frame: RawFrame | None = None
    """The native frame that drives the thread's ``block_on`` root."""

    @property
    def tid(self) -> int:
        """The thread's id."""
        return self.state.tid

    def call(self, arch: Arch) -> Call | None:
        """Return the system call that it is in."""
        if self.state.syscall is None:
            return None
        arguments = [self.state.registers.get(name, 0) for name in arch.syscall_arguments]
        return describe(self.state.syscall, arguments)


@dataclass(slots=True, eq=False)
class ExecutorFacts:
    """An executor that was found, with the rule that reads it."""

    applied: Applied
    rule: ExecutorRule
    value: Value
    name: str | None = None
    parent: ExecutorFacts | None = None
    owner_id: int | None = None
    owner_thread: int | None = None
    tasks: list[TaskFacts] = field(default_factory=list)
    incomplete: bool = False
    """Its lists hold fewer tasks than it counts."""
    index: int = -1

    @property
    def address(self) -> int:
        """Address of the executor's data."""
        return self.value.address


@dataclass(slots=True, eq=False)
class TaskFacts:
    """A task that was found. ``header`` is None for a ``block_on`` root."""

    applied: Applied
    address: int
    header: Value | None
    kind: str
    state: TaskState
    type: Type | None
    """Of its future; None where the debug information does not have it."""
    id: int | None = None
    owner_id: int | None = None
    """The number of the list that the task is in, as the task has it."""
    cancelled: bool = False
    joinable: bool = False
    """Somebody holds its JoinHandle, by its own word."""
    join_waker: Value | None = None
    panic: str | None = None
    future: Value | None = None
    spawned_at: tuple[str, int] | None = None
    wakers: int | None = None
    """References to it that are neither its list's nor its handle's: wakers, where it is idle."""
    name: str | None = None
    scheduler: Value | None = None
    """What its header leads to: the data of an executor."""
    executor: ExecutorFacts | None = None
    searched: bool = False
    """Its future was found by trying places: what follows from it is derived."""
    followed: bool = False
    """The tasks that it holds were looked for."""
    thread: ThreadFacts | None = None
    parent: TaskFacts | None = None
    losses: tuple[tuple[str, str], ...] = ()
    """What could not be read, and why: said once the task is known to be one."""
    problem: str | None = None
    """Why the task has no logical stack, where it should have one."""
    stack: LiveStack | None = None
    waits: Sequence[WaitRow] = ()
    index: int = -1


class WaitRow(NamedTuple):
    """A wait as it is kept while tasks are read: what many have in common, and what differs."""

    shape: Wait
    """The wait without the rest; there is one of each."""
    resource: int = -1
    """Number of the resource; -1 for none."""
    task: int = -1
    """Number of the task; -1 for none."""
    fd: int | None = None
    remaining: float | None = None
    """Seconds."""
