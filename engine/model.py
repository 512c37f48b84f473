"""The facts about one snapshot: frozen records, and columns where there are many.

Keys (``x1``, ``t7``, ``r3``, ``s12``) are stable within a snapshot. Records link to each
other by key, never by reference. ``docs/report.md`` says what each field means: the
records here have the same names.
"""

from __future__ import annotations

import enum
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import accumulate, islice
from typing import ClassVar, NamedTuple

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.extensions import Extension
from adp_tui.engine.target import Scheduling

__all__ = [
    "MAX_OWNERS",
    "Branch",
    "Changes",
    "Confidence",
    "CycleStep",
    "Doing",
    "Executor",
    "Finding",
    "Frame",
    "FramePath",
    "Holder",
    "Interner",
    "Loss",
    "Macro",
    "NativeFrame",
    "Owner",
    "Queues",
    "Resource",
    "ResourceColumns",
    "RuntimeFacts",
    "SignalFacts",
    "Snapshot",
    "Splice",
    "Stack",
    "TargetFacts",
    "Task",
    "TaskColumns",
    "TaskCounts",
    "TaskNature",
    "TaskPlace",
    "TaskState",
    "Thread",
    "Wait",
    "WaitColumns",
    "WaitParts",
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
        return list(Confidence).index(self)


class TaskState(enum.StrEnum):
    """What a task is doing, from its own header."""

    RUNNING = "running"
    SCHEDULED = "scheduled"
    IDLE = "idle"
    COMPLETE = "complete"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """A runtime that was recognised. ``version`` is None where no crate path tells it."""

    name: str
    version: str | None
    descriptor: str
    """Name and range of the descriptor that applied: ``tokio >=1.29``."""
    tested: bool


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


class Interner:
    """Equal strings stored once, named by a small number."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._text: list[str] = []

    def number(self, text: str) -> int:
        """Return the number of ``text``, a new one where it was not seen before."""
        found = self._number.get(text)
        if found is None:
            found = self._number[text] = len(self._text)
            self._text.append(text)
        return found

    def text(self, number: int) -> str:
        """Return the text with that number."""
        return self._text[number]

    def __len__(self) -> int:
        return len(self._text)

    def optional(self, text: str | None) -> int:
        """Return the number of ``text``; -1 for None."""
        return -1 if text is None else self.number(text)

    def optional_text(self, number: int) -> str | None:
        """Return the text with that number; None for -1."""
        return None if number < 0 else self._text[number]


class WaitColumns:
    """All waits of a snapshot, sorted by task; record ``i`` is made on demand.

    What many waits have in common, their shape, is stored once: a wait without resource, task,
    descriptor and time.
    """

    def __init__(self) -> None:
        self.shapes: list[Wait] = []
        self._known: dict[Wait, int] = {}
        self.shape = array("I")
        """Index into ``shapes``."""
        self.resource = array("i")
        """Index of the resource; -1 for none."""
        self.task = array("i")
        """Index of the task; -1 for none."""
        self.fd = array("i")
        """-1 for none."""
        self.remaining = array("d")
        """Seconds; not a number for none."""

    def __len__(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: int) -> Wait:
        shape = self.shapes[self.shape[index]]
        resource, task = self.resource[index], self.task[index]
        fd, remaining = self.fd[index], self.remaining[index]
        if resource < 0 and task < 0 and fd < 0 and remaining != remaining:
            return shape
        return Wait(
            shape.kind,
            shape.mode,
            shape.branch,
            None if resource < 0 else f"r{resource + 1}",
            None if task < 0 else f"t{task + 1}",
            None if fd < 0 else fd,
            None if remaining != remaining else remaining,
            shape.armed,
            shape.conf,
            shape.src,
            shape.detail,
        )

    def __iter__(self) -> Iterator[Wait]:
        return map(self.__getitem__, range(len(self)))

    def append(self, wait: Wait) -> int:
        """Store a wait; return its index."""
        self.extend([_split(wait)])
        return len(self) - 1

    def put(self, index: int, wait: Wait) -> None:
        """Store a wait in place of another."""
        shape, resource, task, fd, remaining = _split(wait)
        self.shape[index] = self.share(shape)
        self.resource[index], self.task[index] = resource, task
        self.fd[index] = -1 if fd is None else fd
        self.remaining[index] = math.nan if remaining is None else remaining

    def extend(self, rows: Sequence[WaitParts]) -> None:
        """Store many waits."""
        if not rows:
            return
        shapes, resources, tasks, fds, remaining = zip(*rows, strict=True)
        different = {id(shape): shape for shape in shapes}
        known = {key: self.share(shape) for key, shape in different.items()}
        self.shape.extend(map(known.__getitem__, map(id, shapes)))
        self.resource.extend(resources)
        self.task.extend(tasks)
        self.fd.extend([-1 if fd is None else fd for fd in fds])
        self.remaining.extend([math.nan if left is None else left for left in remaining])

    def share(self, shape: Wait) -> int:
        """Return the number of what waits have in common, a new one where it was not there."""
        number = self._known.setdefault(shape, len(self.shapes))
        if number == len(self.shapes):
            self.shapes.append(shape)
        return number


WaitParts = tuple[Wait, int, int, int | None, float | None]
"""Shape, numbers of resource and task (-1 for none), descriptor, seconds."""


def _split(wait: Wait) -> WaitParts:
    shape = replace(wait, resource=None, task=None, fd=None, remaining_s=None)
    resource = -1 if wait.resource is None else int(wait.resource.removeprefix("r")) - 1
    task = -1 if wait.task is None else int(wait.task.removeprefix("t")) - 1
    return shape, resource, task, wait.fd, wait.remaining_s


class TaskPlace(NamedTuple):
    """What a task has of its own; numbers are -1 for none."""

    id: int | None
    address: int
    state: TaskState
    executor: int
    parent: int
    thread: int
    stack: int


class TaskNature(NamedTuple):
    """What a task has in common with many: texts by number, -1 for none; and lines."""

    kind: int
    name: int
    runtime: int
    future: int
    cancelled: bool
    panic: int
    defined_file: int
    defined_line: int
    spawned_file: int
    spawned_line: int


class TaskColumns:
    """All tasks of a snapshot as columns: a ``Task`` record is made for a row that is shown.

    Task ``i`` (from 0) has the key ``t{i + 1}``. Text is interned: ``texts`` numbers it.
    """

    def __init__(self) -> None:
        self.texts = Interner()
        self.waits = WaitColumns()
        self.id = array("q")
        """-1 for a task without an id."""
        self.address = array("Q")
        self.state = array("B")
        """Index into ``STATES``."""
        self.kind = array("i")
        self.name = array("i")
        self.runtime = array("i")
        self.executor = array("i")
        """Index of the executor in the snapshot's list; -1 for none."""
        self.parent = array("i")
        """Index of the parent task; -1 for none."""
        self.thread = array("i")
        """Thread id; -1 for none."""
        self.future = array("i")
        self.stack = array("i")
        """Index of the stack in the snapshot's list; -1 for none."""
        self.cancelled = array("B")
        self.panic = array("i")
        self.defined_file = array("i")
        self.defined_line = array("i")
        self.spawned_file = array("i")
        self.spawned_line = array("i")
        self.wait_start = array("I")
        self.wait_count = array("I")

    STATES: tuple[TaskState, ...] = tuple(TaskState)

    def __len__(self) -> int:
        return len(self.address)

    def append(self, task: Task, executor: int, parent: int, stack: int) -> int:
        """Add a task whose executor, parent and stack have these indexes (-1 for none).

        ``key``, ``executor``, ``parent`` and ``stack`` of the record itself are not stored.
        """
        thread = -1 if task.thread is None else task.thread
        place = TaskPlace(task.id, task.address, task.state, executor, parent, thread, stack)
        self.extend([place], [self.nature(task)], [list(map(_split, task.waits))])
        return len(self.address) - 1

    def nature(self, task: Task) -> TaskNature:
        """Return what a task has in common with many, as numbers."""
        texts = self.texts
        defined, spawned = task.defined_at, task.spawned_at
        return TaskNature(
            kind=texts.number(task.kind),
            name=texts.optional(task.name),
            runtime=texts.number(task.runtime),
            future=texts.number(task.future),
            cancelled=task.cancelled,
            panic=texts.optional(task.panic),
            defined_file=-1 if defined is None else texts.number(defined[0]),
            defined_line=0 if defined is None else defined[1],
            spawned_file=-1 if spawned is None else texts.number(spawned[0]),
            spawned_line=0 if spawned is None else spawned[1],
        )

    def extend(
        self,
        places: Sequence[TaskPlace],
        natures: Sequence[TaskNature],
        waits: Sequence[Sequence[WaitParts]],
    ) -> None:
        """Add many tasks: what is their own, what they have in common, their waits."""
        ids, addresses, states, *links = zip(*places, strict=True)
        self.id.extend([-1 if i is None or i >= 1 << 63 else i for i in ids])
        self.address.extend([address & (1 << 64) - 1 for address in addresses])
        self.state.extend(map({s: i for i, s in enumerate(self.STATES)}.__getitem__, states))
        for column, numbers in zip(
            (self.executor, self.parent, self.thread, self.stack), links, strict=True
        ):
            column.extend(numbers)
        for name, values in zip(TaskNature._fields, zip(*natures, strict=True), strict=True):
            getattr(self, name).extend(values)
        counts = list(map(len, waits))
        starts = accumulate(counts, initial=len(self.waits))
        self.wait_count.extend(counts)
        self.wait_start.extend(islice(starts, len(counts)))
        self.waits.extend([wait for each in waits for wait in each])

    def natures(self) -> Iterator[tuple[int, ...]]:
        """Yield for each task what it has in common with many: equal for equal texts."""
        return zip(
            self.kind, self.name, self.state, self.cancelled, self.runtime, self.executor,
            self.thread, self.future, self.defined_file, self.defined_line, self.spawned_file,
            self.spawned_line, self.panic, strict=True,
        )  # fmt: skip

    def key(self, index: int) -> str:
        """Return the key of task ``index``."""
        return f"t{index + 1}"

    def index(self, key: str) -> int:
        """Return the index of the task with that key.

        Raises:
            KeyError: there is none.
        """
        try:
            number = int(key.removeprefix("t")) - 1
        except ValueError:
            number = -1
        if not key.startswith("t") or not 0 <= number < len(self):
            raise KeyError(key)
        return number

    def waits_of(self, index: int) -> tuple[Wait, ...]:
        """Return the waits of task ``index``."""
        start = self.wait_start[index]
        return tuple(self.waits[i] for i in range(start, start + self.wait_count[index]))

    def record(self, index: int) -> Task:
        """Make the record of task ``index``."""
        texts = self.texts
        defined = texts.optional_text(self.defined_file[index])
        spawned = texts.optional_text(self.spawned_file[index])
        executor, parent, stack = self.executor[index], self.parent[index], self.stack[index]
        return Task(
            key=self.key(index),
            id=None if self.id[index] < 0 else self.id[index],
            name=texts.optional_text(self.name[index]),
            kind=texts.text(self.kind[index]),
            state=self.STATES[self.state[index]],
            cancelled=bool(self.cancelled[index]),
            runtime=texts.text(self.runtime[index]),
            executor=None if executor < 0 else f"x{executor + 1}",
            address=self.address[index],
            thread=None if self.thread[index] < 0 else self.thread[index],
            parent=None if parent < 0 else self.key(parent),
            future=texts.text(self.future[index]),
            defined_at=None if defined is None else (defined, self.defined_line[index]),
            spawned_at=None if spawned is None else (spawned, self.spawned_line[index]),
            panic=texts.optional_text(self.panic[index]),
            stack=None if stack < 0 else f"s{stack + 1}",
            waits=self.waits_of(index),
        )

    def __iter__(self) -> Iterator[Task]:
        return (self.record(i) for i in range(len(self)))


class ResourceColumns(Sequence[Resource]):
    """All resources of a snapshot; resource ``i`` has the key ``r{i + 1}``."""

    def __init__(self, records: Sequence[Resource] = ()) -> None:
        self._records = list(records)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Resource:  # type: ignore[override]  # no slices
        return self._records[index]

    def named(self, key: str) -> Resource:
        """Return the resource that a wait names by its key."""
        return self._records[int(key.removeprefix("r")) - 1]


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the tasks since the snapshot before."""

    still: array[int]
    """For each task how many snapshots before this one showed it as it is: 0 for one that moved,
    ``NEW`` for one that was not there."""
    gone: int
    """Tasks that are not there any more."""
    derived: int
    """Tasks without a number: told apart by address and type, which a new one may have as well."""

    NEW: ClassVar[int] = -1


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """The report's ``target``: what was opened."""

    kind: str
    core: str | None
    pid: int | None
    exe: str | None
    build_id: str | None
    arch: str
    pause_ms: float | None
    taken_at: str | None
    tool: str
    signal: SignalFacts | None
    runtimes: tuple[RuntimeFacts, ...]


@dataclass(frozen=True, slots=True)
class SignalFacts:
    """The signal that ended the process."""

    name: str
    number: int
    code: int | None
    fault_address: int | None
    tid: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that was found out at one moment. ``epoch`` counts refreshes."""

    epoch: int
    target: TargetFacts
    executors: tuple[Executor, ...] = ()
    threads: tuple[Thread, ...] = ()
    stacks: tuple[Stack, ...] = ()
    tasks: TaskColumns = field(default_factory=TaskColumns)
    resources: ResourceColumns = field(default_factory=ResourceColumns)
    findings: tuple[Finding, ...] = ()
    losses: tuple[Loss, ...] = ()
    unwoken: tuple[int, ...] = ()
    """Numbers of the tasks that are idle and to which no waker exists."""
    changes: Changes | None = None
    """Since the snapshot before; None for the first one, and for a core."""
    fds: Mapping[int, str] = field(default_factory=dict)
    """What the file descriptors that are waited for lead to; a core does not tell."""
    extensions: tuple[Extension, ...] = ()
    """What was found beside what ships with adp-tui, whether it is used or not."""
