"""What a snapshot has many of, as columns: a record is made for a row that is asked for."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from adp_tui.engine.model.records import Resource, Task, TaskState, Wait

__all__ = [
    "Interner",
    "ResourceColumns",
    "TaskColumns",
    "TaskNature",
    "TaskPlace",
    "WaitColumns",
    "WaitParts",
]


class Interner:
    """Equal strings stored once, named by a small number."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._text: list[str] = []

    def number(self, text: str) -> int:
        """Return the number of ``text``, a new one where it was not seen before."""
        found = self._number.get(text)
        if found is None:
            found = self._number[text] = len(self._text)
            self._text.append(text)
        return found

    def text(self, number: int) -> str:
        """Return the text with that number."""
        return self._text[number]

    def __len__(self) -> int:
        return len(self._text)

    def optional(self, text: str | None) -> int:
        """Return the number of ``text``; -1 for None."""
        return -1 if text is None else self.number(text)

    def optional_text(self, number: int) -> str | None:
        """Return the text with that number; None for -1."""
        return None if number < 0 else self._text[number]


class WaitColumns:
    """All waits of a snapshot, sorted by task; record ``i`` is made on demand.

    What many waits have in common, their shape, is stored once: a wait without resource, task,
    descriptor and time.
    """

    def __init__(self) -> None:
        self.shapes: list[Wait] = []
        self._known: dict[Wait, int] = {}
        self.shape = array("I")
        """Index into ``shapes``."""
        self.resource = array("i")
        """Index of the resource; -1 for none."""
        self.task = array("i")
        """Index of the task; -1 for none."""
        self.fd = array("i")
        """-1 for none."""
        self.remaining = array("d")
        """Seconds; not a number for none."""

    def __len__(self) -> int:
        return len(self.shape)

    def __getitem__(self, index: int) -> Wait:
        shape = self.shapes[self.shape[index]]
        resource, task = self.resource[index], self.task[index]
        fd, remaining = self.fd[index], self.remaining[index]
        if resource < 0 and task < 0 and fd < 0 and remaining != remaining:
            return shape
        return Wait(
            shape.kind,
            shape.mode,
            shape.branch,
            None if resource < 0 else f"r{resource + 1}",
            None if task < 0 else f"t{task + 1}",
            None if fd < 0 else fd,
            None if remaining != remaining else remaining,
            shape.armed,
            shape.conf,
            shape.src,
            shape.detail,
        )

    def __iter__(self) -> Iterator[Wait]:
        return map(self.__getitem__, range(len(self)))

    def append(self, wait: Wait) -> int:
        """Store a wait; return its index."""
        self.extend([_split(wait)])
        return len(self) - 1

    def put(self, index: int, wait: Wait) -> None:
        """Store a wait in place of another."""
        shape, resource, task, fd, remaining = _split(wait)
        self.shape[index] = self.share(shape)
        self.resource[index], self.task[index] = resource, task
        self.fd[index] = -1 if fd is None else fd
        self.remaining[index] = math.nan if remaining is None else remaining

    def extend(self, rows: Sequence[WaitParts]) -> None:
        """Store many waits."""
        if not rows:
            return
        shapes, resources, tasks, fds, remaining = zip(*rows, strict=True)
        different = {id(shape): shape for shape in shapes}
        known = {key: self.share(shape) for key, shape in different.items()}
        self.shape.extend(map(known.__getitem__, map(id, shapes)))
        self.resource.extend(resources)
        self.task.extend(tasks)
        self.fd.extend([-1 if fd is None else fd for fd in fds])
        self.remaining.extend([math.nan if left is None else left for left in remaining])

    def share(self, shape: Wait) -> int:
        """Return the number of what waits have in common, a new one where it was not there."""
        number = self._known.setdefault(shape, len(self.shapes))
        if number == len(self.shapes):
            self.shapes.append(shape)
        return number


