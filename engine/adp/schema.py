"""What a descriptor says, as frozen records: rules, and the expressions in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from adp_tui.engine.adp.language import Node, parse
from adp_tui.engine.dataclass import dataclass

__all__ = [
    "AdapterRule",
    "BlockingRule",
    "Crate",
    "Definition",
    "Descriptor",
    "DriverRule",
    "ExecutorRule",
    "Expression",
    "FdRule",
    "HoldRule",
    "HolderRule",
    "IgnoredRule",
    "KindRule",
    "Lets",
    "MacroRule",
    "Named",
    "NamedRule",
    "Origin",
    "OwnerRule",
    "RegisteredRule",
    "ResourceRule",
    "RoleRule",
    "RootRule",
    "RunningRule",
    "SleepRule",
    "States",
    "TaskRule",
    "Template",
    "ThreadRule",
    "ViewRule",
    "WaitRule",
    "WakerRule",
    "WakerSlot",
]


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """An expression. Its identity is the key under which its plans are kept."""

    text: str

    @property
    def node(self) -> Node:
        """The expression as a tree; it is parsed when it is first asked for.

        Raises:
            LanguageError: it is none.
        """
        return parse(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Text with expressions in it."""

    text: str
    parts: tuple[str | Expression, ...]


Lets = tuple[tuple[str, Expression], ...]
Named = Mapping[str, Expression]
States = tuple[tuple[Expression, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExecutorRule:
    """An executor: ``each`` gives those that the runtime's own roots lead to; ``type`` is the
    type of its data, by which an executor that a task leads to is recognised. ``count`` is how
    many tasks its lists hold by its own word; ``some`` are tasks of an executor that lists not all.
    """

    kind: str
    type: str | None = None
    each: Expression | None = None
    name: Expression | None = None
    tasks: Expression | None = None
    some: Expression | None = None
    count: Expression | None = None
    blocking: Expression | None = None
    owner_id: Expression | None = None
    owner_thread: Expression | None = None
    queues: Named = field(default_factory=dict)
    timers: Expression | None = None
    pending_timers: Expression | None = None
    registrations: Expression | None = None
    waker: Expression | None = None
    detail: Named = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class DriverRule:
    """What waits for events on behalf of tasks of any executor, and belongs to none."""

    kind: str
    each: Expression
    registrations: Expression | None = None
    wakers: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ThreadRule:
    """What a thread-local says of its thread: ``each`` gives one value for each thread."""

    each: Expression
    executor: Expression | None = None
    worker: Expression | None = None
    queue: Expression | None = None
    current_task: Expression | None = None
    parker: Expression | None = None
    owner: Expression | None = None
    past: Expression | None = None
    """An Instant that the thread has taken: it is later than that, which a core does not tell."""


@dataclass(frozen=True, slots=True, eq=False)
class RoleRule:
    """The role of a thread that has a function matching ``fn`` on its stack, and the
    ``executor`` that such a thread works for.
    """

    fn: str
    role: str
    executor: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SleepRule:
    """A thread that sleeps in the function ``fn`` waits for a lock of its own kind, no task's:
    ``resource`` finds it from the ``futex`` that it sleeps on, or from ``it``, its value of
    ``each`` (a thread-local).
    """

    fn: str
    kind: str
    resource: Expression
    mode: str | None = None
    each: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TaskRule:
    """A task, from its header ``it``."""

    type: str
    let: Lets = ()
    valid: Expression | None = None
    """0 for what cannot be a header, such as one that was freed."""
    id: Expression | None = None
    raw_id: Expression | None = None
    owner_id: Expression | None = None
    name: Expression | None = None
    future: Expression | None = None
    state: States = ()
    flags: Named = field(default_factory=dict)
    panic: Expression | None = None
    scheduler: Expression | None = None
    spawned_at: Expression | None = None
    join_waker: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class KindRule:
    """The kind of the tasks whose scheduler type matches, and their ``executor`` where the
    scheduler itself does not lead to one.
    """

    scheduler: str
    kind: str
    executor: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IgnoredRule:
    """Tasks of the runtime's own: not shown."""

    future: str


@dataclass(frozen=True, slots=True, eq=False)
class RootRule:
    """A ``block_on`` root: the native function ``fn`` drives the future in ``variable``, or, with
    ``search`` and where that has no value, the one of type ``type_param`` somewhere in its frame.
    """

    fn: str
    variable: str | None = None
    type: str | None = None
    type_param: str | None = None
    search: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BlockingRule:
    """A running blocking job: a header of ``type`` that its thread's stack points to.

    It is the one whose ``id`` is what a thread-local tells; where none does, the only one that is
    ``valid``.
    """

    type: str
    id: Expression | None = None
    valid: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RunningRule:
    """A task that is being polled: the native function ``fn`` polls the one whose header, of
    ``type``, its frame or one further in points to; ``valid`` (with the function's address ``f``)
    tells that header from other memory.
    """

    fn: str
    type: str
    valid: Expression


@dataclass(frozen=True, slots=True, eq=False)
class WakerRule:
    """Whom a waker wakes: recognised by its vtable's address or its clone function's name.

    Where ``sweep``, such wakers are looked for in all memory: nothing else leads to their tasks.
    """

    vtable: Expression | None = None
    fn: str | None = None
    let: Lets = ()
    task: Expression | None = None
    forward: Expression | None = None
    thread: Expression | None = None
    executor: Expression | None = None
    sweep: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WaitRule:
    """A future (or coroutine) that waits on something.

    Where ``awaits`` stands, it does so only while the future that it awaits matches: a cell's
    initialiser is the author's own future and names its own wait.
    """

    on: str
    kind: str
    awaits: str | None = None
    mode: str | None = None
    mode_of: Expression | None = None
    resource: Expression | None = None
    task: Expression | None = None
    waker: Expression | None = None
    remaining_ms: Expression | None = None
    amount: Expression | None = None
    armed: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ResourceRule:
    """A resource: its state, and the wakers that queue in it.

    ``taken`` is how much of it is held by its own word; ``alias`` a part of it that guards may
    point to instead.
    """

    type: str
    kind: str
    detail: Named = field(default_factory=dict)
    waiters: Expression | None = None
    taken: Expression | None = None
    alias: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WakerSlot:
    """Where a registered resource stores wakers: each item of ``each`` is one, or holds one
    that ``waker`` finds (as ``w``).
    """

    each: Expression
    waker: Expression | None = None
    mode: str | None = None
    mode_of: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredRule:
    """A resource that an executor's drivers list (a socket, a timer), or that a future written
    by hand keeps and polls (a channel, a stream of HTTP/2).
    """

    type: str
    kind: str
    wakers: tuple[WakerSlot, ...] = ()
    remaining_ms: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HoldRule:
    """A value whose owner is the parent of other tasks: a JoinHandle, a JoinSet."""

    on: str
    tasks: Expression


@dataclass(frozen=True, slots=True, eq=False)
class HolderRule:
    """A guard: whoever has it holds so much of a resource.

    ``weight`` is how much that is in what the resource itself calls ``taken``, where it isn't
    ``amount``. Where ``listed``, a resource that a task holds is shown though no task waits for it.
    """

    on: str
    resource: Expression
    mode: str
    amount: Expression | None = None
    weight: Expression | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class OwnerRule:
    """An end of a channel and the like: its owner can complete waits at a resource, those of one
    ``mode`` or all. ``only``: there is never more than one of its kind.
    """

    on: str
    resource: Expression
    role: str
    mode: str | None = None
    only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FdRule:
    """A value that owns a registration and knows its file descriptor."""

    on: str
    resource: Expression
    fd: Expression


@dataclass(frozen=True, slots=True, eq=False)
class AdapterRule:
    """A future that polls others: labelled ones, or a stream of them.

    ``executor`` is one that it drives, ``waker`` one of who polls it that it keeps itself.
    """

    on: str
    combinator: str = "wrapper"
    children: Named | Expression = field(default_factory=dict)
    labels: Expression | None = None
    state: Expression | None = None
    label: Expression | None = None
    executor: Expression | None = None
    waker: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NamedRule:
    """A future of the runtime's own around what was spawned: named by a type parameter, or by
    what it captured under that name.
    """

    on: str
    by: str


@dataclass(frozen=True, slots=True, eq=False)
class ViewRule:
    """How values of a type are shown: in one line, and when they are expanded.

    Without ``summary`` the line is what it is without a view, without ``fields`` the rows are.
    """

    type: str
    summary: Template | None = None
    fields: Named = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class MacroRule:
    """A table that is made when it is asked for: a row for each item of ``each``.

    In ``each``, ``it`` is a task's header, an executor's data or a resource, as ``on`` says; the
    item itself is the only one where it is not given. In ``columns``, ``it`` is the item and ``of``
    what ``it`` was in ``each``.
    """

    name: str
    columns: Named
    on: str = "global"
    title: str | None = None
    help: str | None = None
    each: Expression | None = None


@dataclass(frozen=True, slots=True)
class Crate:
    """What a descriptor was written for; informative, the probe decides."""

    crate: str
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A named expression with parameters."""

    name: str
    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a descriptor came from: ``project``, ``user``, ``note`` or ``catalogue``, and the
    file or module that it was read from (empty for what ships with adp-tui).
    """

    kind: str = "catalogue"
    place: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Descriptor:
    """One descriptor. ``probe`` entries are paths that must resolve (``!`` in front: must not).

    ``data`` is the object that it was read from, with what it took over from others.
    """

    origin: Origin
    data: Mapping[str, Any] = field(repr=False)
    id: str
    title: str
    for_: tuple[Crate, ...]
    tested: tuple[str, ...]
    types: Mapping[str, str]
    probe: tuple[str, ...]
    lenses: Mapping[str, str]
    defs: Mapping[str, Definition]
    executors: tuple[ExecutorRule, ...]
    drivers: tuple[DriverRule, ...]
    threads: tuple[ThreadRule, ...]
    roles: tuple[RoleRule, ...]
    sleeps: tuple[SleepRule, ...]
    tasks: tuple[TaskRule, ...]
    kinds: tuple[KindRule, ...]
    ignored: tuple[IgnoredRule, ...]
    roots: tuple[RootRule, ...]
    blocking: tuple[BlockingRule, ...]
    running: tuple[RunningRule, ...]
    wakers: tuple[WakerRule, ...]
    waits: tuple[WaitRule, ...]
    resources: tuple[ResourceRule, ...]
    registered: tuple[RegisteredRule, ...]
    holds: tuple[HoldRule, ...]
    holders: tuple[HolderRule, ...]
    owners: tuple[OwnerRule, ...]
    fds: tuple[FdRule, ...]
    adapters: tuple[AdapterRule, ...]
    named: tuple[NamedRule, ...]
    views: tuple[ViewRule, ...]
    macros: tuple[MacroRule, ...]
    polls: tuple[str, ...]
    opaque: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def is_runtime(self) -> bool:
        """Tell whether it describes a runtime, and not only what std has."""
        return bool(self.executors or self.tasks) and all(c.crate != "std" for c in self.for_)

    @property
    def source(self) -> str:
        """How reports name it: ``tokio >=1.29``."""
        version = self.for_[0].version if self.for_ else ""
        return f"{self.id} {version}".strip()
