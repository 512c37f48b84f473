"""Which tasks and threads can still go on: whoever waits only for those that can't is dead.

All are taken to be stuck that wait for somebody; those that nothing holds back are freed, then
those that wait for one of them, until no more is freed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

from adp_tui.engine.findings.nodes import Nodes
from adp_tui.engine.findings.sites import Asks, Site, goes_on, lets_go, site_of
from adp_tui.engine.findings.waiting import FREE, Condition, Party, Waiting
from adp_tui.engine.model import Confidence, Snapshot, TaskState, Wait

__all__ = ["Blocker", "Freedom"]

Blocker: TypeAlias = tuple[Wait | None, Party, Condition]
"""A wait (None where a thread stands in a block_on), who holds it up, what the wait takes."""
RESOURCE = "resource"
"""``src`` of a wait that only a waker in a resource tells of."""


class Freedom:
    """The fixpoint for one snapshot.

    Attributes:
        nodes: the tasks, and the threads that wait beside them.
        dead: numbers of the nodes that nothing outside of them can wake.
        aside: tasks of which a waker is known in a resource that is off their way.
        ending: tasks that would also go on if all other ends of a channel were dropped.
    """

    def __init__(self, snapshot: Snapshot, check: Callable[[], None] = lambda: None) -> None:
        self._snapshot = snapshot
        self._check = check
        self._waiting = Waiting(snapshot)
        self._sites: dict[int, Site] = {}
        self.nodes = Nodes(snapshot)
        self._free = bytearray(len(self.nodes))
        self._waits: dict[int, dict[str | None, list[int]]] = {}
        """Rows of the waits, by branch, of those that something may hold back."""
        shapes = snapshot.tasks.waits.shapes
        self._plain = [shape.src != RESOURCE and not _is_for_end(shape) for shape in shapes]
        """Whether waits of a shape, by its number, are held back by conditions alone."""
        self._standing: dict[int, list[int]] = {}
        """Running tasks by the block_on that their thread stands in."""
        self._met: set[tuple[int, str | None]] = set()
        """Branches of tasks whose waits may end."""
        self.aside: set[int] = set()
        self.ending: set[int] = set()
        self._begin()
        self._spread()
        self.dead = frozenset(i for i, free in enumerate(self._free) if not free)

    def conditions(self, task: int) -> Iterator[tuple[Wait, Condition]]:
        """Yield the waits of a task that have not ended, with what they take."""
        locked = self.nodes.locked.get(task)
        if locked is not None:
            yield locked, self._waiting.condition(task, locked)
            return
        for rows in self._waits.get(task, {}).values():
            for row in rows:
                yield self._snapshot.tasks.waits[row], self._waiting.of_row(task, row)

    def blockers(self, task: int) -> Iterator[Blocker]:
        """Yield whom a dead task waits for: who holds it back is dead as well."""
        for wait, condition in self.conditions(task):
            dead = [party for party in condition.parties if not self._acts(party)]
            if condition.conf is Confidence.DOUBTFUL and dead:
                dead = [max(dead, key=_newness)]
            for party in dead:
                yield wait, party, condition
        root = self._root_of(task)
        if root is not None and not self._free[root]:
            party = Party(root, -1, None, None)
            yield None, party, Condition((party,))

    def blocking(self) -> dict[int, dict[int, Blocker]]:
        """Return for each dead task the dead ones that hold it back, and the first way how."""
        found: dict[int, dict[int, Blocker]] = {}
        for task in sorted(self.dead):
            others = found[task] = {}
            for blocker in self.blockers(task):
                other = self.task_of(blocker[1])
                if other is not None:
                    others.setdefault(other, blocker)
        return found

    def task_of(self, party: Party) -> int | None:
        """Return the task that a party is, or what stands on its thread."""
        return party.task if party.task >= 0 else self.nodes.of_thread(party.tid)

    # The fixpoint.

    def _begin(self) -> None:
        """Free all that wait for nobody, and note what the others wait for."""
        tasks, locked = self._snapshot.tasks, self.nodes.locked
        idle = tasks.STATES.index(TaskState.IDLE)
        for index, state in enumerate(tasks.state):
            if index % 4096 == 0:
                self._check()
            if index in locked:
                continue
            if state != idle:
                # One that runs may stand in a block_on that waits for another.
                self._free[index] = self._root_of(index) is None
                continue
            waits = {} if tasks.cancelled[index] else self._held_back(index)
            if waits:
                self._waits[index] = waits
            else:
                self._free[index] = True

    def _held_back(self, index: int) -> dict[str | None, list[int]]:
        """Return the rows of what a task waits for, by branch; none if nothing holds it back."""
        tasks = self._snapshot.tasks
        shapes, numbers = tasks.waits.shapes, tasks.waits.shape
        first = tasks.wait_start[index]
        if tasks.wait_count[index] == 1 and self._plain[numbers[first]]:
            # The rule, and most wait for nobody.
            if self._waiting.of_row(index, first) is FREE:
                return {}
            return {shapes[numbers[first]].branch: [first]}
        rows: list[int] = []
        held = False
        for row in tasks.rows_of(index):
            shape = shapes[numbers[row]]
            if shape.src == RESOURCE:
                self.aside.add(index)
                continue
            held = held or _is_for_end(shape) or self._waiting.of_row(index, row) is not FREE
            rows.append(row)
        waits: dict[str | None, list[int]] = {}
        for row in rows if held else ():
            waits.setdefault(shapes[numbers[row]].branch, []).append(row)
        return waits

    def _spread(self) -> None:
        """Find which waits may end: when a task can do more, those who wait for it are asked."""
        waiting: dict[int, list[tuple[int, str | None]]] = {}
        conditions: dict[int, Condition] = {}
        followers: dict[int, list[int]] = {}
        for index, label, condition in self._pending():
            key = id(condition)
            waiting.setdefault(key, []).append((index, label))
            if key not in conditions:
                conditions[key] = condition
                for task in {self.task_of(party) for party in condition.parties}:
                    if task is not None:
                        followers.setdefault(task, []).append(key)
        for index in range(len(self._free)):
            settled = self._free[index] or index in self._waits or index in self.nodes.locked
            root = None if settled else self._root_of(index)
            if root is not None:
                self._standing.setdefault(root, []).append(index)
        asked = deque(conditions)
        while asked:
            key = asked.popleft()
            if key not in conditions or not self._is_met(conditions[key]):
                continue
            del conditions[key]
            self._check()
            for index in self._meet(waiting.pop(key)):
                asked.extend(followers.get(index, ()))

    def _pending(self) -> Iterator[tuple[int, str | None, Condition]]:
        for index, wait in self.nodes.locked.items():
            yield index, None, self._waiting.condition(index, wait)
        shapes, numbers = self._snapshot.tasks.waits.shapes, self._snapshot.tasks.waits.shape
        for index, waits in self._waits.items():
            for label, rows in waits.items():
                for row in rows:
                    if len(waits) > 1 and _is_for_end(shapes[numbers[row]]):
                        self.ending.add(index)
                    else:
                        yield index, label, self._waiting.of_row(index, row)

    def _meet(self, places: list[tuple[int, str | None]]) -> Iterator[int]:
        """Note that the waits at some places may end; yield the tasks that can do more then."""
        new = [place for place in places if place not in self._met]
        self._met.update(new)
        for index in dict.fromkeys(index for index, _ in new):
            yield index
            # What sleeps in a lock polls no branch meanwhile.
            locked = index in self.nodes.locked
            if not self._free[index] and (locked or goes_on(self._site(index), self._asks(index))):
                self._free[index] = True
                for other in self._standing.get(index, ()):
                    self._free[other] = True
                    yield other

    def _asks(self, index: int) -> Asks:
        """Return what tells of a task whether the waits at a branch may end, as far as known."""
        waits = self._waits.get(index, ())
        return lambda label: (index, label) in self._met if label in waits else None

    def _is_met(self, condition: Condition) -> bool:
        if not condition.parties:
            return True
        met = map(self._acts, condition.parties)
        return all(met) if condition.needs_all else any(met)

    def _acts(self, party: Party) -> bool:
        """Tell whether a party may still do what is waited for."""
        task = self.task_of(party)
        if task is None or self._free[task]:
            # A thread that no task is known to hold up.
            return True
        if party.path is None or task not in self._waits or task in self.nodes.locked:
            return False
        return lets_go(self._site(task), party.path, self._asks(task))

    # Tasks that stand on a thread.

    def _root_of(self, index: int) -> int | None:
        """Return the block_on that the thread of a running task stands in."""
        tasks = self._snapshot.tasks
        if index >= len(tasks) or tasks.thread[index] < 0:
            return None
        root = self.nodes.roots.get(tasks.thread[index])
        if root is None or root == index or index in self.nodes.locked:
            return None
        return root if tasks.STATES[tasks.state[root]] is TaskState.IDLE else None

    def _site(self, index: int) -> Site:
        stack = self._snapshot.tasks.stack[index]
        known = self._sites.get(stack)
        if known is None:
            frames = self._snapshot.stacks[stack].frames if stack >= 0 else ()
            known = self._sites[stack] = site_of(frames)
        return known


def _newness(party: Party) -> tuple[int, int]:
    """Sort by who was started last: what is moved to another goes with what that begins with."""
    return party.task, party.tid


def _is_for_end(wait: Wait) -> bool:
    """Tell of a wait for all of a channel's other ends to be dropped: beside other waits, servers
    wait so to be shut down; that may come, but it is nothing that others do.
    """
    return wait.mode == "closed" and wait.branch is not None
