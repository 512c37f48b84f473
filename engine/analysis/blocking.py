"""Blocking jobs that run: they are in no list, only on their pool thread's stack."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Find the job of each pool thread: the header on its stack with the thread's task id."""
    found = []
    for thread in threads:
        if thread.role != "blocking" or thread.current_task is None:
            continue
        rules = [(a, rule) for a in book.applied for rule in a.descriptor.blocking]
        jobs = (_job_of(program, reader, applied, rule, thread) for applied, rule in rules)
        task = next((job for job in jobs if job is not None), None)
        if task is not None:
            task.thread, thread.task = thread, task
            found.append(task)
        elif rules:
            why = f"thread {thread.tid} runs task {thread.current_task}, which is not on its stack"
            sp = thread.state.registers.get(program.arch.sp, 0)
            rules[0][0].losses.add("blocking job", why, sp)
    return found


def _job_of(
    program: Program,
    reader: TaskReader,
    applied: Applied,
    rule: BlockingRule,
    thread: ThreadFacts,
) -> TaskFacts | None:
    header_type = program.type_named(rule.type)
    if header_type is None:
        return None
    sp = thread.state.registers.get(program.arch.sp, 0)
    tried: set[int] = set()
    for word in words(program, sp, STACK_BYTES):
        if word in tried or word < 4096 or word & 7:
            continue
        tried.add(word)
        if not _plausible(program, applied, rule, header_type, word, thread.current_task):
            continue
        task = reader.read(Value(program.memory, header_type, word))
        if task is not None and task.id == thread.current_task and task.kind == "blocking":
            return task
    return None


def _plausible(
    program: Program,
    applied: Applied,
    rule: BlockingRule,
    header_type: Type,
    address: int,
    task_id: int | None,
) -> bool:
    """Tell whether the header's own code pointer and id are what the rule wants."""
    vtable = header_type.member("vtable")
    if vtable is not None:
        try:
            pointer = int.from_bytes(program.memory.read(address + vtable.offset, 8), "little")
        except AdpError:
            return False
        if program.image_at(pointer) is None:
            return False
    header = Value(program.memory, header_type, address)
    return applied.number(rule.id, {"it": header}) == task_id
