"""The snapshot as text, for a terminal or a pipe: the same facts as the JSON report.

Plain text without colours. A width folds long lines between their parts and loses nothing;
without one (a pipe) each fact is one line, so that grep finds it whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from adp_tui.engine.errors import CancelledError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import (
    Executor,
    Finding,
    Holder,
    Loss,
    NativeFrame,
    Owner,
    Resource,
    Snapshot,
    TargetFacts,
    TaskState,
    Thread,
)
from adp_tui.engine.report import Options, TaskDetails
from adp_tui.engine.text_lines import Line, line, quoted
from adp_tui.engine.text_tasks import TaskTree, frame_lines
from adp_tui.engine.views.places import place
from adp_tui.engine.views.words import doing, end_words, resource_state

__all__ = ["text_report"]

MAX_WAITERS = 64
"""Keys named of a resource's queue, of its holders and its owners."""


def text_report(
    snapshot: Snapshot,
    options: Options | None = None,
    details: TaskDetails | None = None,
    width: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[str]:
    """Yield the report line by line, each with its line end.

    Args:
        snapshot: what to write.
        options: what it has beside the usual; ``addresses`` and ``locals`` need ``details``.
        details: where addresses and variables are read.
        width: columns of the terminal; None for a pipe.
        cancelled: asked now and then whether to stop.

    Raises:
        CancelledError: ``cancelled`` answered yes.
    """
    for number, each in enumerate(_lines(snapshot, options or Options(), details)):
        if number % 1024 == 0 and cancelled():
            raise CancelledError
        yield from (f"{text}\n" for text in each.folded(width))


def _lines(snapshot: Snapshot, options: Options, details: TaskDetails | None) -> Iterator[Line]:
    yield from _head(snapshot.target)
    for extension in snapshot.extensions:
        yield _extension(extension)
    yield from _title("executors", len(snapshot.executors))
    for executor in snapshot.executors:
        yield from _executor(executor)
    if options.threads:
        yield from _title("threads", len(snapshot.threads))
        for group in _alike(snapshot.threads):
            yield from _threads(group, snapshot)
    if options.tasks:
        yield from _title("tasks", len(snapshot.tasks))
        yield from TaskTree(snapshot, options, details).lines()
        if snapshot.resources:
            yield from _title("resources", len(snapshot.resources))
        for resource in snapshot.resources:
            yield from _resource(resource)
    if snapshot.findings:
        yield from _title("findings", len(snapshot.findings))
    for finding in snapshot.findings:
        yield from _finding(finding)
    if snapshot.losses:
        yield from _title("what could not be read", len(snapshot.losses))
    for loss in snapshot.losses:
        yield from _loss(loss)


def _title(title: str, count: int) -> Iterator[Line]:
    yield line(0)
    yield line(0, f"{title.upper()} ({count:,})")


def _head(target: TargetFacts) -> Iterator[Line]:
    yield line(
        0,
        target.exe or "unknown program",
        None if target.pid is None else f"pid {target.pid}",
        target.arch,
    )
    written = None if target.taken_at is None else f"written {target.taken_at}"
    if target.core is not None:
        yield line(0, f"core {target.core}", written)
    if target.kind == "snapshot":
        yield line(0, "saved snapshot", target.taken_at if target.core is None else None)
    yield line(0, f"build-id {target.build_id or 'unknown'}")
    signal = target.signal
    if signal is not None:
        yield line(
            0,
            f"killed by {signal.name} ({signal.number})",
            None if signal.tid is None else f"in thread {signal.tid}",
            None if signal.fault_address is None else f"at address {signal.fault_address:#x}",
        )
    for runtime in target.runtimes:
        tested = "" if runtime.tested else ", not tested with this version"
        version = runtime.version or "of unknown version"
        yield line(0, f"runtime {runtime.name} {version}, read as {runtime.descriptor}{tested}")
    yield line(0, f"read by {target.tool}")


def _extension(extension: Extension) -> Line:
    return line(
        0,
        f"{extension.kind} {extension.name} of the {extension.origin}, {extension.state}",
        extension.place,
        extension.why or None,
    )


def _executor(executor: Executor) -> Iterator[Line]:
    yield line(
        0,
        executor.key,
        executor.kind,
        quoted(executor.name),
        f"{executor.address:#x}",
        None if executor.parent is None else f"in {executor.parent}",
    )
    counts, queues = executor.tasks, executor.queues
    states = [(state, getattr(counts, state)) for state in TaskState]
    shown = [(state, n) for state, n in states if n or state is not TaskState.UNKNOWN]
    yield line(1, "tasks: " + ", ".join(f"{n:,} {state}" for state, n in shown))
    local = " ".join(map(_number, queues.local))
    yield line(
        1,
        f"queues: global {_number(queues.global_)}" + (f", local {local}" if local else ""),
        f"blocking queue: {_number(queues.blocking)}",
        f"timers: {_number(executor.timers)}",
    )
    for label, tids in (
        ("workers", executor.workers),
        ("blocking threads", executor.blocking_threads),
    ):
        if tids:
            yield line(1, f"{label}: {' '.join(map(str, tids))}")


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _alike(threads: Sequence[Thread]) -> list[list[Thread]]:
    """Bring together threads that do the same at the same place."""
    groups: dict[object, list[Thread]] = {}
    for thread in threads:
        like: object = thread.tid
        if not thread.signal and thread.task is None:
            shared = replace(thread, tid=0, worker=None, stack=(), scheduling=None)
            like = shared, tuple(replace(f, pc=0, origin="") for f in thread.stack)
        groups.setdefault(like, []).append(thread)
    return list(groups.values())


def _threads(group: Sequence[Thread], snapshot: Snapshot) -> Iterator[Line]:
    thread = group[0]
    role = thread.role.replace("_", " ")
    if len(group) == 1 and thread.worker is not None:
        role = f"worker {thread.worker}"
    fd = thread.doing.fd
    leads = None if fd is None else snapshot.fds.get(fd)
    yield line(
        0,
        f"{len(group)} threads" if len(group) > 1 else f"thread {thread.tid}",
        quoted(thread.name),
        role + (f" of {thread.executor}" if thread.executor else ""),
        doing(thread.doing, thread.task) + (f" ({leads})" if leads else ""),
        f"job {thread.doing.job}" if thread.doing.job else None,
        "*** got the signal ***" if thread.signal else None,
    )
    if len(group) > 1:
        yield line(1, "threads " + " ".join(str(each.tid) for each in group))
    for number, frame in enumerate(thread.stack):
        yield _native(number, frame)
        if thread.splice is not None and thread.splice.frame == number:
            yield from _polled(thread.splice.task, snapshot, whole=thread.signal)
    if thread.cut is not None:
        yield line(1, f"the stack is cut here: {thread.cut}")


def _polled(key: str, snapshot: Snapshot, *, whole: bool) -> Iterator[Line]:
    """Write the task that a native frame polls; ``whole`` is with its async frames."""
    stack = snapshot.tasks.stack[snapshot.tasks.index(key)]
    if not whole or stack < 0:
        yield line(2, f"(polls {key}: its async frames are under TASKS)")
        return
    yield line(2, f"(polls {key}, whose async frames these are)")
    yield from frame_lines(snapshot.stacks[stack].frames, 3)


def _native(number: int, frame: NativeFrame) -> Line:
    return line(
        1,
        f"#{number:<3}{frame.function or f'{frame.pc:#018x}'}",
        place(frame.file, frame.line, frame.dir),
        # The module matters where no line says where the code is from.
        frame.module if frame.file is None else None,
        "(inlined)" if frame.inlined else None,
        f"(guessed by {frame.origin.replace('_', ' ')})" if frame.guessed else None,
    )


def _who(end: Holder | Owner) -> str:
    thread = None if end.thread is None else f"thread {end.thread}"
    return " on ".join(filter(None, (end.task, thread)))


def _resource(resource: Resource) -> Iterator[Line]:
    state = resource_state(resource)
    yield line(0, resource.key, resource.kind, f"{resource.address:#x}", state, resource.type)
    for holder in resource.holders[:MAX_WAITERS]:
        yield line(1, f"held by {_who(holder)}", end_words(holder))
    for owner in resource.owners[:MAX_WAITERS]:
        yield line(1, f"{owner.role} {_who(owner)}", end_words(owner))
    for what, ends in (("holders", resource.holders), ("owners", resource.owners)):
        if len(ends) > MAX_WAITERS:
            yield line(1, f"and {len(ends) - MAX_WAITERS:,} more {what}")
    if resource.waiters:
        named = " ".join(resource.waiters[:MAX_WAITERS])
        more = len(resource.waiters) - MAX_WAITERS
        yield line(1, f"waited for by {named}" + (f" and {more:,} more" if more > 0 else ""))
    if resource.waiting_threads:
        asleep = " ".join(map(str, resource.waiting_threads[:MAX_WAITERS]))
        yield line(1, f"slept in by threads {asleep}")


def _finding(finding: Finding) -> Iterator[Line]:
    yield line(0, finding.severity, finding.kind, finding.summary)
    for evidence in finding.evidence:
        yield line(1, evidence)


def _loss(loss: Loss) -> Iterator[Line]:
    times = f" ({loss.count:,} times)" if loss.count > 1 else ""
    yield line(0, f"{loss.what}{times}: {loss.why}")
    if loss.samples:
        yield line(1, "at " + " ".join(f"{sample:#x}" for sample in loss.samples))
