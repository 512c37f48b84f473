"""The snapshot as JSON, written as a stream: ``docs/report.md`` is its contract.

``docs/report.schema.json`` has every field. Each entity stands on a line of its own, so that
a report can be searched line by line and is never held in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import (
    Branch,
    CycleStep,
    Executor,
    Finding,
    Frame,
    Loss,
    NativeFrame,
    PanicFacts,
    Snapshot,
    Stack,
    TargetFacts,
    Task,
    Thread,
    Wait,
    WaitColumns,
)
from adp_tui.engine.report_resources import ResourceWriter

__all__ = [
    "FINDING_KINDS",
    "SCHEMA",
    "FrameDetail",
    "Options",
    "TaskDetails",
    "Variable",
    "exit_status",
    "json_report",
]

SCHEMA = "adp-tui/report/1"
"""Renaming a field or changing its meaning needs a new number."""

FINDING_KINDS = (
    "deadlock", "queued_behind", "futurelock", "lost_wakeup", "blocked_worker",
    "std_lock_across_await", "semaphore_exhausted", "permits_unaccounted", "channel_stuck",
    "workers_exhausted", "blocking_pool_exhausted", "nested_block_on", "panicked",
    "overdue_timer", "crash",
)  # fmt: skip
"""What ``--fail-on`` takes."""

TOGETHER = 256
"""Entities between two looks whether to go on; handed over one by one they cost a third more."""

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Options:
    """What a report has beside the usual, and what it leaves out."""

    addresses: bool = False
    locals: bool = False
    threads: bool = True
    tasks: bool = True


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a frame, or a field of one. ``value`` says why where it is unreadable."""

    name: str
    type: str
    value: str
    address: int | None
    children: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameDetail:
    """What only memory tells of a frame."""

    address: int | None
    variables: tuple[Variable, ...] = ()


class TaskDetails(Protocol):
    """Reads from memory what the snapshot does not hold."""

    def frames(self, index: int, *, variables: bool) -> Sequence[FrameDetail]:
        """Return the frames of task ``index`` in the order of a depth-first walk."""
        ...


def exit_status(snapshot: Snapshot, fail_on: Collection[str] = ()) -> int:
    """Return 0 when all was read, 1 when something may be missing, 4 for a finding asked for."""
    if any(finding.kind in fail_on for finding in snapshot.findings):
        return 4
    return 1 if any(loss.missing for loss in snapshot.losses) else 0


