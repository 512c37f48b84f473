"""Blocking jobs that run: they are in no list, only on their pool thread's stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.adp.schema import BlockingRule
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.rules import Applied, RuleBook
from adp_tui.engine.analysis.tasks import TaskReader
from adp_tui.engine.analysis.threads import words
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["find_running_jobs"]

STACK_BYTES = 16 * 1024
"""How far above the stack pointer the header's address stands (measured: 514 of 514 threads)."""


def find_running_jobs(
    program: Program, book: RuleBook, reader: TaskReader, threads: Sequence[ThreadFacts]
) -> list[TaskFacts]:
    """Find the job of each pool thread: the header on its stack with the thread's task id, or,
    where no thread-local tells that, the only one that can be a job that runs.
    """
    found: list[TaskFacts] = []
    rules = [(a, rule) for a in book.applied for rule in a.descriptor.blocking]
    for thread in threads:
        if thread.role != "blocking":
            continue
        current = thread.current_task
        told = [pair for pair in rules if (pair[1].id is None) == (current is None)]
        jobs = [job for a, rule in told for job in _jobs_of(program, reader, a, rule, thread)]
        jobs = [job for job in dict.fromkeys(jobs) if job.thread is None]
        if len(jobs) == 1:
            (task,) = jobs
            task.thread, thread.task = thread, task
            found.append(task)
        elif told and (jobs or current is not None):
            why = f"runs task {current}, which is not on its stack"
            if jobs:
                why = f"has {len(jobs)} jobs on its stack that run"
            sp = thread.state.registers.get(program.arch.sp, 0)
            told[0][0].losses.add("blocking job", f"thread {thread.tid} {why}", sp)
    return found


def _jobs_of(
    program: Program,
    reader: TaskReader,
    applied: Applied,
    rule: BlockingRule,
    thread: ThreadFacts,
) -> Iterator[TaskFacts]:
    header_type = program.type_named(rule.type)
    if header_type is None:
        return
    sp = thread.state.registers.get(program.arch.sp, 0)
    tried: set[int] = set()
    for word in words(program, sp, STACK_BYTES):
        if word in tried or word < 4096 or word & 7:
            continue
        tried.add(word)
        current = thread.current_task
        if not _plausible(program, applied, rule, header_type, word, current):
            continue
        task = reader.read(Value(program.memory, header_type, word))
        if task is not None and task.kind == "blocking" and current in (None, task.id):
            yield task
            if current is not None:
                return


def _plausible(
    program: Program,
    applied: Applied,
    rule: BlockingRule,
    header_type: Type,
    address: int,
    task_id: int | None,
) -> bool:
    """Tell whether the header's own code pointer and what the rule asks are as they must be."""
    vtable = header_type.member("vtable")
    if vtable is not None:
        try:
            pointer = int.from_bytes(program.memory.read(address + vtable.offset, 8), "little")
        except AdpError:
            return False
        if program.image_at(pointer) is None:
            return False
    env = {"it": Value(program.memory, header_type, address)}
    if task_id is None:
        return bool(applied.number(rule.valid, env))
    return applied.number(rule.id, env) == task_id
