"""Where in a sound core the words stand that a test is to break."""

from __future__ import annotations

from collections.abc import Iterable

from support.reading import Reading

from adp_tui.backends.core import open_core
from adp_tui.engine.adp.plan import Planner
from adp_tui.engine.analysis.stacks import LiveFrame
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.model import Task
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["HEADER", "Places", "said_of", "unchanged"]

HEADER = "tokio::runtime::task::core::Header"
TRAILER = "tokio::runtime::task::core::Trailer"
HANDLE = "tokio::runtime::scheduler::multi_thread::handle::Handle"


class Places:
    """Addresses of the parts of tasks, futures and runtimes, by the types of the program."""

    def __init__(self, sound: Reading) -> None:
        self.sound = sound
        target = open_core(sound.dump.core, executable=sound.dump.exe)
        self.program = Program(target)
        self._planner = Planner({})

    def type(self, name: str) -> Type:
        found = self.program.type_named(name)
        assert found is not None, name
        return found

    def value(self, type_name: str, address: int) -> Value:
        return Value(self.program.memory, self.type(type_name), address)

    def at(self, value: Value, path: str) -> Value:
        """Follow ``field.field`` behind wrappers and pointers."""
        for name in path.split("."):
            found = self._planner.field(value.type, name).run(value)
            assert found is not None, f"{name} of {value.type.name} is null"
            value = found
        return value

    def header(self, task: Task, field: str) -> int:
        """Return the address of a field of a task's header; a pointer is not followed."""
        member = self.type(HEADER).member(field)
        assert member is not None
        return task.address + member.offset

    def link(self, task: Task, field: str) -> int:
        """Return the address of ``next`` or ``prev`` in the trailer of a task."""
        header = self.value(HEADER, task.address)
        offset = self.at(header, "vtable.trailer_offset").unsigned()
        trailer = self.value(TRAILER, task.address + offset)
        return self.at(trailer, f"owned.{field}").address

    def followers(self, task: Task, field: str = "next") -> list[Task]:
        """Return the tasks that stand behind a task in its list."""
        by_address = {each.address: each for each in self.sound.snapshot.tasks}
        found: list[Task] = []
        while True:
            link = self.link(found[-1] if found else task, field)
            address = int.from_bytes(self.program.memory.read(link, 8), "little")
            if not address:
                return found
            found.append(by_address[address])

    def longest_list(self) -> list[Task]:
        """Return the tasks of the fullest list, in its order."""
        firsts = [t for t in self.sound.snapshot.tasks if self._is_first(t)]
        lists = [[first, *self.followers(first)] for first in firsts]
        return max(lists, key=len)

    def _is_first(self, task: Task) -> bool:
        listed = task.kind == "spawned" and task.state != "complete"
        return listed and not self.followers(task, "prev")

    def runtime(self, name: str, path: str) -> Value:
        """Return a part of a multi_thread runtime."""
        return self.at(self.value(HANDLE, self.sound.executors[name].address), path)

    def frames(self, task: str) -> list[LiveFrame]:
        """Return the frames of a task, with their addresses."""
        index = self.sound.snapshot.tasks.index(self.sound.task(task).key)
        live = self.sound.session.details.live(index)
        return [live[path] for path in sorted(live)]

    def discriminant(self, frame: LiveFrame) -> tuple[int, int]:
        """Return address and size of a coroutine's state."""
        part = frame.value.type.variant_part
        assert part is not None and part.discriminant is not None
        return frame.value.of(part.discriminant).address, part.discriminant.type.size

    def awaited(self, frame: LiveFrame) -> int:
        """Return the address of what a coroutine awaits."""
        assert frame.payload is not None
        found = frame.payload.member("__awaitee")
        assert found is not None
        return found.address

    def stage(self, task: str) -> tuple[int, int]:
        """Return address and size of the word that says whether a task still has its future."""
        future = self.frames(task)[0].value.type.name
        arc = f"alloc::sync::Arc<{HANDLE}, alloc::alloc::Global>"
        cell = self.value(
            f"tokio::runtime::task::core::Cell<{future}, {arc}>", self.sound.task(task).address
        )
        stage = self.at(cell, "core.stage")
        enum = self._planner.enum(stage.type).run(stage)
        assert enum is not None and enum.type.variant_part is not None
        tag = enum.type.variant_part.discriminant
        assert tag is not None
        return enum.of(tag).address, tag.type.size


def said_of(reading: Reading, what: str = "") -> set[int]:
    """Return the addresses that losses name, and that something may be missing for."""
    return {
        sample
        for loss in reading.snapshot.losses
        if loss.missing and loss.what.startswith(what)
        for sample in loss.samples
    }


def unchanged(sound: Reading, broken: Reading, but: Iterable[Task] = ()) -> None:
    """Check that all tasks but some are still there, with the same state and stack."""
    left_out = {task.address for task in but}
    there = {task.address: task for task in broken.snapshot.tasks}
    for task in sound.snapshot.tasks:
        if task.address in left_out:
            continue
        name = sound.task_name(task)
        assert task.address in there, f"{name} is missing"
        other = there[task.address]
        assert (other.id, other.state, other.future) == (task.id, task.state, task.future), name
        assert broken.stack_text(other) == sound.stack_text(task), name
    new = there.keys() - {task.address for task in sound.snapshot.tasks}
    assert not new, f"tasks were made up: {sorted(map(hex, new))}"
