"""What each operating system thread is to the runtimes, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from adp_tui.engine.adp.evaluate import ThreadValue
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis.executors import ExecutorSet
from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.analysis.naming import FutureNames
from adp_tui.engine.analysis.rules import Applied, RuleBook
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import Doing, TaskState
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import function_name
from adp_tui.engine.unwind.locals import Scope, scopes
from adp_tui.engine.unwind.unwinder import Unwinder
from adp_tui.engine.value import Value

__all__ = ["doing_of", "read_locals", "region_of", "set_roles", "unwind_all", "words"]

_FUTEX = "futex"
_POLL = ("epoll_wait", "epoll_pwait", "epoll_pwait2", "io_uring_enter", "poll", "ppoll")


def unwind_all(
    program: Program, descriptors: Sequence[Descriptor], check: Callable[[], None]
) -> list[ThreadFacts]:
    """Unwind every thread and name the functions of each of its frames.

    The names are DWARF's where a rule of some descriptor may match them; a function of another
    crate has its plain name, which costs less to find.
    """
    unwinder = Unwinder(program)
    modules = _modules(descriptors)
    facts = []
    for state in program.target.threads():
        check()
        native = unwinder.unwind(state)
        thread = ThreadFacts(state, native)
        named = []
        for raw in native.frames:
            try:
                names = tuple(_name(scope, modules) for scope in scopes(program, raw))
            except AdpError:
                names = ()
            named.append((raw, names))
        thread.scopes = tuple(named)
        facts.append(thread)
    return facts


def _modules(descriptors: Sequence[Descriptor]) -> tuple[str, ...]:
    """Return the modules that the rules for functions begin with; empty text for any."""
    globs = [
        *(rule.fn for d in descriptors for rule in d.roles),
        *(rule.fn for d in descriptors for rule in d.sleeps),
        *(rule.fn for d in descriptors for rule in d.roots),
        *(rule.fn for d in descriptors for rule in d.running),
        *(pattern for d in descriptors for pattern in d.polls),
    ]
    modules = (glob.partition("*")[0].rpartition("::") for glob in globs)
    return tuple(dict.fromkeys(module + colons for module, colons, _ in modules))


def _name(scope: Scope, modules: tuple[str, ...]) -> str:
    linkage = scope.linkage_name
    if linkage is None or not linkage.startswith(("_ZN", "_R")):
        return scope.name
    plain = function_name(linkage)
    if plain.startswith(modules):
        return scope.name
    if "<" in plain and any(module.partition("::")[0] in linkage for module in modules):
        # DWARF has what implements a trait for a type in the module where that is written.
        return scope.name
    return plain


def read_locals(book: RuleBook, executors: ExecutorSet, threads: Sequence[ThreadFacts]) -> None:
    """Read what the runtimes' thread-locals say of each thread."""
    by_tid = {t.tid: t for t in threads}
    for applied in book.applied:
        for rule in applied.descriptor.threads:
            for item in applied.stream(rule.each, {}, "thread-locals"):
                if not isinstance(item, ThreadValue):
                    continue
                thread = by_tid.get(item.tid)
                if thread is None:
                    continue
                env = {"it": item, "tid": item.tid}
                executor = applied.value(rule.executor, env)
                if executor is not None:
                    thread.executor = executors.add(executor) or thread.executor
                parker = applied.number(rule.parker, env)
                if parker is not None:
                    thread.parkers.add(parker)
                _note_time(book.program, applied, applied.value(rule.past, env))
                for name in ("worker", "queue", "current_task", "owner"):
                    number = applied.number(getattr(rule, name), env)
                    if number is not None:
                        setattr(thread, name, number)


def _note_time(program: Program, applied: Applied, instant: Value | None) -> None:
    """Remember the latest time that a thread has taken: no core tells when it was written."""
    try:
        taken = None if instant is None else applied.evaluator.nanoseconds(instant)
    except AdpError:
        return
    if taken is not None:
        program.latest_ns = max(taken, program.latest_ns or 0)


def set_roles(book: RuleBook, executors: ExecutorSet, threads: Sequence[ThreadFacts]) -> None:
    """Name each thread's role: by its thread-local's worker number, else by its functions.

    Where several rules fit, the first in the descriptor counts: a pool thread whose job
    blocks on a future is a pool thread.
    """
    order = [rule for applied in book.applied for rule in applied.descriptor.roles]
    for thread in threads:
        if thread.worker is not None:
            thread.role = "worker"
            continue
        found = [book.roles.first(name) for _, names in thread.scopes for name in names]
        rules = [bound for bound in found if bound is not None]
        if rules:
            chosen = min(rules, key=lambda bound: order.index(bound.rule))
            thread.role = chosen.rule.role
            value = chosen.applied.value(chosen.rule.executor, {})
            if value is not None and thread.executor is None:
                thread.executor = executors.add(value)


def doing_of(program: Program, names: FutureNames, thread: ThreadFacts) -> Doing:
    """Say what a thread does, from its registers, its role and the task it runs."""
    task, call = thread.task, thread.call(program.arch)
    name: str | None = None
    fd: int | None = None
    lock: str | None = None
    if call is not None:
        name, fd = call.name, call.fd
        if call.futex is not None:
            lock = f"{call.futex:#x}"
    wait = None
    if thread.lock is not None:
        wait = replace(thread.lock.shape, resource=f"r{thread.lock.resource + 1}")
    if task is not None and task.kind == "blocking":
        return Doing("blocking_job", name, fd, names.of(task.type).name, lock, wait)
    if task is not None and task.state is TaskState.RUNNING:
        return Doing("polling", name, fd, None, lock, wait)
    if name is None:
        return Doing("running")
    if wait is not None:
        return Doing("futex", name, None, None, lock, wait)
    if thread.role != "other" and name == _FUTEX:
        return Doing("parked", name)
    if thread.role != "other" and name in _POLL:
        return Doing("driver", name, fd)
    if name == _FUTEX:
        return Doing("futex", name, None, None, lock)
    return Doing("syscall", name, fd)


def words(program: Program, start: int, size: int) -> list[int]:
    """Return the aligned 8-byte words of a range, as many as can be read."""
    start &= ~7
    span = region_of(program, start)
    if span is None:
        return []
    size = min(size, span[1] - start) & ~7
    try:
        view = memoryview(program.memory.read(start, size)).cast("Q")
    except AdpError:
        return []
    return view.tolist()


def region_of(program: Program, address: int) -> tuple[int, int] | None:
    """Return the saved region that holds an address."""
    for region in program.memory.regions():
        if region.start <= address < region.end:
            return region.start, region.end
    return None
