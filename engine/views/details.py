"""Facts of one entity as labelled lines, and what can be followed from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import (
    Confidence,
    Executor,
    Holder,
    Owner,
    Resource,
    Snapshot,
    Task,
    TaskState,
    Thread,
)
from adp_tui.engine.text import clean
from adp_tui.engine.views.executors import queue_words
from adp_tui.engine.views.findings import finding_facts, finding_links
from adp_tui.engine.views.places import place
from adp_tui.engine.views.records import Cell, TaskDetail, Tone
from adp_tui.engine.views.tasks import STATE_TONES, task_name
from adp_tui.engine.views.threads import role_words
from adp_tui.engine.views.words import (
    count_of,
    doing,
    end_words,
    resource_state,
    scheduling_words,
    type_name,
    wait_sentence,
    wait_words,
)

__all__ = ["Details", "entity", "no_such_key"]

Fact = tuple[str, Cell]
Link = tuple[str, str]
MAX_LISTED = 100
"""Tasks, threads and resources named one by one."""


def entity(key: str) -> str:
    """Return the key of the entity that a row's key leads to: ``t7`` for ``t7/0``."""
    return key.partition("/")[0]


def no_such_key(snapshot: Snapshot, key: str) -> AdpError:
    """Return the error for a key that the snapshot does not have."""
    return AdpError(
        f"there is no {clean(key, 64)} in this snapshot",
        help=f"it has t1 to t{len(snapshot.tasks)}, x1 to x{len(snapshot.executors)}, "
        f"r1 to r{len(snapshot.resources)}, and threads as tid:NUMBER",
    )


