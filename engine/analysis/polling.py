"""Which task each thread polls: by the runtime's own word, else by what stands on its stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.rules import Applied
from adp_tui.engine.analysis.threads import words
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import TaskState
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.locals import scopes
from adp_tui.engine.unwind.unwinder import RawFrame

__all__ = ["set_polled"]

_FUTURE = "T"
"""The type parameter of functions that poll tasks: the future's type, as in rules for tasks."""
MAX_DEPTH = 1 << 20
"""Bytes of a stack that are looked through, from its top to the frame that polls."""


def set_polled(
    program: Program,
    applied: Sequence[Applied],
    threads: Sequence[ThreadFacts],
    tasks: Sequence[TaskFacts],
) -> None:
    """Pair running tasks with the threads that poll them.

    A thread-local may tell the task's id. Where a descriptor has no rule for that, a thread that
    polls a future of some type polls the one running task of that type whose header its stack
    points to; or the only one of that type, where no other thread polls such a future. Of
    several, none.
    """
    wanted = TaskState.RUNNING
    running = [task for task in tasks if task.state is wanted]
    by_id = {task.id: task for task in running if task.id is not None}
    for thread in threads:
        current = thread.current_task
        task = by_id.get(current) if current is not None else None
        if task is not None and task.thread is None:
            task.thread, thread.task = thread, task
    for entry in applied:
        if any(rule.current_task is not None for rule in entry.descriptor.threads):
            continue
        mine = [task for task in running if task.applied is entry and task.thread is None]
        globs = [Glob(pattern) for pattern in entry.descriptor.polls]
        if mine and globs:
            _pair(program, [thread for thread in threads if thread.task is None], globs, mine)


def _pair(
    program: Program,
    threads: Sequence[ThreadFacts],
    globs: Sequence[Glob],
    running: Sequence[TaskFacts],
) -> None:
    """Pair the running tasks with those threads that poll a future of their type."""
    polling: dict[str, list[ThreadFacts]] = {}
    for thread in threads:
        polls = list(_polls(program, thread, globs))
        if not polls:
            continue
        # The innermost poll counts; others of its type are frames of the same one.
        future = polls[0][1]
        frames = [raw for raw, type_ in polls if type_ == future]
        held = _held(program, thread, frames)
        found = [task for task in _of(running, future) if task.address in held]
        if len(found) == 1:
            found[0].thread, thread.task = thread, found[0]
        else:
            polling.setdefault(future, []).append(thread)
    for future, left in polling.items():
        alike = _of(running, future)
        if len(left) == len(alike) == 1:
            alike[0].thread, left[0].task = left[0], alike[0]


def _of(running: Sequence[TaskFacts], future: str) -> list[TaskFacts]:
    """Return those that nobody is known to poll, with a future of that type."""
    free = (task for task in running if task.thread is None and task.type is not None)
    return [task for task in free if task.type is not None and task.type.name == future]


def _held(program: Program, thread: ThreadFacts, frames: Sequence[RawFrame]) -> set[int]:
    """Return what stands on the thread's stack down to these frames, and in their registers."""
    start = thread.native.frames[0].sp
    end = max(raw.cfa or raw.sp for raw in frames)
    held = set(words(program, start, min(end - start, MAX_DEPTH)))
    held.update(*(raw.registers.values() for raw in frames))
    return held


def _polls(
    program: Program, thread: ThreadFacts, globs: Sequence[Glob]
) -> Iterator[tuple[RawFrame, str]]:
    """Yield the frames that poll tasks, innermost first, with the names of the futures' types."""
    for raw, names in thread.scopes:
        if not any(glob.match(name) for glob in globs for name in names):
            continue
        try:
            around = scopes(program, raw)
            for name, scope in zip(names, around, strict=False):
                function = scope.function if any(glob.match(name) for glob in globs) else None
                type_ = function.param(_FUTURE) if function is not None else None
                if type_ is not None:
                    yield raw, type_.name
                    break
        except AdpError:
            continue
