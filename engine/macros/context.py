"""What a macro asks: executors, tasks, frames, resources, wakers, values, memory. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial

from adp_tui.engine import value as memory
from adp_tui.engine.adp.schema import Descriptor, Expression
from adp_tui.engine.analysis.analysis import Analysis
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.inspection import Inspection
from adp_tui.engine.macros.expressions import Expressions
from adp_tui.engine.macros.runner import Gate
from adp_tui.engine.macros.values import Value
from adp_tui.engine.model import (
    Executor,
    Finding,
    Frame,
    Resource,
    Snapshot,
    Stack,
    TargetFacts,
    Task,
    Thread,
)
from adp_tui.engine.rust.display import fields, show

__all__ = ["Context", "FrameView", "WakerView"]

MAX_READ = 1 << 20
"""Bytes that are read at once."""
LAST_S = 0.5
"""``cancelled`` says yes so long before the end."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """A frame of a task's logical stack."""

    function: str
    file: str | None
    line: int | None
    state: str
    """suspended, unresumed, returned, panicked or polled."""
    type: str
    depth: int
    """0; one more below each branch of a ``select!`` or ``join!``."""
    branch: str | None
    """The label of the branch that it is in."""
    variables: Callable[[], dict[str, Value | None]]
    """Reads its live variables, by name; None for one that cannot be read."""


@dataclass(frozen=True, slots=True)
class WakerView:
    """A task that a resource would wake."""

    task: str
    resource: str
    kind: str
    position: int
    """Its place in the resource's queue, from 0."""