class Details:
    """Makes the details of a snapshot's entities."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._threads = {f"tid:{t.tid}": t for t in snapshot.threads}
        self._executors = {e.key: e for e in snapshot.executors}
        self._resources = {r.key: r for r in snapshot.resources}
        self._findings = {f"f{i}": f for i, f in enumerate(snapshot.findings, 1)}
        self._children: dict[int, list[int]] | None = None
        self._ends: dict[str, list[tuple[Resource, Holder | Owner]]] | None = None
        self._joiners: dict[int, list[str]] | None = None

    def of(self, key: str) -> TaskDetail:
        """Return the facts of a task, thread, executor, resource or finding.

        Raises:
            AdpError: there is none with that key.
        """
        key = entity(key)
        facts: Iterator[Fact]
        links: Iterator[Link]
        if key in self._threads:
            thread = self._threads[key]
            title, facts = self._thread_title(thread), self._thread(thread)
            links = self._thread_links(thread)
        elif key in self._executors:
            executor = self._executors[key]
            title = f"{key} {clean(executor.kind, 64)} {clean(executor.name or '', 64)}".strip()
            facts, links = self._executor(executor), _executor_links(executor)
        elif key in self._findings:
            finding = self._findings[key]
            title = f"{key} {finding.kind.replace('_', ' ')}"
            facts, links = finding_facts(finding), finding_links(finding)
        elif key in self._resources:
            resource = self._resources[key]
            title = f"{key} {resource.kind} {type_name(resource.type)}"
            facts, links = self._resource(resource), self._resource_links(resource)
        else:
            task = self._task_named(key)
            name = task_name(self._snapshot, self._snapshot.tasks.index(key))
            title = f"{key} {name}".strip()
            facts, links = self._task(task), self._task_links(task)
        unique = tuple(dict.fromkeys(links))
        ahead, behind = self._directions(key, unique)
        return TaskDetail(self._snapshot.epoch, key, title, tuple(facts), unique, ahead, behind)

    def _directions(
        self, key: str, links: Sequence[Link]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return where links lead that say what a thing waits for, and what waits for it."""
        resource = key in self._resources
        back = ("waiter", "asleep in it") if resource else ("has", "joined by")
        behind = [link for label, link in links if label in back]
        if resource:
            ahead = [link for label, link in links if label not in back]
        else:
            onward = ("joins", "waits on", "waits for", "task")
            ahead = [link for label, link in links if label in onward]
        return tuple(dict.fromkeys(ahead)), tuple(dict.fromkeys(behind))

    def _task_named(self, key: str) -> Task:
        try:
            return self._snapshot.tasks.record(self._snapshot.tasks.index(key))
        except KeyError:
            raise no_such_key(self._snapshot, key) from None

    # Tasks.

    def _task(self, task: Task) -> Iterator[Fact]:
        tone = Tone.ERROR if task.panic is not None else STATE_TONES[task.state]
        yield "state", Cell(task.state.value + (", cancelled" if task.cancelled else ""), tone)
        if task.panic is not None:
            yield "panicked", Cell(clean(task.panic, 1000), Tone.ERROR)
        yield from self._waits(task)
        for resource, end in self._ends_of(task.key)[:MAX_LISTED]:
            yield "has", Cell(f"{self._resource_words(resource, end)} {end_words(end)}")
        yield "kind", Cell(task.kind)
        if task.id is not None:
            yield "id", Cell(str(task.id))
        if task.name:
            yield "name", Cell(clean(task.name, 200))
        future = clean(task.future, 2000)
        yield "future", Cell(future) if future else Cell("not known", Tone.WARNING)
        yield "executor", self._executor_cell(task.executor)
        if task.thread is not None:
            yield "thread", Cell(self._thread_words(task.thread))
        for label, where in (("defined at", task.defined_at), ("spawned at", task.spawned_at)):
            if where is not None:
                yield label, Cell(place(*where))
        if task.parent is not None:
            yield "parent", Cell(self._task_words(task.parent))
        children = self._children_of(task)
        if children:
            words = ", ".join(self._snapshot.tasks.key(i) for i in children[:MAX_LISTED])
            yield "holds", Cell(_more(words, len(children)))
        yield "address", Cell(f"{task.address:#x}", Tone.MUTED)

    def _waits(self, task: Task) -> Iterator[Fact]:
        for wait in task.waits[:MAX_LISTED]:
            words = wait_sentence(wait, self._resources.get(wait.resource or ""))
            if wait.task is not None:
                words = words.replace(wait.task, self._task_words(wait.task), 1)
            yield "waits on", Cell(words, Tone.WARNING if wait.kind == "unknown" else Tone.NORMAL)
        if len(task.waits) > MAX_LISTED:
            yield "waits on", Cell(f"… {len(task.waits) - MAX_LISTED} more", Tone.MUTED)
        yield from self._files(wait.fd for wait in task.waits[:MAX_LISTED])
        if not task.waits and task.state is TaskState.RUNNING and task.thread is not None:
            thread = self._threads.get(f"tid:{task.thread}")
            if thread is not None:
                yield "now", Cell(doing(thread.doing, task.key))
                yield from self._files([thread.doing.fd])

    def _files(self, fds: Iterable[int | None]) -> Iterator[Fact]:
        """Say what file descriptors lead to, where that is known."""
        for fd in dict.fromkeys(fds):
            words = None if fd is None else self._snapshot.fds.get(fd)
            if words is not None:
                yield f"fd {fd}", Cell(words)

    def _task_links(self, task: Task) -> Iterator[Link]:
        for wait in task.waits[:MAX_LISTED]:
            if wait.task is not None:
                yield "joins", wait.task
            if wait.resource is not None:
                yield "waits on", wait.resource
        for resource, _ in self._ends_of(task.key)[:MAX_LISTED]:
            yield "has", resource.key
        for joiner in self._joiners_of(task.key)[:MAX_LISTED]:
            yield "joined by", joiner
        if task.parent is not None:
            yield "parent", task.parent
        if task.thread is not None:
            yield "thread", f"tid:{task.thread}"
        if task.executor is not None:
            yield "executor", task.executor
        for child in self._children_of(task)[:MAX_LISTED]:
            yield "holds", self._snapshot.tasks.key(child)

    def _children_of(self, task: Task) -> list[int]:
        tasks = self._snapshot.tasks
        if self._children is None:
            self._children = {}
            for index, parent in enumerate(tasks.parent):
                if parent >= 0:
                    self._children.setdefault(parent, []).append(index)
        return self._children.get(tasks.index(task.key), [])

    def _ends_of(self, key: str) -> list[tuple[Resource, Holder | Owner]]:
        """Return the guards and ends that a task or a thread has."""
        if self._ends is None:
            self._ends = {}
            for resource in self._snapshot.resources:
                for end in _ends(resource):
                    thread = None if end.thread is None else f"tid:{end.thread}"
                    for who in (end.task, thread):
                        if who is not None:
                            self._ends.setdefault(who, []).append((resource, end))
        return self._ends.get(key, [])

    def _joiners_of(self, key: str) -> list[str]:
        """Return the tasks that wait for a task to end."""
        tasks = self._snapshot.tasks
        if self._joiners is None:
            self._joiners = {}
            for index, (start, count) in enumerate(
                zip(tasks.wait_start, tasks.wait_count, strict=True)
            ):
                for joined in tasks.waits.task[start : start + count]:
                    if joined >= 0:
                        self._joiners.setdefault(joined, []).append(tasks.key(index))
        return self._joiners.get(tasks.index(key), [])

    # Words for what others refer to.

    @staticmethod
    def _resource_words(resource: Resource, end: Holder | Owner) -> str:
        role = f" {clean(end.role, 64)}" if isinstance(end, Owner) else ""
        return f"{resource.key} {clean(resource.kind, 64)}{role}"

    def _task_words(self, key: str) -> str:
        tasks = self._snapshot.tasks
        try:
            index = tasks.index(key)
        except KeyError:
            return key
        state = tasks.STATES[tasks.state[index]].value
        return f"{key} {task_name(self._snapshot, index)} ({state})"

    def _thread_words(self, tid: int) -> str:
        thread = self._threads.get(f"tid:{tid}")
        name = "" if thread is None or not thread.name else f" {clean(thread.name, 64)}"
        return f"{tid}{name}"

    def _executor_cell(self, key: str | None) -> Cell:
        executor = self._executors.get(key or "")
        if executor is None:
            return Cell("not known", Tone.WARNING)
        name = f" {clean(executor.name, 64)}" if executor.name else ""
        return Cell(f"{executor.key} {clean(executor.kind, 64)}{name}")

    # Threads.

    def _thread_title(self, thread: Thread) -> str:
        title = f"thread {self._thread_words(thread.tid)}"
        signal = self._snapshot.target.signal
        if thread.signal:
            title += f" ({'signal' if signal is None else signal.name})"
        return title

    def _thread(self, thread: Thread) -> Iterator[Fact]:
        tone = Tone.ERROR if thread.signal else Tone.NORMAL
        yield "doing", Cell(doing(thread.doing, thread.task), tone)
        if thread.signal:
            yield from self._panicked()
        yield from self._files([thread.doing.fd])
        if thread.scheduling is not None:
            yield "kernel", Cell(scheduling_words(thread.scheduling))
        for resource, end in self._ends_of(f"tid:{thread.tid}")[:MAX_LISTED]:
            yield "has", Cell(f"{self._resource_words(resource, end)} {end_words(end)}")
        yield from _thread(thread)

    def _panicked(self) -> Iterator[Fact]:
        signal = self._snapshot.target.signal
        panic = None if signal is None else signal.panic
        if panic is not None and panic.message is not None:
            yield "panicked", Cell(clean(panic.message, 1000), Tone.ERROR)
        if panic is not None and panic.place is not None:
            yield "panicked at", Cell(place(*panic.place))

    def _thread_links(self, thread: Thread) -> Iterator[Link]:
        wait = thread.doing.wait
        if wait is not None and wait.resource is not None:
            yield "waits for", wait.resource
        if thread.task is not None:
            yield "task", thread.task
        for resource, _ in self._ends_of(f"tid:{thread.tid}")[:MAX_LISTED]:
            yield "has", resource.key
        if thread.executor is not None:
            yield "executor", thread.executor

    # Executors.

    def _executor(self, executor: Executor) -> Iterator[Fact]:
        runtime = next(
            (r for r in self._snapshot.target.runtimes if r.name == executor.runtime), None
        )
        yield "kind", Cell(clean(executor.kind, 64))
        if runtime is not None:
            version = runtime.version or "version not known"
            untested = "" if runtime.tested else ", not tested with this version"
            tone = Tone.NORMAL if runtime.tested else Tone.WARNING
            yield (
                "runtime",
                Cell(f"{runtime.name} {version} by {runtime.descriptor}{untested}", tone),
            )
        if executor.parent is not None:
            yield "inside", self._executor_cell(executor.parent)
        counts = executor.tasks
        names = ("idle", "scheduled", "running", "complete", "unknown")
        words = [f"{getattr(counts, n)} {n}" for n in names if getattr(counts, n)]
        yield "tasks", Cell(", ".join(words) or "none")
        for label, tids in (
            ("worker", executor.workers),
            ("blocking", executor.blocking_threads),
        ):
            for tid in tids[:MAX_LISTED]:
                thread = self._threads.get(f"tid:{tid}")
                does = f": {doing(thread.doing, thread.task)}" if thread is not None else ""
                yield label, Cell(self._thread_words(tid) + does)
        yield "queues", Cell(queue_words(executor.queues) or "not known")
        yield "timers", Cell("not known" if executor.timers is None else str(executor.timers))
        yield "address", Cell(f"{executor.address:#x}", Tone.MUTED)

    # Resources.

    def _resource(self, resource: Resource) -> Iterator[Fact]:
        yield "kind", Cell(resource.kind)
        yield "type", Cell(clean(resource.type, 2000))
        state = resource_state(resource)
        if state:
            yield "state", Cell(state)
        yield "waiting", Cell(count_of(len(resource.waiters), "task"))
        for key in resource.waiters[:MAX_LISTED]:
            yield "waiter", Cell(self._waiter(key, resource.key))
        for tid in resource.waiting_threads[:MAX_LISTED]:
            yield "asleep in it", Cell(f"thread {self._thread_words(tid)}")
        for holder in resource.holders[:MAX_LISTED]:
            yield "held by", self._end(holder)
        for owner in resource.owners[:MAX_LISTED]:
            yield clean(owner.role, 64), self._end(owner)
        yield from self._files(self._fds_of(resource))
        yield "address", Cell(f"{resource.address:#x}", Tone.MUTED)

    def _end(self, end: Holder | Owner) -> Cell:
        """Say who has a guard or an end, and where."""
        who = self._task_words(end.task) if end.task is not None else ""
        if end.thread is not None:
            thread = f"thread {self._thread_words(end.thread)}"
            who = f"{who} on {thread}" if who else thread
        doubt = end.conf in (Confidence.DOUBTFUL, Confidence.TORN)
        return Cell(f"{who}: {end_words(end)}", Tone.WARNING if doubt else Tone.NORMAL)

    def _fds_of(self, resource: Resource) -> Iterator[int | None]:
        """Return the file descriptors that a resource stands for, as its waiters have them."""
        tasks = self._snapshot.tasks
        for key in resource.waiters[:MAX_LISTED]:
            with suppress(KeyError):
                waits = tasks.waits_of(tasks.index(key))
                yield from (wait.fd for wait in waits if wait.resource == resource.key)

    def _waiter(self, key: str, resource: str) -> str:
        words = self._task_words(key)
        tasks = self._snapshot.tasks
        try:
            waits = tasks.waits_of(tasks.index(key))
        except KeyError:
            return words
        how = next((wait_words(w) for w in waits if w.resource == resource), None)
        return words if how is None else f"{words}: {how}"

    @staticmethod
    def _resource_links(resource: Resource) -> Iterator[Link]:
        for key in resource.waiters[:MAX_LISTED]:
            yield "waiter", key
        for tid in resource.waiting_threads[:MAX_LISTED]:
            yield "asleep in it", f"tid:{tid}"
        for end in _ends(resource, MAX_LISTED):
            label = "held by" if isinstance(end, Holder) else clean(end.role, 64)
            if end.task is not None:
                yield label, end.task
            if end.thread is not None:
                yield label, f"tid:{end.thread}"


