"""A core as the engine reads it, said in the words of the program's source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from adp_tui.backends.core import open_core
from adp_tui.engine.model import Executor, Frame, Snapshot, Stack, Task, Thread, Wait
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import VariableRow
from support.build import Dump
from support.zoo import Expected, tasks_with

__all__ = ["Reading", "read"]

MOVED = ("PollFn", "Unconstrained")
"""Futures that are not in the same module in all versions: the tests name them without it."""
RENAMED = {
    "tokio::time::driver::sleep::Sleep": "tokio::time::sleep::Sleep",
    "tokio::task::task_local::LocalKey::scope": "tokio::task::task_local::TaskLocalFuture",
}
"""What older versions call a future that the tests name as newer ones do."""


@dataclass(frozen=True)
class Reading:
    """An analysed core, with the names that its program gave to tasks and threads."""

    dump: Dump
    session: Session
    snapshot: Snapshot

    @property
    def expected(self) -> tuple[Expected, ...]:
        """The tasks that the sources imply."""
        return tasks_with(self.dump.tokio)

    def named(self, prefix: str, number: int | None) -> str | None:
        """Return what the program calls the task (``id``, ``at`` its address) or thread (``tid``)
        of that number.
        """
        for fact, value in self.dump.facts.items():
            if fact.startswith(prefix + "_") and value == number:
                return fact.removeprefix(prefix + "_")
        return None

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """All tasks by name; the root of a ``block_on`` has its thread's name."""
        found: dict[str, Task] = {}
        for task in self.snapshot.tasks:
            name = self.task_name(task)
            assert name not in found, f"two tasks are {name}"
            found[name] = task
        return found

    def task_name(self, task: Task) -> str:
        if task.kind == "block_on":
            return f"{self.named('tid', task.thread)}_root"
        name = self.named("id", task.id)
        if task.id is None:
            name = self.named("at", task.address)
        if name is None and task.parent is not None:
            # A task that a library started tells no id.
            name = f"of_{self.name_of(task.parent)}"
        return name or f"{task.future} {task.id}"

    def task(self, name: str) -> Task:
        assert name in self.tasks, f"{name} is none of {sorted(self.tasks)}"
        return self.tasks[name]

    def name_of(self, key: str | None) -> str | None:
        """Return the name of the task with that key."""
        if key is None:
            return None
        return self.task_name(self.snapshot.tasks.record(self.snapshot.tasks.index(key)))

    def thread(self, name: str) -> Thread:
        tid = self.dump.facts[f"tid_{name}"]
        return next(each for each in self.snapshot.threads if each.tid == tid)

    def executor_of_thread(self, name: str) -> Executor:
        key = self.thread(name).executor
        return next(each for each in self.snapshot.executors if each.key == key)

    @cached_property
    def executors(self) -> dict[str, Executor]:
        """The executors by the thread that drives each; ``set`` is the LocalSet."""
        found = {name: self.executor_of_thread(name) for name in ("main", "busy", "side", "local")}
        (local_set,) = (e for e in self.snapshot.executors if e.kind == "tokio.local_set")
        return found | {"set": local_set}

    def variables(self, key: str, function: str) -> dict[str, VariableRow]:
        """Return the variables of a function, named as the screen does, in a stack."""
        frames = self.session.frames(key)
        frame = next(frame for frame in frames if frame.function == function)
        assert frame.ref is not None, f"{function} has no variables"
        return {row.name: row for row in self.session.children(frame.ref)}

    def stack(self, task: Task) -> Stack | None:
        return next((each for each in self.snapshot.stacks if each.key == task.stack), None)

    def stack_text(self, task: Task) -> str:
        """Write a stack as the tables of the tests do.

        One line for each frame of the program, ``function @marker``; one for the first frame
        of the libraries that follow, and for each frame that has branches.
        """
        stack = self.stack(task)
        return "\n".join(self._lines(stack.frames, "")) if stack else ""

    def _lines(self, frames: Sequence[Frame], indent: str) -> Iterator[str]:
        inside = False
        for frame in frames:
            own = self._is_own(frame)
            if own or frame.branches or not inside:
                yield indent + self._frame_text(frame, own)
            inside = not own
            for branch in frame.branches:
                yield f"{indent}  {branch.label} {branch.state}"
                yield from self._lines(branch.frames, indent + "    ")

    def _is_own(self, frame: Frame) -> bool:
        return frame.function.startswith((f"{self.dump.name}::", f"<{self.dump.name}::"))

    def _frame_text(self, frame: Frame, own: bool) -> str:
        state = "" if frame.state == "suspended" else f" ({frame.state})"
        label = f" {frame.label!r}" if frame.label else ""
        place = f" {self.place(frame.file, frame.line)}" if own and frame.file else ""
        last = frame.function.rpartition("::")[2]
        function = last if last in MOVED else RENAMED.get(frame.function, frame.function)
        return f"{function}{label}{place}{state}"

    def place(self, file: str | None, line: int | None) -> str:
        """Return ``@marker``, or ``@fn`` for a line where a function begins."""
        here = (PurePosixPath(file or "").name, line)
        for marker, place in self.dump.markers.items():
            if place == here:
                return f"@{marker}"
        return "@fn" if here in self.dump.markers.functions else f"{here[0]}:{here[1]}"

    def wait_text(self, wait: Wait) -> str:
        """Write a wait as the tables of the tests do: ``[branch] kind mode fd task``."""
        branch = f"[{wait.branch}]" if wait.branch is not None else None
        fd = None if wait.fd is None else f"fd={self.named('fd', wait.fd) or wait.fd}"
        task = None if wait.task is None else f"task={self.name_of(wait.task)}"
        unarmed = None if wait.armed else "unarmed"
        return " ".join(filter(None, (branch, wait.kind, wait.mode, fd, task, unarmed)))


def read(dump: Dump) -> Reading:
    """Open and analyse a core."""
    target = open_core(dump.core, executable=dump.exe, sysroot=dump.sysroot)
    session = Session(target, debug_files=dump.debug_files, sysroot=dump.sysroot)
    return Reading(dump, session, session.snapshot)
