"""Everything that was found out at one moment."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model.columns import ResourceColumns, TaskColumns
from adp_tui.engine.model.records import Executor, Finding, Loss, Stack, Thread

__all__ = ["Changes", "PanicFacts", "RuntimeFacts", "SignalFacts", "Snapshot", "TargetFacts"]


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """A runtime that was recognised. ``version`` is None where no crate path tells it."""

    name: str
    version: str | None
    descriptor: str
    """Name and range of the descriptor that applied: ``tokio >=1.29``."""
    tested: bool


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
    panic: PanicFacts | None = None
    """The panic on whose way the signal came."""


@dataclass(frozen=True, slots=True)
class PanicFacts:
    """A panic that ended the process: what it said and where, as far as memory has it."""

    message: str | None
    place: tuple[str, int] | None
    unwound: str | None = None
    """Message of the panic from which the stack was unwound when this one came."""


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
    """Numbers of the tasks that are idle and to which no waker exists, by their own count."""
    changes: Changes | None = None
    """Since the snapshot before; None for the first one, and for a core."""
    fds: Mapping[int, str] = field(default_factory=dict)
    """What the file descriptors that are waited for lead to; a core does not tell."""
    extensions: tuple[Extension, ...] = ()
    """What was found beside what ships with adp-tui, whether it is used or not."""
    unreached: tuple[int, ...] = ()
    """Numbers of the tasks that are idle and for which no waker was found, though all of a core's
    writable memory and registers were searched."""