class Context:
    """One snapshot, as macros see it. What it returns never changes.

    Records are those of the report (docs/report.md): they link to each other by key. Each method
    may end the macro, when its time is over or it is cancelled.

    Args:
        snapshot: the facts.
        analysis: what leads to memory; None where that is gone.
        missing: why it is gone.
        gate: what each question passes.
        told: is told how far the macro is.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        analysis: Analysis | None,
        missing: str,
        gate: Gate,
        told: Callable[[int, int | None], None] = lambda done, total: None,
    ) -> None:
        self._snapshot = snapshot
        self._known = analysis
        self._missing = missing
        self._gate = gate
        self._told = told
        self._inspection = Inspection(snapshot, analysis, missing)
        self._expressions: Expressions | None = None

    # Facts.

    @property
    def target(self) -> TargetFacts:
        """What was opened: ``kind``, ``exe``, ``pid``, ``signal``, ``runtimes``."""
        return self._snapshot.target

    def executors(self) -> Sequence[Executor]:
        """Return every executor: runtimes, LocalSets."""
        with self._gate.passed():
            return self._snapshot.executors

    def threads(self) -> Sequence[Thread]:
        """Return every thread of the operating system, with its native stack."""
        with self._gate.passed():
            return self._snapshot.threads

    def tasks(
        self,
        *,
        state: str | None = None,
        kind: str | None = None,
        future: str | None = None,
        executor: str | None = None,
        waits: str | None = None,
    ) -> Iterator[Task]:
        """Yield tasks, by default all.

        Args:
            state: running, scheduled, idle, complete, unknown.
            kind: spawned, local, blocking, block_on.
            future: a glob of the future's name: ``*::pay``.
            executor: the key of one.
            waits: a kind of wait: mutex, timer, …
        """
        for index in range(len(self._snapshot.tasks)):
            with self._gate.passed():
                task = self._snapshot.tasks.record(index)
            if (
                state in (None, task.state)
                and kind in (None, task.kind)
                and executor in (None, task.executor)
                and (future is None or fnmatchcase(task.future, future))
                and (waits is None or any(wait.kind == waits for wait in task.waits))
            ):
                yield task

    def task(self, key: str) -> Task:
        """Return the task with a key.

        Raises:
            AdpError: there is none.
        """
        with self._gate.passed():
            return self._snapshot.tasks.record(self._index(key))

    def stack(self, task: Task | str) -> Stack | None:
        """Return a task's stack, with the hash and the shape that it shares with others."""
        with self._gate.passed():
            number = self._snapshot.tasks.stack[self._index(_key(task))]
            return None if number < 0 else self._snapshot.stacks[number]

    def frames(self, task: Task | str) -> list[FrameView]:
        """Return a task's logical stack, outermost first; branches stand one deeper."""
        key = _key(task)
        with self._gate.passed():
            index = self._index(key)
            number = self._snapshot.tasks.stack[index]
            if number < 0:
                return []
            found: list[FrameView] = []
            self._add(found, index, self._snapshot.stacks[number].frames, (), 0, None)
            return found

    def resources(self, *, kind: str | None = None) -> Iterator[Resource]:
        """Yield what tasks wait for, with its state, queue and holders."""
        for resource in self._snapshot.resources:
            with self._gate.passed():
                found = kind in (None, resource.kind)
            if found:
                yield resource

    def resource(self, key: str) -> Resource:
        """Return the resource with a key.

        Raises:
            AdpError: there is none.
        """
        with self._gate.passed():
            return self._snapshot.resources[self._number(key, "r", len(self._snapshot.resources))]

    def wakers(self) -> Iterator[WakerView]:
        """Yield whom each resource would wake, in the order of its queue."""
        for resource in self.resources():
            for position, task in enumerate(resource.waiters):
                yield WakerView(task, resource.key, resource.kind, position)

    def findings(self) -> Sequence[Finding]:
        """Return what is wrong with the program, as far as adp-tui knows."""
        with self._gate.passed():
            return self._snapshot.findings

    # Memory.

    def header(self, task: Task | str) -> Value | None:
        """Return a task's header, as its runtime has it; None for a ``block_on`` root."""
        with self._gate.passed():
            return self._wrapped(self._analysis.header(self._index(_key(task))))

    def future(self, task: Task | str) -> Value | None:
        """Return a task's future; None where it is gone."""
        with self._gate.passed():
            return self._wrapped(self._analysis.future(self._index(_key(task))))

    def value(self, of: Resource | Executor | str) -> Value:
        """Return the value that a resource or an executor is."""
        with self._gate.passed():
            key = _key(of)
            if key.startswith("x"):
                number = self._number(key, "x", len(self._snapshot.executors))
                return Value(self, self._analysis.executor(number))
            number = self._number(key, "r", len(self._snapshot.resources))
            return Value(self, self._analysis.resource(number))

    def woken_by(self, waker: Value) -> str | None:
        """Return the key of the task that a ``core::task::Waker`` wakes; None where unknown."""
        with self._gate.passed():
            index = self._analysis.woken_by(waker.inner)
            return None if index is None else self._snapshot.tasks.key(index)

    def static(self, path: str) -> Value | None:
        """Return a static by its path (``bank::LEDGER``); None where the program has none."""
        with self._gate.passed():
            found = self._analysis.program.static(path)
            return Value(self, found[0]) if found else None

    def thread_locals(self, path: str) -> dict[int, Value]:
        """Return a thread-local by its path (``bank::CURRENT``), for each thread's id."""
        with self._gate.passed():
            found = self._analysis.program.thread_local(path)
            return {each.tid: Value(self, each.value) for each in found}

    def at(self, address: int, type: str) -> Value:
        """Return memory as a type, by its full name.

        Raises:
            AdpError: the program has no such type.
        """
        with self._gate.passed():
            program = self._analysis.program
            found = program.type_named(type)
            if found is None:
                raise AdpError(f"the program has no type {type}")
            return Value(self, memory.Value(program.memory, found, address & (1 << 64) - 1))

    def read(self, address: int, size: int) -> bytes:
        """Return at most a megabyte of memory.

        Raises:
            AdpError: it cannot be read.
        """
        with self._gate.passed():
            if not 0 <= size <= MAX_READ:
                raise AdpError(f"{size} bytes cannot be read at once: at most {MAX_READ}")
            return self._analysis.program.memory.read(address & (1 << 64) - 1, size)

    def eval(
        self, expression: str, it: Value | None = None, *, using: str | None = None, **names: object
    ) -> object:
        """Return what an expression of descriptors gives (docs/adp.md).

        Args:
            expression: its text.
            it: what ``it`` is in it.
            using: the id of the descriptor whose types and definitions it uses; without it, those
                of all, the project's first.
            names: other variables.

        Returns:
            a Value, a number, a text, a list of these, or None.

        Raises:
            AdpError: it cannot be parsed, does not fit, or memory cannot be read.
        """
        with self._gate.passed():
            env = {name: _bare(value) for name, value in names.items()}
            if it is not None:
                env["it"] = it.inner
            return self._asked.text(expression, env, using)

    def ask(
        self, descriptor: Descriptor, expression: Expression, env: Mapping[str, object]
    ) -> object:
        """Return what an expression of a descriptor gives."""
        with self._gate.passed():
            bare = {name: _bare(value) for name, value in env.items()}
            return self._asked.of(descriptor, expression, bare)

    # How far it is.

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the macro is."""
        with self._gate.passed():
            self._told(int(done), None if total is None else int(total))

    def cancelled(self) -> bool:
        """Tell whether the macro's time is over: then it may return what it has."""
        return self._gate.reason is not None or self._gate.left_s <= LAST_S

    @property
    def missing(self) -> tuple[str, ...]:
        """Why lists that it was given are not whole: said under the macro's result."""
        return () if self._expressions is None else tuple(self._expressions.missing)

    # What values ask.

    def evaluate(self, text: str, it: Value) -> object:
        """Return what an expression gives for a value."""
        with self._gate.passed():
            return self._asked.text(text, {"it": it.inner}, None)

    def shown(self, value: memory.Value) -> str:
        """Return a value in one line."""
        with self._gate.passed():
            return show(self._analysis.program, value).text

    def rows(self, value: memory.Value) -> list[tuple[str, Value | None, str | None]]:
        """Return the rows of an expanded value."""
        with self._gate.passed():
            found = fields(self._analysis.program, value)
            return [(name, self._wrapped(each), problem) for name, each, problem in found]

    def bytes_of(self, value: memory.Value, size: int | None) -> bytes:
        """Return bytes of a value."""
        with self._gate.passed():
            return value.read(size)

    # Inside the gate.

    @property
    def _analysis(self) -> Analysis:
        if self._known is None:
            raise AdpError(f"there is no memory to read: {self._missing}")
        return self._known

    @property
    def _asked(self) -> Expressions:
        if self._expressions is None:
            self._expressions = Expressions(
                self._analysis, lambda value: Value(self, value), lambda: self._gate.left_s
            )
        return self._expressions

    def _wrapped(self, value: memory.Value | None) -> Value | None:
        return None if value is None else Value(self, value)

    def _index(self, key: str) -> int:
        try:
            return self._snapshot.tasks.index(key)
        except KeyError:
            raise AdpError(f"there is no task {key[:40]}") from None

    def _number(self, key: str, letter: str, count: int) -> int:
        number = key[1:]
        if key[:1] != letter or not number.isdecimal() or not 0 < int(number[:20]) <= count:
            raise AdpError(f"{key[:40]} is the key of nothing")
        return int(number) - 1

    def _add(
        self,
        found: list[FrameView],
        index: int,
        frames: Sequence[Frame],
        above: tuple[int, ...],
        depth: int,
        branch: str | None,
    ) -> None:
        for number, frame in enumerate(frames):
            path = (*above, number)
            found.append(
                FrameView(
                    frame.function,
                    frame.file,
                    frame.line,
                    frame.state,
                    frame.type,
                    depth,
                    branch,
                    partial(self._variables, index, path),
                )
            )
            for which, arm in enumerate(frame.branches):
                self._add(found, index, arm.frames, (*path, which), depth + 1, arm.label)

    def _variables(self, index: int, path: tuple[int, ...]) -> dict[str, Value | None]:
        with self._gate.passed():
            if self._known is None:
                raise AdpError(f"there is no memory to read: {self._missing}")
            live = self._inspection.live(index).get(path)
            items = [] if live is None else self._inspection.frame_items(live)
            return {item.name: self._wrapped(item.value) for item in items}


def _key(of: Task | Resource | Executor | str) -> str:
    return of if isinstance(of, str) else of.key


def _bare(value: object) -> object:
    if isinstance(value, Value):
        return value.inner
    if isinstance(value, list | tuple):
        return tuple(_bare(item) for item in value)
    return value
