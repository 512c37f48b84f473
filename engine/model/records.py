"""The records of a snapshot: frozen, and linked to each other by key, never by reference.

Keys (``x1``, ``t7``, ``r3``, ``s12``) are stable within a snapshot. ``docs/report.md`` says what
each field means: the records here have the same names.
"""

from __future__ import annotations

import enum

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.target import Scheduling

__all__ = [
    "MAX_OWNERS",
    "Branch",
    "Confidence",
    "CycleStep",
    "Doing",
    "Executor",
    "Finding",
    "Frame",
    "FramePath",
    "Holder",
    "Loss",
    "Macro",
    "NativeFrame",
    "Owner",
    "Queues",
    "Resource",
    "Splice",
    "Stack",
    "Task",
    "TaskCounts",
    "TaskState",
    "Thread",
    "Wait",
]


FramePath = tuple[int, ...]
"""Where a frame stands in a logical stack: frame number, then branch and frame numbers."""
MAX_OWNERS = 100
"""Owners that are listed of one resource: a bell that thousands share is no evidence against any
of them. Where there are as many, there may be more."""


class Confidence(enum.StrEnum):
    """How sure a fact is, the surest first."""

    CERTAIN = "certain"
    """Read from the structure that says so."""
    DERIVED = "derived"
    """Follows from several readings."""
    DOUBTFUL = "doubtful"
    """Readings disagree."""
    TORN = "torn"
    """Read while the target ran."""

    @property
    def doubt(self) -> int:
        """How unsure it is: 0 for certain."""
        return _DOUBTS[self]


_DOUBTS = {conf: doubt for doubt, conf in enumerate(Confidence)}


class TaskState(enum.StrEnum):
    """What a task is doing, from its own header."""

    RUNNING = "running"
    SCHEDULED = "scheduled"
    IDLE = "idle"
    COMPLETE = "complete"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Number of an executor's tasks by state."""

    idle: int = 0
    running: int = 0
    scheduled: int = 0
    complete: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Queues:
    """Lengths of an executor's queues; None where a length could not be read."""

    global_: int | None = None
    local: tuple[int | None, ...] = ()
    blocking: int | None = None


@dataclass(frozen=True, slots=True)
class Executor:
    """Something that polls tasks: a runtime, a LocalSet."""

    key: str
    kind: str
    runtime: str
    name: str | None
    address: int
    parent: str | None
    workers: tuple[int, ...]
    blocking_threads: tuple[int, ...]
    tasks: TaskCounts
    queues: Queues
    timers: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """What a task waits on, once for each pending leaf."""

    kind: str
    mode: str | None = None
    branch: str | None = None
    resource: str | None = None
    task: str | None = None
    fd: int | None = None
    remaining_s: float | None = None
    armed: bool = True
    conf: Confidence = Confidence.CERTAIN
    src: str = ""
    detail: str | None = None
    """What else is known, for people: the innermost future's type of an unknown wait, permits
    wanted, interest of an I/O wait."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What a thread does.

    ``kind`` is one of parked, driver, polling, blocking_job, syscall, futex, running, unknown.
    """

    kind: str
    syscall: str | None = None
    fd: int | None = None
    job: str | None = None
    lock: str | None = None
    wait: Wait | None = None
    """The lock of std or the like that it sleeps in, where a descriptor knows such locks."""


@dataclass(frozen=True, slots=True)
class Splice:
    """The async frames of ``task`` stand below native frame number ``frame``."""

    frame: int
    task: str


@dataclass(frozen=True, slots=True)
class NativeFrame:
    """A frame of an operating system thread.

    ``origin`` says how the frame was found: cfi, debug_frame, frame_pointer, scan, or
    inline (a function that was inlined into the frame after it).
    """

    function: str | None
    file: str | None
    dir: str | None
    line: int | None
    column: int | None
    module: str | None
    pc: int
    inlined: bool
    origin: str

    @property
    def guessed(self) -> bool:
        """True for a frame that no call frame information led to."""
        return self.origin in ("frame_pointer", "scan")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of the operating system."""

    tid: int
    name: str | None
    role: str
    executor: str | None
    worker: int | None
    task: str | None
    signal: bool
    doing: Doing
    splice: Splice | None
    stack: tuple[NativeFrame, ...]
    cut: str | None = None
    """Why the stack ends before the thread's first frame; None when it is whole."""
    scheduling: Scheduling | None = None
    """What the kernel said of it just before the snapshot; None on a core."""


@dataclass(frozen=True, slots=True)
class Macro:
    """Where in a macro's own source an await stands (``select.rs:553``)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One arm of a select!, join! or set.

    ``state`` is one of unpolled, pending, polling, done, disabled.
    """

    label: str
    state: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """One async function, block or future of a logical stack."""

    function: str
    kind: str
    """async_fn, async_block, async_closure or future."""
    state: str
    """suspended, unresumed, returned, panicked or polled."""
    type: str
    file: str | None = None
    dir: str | None = None
    line: int | None = None
    column: int | None = None
    macro: Macro | None = None
    branches: tuple[Branch, ...] = ()
    label: str | None = None
    """What the frame says of itself: the name of a tracing span."""
    problem: str | None = None
    """Why the stack ends here, where it should go on; None when it ends by itself."""
    combinator: str | None = None
    """What the branches are to it: ``join`` ends when all have ended, ``select`` and ``unordered``
    when one has; None where nothing tells, or there are none."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A logical stack that ``count`` tasks share."""

    key: str
    count: int
    hash: str
    shape: str
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A task as a record: made only for a row that is shown or written."""

    key: str
    id: int | None
    name: str | None
    kind: str
    """spawned, local, blocking or block_on."""
    state: TaskState
    cancelled: bool
    runtime: str
    executor: str | None
    address: int
    thread: int | None
    parent: str | None
    future: str
    defined_at: tuple[str, int] | None
    spawned_at: tuple[str, int] | None
    panic: str | None
    stack: str | None
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a resource, through which variable."""

    task: str | None
    thread: int | None
    function: str
    variable: str
    path: str | None
    line: int | None
    amount: int | None
    mode: str | None
    conf: Confidence
    src: str
    frame: FramePath | None = None
    """Which frame of the task's stack has the variable; None where that is not known, and for
    threads."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who can complete a wait: the owner of the other end."""

    task: str | None
    thread: int | None
    function: str
    variable: str
    path: str | None
    line: int | None
    role: str
    conf: Confidence
    src: str
    frame: FramePath | None = None
    """As for a holder."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that tasks wait on."""

    key: str
    kind: str
    type: str
    address: int
    state: tuple[tuple[str, int | None], ...] = ()
    holders: tuple[Holder, ...] = ()
    waiters: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    waiting_threads: tuple[int, ...] = ()
    """Threads that sleep in it, in no known order."""
    inside: str | None = None
    """The task whose own memory it lies in, where it does."""


@dataclass(frozen=True, slots=True)
class CycleStep:
    """One step of a deadlock's cycle: who waits, for what, and who holds it."""

    task: str | None
    thread: int | None
    waits_for: str | None
    """The resource; None for a join."""
    held_by_task: str | None
    held_by_thread: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about what is wrong, with its evidence."""

    kind: str
    severity: str
    conf: Confidence
    summary: str
    tasks: tuple[str, ...] = ()
    threads: tuple[int, ...] = ()
    resources: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    cycle: tuple[CycleStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that could not be read, and why; ``samples`` are addresses."""

    what: str
    why: str
    count: int
    samples: tuple[int, ...] = ()
    missing: bool = True
    """True when tasks, executors, threads or frames may be missing for it (exit status 1)."""
