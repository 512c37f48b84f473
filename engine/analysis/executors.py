"""Which executors there are, and which tasks each of them owns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.adp.schema import Expression
from adp_tui.engine.analysis.facts import ExecutorFacts, TaskFacts, ThreadFacts
from adp_tui.engine.analysis.rules import Applied, RuleBook
from adp_tui.engine.analysis.tasks import TaskReader
from adp_tui.engine.model import Queues, TaskState
from adp_tui.engine.value import Value

__all__ = ["ExecutorSet", "queues_of"]

MAX_EXECUTORS = 4096
MAX_LENGTH = 1 << 32
"""Entries of one queue: no machine had room for more."""
_COMPLETE = TaskState.COMPLETE
"""Asked of each task: an enum looks its members up by a call each time."""
_QUEUES = "queue lengths"


class ExecutorSet:
    """Executors by address, in the order in which they were found.

    ``check`` is called now and then while tasks are read; what it raises ends that.
    """

    def __init__(
        self, book: RuleBook, reader: TaskReader, check: Callable[[], None] = lambda: None
    ) -> None:
        self._check = check
        self._book = book
        self._reader = reader
        self._by_address: dict[int, ExecutorFacts] = {}
        self._walked = 0
        self._followed = 0

    def __iter__(self) -> Iterator[ExecutorFacts]:
        return iter(list(self._by_address.values()))

    def __len__(self) -> int:
        return len(self._by_address)

    def at(self, address: int | None) -> ExecutorFacts | None:
        """Return the executor whose data stands at an address."""
        return None if address is None else self._by_address.get(address)

    def add_roots(self) -> None:
        """Add each executor that a descriptor's own roots (thread-locals, statics) lead to."""
        for applied in self._book.applied:
            for rule in applied.descriptor.executors:
                for value in applied.values(rule.each, {}, f"executors {rule.kind}"):
                    self.add(value)

    def add(self, value: Value) -> ExecutorFacts | None:
        """Add the executor at a value, unless its type is none or it is known."""
        known = self._by_address.get(value.address)
        if known is not None:
            return known
        bound = self._book.executors.first(value.type.name)
        if bound is None or len(self._by_address) >= MAX_EXECUTORS:
            return None
        applied, rule = bound.applied, bound.rule
        env = {"it": value}
        facts = ExecutorFacts(applied, rule, value, name=applied.text(rule.name, env))
        facts.owner_id = applied.number(rule.owner_id, env)
        facts.owner_thread = applied.number(rule.owner_thread, env)
        self._by_address[value.address] = facts
        return facts

    def walk(self) -> None:
        """Read the tasks of every executor, and the executors that tasks lead to, until no new."""
        while True:
            executors = list(self._by_address.values())
            fresh, self._walked = executors[self._walked :], len(executors)
            for executor in fresh:
                self._walk(executor)
            leading = self._reader.leading
            leads, self._followed = leading[self._followed :], len(leading)
            for task in leads:
                owner = None if task.scheduler is None else self.add(task.scheduler)
                if owner is None:
                    continue
                # A finished task left its executor's list; the others stand in it, or in the
                # part that could not be read. Some executors have no list.
                lost = owner.incomplete and task.owner_id == owner.owner_id
                if task.state is _COMPLETE or lost or owner.rule.tasks is None:
                    self.own(owner, task)
            if not fresh and not leads:
                return

    @staticmethod
    def own(executor: ExecutorFacts, task: TaskFacts) -> None:
        """Record that the executor owns the task."""
        if task.executor is None:
            task.executor = executor
            executor.tasks.append(task)
            for what, why in task.losses:
                task.applied.losses.add(what, why, task.address)

    def _walk(self, executor: ExecutorFacts) -> None:
        applied, rule = executor.applied, executor.rule
        env = {"it": executor.value}
        what = f"tasks of {rule.kind}"
        listed: dict[int, TaskFacts | None] = {}
        headers = applied.values(rule.tasks, env, what)
        self._reader.foresee(headers)
        read = self._reader.read
        for number, header in enumerate(headers):
            if number % 256 == 0:
                self._check()
            task = read(header)
            if task is None:
                # One of the runtime's own is counted as well.
                if not self._note_unreadable(executor, header, what):
                    listed[header.address] = None
                continue
            if executor.owner_id is not None and task.owner_id != executor.owner_id:
                # Lists link only what their owner was stamped on: these bytes are something else.
                applied.losses.add(what, "a task in the list belongs to another", header.address)
                continue
            listed[header.address] = task
        counted = applied.number(rule.count, env)
        executor.incomplete = counted is not None and counted > len(listed)
        if executor.incomplete:
            why = f"it counts {counted}, of which {len(listed)} are in its lists"
            applied.losses.add(what, why, executor.address)
        # Owners have small numbers, which any bytes may show: where there are too many headers
        # those without a type are none.
        too_many = counted is not None and counted < len(listed)
        for task in listed.values():
            if task is None:
                continue
            if too_many and task.type is None:
                applied.losses.add(what, "a header in its lists is none", task.address)
            else:
                self.own(executor, task)
        for expression in (rule.some, rule.blocking):
            for header in applied.values(expression, env, what):
                task = read(header)
                if task is not None:
                    self.own(executor, task)
                else:
                    self._note_unreadable(executor, header, what)

    def _note_unreadable(self, executor: ExecutorFacts, header: Value, what: str) -> bool:
        """Count a header that cannot be read; False for what is none."""
        why = self._reader.unreadable.get(header.address)
        if why is not None:
            executor.applied.losses.add(what, why, header.address)
        return why is not None

    def adopt(self, threads: Sequence[ThreadFacts]) -> None:
        """Give an executor that belongs to one thread (a LocalSet) that thread's as parent."""
        by_owner = {t.owner: t for t in threads if t.owner is not None}
        for executor in self._by_address.values():
            owner = executor.owner_thread
            thread = by_owner.get(owner) if owner is not None else None
            if executor.parent is None and thread is not None and thread.executor is not executor:
                executor.parent = thread.executor


def queues_of(executor: ExecutorFacts, threads: Sequence[ThreadFacts]) -> Queues:
    """Return the lengths of an executor's queues.

    A current_thread runtime's local queue moves to the stack of the thread that drives it:
    the thread's own rule reads it there.
    """
    rules = executor.rule.queues
    env = {"it": executor.value}
    applied = executor.applied
    local: tuple[int | None, ...] = ()
    if "local" in rules:
        lengths = applied.evaluate(rules["local"], env, _QUEUES)
        if isinstance(lengths, tuple):
            local = tuple(_plausible(applied, n, executor) for n in lengths)
        elif isinstance(lengths, int):
            local = (_plausible(applied, lengths, executor),)
    else:
        local = tuple(t.queue for t in threads if t.executor is executor and t.queue is not None)
    return Queues(
        global_=_length(applied, rules.get("global"), env, executor),
        local=local,
        blocking=_length(applied, rules.get("blocking"), env, executor),
    )


def _length(
    applied: Applied, rule: Expression | None, env: dict[str, Value], executor: ExecutorFacts
) -> int | None:
    return _plausible(applied, applied.number(rule, env, _QUEUES), executor)


def _plausible(applied: Applied, length: object, executor: ExecutorFacts) -> int | None:
    """Return a length, unless no queue can be that long."""
    if not isinstance(length, int):
        return None
    if 0 <= length <= MAX_LENGTH:
        return length
    applied.losses.add(_QUEUES, "a queue claims an impossible length", executor.address)
    return None
