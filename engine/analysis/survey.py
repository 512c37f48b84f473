"""One analysis from a program to a snapshot, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adp_tui.engine.adp.budget import STRIKES
from adp_tui.engine.adp.catalogue import choose
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.explain import Costs, Explanation, explained
from adp_tui.engine.adp.provided import provided
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis import replay
from adp_tui.engine.analysis.alike import AlikeWaits
from adp_tui.engine.analysis.blocking import find_running_jobs
from adp_tui.engine.analysis.drivers import Drivers
from adp_tui.engine.analysis.executors import ExecutorSet
from adp_tui.engine.analysis.facts import ExecutorFacts, TaskFacts, ThreadFacts, WaitRow
from adp_tui.engine.analysis.holders import Holders
from adp_tui.engine.analysis.inside import FuturesInside
from adp_tui.engine.analysis.lock_waits import find_lock_waits
from adp_tui.engine.analysis.naming import FutureNames
from adp_tui.engine.analysis.native_holders import search_threads
from adp_tui.engine.analysis.native_variables import NativeVariables
from adp_tui.engine.analysis.parents import Handles, find_fds, walk_frames
from adp_tui.engine.analysis.polling import set_polled
from adp_tui.engine.analysis.reached import Reached
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.analysis.roots import RootFinder, find_roots, settle
from adp_tui.engine.analysis.rules import Applied, Losses, RuleBook
from adp_tui.engine.analysis.running import find_running
from adp_tui.engine.analysis.shown import Views
from adp_tui.engine.analysis.stacks import LiveStack, StackWalker, stacks_of
from adp_tui.engine.analysis.stored import Stored
from adp_tui.engine.analysis.tasks import StackRanges, TaskReader
from adp_tui.engine.analysis.threads import read_locals, region_of, set_roles, unwind_all
from adp_tui.engine.analysis.unwoken import unreached
from adp_tui.engine.analysis.waits import Numbering, Registered, WaitReader, leaves
from adp_tui.engine.analysis.wakers import WakerResolver, Wakes
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.model import Confidence, TaskState, Wait
from adp_tui.engine.program import Program

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort

__all__ = ["Survey"]

MAX_PROBLEMS = 16
"""Broken rules of one descriptor that are listed: `adp lint` lists all."""
_LISTING = ("executors", "tasks", "threads", "defs")
"""Sections of a descriptor without a rule of which there may be tasks that nobody sees."""
_AWAKE = frozenset((TaskState.RUNNING, TaskState.COMPLETE))
"""States in which a task waits for nothing."""
_FAR = 1 << 62
_UNDESCRIBED = (
    "tasks kept in {} were found by their wakers, but no descriptor says which executor runs them, "
    "in what state they are, or where others are that nothing will wake: docs/adp.md tells how to "
    "write one"
)
_NOT_SWEPT = (
    "those that nothing but a waker leads to are not looked for in a live process, all of whose "
    "memory would have to be copied; write a core of it with: adp-tui dump"
)
_JOIN = Wait(kind="join", conf=Confidence.DERIVED, src="resource")


class Survey:
    """Everything found out about a program, before it is frozen into a snapshot.

    ``say`` is told what is being read; ``check`` raises CancelledError when asked to stop.
    """

    def __init__(
        self,
        program: Program,
        say: Callable[[str], None],
        check: Callable[[], None],
        *,
        explains: bool = False,
    ) -> None:
        self.program = program
        self.losses = Losses()
        found = provided(program, program.descriptors)
        self._provided = found.descriptors
        self._unusable = found.problems
        self._explains = explains
        for problem in found.problems:
            self.losses.add("a descriptor in the program", problem)
        self.replays = Replays(program, self.losses, check)
        self._say = say
        self._check = check
        self.threads: list[ThreadFacts] = []
        self.refused: Sequence[tuple[Descriptor, str]] = ()
        self.applied: list[Applied] = []
        self.book = RuleBook(program, ())
        self.walker = StackWalker(program, self.book, self.replays)
        self.names = FutureNames(self.book, self.walker.coroutines)
        self.tasks: list[TaskFacts] = []
        self.executors: list[ExecutorFacts] = []
        self._cohorts: list[tuple[Cohort, list[TaskFacts]]] = []
        """Tasks whose stacks are alike."""
        self.fds: dict[int, int] = {}
        self.numbering = Numbering()
        self.holders: Holders | None = None
        self.unreached: tuple[int, ...] = ()
        """Numbers of the idle tasks for which a core has no waker."""
        self._plain: set[int] = set()
        """Shapes of stacks (by identity) without a frame that could hold an executor."""
        self._registered: dict[int, list[Registered]] = {}

    def run(self) -> None:
        """Do all steps, in the order in which they need each other."""
        self._say("unwinding threads")
        self.threads = unwind_all(self.program, self._provided, self._check)
        try:
            self._run()
            self._note_budgets()
        except CancelledError:
            raise
        except AdpError as error:
            # Whatever is broken, threads are shown, and what was found up to here.
            self.losses.add("tasks", str(error))
            if not self.executors:
                for thread in self.threads:
                    thread.executor = thread.task = None

    def _run(self) -> None:
        self._say("reading types of the runtime")
        self._apply()
        self.walker = StackWalker(self.program, self.book, self.replays)
        self.names = FutureNames(self.book, self.walker.coroutines)
        self.wakers = WakerResolver(self.program, self.book, self.replays)
        self.drivers = Drivers(self.book, self.replays, self.wakers)
        self._say("reading executors and their tasks")
        self._find_tasks()
        self._say(f"reading the stacks of {len(self.tasks)} tasks")
        self._walk_stacks()
        self._say("reading timers, sockets and wakers")
        self._find_registered()
        self.handles.set_parents()
        self._say("working out what tasks wait on")
        self._find_waits()
        self._say("looking for who holds it")
        find_lock_waits(self.program, self.book, self.numbering, self.threads)
        self.holders = Holders(
            self.program, self.book, self.walker, self.replays, self.numbering, self._check
        )
        asleep = {t.lock.resource for t in self.threads if t.lock is not None}
        self.holders.search(self.tasks, asleep)
        search_threads(self.program, self.holders, self.threads, self._check)
        self.reached.find_others(self.tasks, self.holders.ends)
        self._say("looking for tasks that nothing can wake")
        self.unreached = unreached(
            self.program, self.book, self.wakers, self.threads, self.tasks, self.target_of,
            self._check,
        )  # fmt: skip

    def _note_budgets(self) -> None:
        """Count what was not evaluated to the end of the analysis."""
        for applied in self.applied:
            for expression in applied.evaluator.switched_off:
                why = f"it went over its budget {STRIKES} times: {expression.text}"
                self.losses.add(f"a rule of {applied.source}", why)

    def _apply(self) -> None:
        chosen = choose(self.program, self._provided)
        self.refused = chosen.refused
        self.applied = [Applied(d, Evaluator(self.program, d), self.losses) for d in chosen.applied]
        frames = NativeVariables(self.program, self.threads)
        for applied in self.applied:
            applied.evaluator.shortcut = self.replays
            applied.evaluator.frames = frames.named
            if self._explains:
                applied.evaluator.records = Costs()
            for problem in applied.descriptor.problems[:MAX_PROBLEMS]:
                missing = problem.startswith(_LISTING)
                self.losses.add(f"a rule of {applied.source}", problem, missing=missing)
        self.book = RuleBook(self.program, self.applied)
        inside = FuturesInside(self.program, self.book)
        for applied in self.applied:
            applied.evaluator.futures = inside.of
        viewed = any(each.descriptor.views for each in self.applied)
        self.program.views = Views(self.program, self.applied) if viewed else None

    def explanation(self) -> Explanation:
        """Say which descriptors applied, why others did not, and what their rules found."""
        evaluators = [applied.evaluator for applied in self.applied]
        return Explanation(
            tuple(explained(e) for e in evaluators), tuple(self.refused), self._unusable
        )

    def _find_tasks(self) -> None:
        reader = TaskReader(self.book, self.replays, self._stack_ranges())
        self.reader = reader
        executors = ExecutorSet(self.book, reader, self._check)
        executors.add_roots()
        read_locals(self.book, executors, self.threads)
        set_roles(self.book, executors, self.threads)
        executors.walk()
        jobs = find_running_jobs(self.program, self.book, reader, self.threads)
        jobs += find_running(self.program, self.book, reader, self.threads)
        for job in jobs:
            job.state = TaskState.RUNNING
            if job.kind == "blocking" and job.thread is not None and job.thread.executor:
                executors.own(job.thread.executor, job)
        finder = RootFinder(self.program, self.book, self.walker, self.wakers)
        roots = find_roots(finder, self.threads, self._check)
        strays = self._find_more(executors, roots)
        roots = settle(self.book, roots)
        executors.adopt(self.threads)
        every = [task for executor in executors for task in executor.tasks]
        set_polled(self.program, self.applied, self.threads, every)
        for root in roots:
            if root.executor is not None:
                root.executor.tasks.append(root)
        self.executor_set = executors
        self._order(executors, (*roots, *jobs, *strays), roots)

    def _stack_ranges(self) -> StackRanges:
        spans = []
        for thread in self.threads:
            sp = thread.state.registers.get(self.program.arch.sp, 0)
            span = region_of(self.program, sp)
            if span is not None and thread.native.frames:
                last = thread.native.frames[-1]
                end = last.cfa or last.sp
                # What lies above the first frame may be the heap: musl maps one beside the other.
                whole = thread.native.cut is None and sp < end <= span[1]
                spans.append((sp & ~0xFFF, end if whole else span[1]))
        return StackRanges(spans)

    def _find_more(self, executors: ExecutorSet, roots: Sequence[TaskFacts]) -> Sequence[TaskFacts]:
        """Find executors that only futures, timers and sockets lead to: a parked LocalSet.

        Returns:
            The tasks that only wakers somewhere in memory lead to.
        """
        self.handles = Handles(self.program, self.book, self.reader, self.walker, self.replays)
        leads = any(r.executor for a in self.applied for r in a.descriptor.adapters)
        for root in roots:
            if leads:
                self._follow_frames(executors, root)
            self.handles.search(root)
        for wakes in self.drivers.woken():
            if wakes.header is not None:
                self.reader.read(wakes.header)
        strays = self._sweep()
        for _ in range(4):
            before = len(executors), sum(len(e.tasks) for e in executors)
            executors.walk()
            for executor in list(executors):
                tasks = list(executor.tasks)
                if leads:
                    self._foresee(tasks)
                for number, task in enumerate(tasks):
                    if number % 256 == 0:
                        self._check()
                    if leads:
                        self._follow_frames(executors, task)
                    if not task.followed:
                        self.handles.search(task)
                self._follow_wakers(executor)
            executors.walk()
            if before == (len(executors), sum(len(e.tasks) for e in executors)):
                break
        for task in strays:
            self.handles.search(task)
        executors.walk()
        for task in strays:
            if task.executor is None and task.header is not None:
                self.losses.add(
                    "executor", _UNDESCRIBED.format(task.header.type.name), task.address
                )
        return strays

    def _sweep(self) -> list[TaskFacts]:
        """Read the tasks that only wakers somewhere in memory lead to."""
        if not self.wakers.sweeps:
            return []
        if not self.program.target.facts.whole:
            self.losses.add("tasks", _NOT_SWEPT)
            return []
        from adp_tui.engine.analysis.sweep import swept_wakers

        self._say("searching memory for wakers")
        found = map(self.wakers.resolve, swept_wakers(self.program, self.wakers, self._check))
        headers = [wakes.header for wakes in found if wakes is not None and wakes.header]
        tasks = dict.fromkeys(map(self.reader.read, headers))
        return [task for task in tasks if task is not None]

    def _foresee(self, tasks: Sequence[TaskFacts]) -> None:
        """Read the stacks of tasks, and look for what they hold, where many are alike."""
        if len(tasks) < replay.MANY:
            return
        alike: dict[int, list[TaskFacts]] = {}
        for task in tasks:
            if task.future is not None and task.stack is None:
                alike.setdefault(id(task.future.type), []).append(task)
        for own in alike.values():
            futures = [task.future for task in own if task.future is not None]
            addresses = [future.address for future in futures]
            for cohort in self.walker.cohorts(futures[0].type, addresses):
                mine = list(map(own.__getitem__, cohort.rows.tolist()))
                for task, stack in zip(mine, stacks_of(cohort), strict=True):
                    task.stack = stack
                self._cohorts.append((cohort, mine))
            self.handles.foresee(own)

    def _follow_frames(self, executors: ExecutorSet, task: TaskFacts) -> None:
        """Add the executors that a task's own frames hold (``LocalSet::run_until``)."""
        stack = task.stack or self._walk(task)
        task.stack = stack
        if stack is None or id(stack.shape) in self._plain:
            return
        frames = tuple(walk_frames(stack.frames))
        if not any(self.book.adapters.all(live.value.type.name) for live in frames):
            self._plain.add(id(stack.shape))
        for live in frames:
            for bound in self.book.adapters.all(live.value.type.name):
                value = bound.applied.value(bound.rule.executor, {"it": live.value})
                executor = executors.add(value) if value is not None else None
                if executor is not None and task.thread is not None and task.header is None:
                    task.thread.drives.append(executor)
                if executor is not None and executor.parent is None:
                    owner = task.executor or (task.thread.executor if task.thread else None)
                    executor.parent = owner if owner is not executor else None

    def _follow_wakers(self, executor: ExecutorFacts) -> None:
        for _, wakes in self.drivers.of(executor):
            if wakes.header is not None:
                self.reader.read(wakes.header)

    def _order(
        self, executors: ExecutorSet, others: Sequence[TaskFacts], roots: Sequence[TaskFacts]
    ) -> None:
        """Fix the order of executors and tasks: their keys follow from it.

        ``others`` may be tasks of no executor.
        """
        self.executors = list(executors)
        for index, executor in enumerate(self.executors):
            executor.index = index
        tasks = [t for e in self.executors for t in e.tasks]
        tasks += [t for t in dict.fromkeys(others) if t.executor is None]
        tasks.sort(key=lambda t: (_FAR if t.id is None else t.id, t.address))
        self.tasks = tasks
        for index, task in enumerate(tasks):
            task.index = index
        self.numbering.set_tasks(tasks)
        # A waker without an address wakes the thread that it is used on, whichever that is.
        self.roots = {p: r for r in roots if r.thread is not None for p in r.thread.parkers if p}
        self.executor_roots = {r.executor.address: r for r in roots if r.executor is not None}

    def _walk(self, task: TaskFacts) -> LiveStack | None:
        if task.future is None:
            return None
        try:
            stack = self.walker.walk(task.future)
        except AdpError as error:
            task.problem = str(error)
            self.losses.add("task stack", str(error), task.address)
            return None
        # What lies below the await that a running task has left may be gone, and is not shown.
        if stack.problem is not None and task.state is not TaskState.RUNNING:
            self.losses.add("task stack", stack.problem, task.address)
        return stack

    def _walk_stacks(self) -> None:
        for number, task in enumerate(task for task in self.tasks if task.stack is None):
            if number % 256 == 0:
                self._check()
            task.stack = self._walk(task)

    def forget(self) -> None:
        """Let go of what is read again where it is needed.

        Stacks are walked again for the task that is shown: 100,000 are not kept.
        """
        for task in self.tasks:
            if task.header is not None:
                task.stack = None
        self._cohorts.clear()
        self.replays.forget()

    def target_of(self, wakes: Wakes) -> TaskFacts | None:
        """Return the task that a waker wakes, a root included."""
        if wakes.header is not None:
            task = self.reader.known(wakes.header.address)
            # A waker may lead to a task of an executor that was not found.
            return task if task is not None and task.index >= 0 else None
        if wakes.thread is not None:
            return self.roots.get(wakes.thread)
        if wakes.executor is not None:
            return self.executor_roots.get(wakes.executor)
        return None

    def _find_registered(self) -> None:
        waiting: list[TaskFacts] = []
        for executor in self.executors:
            self._check()
            self._add_registered(self.drivers.of(executor), waiting)
        self._add_registered(self.drivers.shared(), waiting)
        self.fds = find_fds(self.program, self.book, list(dict.fromkeys(waiting)))

    def _add_registered(
        self, held: Sequence[tuple[Registered, Wakes]], waiting: list[TaskFacts]
    ) -> None:
        """Note for each task what holds its waker; those that wait for sockets are ``waiting``."""
        for registered, wakes in held:
            task = self.target_of(wakes)
            if task is not None:
                self._registered.setdefault(task.index, []).append(registered)
                if registered.kind != "timer":
                    waiting.append(task)

    def _find_waits(self) -> None:
        reader = WaitReader(self.numbering, self.replays)
        self.reached = Reached(
            self.program, self.book, self.wakers, self.target_of, self.numbering, self.losses
        )
        stored = Stored(self.program, self.book, self.drivers.wakers_of, self.target_of)
        alike = AlikeWaits(self.replays, reader, stored, self._registered, len(self.tasks))
        for cohort, tasks in self._cohorts:
            alike.foresee(cohort, tasks)
        for number, task in enumerate(self.tasks):
            if number % 256 == 0:
                self._check()
            if task.state in _AWAKE or task.kind == "blocking":
                continue
            known = alike.take(task, self.fds)
            if known is not None:
                task.waits = known
                if task.index in alike.undescribed:
                    self.reached.complete(task, reader)
                continue
            ends = [] if task.stack is None else list(leaves(task.stack))
            registered = [*self._registered.get(task.index, ()), *stored.of(task, ends)]
            task.waits = reader.read(task, ends, registered, self.fds)
            self.reached.complete(task, reader)
        self._add_joins()

    def _add_joins(self) -> None:
        """Add the joins that only the joined task's own waker tells of."""
        joined = [task for task in self.tasks if task.join_waker]
        wakers = [task.join_waker for task in joined if task.join_waker]
        for task, wakes in zip(joined, self.wakers.resolve_all(wakers), strict=True):
            waiter = self.target_of(wakes) if wakes is not None else None
            if waiter is None or waiter is task or waiter.state in _AWAKE:
                continue
            if any(
                wait.shape.kind == "join" and (wait.task == task.index or wait.shape.mode == "any")
                for wait in waiter.waits
            ):
                continue
            others = [wait for wait in waiter.waits if wait.shape.kind != "unknown"]
            waiter.waits = [*others, WaitRow(_JOIN, task=task.index)]
