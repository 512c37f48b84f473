"""From the working records of a survey to the frozen records of the model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from adp_tui import __version__
from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.analysis.executors import queues_of
from adp_tui.engine.analysis.facts import ExecutorFacts, TaskFacts, ThreadFacts
from adp_tui.engine.analysis.panics import panic_of
from adp_tui.engine.analysis.polled import polled
from adp_tui.engine.analysis.readiness import problems
from adp_tui.engine.analysis.resources import Resources
from adp_tui.engine.analysis.stacks import stack_identity
from adp_tui.engine.analysis.survey import Survey
from adp_tui.engine.analysis.threads import doing_of
from adp_tui.engine.analysis.unwoken import is_unwoken
from adp_tui.engine.analysis.versions import runtime_facts
from adp_tui.engine.dwarf.types import Place
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import (
    Executor,
    Frame,
    Loss,
    NativeFrame,
    RuntimeFacts,
    SignalFacts,
    Snapshot,
    Splice,
    Stack,
    TargetFacts,
    Task,
    TaskColumns,
    TaskCounts,
    TaskNature,
    TaskPlace,
    TaskState,
    Thread,
)
from adp_tui.engine.rust.thread_names import std_thread_names
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.symbolize import Symbolizer
from adp_tui.engine.unwind.unwinder import RawFrame

__all__ = ["freeze"]

_SHAPE = attrgetter("shape")
_STATE = attrgetter("state")
_RUNNING = TaskState.RUNNING
"""Asked of each task: an enum looks its members up by a call each time."""
_RUNTIME = attrgetter("applied.descriptor.id")
MAX_NAME = 256
"""Characters of a task's name."""
_BOXED = re.compile(r"^core::pin::Pin<alloc::boxed::Box<\(?dyn ")


def freeze(survey: Survey, epoch: int) -> Snapshot:
    """Make the snapshot of a finished survey."""
    threads = _Threads(survey).records()
    tasks, stacks = _Tasks(survey, threads).columns()
    resources = Resources(survey).columns()
    return Snapshot(
        epoch=epoch,
        target=_target(survey),
        executors=tuple(_executor(survey, e) for e in survey.executors),
        threads=threads,
        stacks=stacks,
        tasks=tasks,
        resources=resources,
        losses=_losses(survey),
        unwoken=tuple([t.index for t in survey.tasks if t.wakers == 0 and is_unwoken(t)]),
        unreached=survey.unreached,
        extensions=_extensions(survey),
    )


def _target(survey: Survey) -> TargetFacts:
    program = survey.program
    facts = program.target.facts
    module = program.executable.module if program.executable is not None else None
    return TargetFacts(
        kind=facts.kind,
        core=facts.path if facts.kind == "core" else None,
        pid=facts.pid,
        exe=facts.executable,
        build_id=None if module is None else module.build_id or module.file_build_id,
        arch=facts.arch.name,
        pause_ms=facts.pause_ms,
        taken_at=facts.taken_at,
        tool=f"adp-tui {__version__}",
        signal=_signal(survey),
        runtimes=_runtimes(survey),
    )


def _signal(survey: Survey) -> SignalFacts | None:
    signal = survey.program.target.facts.signal
    if signal is None:
        return None
    thread = next((each for each in survey.threads if each.tid == signal.tid), None)
    return SignalFacts(
        signal.name,
        signal.number,
        signal.code,
        signal.fault_address,
        signal.tid,
        None if thread is None else panic_of(survey.program, thread),
    )


def _runtimes(survey: Survey) -> tuple[RuntimeFacts, ...]:
    """Return the runtimes of which something was found; without any, those that the program has.

    With LTO the types of a crate are there although none of its code is.
    """
    every = runtime_facts(survey.program, survey.applied)
    used = {each.applied.descriptor.id for each in survey.executors}
    used.update(map(_RUNTIME, survey.tasks))
    return tuple(each for each in every if each.name in used) or every


def _executor(survey: Survey, executor: ExecutorFacts) -> Executor:
    counts = Counter(map(_STATE, executor.tasks))
    workers = sorted(
        (t for t in survey.threads if _works(t, executor)),
        key=lambda t: (t.worker or 0, t.tid),
    )
    return Executor(
        key=f"x{executor.index + 1}",
        kind=executor.rule.kind,
        runtime=executor.applied.descriptor.id,
        name=executor.name,
        address=executor.address,
        parent=None if executor.parent is None else f"x{executor.parent.index + 1}",
        workers=tuple(t.tid for t in workers),
        blocking_threads=tuple(
            t.tid for t in survey.threads if t.executor is executor and t.role == "blocking"
        ),
        tasks=TaskCounts(
            idle=counts[TaskState.IDLE],
            running=counts[TaskState.RUNNING],
            scheduled=counts[TaskState.SCHEDULED],
            complete=counts[TaskState.COMPLETE],
            unknown=counts[TaskState.UNKNOWN],
        ),
        queues=queues_of(executor, survey.threads),
        timers=survey.drivers.timers.get(executor.address) if executor.rule.timers else None,
    )


