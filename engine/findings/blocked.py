"""Threads that block where they should poll, and what waits behind them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from adp_tui.engine.findings.nodes import Nodes
from adp_tui.engine.findings.words import Words
from adp_tui.engine.model import Confidence, Executor, Finding, NativeFrame, Snapshot, Thread
from adp_tui.engine.views.words import short_function

__all__ = ["blocked"]

_SLEEPS = ("nanosleep", "clock_nanosleep", "wait4", "waitid", "flock", "pause", "futex_waitv")
"""System calls that do nothing but wait. Others may just be made: only these say that it blocks."""
_LOCKS = (
    "Mutex::lock", "RwLock::read", "RwLock::write", "raw_mutex", "raw_rwlock", "lock_contended",
    "read_contended", "write_contended", "lll_lock", "lll_mutex", "pthread_mutex_lock",
    "Once::call", "initialize_or_wait", "ReentrantLock",
)  # fmt: skip
"""Functions that wait for a lock, which others may be about to let go of."""
MAX_TOLD = 8


def blocked(snapshot: Snapshot, words: Words, nodes: Nodes) -> Iterator[Finding]:
    """Yield what keeps threads from polling, then executors and pools that have none left."""
    stuck: dict[int, Finding] = {}
    for thread in snapshot.threads:
        found = _nested(snapshot, words, nodes, thread) or _blocks(snapshot, words, thread)
        if found is not None:
            stuck[thread.tid] = found
            yield found
    for executor in snapshot.executors:
        yield from _exhausted(words, executor, stuck)
        yield from _pool(snapshot, words, executor)


def _blocks(snapshot: Snapshot, words: Words, thread: Thread) -> Finding | None:
    """Tell of a thread that sleeps inside the poll of a task."""
    doing = thread.doing
    if doing.kind != "polling" or thread.task is None:
        return None
    sleeps = doing.syscall in _SLEEPS
    waits = doing.lock is not None and not any(map(_is_lock, _inner(words, thread)))
    if not sleeps and not waits:
        return None
    index = snapshot.tasks.index(thread.task)
    own = words.own(thread)
    place = ""
    if own is not None:
        function = short_function(own.function or "")
        # A task is named after its function, which mostly is the one that blocks.
        inside = "" if words.short(index).endswith(f" {function}") else f" in {function}"
        place = f"{inside}{words.place(own)}"
    others = [
        f"{words.place(frame).strip(' ()')}: {short_function(frame.function or '')}"
        for frame in thread.stack[:64]
        if words.is_own(frame)
    ]
    return Finding(
        kind="blocked_worker",
        severity="error",
        conf=Confidence.CERTAIN if sleeps else Confidence.DERIVED,
        summary=f"thread {thread.tid} blocks in {doing.syscall} while it polls "
        f"{words.short(index)}{place}",
        tasks=(thread.task,),
        threads=(thread.tid,),
        evidence=(
            f"thread {thread.tid} ({thread.name or thread.role}) is in {doing.syscall}: no other"
            " task is polled by it meanwhile",
            *others[:MAX_TOLD],
        ),
    )


def _nested(snapshot: Snapshot, words: Words, nodes: Nodes, thread: Thread) -> Finding | None:
    """Tell of a thread that waits in block_on inside the poll of a task."""
    if thread.task is None or thread.splice is None or thread.doing.kind != "polling":
        return None
    inner = thread.stack[: thread.splice.frame]
    if not any((frame.function or "").endswith("::block_on") for frame in inner):
        return None
    tasks = snapshot.tasks
    polled = tasks.index(thread.task)
    root = nodes.roots.get(thread.tid)
    waits = () if root is None else tasks.waits_of(root)
    what = f": it waits for {words.resource(waits[0])}" if waits else ""
    own = words.own(thread)
    where = "" if own is None else words.place(own)
    return Finding(
        kind="nested_block_on",
        severity="error",
        conf=Confidence.DERIVED,
        summary=f"thread {thread.tid} stands in block_on{where} while it polls"
        f" {words.short(polled)}{what}",
        tasks=(thread.task, *(() if root is None else (words.key(root),))),
        threads=(thread.tid,),
        resources=tuple(w.resource for w in waits if w.resource is not None),
        evidence=(
            f"thread {thread.tid} ({thread.name or thread.role}) polls no other task until the"
            " future that it blocks on has ended",
            *(() if root is None else (f"that is {words.short(root)}{words.at(root)}",)),
        ),
    )


def _exhausted(words: Words, executor: Executor, stuck: dict[int, Finding]) -> Iterator[Finding]:
    """Tell of an executor none of whose workers polls, though there is work."""
    queues = executor.queues
    queued = (queues.global_ or 0) + sum(count or 0 for count in queues.local)
    if not queued or not executor.workers or any(tid not in stuck for tid in executor.workers):
        return
    count = len(executor.workers)
    noun = "its only worker blocks" if count == 1 else f"all {count} workers block"
    yield Finding(
        kind="workers_exhausted",
        severity="error",
        conf=Confidence.DERIVED,
        summary=f"{executor.key} {executor.name or executor.kind}: {noun}, "
        + ("1 task waits" if queued == 1 else f"{queued:,} tasks wait")
        + " to be polled",
        tasks=tuple(key for tid in executor.workers for key in stuck[tid].tasks[:1]),
        threads=executor.workers,
        evidence=tuple(stuck[tid].summary for tid in executor.workers[:MAX_TOLD]),
    )


def _pool(snapshot: Snapshot, words: Words, executor: Executor) -> Iterator[Finding]:
    """Tell of a pool all of whose threads have a job, while others wait for one."""
    queued = executor.queues.blocking or 0
    threads = [t for t in snapshot.threads if t.tid in executor.blocking_threads]
    if not queued or not threads or any(t.doing.kind != "blocking_job" for t in threads):
        return
    count = len(threads)
    taken = "its only thread for blocking jobs is taken"
    if count > 1:
        taken = f"all {count} threads for blocking jobs are taken"
    jobs = [
        f"thread {t.tid} runs {t.doing.job or 'a job'}"
        + ("" if t.doing.syscall is None else f", in {t.doing.syscall}")
        for t in threads
    ]
    yield Finding(
        kind="blocking_pool_exhausted",
        severity="warning",
        conf=Confidence.DERIVED,
        summary=f"{executor.key} {executor.name or executor.kind}: {taken}, "
        + ("1 job waits" if queued == 1 else f"{queued:,} jobs wait"),
        tasks=tuple(t.task for t in threads if t.task is not None),
        threads=tuple(t.tid for t in threads),
        evidence=tuple(jobs[:MAX_TOLD]),
    )


def _is_lock(frame: NativeFrame) -> bool:
    return frame.function is not None and any(part in frame.function for part in _LOCKS)


def _inner(words: Words, thread: Thread) -> Iterator[NativeFrame]:
    """Yield the frames further in than the program's own code."""
    return takewhile(lambda frame: not words.is_own(frame), thread.stack)