def _ends(resource: Resource, most: int | None = None) -> list[Holder | Owner]:
    """Return the guards of a resource and its other ends, so many of each."""
    return [*resource.holders[:most], *resource.owners[:most]]


def _more(words: str, count: int) -> str:
    return words if count <= MAX_LISTED else f"{words} … {count - MAX_LISTED} more"


def _thread(thread: Thread) -> Iterator[Fact]:
    yield "role", Cell(role_words(thread))
    yield "name", Cell(clean(thread.name, 200)) if thread.name else Cell("none", Tone.MUTED)
    if thread.executor is not None:
        yield "executor", Cell(thread.executor)
    if thread.task is not None:
        yield "task", Cell(thread.task)
    if thread.doing.job:
        yield "job", Cell(clean(thread.doing.job, 1000))
    yield "frames", Cell(str(len(thread.stack)))
    guessed = sum(frame.guessed for frame in thread.stack)
    if guessed:
        yield (
            "guessed",
            Cell(f"{count_of(guessed, 'frame')} without unwind information", Tone.WARNING),
        )
    if thread.cut is not None:
        yield "cut", Cell(clean(thread.cut, 1000), Tone.WARNING)


def _executor_links(executor: Executor) -> Iterator[Link]:
    if executor.parent is not None:
        yield "inside", executor.parent
    for tid in executor.workers[:MAX_LISTED]:
        yield "worker", f"tid:{tid}"
    for tid in executor.blocking_threads[:MAX_LISTED]:
        yield "blocking", f"tid:{tid}"