def _works(thread: ThreadFacts, executor: ExecutorFacts) -> bool:
    """Tell whether a thread polls an executor's tasks: a worker, who drives a current_thread
    runtime (its queue then lies on that thread), or one whose own root drives the executor.
    """
    numbered = thread.worker is not None or thread.queue is not None
    if thread.executor is executor and (numbered or thread.role == "worker"):
        return True
    # What a task of another executor drives is run by whoever runs that.
    return executor.parent is None and executor in thread.drives


class _Threads:
    """Makes the records of threads."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._symbolizer = Symbolizer(survey.program, self._lost)
        self._names = std_thread_names(survey.program)
        self._polls = [Glob(pattern) for a in survey.applied for pattern in a.descriptor.polls]

    def records(self) -> tuple[Thread, ...]:
        return tuple(self._record(t) for t in self._survey.threads)

    def _record(self, thread: ThreadFacts) -> Thread:
        task = thread.task
        stack, splice = self._stack(thread)
        executor = thread.executor
        cut = thread.native.cut
        if cut is not None:
            # One that runs while it is looked at has no frames.
            last = thread.native.frames[-1].pc if thread.native.frames else None
            self._survey.losses.add("thread stack", cut, last)
        return Thread(
            tid=thread.tid,
            name=self._names.get(thread.tid) or thread.state.name,
            role=thread.role,
            executor=None if executor is None else f"x{executor.index + 1}",
            worker=thread.worker,
            task=None if task is None else f"t{task.index + 1}",
            signal=thread.state.signalled,
            doing=doing_of(self._survey.program, self._survey.names, thread),
            splice=None if task is None or splice is None else Splice(splice, f"t{task.index + 1}"),
            stack=stack,
            cut=cut,
            scheduling=thread.state.scheduling,
        )

    def _stack(self, thread: ThreadFacts) -> tuple[tuple[NativeFrame, ...], int | None]:
        """Return the frames, innermost first, and the number of the one that polls the task."""
        frames: list[NativeFrame] = []
        splice = None
        for raw, names in thread.scopes:
            frames.extend(self._symbolizer.frames(raw))
            if splice is None and self._polls_task(thread, raw, names):
                splice = len(frames) - 1
        return tuple(frames), splice

    def _lost(self, reason: str, address: int) -> None:
        self._survey.losses.add("thread stack", reason, address, missing=False)

    def _polls_task(self, thread: ThreadFacts, raw: RawFrame, names: tuple[str, ...]) -> bool:
        """Tell whether a native frame polls the thread's task."""
        if thread.task is not None and thread.task.kind == "block_on":
            return raw is thread.root_frame
        return any(glob.match(name) for name in names for glob in self._polls)