WaitParts = tuple[Wait, int, int, int | None, float | None]
"""Shape, numbers of resource and task (-1 for none), descriptor, seconds."""


def _split(wait: Wait) -> WaitParts:
    shape = replace(wait, resource=None, task=None, fd=None, remaining_s=None)
    resource = -1 if wait.resource is None else int(wait.resource.removeprefix("r")) - 1
    task = -1 if wait.task is None else int(wait.task.removeprefix("t")) - 1
    return shape, resource, task, wait.fd, wait.remaining_s


TaskPlace: TypeAlias = tuple[int | None, int, TaskState, int, int, int, int]
"""What a task has of its own: id, address, state, numbers of executor, parent, thread and stack
(-1 for none).
"""


class TaskNature(NamedTuple):
    """What a task has in common with many: texts by number, -1 for none; and lines."""

    kind: int
    name: int
    runtime: int
    future: int
    cancelled: bool
    panic: int
    defined_file: int
    defined_line: int
    spawned_file: int
    spawned_line: int


class TaskColumns:
    """All tasks of a snapshot as columns: a ``Task`` record is made for a row that is shown.

    Task ``i`` (from 0) has the key ``t{i + 1}``. Text is interned: ``texts`` numbers it.
    """

    def __init__(self) -> None:
        self.texts = Interner()
        self.waits = WaitColumns()
        self.id = array("q")
        """-1 for a task without an id."""
        self.address = array("Q")
        self.state = array("B")
        """Index into ``STATES``."""
        self.kind = array("i")
        self.name = array("i")
        self.runtime = array("i")
        self.executor = array("i")
        """Index of the executor in the snapshot's list; -1 for none."""
        self.parent = array("i")
        """Index of the parent task; -1 for none."""
        self.thread = array("i")
        """Thread id; -1 for none."""
        self.future = array("i")
        self.stack = array("i")
        """Index of the stack in the snapshot's list; -1 for none."""
        self.cancelled = array("B")
        self.panic = array("i")
        self.defined_file = array("i")
        self.defined_line = array("i")
        self.spawned_file = array("i")
        self.spawned_line = array("i")
        self.wait_start = array("I")
        self.wait_count = array("I")

    STATES: tuple[TaskState, ...] = tuple(TaskState)

    def __len__(self) -> int:
        return len(self.address)

    def append(self, task: Task, executor: int, parent: int, stack: int) -> int:
        """Add a task whose executor, parent and stack have these indexes (-1 for none).

        ``key``, ``executor``, ``parent`` and ``stack`` of the record itself are not stored.
        """
        thread = -1 if task.thread is None else task.thread
        place = (task.id, task.address, task.state, executor, parent, thread, stack)
        self.extend([place], [self.nature(task)], [list(map(_split, task.waits))])
        return len(self.address) - 1

    def nature(self, task: Task) -> TaskNature:
        """Return what a task has in common with many, as numbers."""
        texts = self.texts
        defined, spawned = task.defined_at, task.spawned_at
        return TaskNature(
            kind=texts.number(task.kind),
            name=texts.optional(task.name),
            runtime=texts.number(task.runtime),
            future=texts.number(task.future),
            cancelled=task.cancelled,
            panic=texts.optional(task.panic),
            defined_file=-1 if defined is None else texts.number(defined[0]),
            defined_line=0 if defined is None else defined[1],
            spawned_file=-1 if spawned is None else texts.number(spawned[0]),
            spawned_line=0 if spawned is None else spawned[1],
        )

    def extend(
        self,
        places: Sequence[TaskPlace],
        natures: Sequence[TaskNature],
        waits: Sequence[Sequence[WaitParts]],
    ) -> None:
        """Add many tasks: what is their own, what they have in common, their waits."""
        ids, addresses, states, *links = zip(*places, strict=True)
        self.id.extend([-1 if i is None or i >= 1 << 63 else i for i in ids])
        self.address.extend([address & (1 << 64) - 1 for address in addresses])
        self.state.extend(map({s: i for i, s in enumerate(self.STATES)}.__getitem__, states))
        for column, numbers in zip(
            (self.executor, self.parent, self.thread, self.stack), links, strict=True
        ):
            column.extend(numbers)
        different = {id(nature): nature for nature in natures}.values()
        for at, name in enumerate(TaskNature._fields):
            column, values = getattr(self, name), {nature[at] for nature in different}
            if len(values) == 1:
                column.extend(array(column.typecode, values) * len(natures))
            else:
                column.extend(map(itemgetter(at), natures))
        counts = list(map(len, waits))
        starts = accumulate(counts, initial=len(self.waits))
        self.wait_count.extend(counts)
        self.wait_start.extend(islice(starts, len(counts)))
        self.waits.extend([wait for each in waits for wait in each])

    def natures(self) -> Iterator[tuple[int, ...]]:
        """Yield for each task what it has in common with many: equal for equal texts."""
        return zip(
            self.kind, self.name, self.state, self.cancelled, self.runtime, self.executor,
            self.thread, self.future, self.defined_file, self.defined_line, self.spawned_file,
            self.spawned_line, self.panic, strict=True,
        )  # fmt: skip

    def key(self, index: int) -> str:
        """Return the key of task ``index``."""
        return f"t{index + 1}"

    def index(self, key: str) -> int:
        """Return the index of the task with that key.

        Raises:
            KeyError: there is none.
        """
        try:
            number = int(key.removeprefix("t")) - 1
        except ValueError:
            number = -1
        if not key.startswith("t") or not 0 <= number < len(self):
            raise KeyError(key)
        return number

    def waits_of(self, index: int) -> tuple[Wait, ...]:
        """Return the waits of task ``index``."""
        return tuple(map(self.waits.__getitem__, self.rows_of(index)))

    def rows_of(self, index: int) -> range:
        """Return the rows of ``waits`` that are of task ``index``."""
        start = self.wait_start[index]
        return range(start, start + self.wait_count[index])

    def record(self, index: int) -> Task:
        """Make the record of task ``index``."""
        texts = self.texts
        defined = texts.optional_text(self.defined_file[index])
        spawned = texts.optional_text(self.spawned_file[index])
        executor, parent, stack = self.executor[index], self.parent[index], self.stack[index]
        return Task(
            key=self.key(index),
            id=None if self.id[index] < 0 else self.id[index],
            name=texts.optional_text(self.name[index]),
            kind=texts.text(self.kind[index]),
            state=self.STATES[self.state[index]],
            cancelled=bool(self.cancelled[index]),
            runtime=texts.text(self.runtime[index]),
            executor=None if executor < 0 else f"x{executor + 1}",
            address=self.address[index],
            thread=None if self.thread[index] < 0 else self.thread[index],
            parent=None if parent < 0 else self.key(parent),
            future=texts.text(self.future[index]),
            defined_at=None if defined is None else (defined, self.defined_line[index]),
            spawned_at=None if spawned is None else (spawned, self.spawned_line[index]),
            panic=texts.optional_text(self.panic[index]),
            stack=None if stack < 0 else f"s{stack + 1}",
            waits=self.waits_of(index),
        )

    def __iter__(self) -> Iterator[Task]:
        return (self.record(i) for i in range(len(self)))


class ResourceColumns(Sequence[Resource]):
    """All resources of a snapshot; resource ``i`` has the key ``r{i + 1}``."""

    def __init__(self, records: Sequence[Resource] = ()) -> None:
        self._records = list(records)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: int) -> Resource:  # type: ignore[override]  # no slices
        return self._records[index]

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._records)

    def named(self, key: str) -> Resource:
        """Return the resource that a wait names by its key."""
        return self._records[self.number(key)]

    @staticmethod
    def number(key: str) -> int:
        """Return the index of the resource with that key."""
        return int(key.removeprefix("r")) - 1