def json_report(
    snapshot: Snapshot,
    options: Options | None = None,
    details: TaskDetails | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """Yield the report piece by piece.

    Args:
        snapshot: what to write.
        options: what it has beside the usual; ``addresses`` and ``locals`` need ``details``.
        details: where addresses and variables are read.
        cancelled: asked now and then whether to stop.

    Raises:
        CancelledError: ``cancelled`` answered yes.
    """
    chosen = options or Options()
    write = _Tasks(snapshot, chosen, details)
    threads = snapshot.threads if chosen.threads else ()
    stacks = snapshot.stacks if chosen.tasks else ()
    resources = snapshot.resources if chosen.tasks else ()
    parts: tuple[tuple[str, Iterable[str]], ...] = (
        ("executors", (_text(_executor(e)) for e in snapshot.executors)),
        ("threads", (_text(_thread(t)) for t in threads)),
        ("stacks", (_text(_stack(s)) for s in stacks)),
        ("tasks", write.all() if chosen.tasks else ()),
        ("resources", map(ResourceWriter().text, resources)),
        ("findings", (_text(_finding(f)) for f in snapshot.findings)),
        ("losses", (_text(_loss(loss)) for loss in snapshot.losses)),
        ("extensions", (_text(_extension(each)) for each in snapshot.extensions)),
    )
    yield f'{{"schema": {_text(SCHEMA)},\n"target": {_text(_target(snapshot.target))}'
    for name, items in parts:
        yield f',\n"{name}": ['
        before, left = "\n", iter(items)
        while some := list(islice(left, TOGETHER)):
            if cancelled():
                raise CancelledError
            yield before + ",\n".join(some)
            before = ",\n"
        yield "]"
    yield ',\n"fds": {'
    yield ",".join(f'\n"{fd}": {_text(words)}' for fd, words in sorted(snapshot.fds.items()))
    yield "}}\n"


_text = json.JSONEncoder(ensure_ascii=False).encode


def _hex(address: int | None) -> str | None:
    return None if address is None else f"{address:#x}"


def _target(target: TargetFacts) -> Json:
    signal = target.signal
    return {
        "kind": target.kind,
        "core": target.core,
        "pid": target.pid,
        "exe": target.exe,
        "build_id": target.build_id,
        "arch": target.arch,
        "pause_ms": target.pause_ms,
        "taken_at": target.taken_at,
        "tool": target.tool,
        "signal": None
        if signal is None
        else {
            "name": signal.name,
            "number": signal.number,
            "code": signal.code,
            "fault_address": _hex(signal.fault_address),
            "tid": signal.tid,
            "panic": _panic(signal.panic),
        },
        "runtimes": [
            {
                "name": runtime.name,
                "version": runtime.version,
                "descriptor": runtime.descriptor,
                "tested": runtime.tested,
            }
            for runtime in target.runtimes
        ],
    }


def _panic(panic: PanicFacts | None) -> Json | None:
    if panic is None:
        return None
    return {"message": panic.message, "at": _place(panic.place), "unwound": panic.unwound}


def _executor(executor: Executor) -> Json:
    counts, queues = executor.tasks, executor.queues
    tasks = {
        "idle": counts.idle,
        "running": counts.running,
        "scheduled": counts.scheduled,
        "complete": counts.complete,
    }
    if counts.unknown:
        tasks["unknown"] = counts.unknown
    return {
        "key": executor.key,
        "kind": executor.kind,
        "runtime": executor.runtime,
        "name": executor.name,
        "address": _hex(executor.address),
        "parent": executor.parent,
        "workers": executor.workers,
        "blocking_threads": executor.blocking_threads,
        "tasks": tasks,
        "queues": {
            "global": queues.global_,
            "local": queues.local,
            "blocking": queues.blocking,
        },
        "timers": executor.timers,
    }


def _thread(thread: Thread) -> Json:
    doing, splice = thread.doing, thread.splice
    return {
        "tid": thread.tid,
        "name": thread.name,
        "role": thread.role,
        "executor": thread.executor,
        "task": thread.task,
        "signal": thread.signal,
        "doing": {
            "kind": doing.kind,
            "syscall": doing.syscall,
            "fd": doing.fd,
            "job": doing.job,
            "lock": doing.lock,
            "wait": None if doing.wait is None else _thread_wait(doing.wait),
        },
        "splice": None if splice is None else {"frame": splice.frame, "task": splice.task},
        "stack": [_native(frame) for frame in thread.stack],
        "cut": thread.cut,
    }


def _thread_wait(wait: Wait) -> Json:
    return {
        "kind": wait.kind,
        "mode": wait.mode,
        "resource": wait.resource,
        "conf": wait.conf,
        "src": wait.src,
    }


def _native(frame: NativeFrame) -> Json:
    return {
        "function": frame.function,
        "file": frame.file,
        "line": frame.line,
        "column": frame.column,
        "module": frame.module,
        "pc": _hex(frame.pc),
        "inlined": frame.inlined,
        "origin": frame.origin,
    }


def _stack(stack: Stack) -> Json:
    return {
        "key": stack.key,
        "count": stack.count,
        "hash": stack.hash,
        "shape": stack.shape,
        "frames": [_frame(frame) for frame in stack.frames],
    }


def _frame(frame: Frame) -> Json:
    macro = frame.macro
    return {
        "function": frame.function,
        "kind": frame.kind,
        "state": frame.state,
        "file": frame.file,
        "dir": frame.dir,
        "line": frame.line,
        "column": frame.column,
        "macro": None if macro is None else {"file": macro.file, "line": macro.line},
        "type": frame.type,
        "branches": [_branch(branch) for branch in frame.branches],
        "label": frame.label,
        "problem": frame.problem,
    }


def _branch(branch: Branch) -> Json:
    return {
        "label": branch.label,
        "state": branch.state,
        "frames": [_frame(frame) for frame in branch.frames],
    }


class _Waits:
    """Writes waits; what many have in common is brought to text once."""

    def __init__(self, waits: WaitColumns) -> None:
        self._waits = waits
        self._shapes = [self._shape(shape) for shape in waits.shapes]

    def text(self, index: int) -> str:
        waits = self._waits
        before, after = self._shapes[waits.shape[index]]
        resource, task = waits.resource[index], waits.task[index]
        fd, remaining = waits.fd[index], waits.remaining[index]
        # Written in place: a function that writes keys took as long as all the rest.
        resource_key = "null" if resource < 0 else f'"r{resource + 1}"'
        task_key = "null" if task < 0 else f'"t{task + 1}"'
        return (
            f'{before}"resource": {resource_key}, "task": {task_key}, '
            f'"fd": {"null" if fd < 0 else fd}, '
            f'"remaining_s": {"null" if remaining != remaining else remaining}{after}'
        )

    @staticmethod
    def _shape(wait: Wait) -> tuple[str, str]:
        """Return what stands before and after what is a wait's own."""
        before = {"kind": wait.kind, "mode": wait.mode, "branch": wait.branch}
        after = {"armed": wait.armed, "conf": wait.conf, "src": wait.src, "detail": wait.detail}
        return f"{_text(before)[:-1]}, ", f", {_text(after)[1:]}"


class _Tasks:
    """Writes tasks; what many have in common is brought to text once."""

    def __init__(self, snapshot: Snapshot, options: Options, details: TaskDetails | None) -> None:
        self._tasks = snapshot.tasks
        self._addresses = options.addresses and details is not None
        self._locals = options.locals and details is not None
        self._details = details
        self._waits = _Waits(snapshot.tasks.waits)

    def all(self) -> Iterator[str]:
        tasks, wait = self._tasks, self._waits.text
        more = self._more if self._addresses or self._locals else None
        common: dict[tuple[int, ...], tuple[str, str, str]] = {}
        own = zip(
            tasks.id, tasks.address, tasks.parent, tasks.stack, tasks.wait_start, tasks.wait_count,
            strict=True,
        )  # fmt: skip
        rows = enumerate(zip(tasks.natures(), own, strict=True))
        for index, (key, (id_, address, parent, stack, start, count)) in rows:
            texts = common.get(key)
            if texts is None:
                texts = common[key] = _common(tasks.record(index))
            waits = wait(start) if count == 1 else ", ".join(map(wait, range(start, start + count)))
            parent_key = "null" if parent < 0 else f'"t{parent + 1}"'
            stack_key = "null" if stack < 0 else f'"s{stack + 1}"'
            rest = more(index) if more else ""
            yield (
                f'{{"key": "t{index + 1}", "id": {"null" if id_ < 0 else id_}, {texts[0]}, '
                f'"address": "{address:#x}", {texts[1]}, "parent": {parent_key}, '
                f'{texts[2]}, "stack": {stack_key}, "waits": [{waits}]{rest}}}'
            )

    def _more(self, index: int) -> str:
        assert self._details is not None
        try:
            frames = self._details.frames(index, variables=self._locals)
        except CancelledError:
            raise
        except AdpError:
            # The losses of the snapshot say what could not be read.
            frames = ()
        more = ""
        if self._addresses:
            more += f', "addresses": {_text([_hex(frame.address) for frame in frames])}'
        if self._locals:
            found = [[_variable(v) for v in frame.variables] for frame in frames]
            more += f', "locals": {_text(found)}'
        return more


def _common(task: Task) -> tuple[str, str, str]:
    """Return the fields that a task has in common with many: before its address, and after."""
    first = {
        "name": task.name,
        "kind": task.kind,
        "state": task.state,
        "cancelled": task.cancelled,
        "runtime": task.runtime,
        "executor": task.executor,
    }
    last = {
        "future": task.future,
        "defined_at": _place(task.defined_at),
        "spawned_at": _place(task.spawned_at),
        "panic": task.panic,
    }
    return _text(first)[1:-1], _text({"thread": task.thread})[1:-1], _text(last)[1:-1]


def _place(place: tuple[str, int] | None) -> Json | None:
    return None if place is None else {"file": place[0], "line": place[1]}


def _variable(variable: Variable) -> Json:
    return {
        "name": variable.name,
        "type": variable.type,
        "value": variable.value,
        "address": _hex(variable.address),
        "children": [_variable(child) for child in variable.children],
    }


def _finding(finding: Finding) -> Json:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "conf": finding.conf,
        "summary": finding.summary,
        "tasks": finding.tasks,
        "threads": finding.threads,
        "resources": finding.resources,
        "cycle": [_step(step) for step in finding.cycle],
        "evidence": finding.evidence,
    }


def _step(step: CycleStep) -> Json:
    return {
        "task": step.task,
        "thread": step.thread,
        "waits_for": step.waits_for,
        "held_by": {"task": step.held_by_task, "thread": step.held_by_thread},
    }


def _extension(extension: Extension) -> Json:
    return {
        "kind": extension.kind,
        "name": extension.name,
        "origin": extension.origin,
        "place": extension.place,
        "state": extension.state,
        "why": extension.why or None,
    }


def _loss(loss: Loss) -> Json:
    return {
        "what": loss.what,
        "why": loss.why,
        "count": loss.count,
        "samples": [_hex(sample) for sample in loss.samples],
        "missing": loss.missing,
    }
