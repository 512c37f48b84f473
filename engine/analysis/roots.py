"""The futures that threads drive themselves: ``block_on`` roots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import RootRule
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.parents import walk_frames
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.rules import Bound, RuleBook
from adp_tui.engine.analysis.stacks import LiveStack, StackWalker
from adp_tui.engine.analysis.waits import Leaf, leaves
from adp_tui.engine.analysis.wakers import WakerResolver
from adp_tui.engine.dwarf.names import split_path
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import TaskState
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import strip_generics
from adp_tui.engine.unwind.locals import scopes, variables
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import Value

__all__ = ["RootFinder", "find_roots", "settle"]

_WAKER = "core::task::wake::Waker"
MAX_CANDIDATES = 256
"""Values in one frame that could be the root: each is a stack to walk."""
MAX_SLOTS = 65_536
"""8-byte slots tried in one frame: half a megabyte, above any frame that was met."""


class RootFinder:
    """Finds the root future of each thread that is inside a runtime's ``block_on``."""

    def __init__(
        self, program: Program, book: RuleBook, walker: StackWalker, wakers: WakerResolver
    ) -> None:
        self._program = program
        self._book = book
        self._walker = walker
        self._wakers = wakers
        self._reach = Reach(program, _WAKER.__eq__, book.opaque, Follow.SHARED)

    def find(self, thread: ThreadFacts) -> TaskFacts | None:
        """Return the thread's root as a task, with its logical stack; None when it has none."""
        inner: list[RawFrame] = []
        for raw, names in thread.scopes:
            for name in names:
                bound = self._book.roots.first(name)
                if bound is not None:
                    task = self._root(thread, raw, name, bound)
                    thread.root_frame = raw
                    if task.type is not None and self._is_polled(task.type.name, inner):
                        task.state = TaskState.RUNNING
                        # It may be an executor's, that polls a task in its turn.
                        thread.task = thread.task or task
                    elif task.stack is not None and task.stack.problem is not None:
                        why = task.stack.problem
                        bound.applied.losses.add("task stack", why, task.address)
                    return task
            inner.append(raw)
        return None

    def _is_polled(self, type_name: str, frames: Sequence[RawFrame]) -> bool:
        """Tell whether one of these frames polls the coroutine with this type."""
        poll = _poll_of(type_name)
        return any(self._holds(raw, poll) for raw in frames)

    def _holds(self, raw: RawFrame, function: str) -> bool:
        try:
            return any(
                function.endswith(strip_generics(scope.own_name))
                and function == strip_generics(scope.name)
                for scope in scopes(self._program, raw)
            )
        except AdpError:
            return False

    def _root(
        self, thread: ThreadFacts, raw: RawFrame, name: str, bound: Bound[RootRule]
    ) -> TaskFacts:
        applied, rule = bound.applied, bound.rule
        task = TaskFacts(
            applied=applied,
            address=0,
            header=None,
            kind="block_on",
            state=TaskState.IDLE,
            type=None,
            executor=thread.executor,
            thread=thread,
        )
        try:
            if rule.variable is not None:
                self._located(task, raw, name, rule)
            if rule.search and task.future is None:
                task.problem = None
                self._search(task, thread, raw, name, rule)
        except AdpError as error:
            task.problem = str(error)
        if task.problem is not None:
            applied.losses.add("block_on root", task.problem, raw.pc)
        return task

    def _located(self, task: TaskFacts, raw: RawFrame, name: str, rule: RootRule) -> None:
        """Take the variable that the rule names, if it has a location and the wanted type."""
        wanted = Glob(rule.type or "*")
        reasons = []
        for variable in variables(self._program, raw):
            if variable.name != rule.variable or not wanted.match(variable.type.name):
                continue
            if variable.value is None:
                reasons.append(variable.problem or "it has no location")
                continue
            future = self._pinned(variable.value)
            if future is not None:
                task.future, task.address = future, future.address
                task.type = future.type
                task.stack = self._walker.walk(future)
                return
        why = "; ".join(dict.fromkeys(reasons)) or "the debug information names no such variable"
        task.problem = (
            f"the variable `{rule.variable}` of {name.split('<')[0]} cannot be read: {why}"
        )

    @staticmethod
    def _pinned(value: Value) -> Value | None:
        """Follow ``Pin<&mut F>`` (and a pin of a pin) to the future itself."""
        current: Value | None = value
        for _ in range(8):
            if current is None:
                return None
            if current.type.base_name == "core::pin::Pin" and current.type.members:
                current = current.of(current.type.members[0])
            elif current.type.kind is Kind.POINTER and not current.type.name.startswith("alloc::"):
                current = current.deref()
            else:
                return current
        return None

    def _search(
        self, task: TaskFacts, thread: ThreadFacts, raw: RawFrame, name: str, rule: RootRule
    ) -> None:
        """Try the future's type at each slot of the frame; what waits for this thread counts."""
        future_type = self._future_type(raw, name, rule.type_param or "F")
        if future_type is None:
            task.problem = f"the type of the future of {name.split('<')[0]} is not known"
            return
        task.type = future_type
        if raw.cfa is None:
            task.problem = "the frame of block_on has no known extent"
            return
        matches: dict[int, LiveStack] = {}
        candidates = 0
        for value in self._candidates(raw, future_type):
            stack = self._walker.walk(value)
            candidates += 1
            if candidates > MAX_CANDIDATES:
                task.problem = f"more than {MAX_CANDIDATES} places in its frame look like a future"
                return
            if self._wakes_thread(stack, thread):
                matches.setdefault(self._identity(stack, value), stack)
        if len(matches) == 1:
            stack = next(iter(matches.values()))
            task.stack = stack
            task.future = stack.frames[0].value
            task.searched = True
            task.address = task.future.address
            if future_type.base_name == "core::pin::Pin":
                task.type = task.future.type
            return
        task.problem = (
            f"{len(matches)} of {candidates} candidates in the frame of block_on hold the "
            "thread's own waker; exactly one must"
        )

    @staticmethod
    def _identity(stack: LiveStack, value: Value) -> int:
        return stack.frames[0].value.address if stack.frames else value.address

    def _future_type(self, raw: RawFrame, name: str, parameter: str) -> Type | None:
        for scope in scopes(self._program, raw):
            if scope.name == name and scope.function is not None:
                found = scope.function.param(parameter)
                if found is not None:
                    return found
        return None

    def _candidates(self, raw: RawFrame, type_: Type) -> Iterator[Value]:
        """Yield each slot of the frame where the type could stand in a suspended state."""
        assert raw.cfa is not None
        slots = min((raw.cfa - raw.sp) // 8, MAX_SLOTS)
        for slot in range(slots):
            value = Value(self._program.memory, type_, raw.sp + 8 * slot)
            try:
                if self._walker.suspended(value):
                    yield value
            except AdpError:
                continue

    def _wakes_thread(self, stack: LiveStack, thread: ThreadFacts) -> bool:
        """Tell whether something that the stack waits on holds a waker of this thread, or of the
        executor whose root the thread drives.

        Only a stack that could be read to its leaves counts: one that is cut short was read
        from bytes that are something else. What was never polled has left no waker either.
        """
        if any(f.frame.problem for f in walk_frames(stack.frames)):
            return False
        executor = thread.executor.value.address if thread.executor is not None else None
        return any(
            wakes is not None
            and (
                wakes.thread in thread.parkers
                or (wakes.executor is not None and wakes.executor == executor)
            )
            for waker in self._stored_wakers(stack)
            for wakes in (self._wakers.resolve(waker),)
        )

    def _stored_wakers(self, stack: LiveStack) -> Iterator[Value]:
        """Yield the wakers that the leaves of a stack lead to, and that its combinators keep."""
        for leaf in leaves(stack):
            if leaf.frame.frame.state == "suspended":
                yield from self._wakers_of(leaf)
        for live in walk_frames(stack.frames):
            for bound in self._book.adapters.all(live.value.type.name):
                waker = bound.applied.value(bound.rule.waker, {"it": live.value})
                if waker is not None:
                    yield waker

    def _wakers_of(self, leaf: Leaf) -> Iterator[Value]:
        """Yield the wakers that the rules for a leaf name, then those that its types lead to."""
        frames = (leaf.frame, *leaf.below)
        for live in frames:
            if isinstance(live.rule, Bound):
                applied, rule = live.rule.applied, live.rule.rule
                waker = applied.value(rule.waker, {"it": live.value})
                if waker is not None:
                    yield waker
        yield from self._reach.find(frames[-1].value)


def _poll_of(type_name: str) -> str:
    """Return the name of the function that polls a coroutine, without generic arguments."""
    parent, own = split_path(type_name)
    return strip_generics(f"{parent}::{own.replace('_env#', '#', 1)}")


def find_roots(
    finder: RootFinder, threads: Sequence[ThreadFacts], check: Callable[[], None]
) -> list[TaskFacts]:
    """Return the roots of all threads, in the order of the threads."""
    roots = []
    for thread in threads:
        check()
        root = finder.find(thread)
        if root is not None:
            roots.append(root)
    return roots


def settle(book: RuleBook, roots: Sequence[TaskFacts]) -> list[TaskFacts]:
    """Give threads the executors that their roots run, and return the roots that are tasks.

    A root that only runs its executor, and is nobody's future, makes its thread a worker.
    """
    ignored = [Glob(rule.future) for a in book.applied for rule in a.descriptor.ignored]
    tasks = []
    for root in roots:
        thread = root.thread
        if thread is not None and thread.executor is None and thread.drives:
            thread.executor = max(thread.drives, key=lambda each: len(each.tasks))
            root.executor = thread.executor
        name = root.type.name if root.type is not None else ""
        if thread is not None and any(glob.match(name) for glob in ignored):
            thread.role = "worker"
            if thread.task is root:
                thread.task = None
        else:
            tasks.append(root)
    return tasks
