"""Tasks that threads poll right now, by the native function that polls each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import RunningRule
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.rules import Applied, RuleBook
from adp_tui.engine.analysis.tasks import TaskReader
from adp_tui.engine.analysis.threads import words
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import TaskState
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.locals import scopes
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import Value

__all__ = ["find_running"]

MAX_BYTES = 1 << 20
"""Of a stack that are searched for one header: from the innermost frame to the one that polls."""


def find_running(
    program: Program, book: RuleBook, reader: TaskReader, threads: Sequence[ThreadFacts]
) -> list[TaskFacts]:
    """Pair each thread with the innermost task that it polls, where its stack tells it."""
    found = []
    rules = [(a, r, Glob(r.fn)) for a in book.applied for r in a.descriptor.running]
    for thread in threads:
        if rules and thread.task is None:
            task = next(_tasks_of(program, reader, rules, thread), None)
            if task is not None:
                task.state = TaskState.RUNNING
                task.thread, thread.task = thread, task
                found.append(task)
    return found


def _tasks_of(
    program: Program,
    reader: TaskReader,
    rules: Sequence[tuple[Applied, RunningRule, Glob]],
    thread: ThreadFacts,
) -> Iterator[TaskFacts]:
    for raw, names in thread.scopes:
        for applied, rule, glob in rules:
            if not any(glob.match(name) for name in names):
                continue
            headers = _headers(program, applied, rule, thread, raw)
            if len(headers) == 1:
                task = reader.read(headers[0])
                if task is not None:
                    yield task
                continue
            why = f"{len(headers)} headers on the stack of thread {thread.tid} fit it"
            applied.losses.add("running task", why, raw.pc)


def _headers(
    program: Program, applied: Applied, rule: RunningRule, thread: ThreadFacts, raw: RawFrame
) -> list[Value]:
    """Return the headers that fit the rule and to which the stack up to a frame points."""
    type_ = program.type_named(rule.type)
    start = thread.state.registers.get(program.arch.sp, 0)
    if type_ is None or raw.cfa is None or not start < raw.cfa <= start + MAX_BYTES:
        return []
    # The outermost of the functions at an address is the one that was compiled.
    function = next((s.function for s in reversed(scopes(program, raw))), None)
    if function is None or raw.image is None:
        return []
    entry = raw.image.run_address(function.low)
    registers = thread.state.registers.values()
    found = dict.fromkeys([*registers, *words(program, start, raw.cfa - start)])
    return [
        Value(program.memory, type_, word)
        for word in found
        if word >= 4096
        and not word & 7
        and not start <= word < raw.cfa
        and _fits(program, applied, rule, type_, word, entry)
    ]


def _fits(
    program: Program,
    applied: Applied,
    rule: RunningRule,
    type_: Type,
    address: int,
    entry: int,
) -> bool:
    header = Value(program.memory, type_, address)
    try:
        header.read()
    except AdpError:
        return False
    return bool(applied.number(rule.valid, {"it": header, "f": entry}))
