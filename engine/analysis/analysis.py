"""A finished analysis: the snapshot, and what is read from memory only when it is shown."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from adp_tui.engine.adp.explain import Explanation
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis.changes import Census, compare, take_census
from adp_tui.engine.analysis.described import described
from adp_tui.engine.analysis.freeze import freeze
from adp_tui.engine.analysis.rules import Applied
from adp_tui.engine.analysis.stacks import LiveFrame, LiveStack
from adp_tui.engine.analysis.survey import Survey
from adp_tui.engine.analysis.torn import marked
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.findings.find import find
from adp_tui.engine.model import Snapshot
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import live_variables
from adp_tui.engine.target import TornMemory
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import Value

__all__ = ["Analysis", "analyse"]


class Analysis:
    """The snapshot of a program, with access to the live stacks and variables behind it."""

    def __init__(self, survey: Survey, snapshot: Snapshot) -> None:
        self._survey = survey
        self.program = survey.program
        self.snapshot = snapshot
        self._census: Census | None = None

    @property
    def descriptors(self) -> Sequence[Descriptor]:
        """Return the descriptors that fit the program, in the order in which they are asked."""
        return [applied.descriptor for applied in self._survey.applied]

    @property
    def applied(self) -> Sequence[Applied]:
        """Return the same with what evaluates their expressions."""
        return self._survey.applied

    def header(self, index: int) -> Value | None:
        """Return the header of task ``index``; None for a ``block_on`` root."""
        return self._survey.tasks[index].header

    def future(self, index: int) -> Value | None:
        """Return the future of task ``index``; None where it is not found, or gone."""
        return self._survey.tasks[index].future

    def executor(self, index: int) -> Value:
        """Return the data of executor ``index``."""
        return self._survey.executors[index].value

    def resource(self, index: int) -> Value:
        """Return resource ``index``."""
        return self._survey.numbering.resources[index][0]

    def woken_by(self, waker: Value) -> int | None:
        """Return which task a ``core::task::wake::Waker`` wakes; None for none that is known."""
        wakes = self._survey.wakers.resolve(waker)
        task = None if wakes is None else self._survey.target_of(wakes)
        return None if task is None else task.index

    @property
    def is_torn(self) -> bool:
        """Return whether any of it was read while the target ran."""
        memory = self.program.target.memory
        return isinstance(memory, TornMemory) and bool(memory.torn_pages())

    def mark_torn(self) -> None:
        """Mark in the snapshot what was read while the target ran."""
        self.snapshot = marked(self._survey, self.snapshot)

    def explanation(self) -> Explanation:
        """Say which descriptors applied, why others did not, and what their rules found."""
        return self._survey.explanation()

    def describe(self) -> None:
        """Say in the snapshot what the file descriptors lead to that are waited for."""
        self.snapshot = described(self.program.target, self.snapshot)

    def find(self, check: Callable[[], None] = lambda: None) -> None:
        """Say in the snapshot what is wrong with the program.

        Raises:
            CancelledError: ``check`` raised it.
        """
        self.snapshot = replace(self.snapshot, findings=find(self.snapshot, check))

    def census(self) -> Census:
        """Note how each task stands, for a later snapshot; while the memory is still there."""
        if self._census is None:
            self._census = take_census(self._survey, self.snapshot)
        return self._census

    def compare(self, before: Census) -> None:
        """Mark in the snapshot what changed since the one before."""
        tasks = self.snapshot.tasks
        states = (tasks.STATES[state] for state in tasks.state)
        self.snapshot = replace(self.snapshot, changes=compare(before, self.census(), states))

    def task_frames(self, index: int) -> LiveStack | None:
        """Walk the logical stack of task ``index`` again, with addresses; None when it has none."""
        task = self._survey.tasks[index]
        if task.stack is not None:
            return task.stack
        if task.future is None:
            return None
        return self._survey.walker.walk(task.future)

    def frame_variables(self, frame: LiveFrame) -> Sequence[tuple[str, Value | None, str | None]]:
        """Return name, value and problem of each live variable of a frame."""
        return live_variables(frame.payload or frame.value)

    def thread_frames(self, tid: int) -> Sequence[RawFrame]:
        """Return the native frames of a thread, innermost first; inlined ones not counted."""
        for thread in self._survey.threads:
            if thread.tid == tid:
                return thread.native.frames
        raise AdpError(f"there is no thread {tid}")


def analyse(
    program: Program,
    progress: Callable[[str], None] = lambda text: None,
    cancelled: Callable[[], bool] = lambda: False,
    epoch: int = 1,
    explains: bool = False,
) -> Analysis:
    """Find out everything about a program that the first screen needs.

    Args:
        program: what to look at.
        progress: is told what is being read.
        cancelled: whether to stop.
        epoch: number of the snapshot.
        explains: whether it is noted what each rule found and cost.

    Raises:
        CancelledError: ``cancelled`` answered yes.
    """

    def check() -> None:
        if cancelled():
            raise CancelledError

    with _uncollected():
        survey = Survey(program, progress, check, explains=explains)
        survey.run()
        progress("putting it together")
        snapshot = freeze(survey, epoch)
        survey.forget()
        return Analysis(survey, snapshot)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let nothing look for garbage among millions of records that are all in use.

    That took a third of the time of an analysis, and a screen that waits for it answers no key.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
