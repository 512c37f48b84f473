"""Who holds whose handle: the tree of tasks, and the sockets of each task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.rules import RuleBook
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack, StackShape, StackWalker
from adp_tui.engine.analysis.tasks import TaskReader
from adp_tui.engine.dwarf.types import Member, Type
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import AWAITEE
from adp_tui.engine.value import Value

__all__ = ["Handles", "find_fds", "walk_frames"]


def walk_frames(frames: Sequence[LiveFrame]) -> Iterator[LiveFrame]:
    """Yield the frames of a stack and of all its branches, outermost first."""
    for frame in frames:
        yield frame
        for branch in frame.branches:
            yield from walk_frames(branch.frames)


def _frame_values(task: TaskFacts) -> list[Value]:
    """Return the values to walk: the variables of each frame, once."""
    if task.stack is None:
        return [task.future] if task.future is not None else []
    values = [f.payload or f.value for f in walk_frames(task.stack.frames)]
    if task.future is not None:
        values.insert(0, task.future)
    return values


class Handles:
    """Finds the tasks whose JoinHandle or JoinSet a task owns; each task is searched once.

    Only what a task owns alone counts: a handle behind an Arc has no single owner.
    """

    def __init__(
        self,
        program: Program,
        book: RuleBook,
        reader: TaskReader,
        walker: StackWalker,
        replays: Replays,
    ) -> None:
        self._book = book
        self._reader = reader
        self._walker = walker
        self._replays = replays
        self._reach = Reach(program, lambda n: bool(book.holds.all(n)), book.opaque, Follow.OWNED)
        self._held: list[tuple[TaskFacts, list[TaskFacts]]] = []
        self._members: dict[int, tuple[Member, ...]] = {}
        """The variables that can have handles, by the type of a coroutine's state (by identity)."""
        self._foreseen: dict[int, Iterable[object]] = {}
        """The headers of the tasks that tasks hold, by the addresses of their futures."""

    def search(self, task: TaskFacts) -> None:
        """Read the tasks that a task holds."""
        if task.followed:
            return
        task.followed = True
        held: list[TaskFacts] = []
        for header in self._headers(task):
            child = self._reader.read_held(header) if isinstance(header, Value) else None
            if child is not None:
                held.append(child)
        if held:
            self._held.append((task, held))

    def foresee(self, tasks: Sequence[TaskFacts]) -> None:
        """Prepare for searching tasks with futures of one type and stacks, most of them alike."""
        futures = [task.future for task in tasks if task.future is not None]
        addresses = [future.address for future in futures]
        cohorts = self._replays.cohorts(futures[0].type, addresses, self._of_stack, self, False)
        for cohort in cohorts:
            rows = cohort.rows.tolist()
            if not cohort.items:
                for row in rows:
                    tasks[row].followed = True
            else:
                own = map(addresses.__getitem__, rows)
                self._foreseen.update(zip(own, cohort.tuples(), strict=True))

    def _headers(self, task: TaskFacts) -> Iterable[object]:
        future, stack = task.future, task.stack
        if future is None:
            return self._held_by(_frame_values(task))
        known = self._foreseen.pop(future.address, None)
        if known is not None and stack is not None:
            return known

        def ask(it: Value) -> tuple[object, ...]:
            if stack is None:
                return self._held_by([it])
            return self._held_in(it, stack) if it is future else self._of_stack(it)

        return self._replays.ask(future, ask, self, stack is None)

    def _of_stack(self, future: Value) -> tuple[object, ...]:
        """Return the headers of the tasks whose handles lie in a future or in its stack."""
        shape, *values = self._walker.flat(future)
        assert isinstance(shape, StackShape)
        return self._held_in(future, LiveStack(shape, (v for v in values if isinstance(v, Value))))

    def _held_in(self, future: Value, stack: LiveStack) -> tuple[object, ...]:
        """Return the same, of a future whose stack is known."""
        frames = stack.frames
        starts = list(self._starts(frames))
        if not frames or frames[0].value.type is not future.type:
            starts.insert(0, future)
        return self._held_by(starts)

    def _starts(self, frames: Sequence[LiveFrame]) -> Iterator[Value]:
        """Yield the values to walk. What a coroutine awaits is the next frame, and walked once."""
        for at, live in enumerate(frames):
            if live.payload is None:
                yield live.value
            else:
                is_last = at + 1 == len(frames)
                for member in self._leading(live.payload.type):
                    if is_last or member.name != AWAITEE:
                        yield live.payload.of(member)
            for branch in live.branches:
                yield from self._starts(branch.frames)

    def _leading(self, payload: Type) -> tuple[Member, ...]:
        """Return the variables of a coroutine's state that can have handles, by types alone."""
        known = self._members.get(id(payload))
        if known is None:
            known = self._members[id(payload)] = tuple(
                member
                for member in payload.members
                if self._book.holds.all(member.type.name) or self._reach.promising(member.type)
            )
        return known

    def _held_by(self, starts: Iterable[Value]) -> tuple[object, ...]:
        """Return the headers of the tasks whose handles lie in some values, each once."""
        headers: dict[int, Value] = {}
        seen: set[tuple[int, str]] = set()
        for start in starts:
            known = self._book.holds.all(start.type.name)
            for handle in [start] if known else self._reach.find(start):
                key = (handle.address, handle.type.name)
                if key in seen:
                    continue
                seen.add(key)
                for bound in self._book.holds.all(handle.type.name):
                    for header in bound.applied.values(bound.rule.tasks, {"it": handle}):
                        headers.setdefault(header.address, header)
        return tuple(headers.values())

    def set_parents(self) -> None:
        """Make each task the parent of those that it holds."""
        for task, held in self._held:
            for child in held:
                _adopt(task, child)


def _adopt(parent: TaskFacts, child: TaskFacts) -> None:
    """Set the parent, unless the child has one or would become its own ancestor."""
    if child.parent is not None or child is parent:
        return
    above: TaskFacts | None = parent
    for _ in range(256):
        if above is None:
            child.parent = parent
            return
        if above is child:
            return
        above = above.parent


def find_fds(program: Program, book: RuleBook, tasks: Sequence[TaskFacts]) -> dict[int, int]:
    """Return the file descriptor of each registration that some task's sockets lead to."""
    reach = Reach(program, lambda n: bool(book.fds.all(n)), book.opaque, Follow.SHARED)
    fds: dict[int, int] = {}
    for task in tasks:
        for start in _frame_values(task):
            for owner in reach.find(start):
                for bound in book.fds.all(owner.type.name):
                    env = {"it": owner}
                    resource = bound.applied.value(bound.rule.resource, env)
                    fd = bound.applied.number(bound.rule.fd, env)
                    if resource is not None and fd is not None and 0 <= fd < 1 << 31:
                        fds.setdefault(resource.address, fd)
    return fds
