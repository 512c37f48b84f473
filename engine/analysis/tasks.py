"""From the address of a task's header to facts about the task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import KindRule, TaskRule
from adp_tui.engine.analysis import replay
from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.replay import Replays, by_type
from adp_tui.engine.analysis.rules import Bound, RuleBook
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.model import TaskState
from adp_tui.engine.value import Value

__all__ = ["StackRanges", "TaskReader"]

_FUTURE = "task future"
_STILL = (TaskState.IDLE, TaskState.SCHEDULED)
"""Nobody polls or drops the future of such a task."""
_STATES = {state.value: state for state in TaskState}


class StackRanges:
    """The memory that threads' stacks use: a header in it is an image of a task, not a task.

    Runtimes build a cell on the stack before they move it to the heap.
    """

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._spans = spans

    def holds(self, address: int) -> bool:
        """Tell whether the address lies in some thread's stack."""
        return any(start <= address < end for start, end in self._spans)

    def without(self, addresses: Sequence[int]) -> list[int]:
        """Return which of the addresses lie in no thread's stack."""
        low = min((start for start, _ in self._spans), default=0)
        high = max((end for _, end in self._spans), default=0)
        return [a for a in addresses if not (low <= a < high and self.holds(a))]


class TaskReader:
    """Reads tasks by the rule for their header's type; each address once."""

    def __init__(self, book: RuleBook, replays: Replays, stacks: StackRanges) -> None:
        self._book = book
        self._replays = replays
        self._stacks = stacks
        self._known: dict[int, TaskFacts | None] = {}
        self.known: Callable[[int], TaskFacts | None] = self._known.get
        """Return the task at an address that was read before."""
        self._foreseen: dict[int, TaskFacts] = {}
        """Tasks that nobody asked for yet: they have no header."""
        self._kinds = {
            id(a): [(Glob(k.scheduler), k) for k in a.descriptor.kinds] for a in book.applied
        }
        self._ignored = {
            id(a): [Glob(i.future) for i in a.descriptor.ignored] for a in book.applied
        }
        self.unreadable: dict[int, str] = {}
        """Why nothing is known of what should be a header, by address."""
        self.leading: list[TaskFacts] = []
        """Tasks whose headers lead to an executor, in the order of reading."""

    def read(self, header: Value) -> TaskFacts | None:
        """Return the task, or None where the header is none (or belongs to the runtime itself)."""
        address = header.address
        if address in self._known:
            return self._known[address]
        task = self._foreseen.get(address)
        if task is None:
            task = self._read(header)
        else:
            task.header = header
        if task is not None and task.scheduler is not None:
            self.leading.append(task)
        self._known[address] = task
        return task

    def foresee(self, headers: Sequence[Value]) -> None:
        """Prepare for reading the tasks of many headers, most of which are alike."""
        if len(headers) < replay.MANY:
            return
        for type_, addresses in by_type(headers):
            bound = self._book.tasks.first(type_.name)
            if bound is not None:
                unknown = [a for a in addresses if a not in self._known]
                there = self._replays.readable(self._stacks.without(unknown), type_.size)
                self._foresee(type_, there, bound)

    def _foresee(self, type_: Type, addresses: Sequence[int], bound: Bound[TaskRule]) -> None:
        ask = partial(self._header, bound)
        for cohort in self._replays.cohorts(type_, addresses, ask, bound):
            if cohort.items[0]:
                continue
            own = list(map(addresses.__getitem__, cohort.rows.tolist()))
            fields = *map(cohort.column, range(1, len(cohort.items) - 1)), cohort.shared_column(-1)
            made = list(map(TaskFacts, repeat(bound.applied), own, repeat(None), *fields))
            _judge(made[0], bound.rule)
            if made[0].losses:
                for task in made[1:]:
                    _judge(task, bound.rule)
            self._foreseen.update(zip(own, made, strict=True))

    def read_held(self, header: Value) -> TaskFacts | None:
        """Return the task whose handle was found in a variable, if it is still one.

        A variable that was moved from keeps its bytes, and the header that they point to may
        be freed: its reference count and the handle's own bit must agree.
        """
        known = self._known.get(header.address)
        if known is not None:
            return known
        task = self.read(header)
        if task is None or not task.joinable or task.type is None:
            self._known[header.address] = None
            return None
        return task

    def _read(self, header: Value) -> TaskFacts | None:
        bound = self._book.tasks.first(header.type.name)
        if bound is None or self._stacks.holds(header.address):
            return None
        try:
            header.read()
        except AdpError as error:
            why = error.reason if isinstance(error, FaultError) else str(error)
            self.unreadable[header.address] = f"a header cannot be read: {why}"
            return None
        ask = partial(self._header, bound)
        ignored, *found = self._replays.ask(header, ask, bound)
        if ignored:
            return None
        task = TaskFacts(bound.applied, header.address, header, *found)
        _judge(task, bound.rule)
        return task

    def _header(self, bound: Bound[TaskRule], header: Value) -> tuple[object, ...]:
        """Return all that a task's header tells.

        That is whether it is none, or belongs to the runtime itself; and the fields of
        ``TaskFacts`` from ``kind`` to ``scheduler``.
        """
        applied, rule = bound.applied, bound.rule
        env: dict[str, object] = {"it": header}
        for name, expression in rule.let:
            env[name] = applied.evaluate(expression, env)
        future_type, scheduler_type = env.get("T"), env.get("S")
        type_ = future_type if isinstance(future_type, Type) else None
        ignored = type_ is not None and any(
            glob.match(type_.name) for glob in self._ignored[id(applied)]
        )
        state = self._state(bound, env)
        id_ = applied.number(rule.id, env)
        if id_ is None:
            id_ = applied.number(rule.raw_id, env)
        complete = state is TaskState.COMPLETE
        kind = self._kind(bound, scheduler_type)
        scheduler = applied.value(rule.scheduler, env)
        if scheduler is None and kind is not None:
            scheduler = applied.value(kind.executor, env)
        place = applied.evaluate(rule.spawned_at, env)
        spawned = None
        if isinstance(place, tuple) and len(place) == 2:
            spawned = (str(place[0]), int(place[1]))
        return (
            ignored or applied.number(rule.valid, env) == 0,
            "spawned" if kind is None else kind.kind,
            state,
            type_,
            id_,
            applied.number(rule.owner_id, env),
            bool(applied.number(rule.flags.get("cancelled"), env)),
            bool(
                applied.number(rule.flags.get("join_interest"), env)
                and applied.number(rule.flags.get("refs"), env)
            ),
            applied.value(rule.join_waker, env),
            applied.text(rule.panic, env) if complete else None,
            None if complete else applied.value(rule.future, env),
            spawned,
            applied.number(rule.flags.get("wakers"), env),
            applied.text(rule.name, env),
            scheduler,
        )

    def _kind(self, bound: Bound[TaskRule], scheduler: object) -> KindRule | None:
        name = scheduler.name if isinstance(scheduler, Type) else ""
        for glob, kind in self._kinds[id(bound.applied)]:
            if glob.match(name):
                return kind
        return None

    @staticmethod
    def _state(bound: Bound[TaskRule], env: dict[str, object]) -> TaskState:
        for condition, name in bound.rule.state:
            if bound.applied.number(condition, env):
                return _STATES.get(name, TaskState.UNKNOWN)
        return TaskState.UNKNOWN


def _judge(task: TaskFacts, rule: TaskRule) -> None:
    """Note what a task should have and does not."""
    losses = []
    if task.id is None and rule.raw_id is not None:
        losses.append(("task id", "it cannot be read"))
    if task.type is None:
        task.problem = "the type of its future is not in the debug information"
        losses.append((_FUTURE, task.problem))
    elif task.future is None and task.state in _STILL:
        task.problem = "it is not there, or cannot be read, but the task is not complete"
        losses.append((_FUTURE, task.problem))
    task.losses = tuple(losses)