class _Tasks:
    """Makes the columns of tasks and the stacks they share."""

    def __init__(self, survey: Survey, threads: Sequence[Thread]) -> None:
        self._survey = survey
        self._native = {t.tid: t for t in threads}
        self._stacks: dict[tuple[str, tuple[Frame, ...]], int] = {}
        self._known: dict[tuple[int, ...], int] = {}
        """Numbers of stacks by the shapes of stack and waits (by identity)."""
        self._counts: list[int] = []
        self._frames: list[tuple[str, str, tuple[Frame, ...]]] = []

    def columns(self) -> tuple[TaskColumns, tuple[Stack, ...]]:
        tasks, columns = self._survey.tasks, TaskColumns()
        natures: dict[tuple[object, ...], TaskNature] = {}
        common, places = [], []
        for task in tasks:
            # Types and shapes live as long as the survey does.
            key = (
                id(task.type), id(task.stack.shape) if task.stack is not None else 0,
                id(task.applied), task.kind, task.cancelled, task.panic, task.spawned_at,
                task.name,
            )  # fmt: skip
            nature = natures.get(key)
            if nature is None:
                nature = natures[key] = columns.nature(self._record(task))
            common.append(nature)
            executor, parent, thread = task.executor, task.parent, task.thread
            place: TaskPlace = (
                task.id,
                task.address,
                task.state,
                -1 if executor is None else executor.index,
                -1 if parent is None else parent.index,
                -1 if thread is None else thread.tid,
                self._stack(task),
            )
            places.append(place)
        if tasks:
            columns.extend(places, common, [task.waits for task in tasks])
        stacks = tuple(
            Stack(f"s{i + 1}", self._counts[i], digest, shape, frames)
            for i, (digest, shape, frames) in enumerate(self._frames)
        )
        return columns, stacks

    def _record(self, task: TaskFacts) -> Task:
        named = self._survey.names.of(task.type)
        declared = named.declared or self._first_declared(task)
        return Task(
            key="",
            id=task.id,
            name=None if task.name is None else clean(task.name, MAX_NAME),
            kind=task.kind,
            state=task.state,
            cancelled=task.cancelled,
            runtime=task.applied.descriptor.id,
            executor=None,
            address=task.address,
            thread=None if task.thread is None else task.thread.tid,
            parent=None,
            future=self._dynamic(task) or named.name,
            defined_at=None if declared is None else (clean(declared.file), declared.line),
            spawned_at=task.spawned_at,
            panic=task.panic,
            stack=None,
            waits=(),
        )

    def _dynamic(self, task: TaskFacts) -> str | None:
        """Return what a spawned ``Pin<Box<dyn Future>>`` holds: its type alone says nothing."""
        name = "" if task.type is None else task.type.name
        if task.stack is None or not task.stack.frames or not _BOXED.search(name):
            return None
        return task.stack.frames[0].frame.function

    def _first_declared(self, task: TaskFacts) -> Place | None:
        """Return where the outermost coroutine of a wrapped future begins."""
        names = self._survey.names
        frames = task.stack.frames if task.stack is not None else ()
        coroutines = (f for f in frames if f.frame.kind != "future")
        return next((names.of(f.value.type).declared for f in coroutines), None)

    def _stack(self, task: TaskFacts) -> int:
        stack, waits = task.stack, task.waits
        if stack is None or not stack.shape.frames:
            return -1
        if task.state is _RUNNING:
            kinds = _kinds(task)
            frames = tuple(live.frame for live in stack.frames)
            return self._index(self._polled(task, frames), kinds)
        known: tuple[int, ...]
        if len(waits) == 1:
            known = (id(stack.shape), id(waits[0].shape))
        else:
            known = (id(stack.shape), *map(id, map(_SHAPE, waits)))
        index = self._known.get(known)
        if index is None:
            frames = tuple(live.frame for live in stack.frames)
            return self._known.setdefault(known, self._index(frames, _kinds(task)))
        self._counts[index] += 1
        return index

    def _index(self, frames: tuple[Frame, ...], kinds: tuple[str, ...]) -> int:
        """Return the number of the stack that tasks at these frames share, and count it."""
        digest, shape = stack_identity(frames, kinds)
        key = (digest, frames)
        index = self._stacks.get(key)
        if index is None:
            index = self._stacks[key] = len(self._frames)
            self._frames.append((digest, shape, frames))
            self._counts.append(0)
        self._counts[index] += 1
        return index

    def _polled(self, task: TaskFacts, frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
        thread = self._native.get(task.thread.tid) if task.thread is not None else None
        stack = thread.stack if thread is not None else ()
        return polled(frames, {f.function: f for f in reversed(stack) if f.function})


def _kinds(task: TaskFacts) -> tuple[str, ...]:
    shapes = [wait.shape for wait in task.waits]
    return tuple(f"{wait.kind}/{wait.mode or ''}/{wait.branch or ''}" for wait in shapes)


def _losses(survey: Survey) -> tuple[Loss, ...]:
    recognised = any(a.descriptor.is_runtime for a in survey.applied)
    found = problems(survey.program, survey.refused, recognised, survey.threads)
    # Reasons quote names of types and files.
    told = (replace(x, what=clean(x.what, 1024), why=clean(x.why, 4096)) for x in found)
    unusable = (
        Loss(f"{each.kind} {each.name}", f"{each.place}: {each.why}", 1, (), False)
        for each in _extensions(survey)
        if each.state == "broken"
    )
    read = (Loss(w, y, n, s, m) for w, y, n, s, m in survey.losses.items())
    return (*told, *read, *unusable)


def _extensions(survey: Survey) -> tuple[Extension, ...]:
    """Return the descriptors that do not ship with adp-tui, then what else was found."""
    applied = [(each.descriptor, "used", "") for each in survey.applied]
    refused = [(descriptor, "unused", why) for descriptor, why in survey.refused]
    return (
        *(
            Extension(
                "descriptor",
                clean(descriptor.id, 200),
                descriptor.origin.kind,
                clean(descriptor.origin.place, 4096),
                state,
                clean("; ".join(filter(None, (why, *descriptor.problems))), 4096),
            )
            for descriptor, state, why in (*applied, *refused)
            if descriptor.origin.kind != "catalogue"
        ),
        *survey.program.extensions,
    )
