"""What is asked of thousands of values of one type is traced once, then replayed.

A function of a value (which variant is active, where a pointer leads, what a descriptor's
expression gives) looks at few bytes. The first values of a kind are asked the long way. Then one
run is traced (``trace.py``): what it compares, what it follows, what it hands out. The outcome is a
tree of reads (``tree.py``). Values that do not fit into it are asked the long way, so a replay
never gives what the function itself would not give.

Where it is known beforehand of which values a function will be asked, a tree is followed for
all of them at once, in columns (``cohorts.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from adp_tui.engine.analysis.rules import Losses
from adp_tui.engine.analysis.trace import Ask, Trace
from adp_tui.engine.analysis.tree import Stop, Tree, chase, plant, replay
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort
    from adp_tui.engine.gather import Addresses, Gatherer, Rows

__all__ = ["MANY", "Ask", "Replays", "by_type"]

SMALL = 4096
"""Questions that are asked the long way first: a program with few tasks is never traced, as a
trace costs dozens of them.
"""
MANY = 2048
"""From so many values on columns pay: numpy takes a tenth of a second to import."""
MANY_LEFT = 64
"""Values of a kind for which one more trace pays."""
SAMPLE = 2048
"""Values that are followed first."""
LONG = 64
"""Steps along lists of one kind that are asked the long way first."""
CHUNK = 4096
"""Nodes of a list between two looks whether to go on: some milliseconds."""
MAX_CHAIN = 1 << 20
HOT = 8
"""Values of a kind that are asked the long way first."""
MAX_TRACES = 96
"""Different ways through one function that are remembered."""
MAX_FAILED = 8
"""Runs of one function that could not be traced, after which no more are tried."""
_TYPE, _DATA, _ADDRESS = map(attrgetter, ("type", "data", "address"))
_POOR = 16
"""So many traces may help nobody: then the function is one that reads something else each time."""


class Replays:
    """Asks functions of values, the short way where it is known."""

    def __init__(
        self, program: Program, losses: Losses, check: Callable[[], None] = lambda: None
    ) -> None:
        self._program = program
        self._losses = losses
        self._check = check
        self._trees: dict[tuple[object, ...], Tree] = {}
        self._asked = 0
        self._gatherer: Gatherer | None = None
        self._columnar = False
        """Whether some kind had so many values that columns pay; then they do for less."""
        self._tracing = False
        """What a traced run asks in turn is asked the long way: all its reads are to be seen."""

    def ask(self, value: Value, function: Ask, *key: object) -> tuple[Any, ...]:
        """Return what the function gives for a value.

        Args:
            value: a value of the target's memory.
            function: depends on nothing but the value, its memory, and what ``key`` names.
            key: tells the function from others; told apart by identity.
        """
        self._asked += 1
        few = self._asked <= SMALL and self._gatherer is None
        if few or self._tracing or value.data is not None:
            return function(value)
        tree = self._tree(value.type, key)
        if tree.ready:
            ready = tree.ready.pop(value.address, None)
            if ready is not None:
                return ready
        if tree.root is not None:
            found = replay(tree, self._program.memory, value.address)
            if found is not None:
                tree.hits += 1
                return found
        tree.missed += 1
        if tree.missed >= HOT and _is_worth_it(tree):
            self._trace(tree, value, function)
        return function(value)

    def chain(
        self, node: Value, step: Ask, key: object, seen: set[int], most: int = MAX_CHAIN
    ) -> tuple[list[Value], bool]:
        """Return the nodes that follow one in a list, as far as the way is known.

        Args:
            node: of a list in the target's memory.
            step: gives the next node, or None, and nothing else.
            key: as for ``ask``.
            seen: the addresses of nodes that were there before; those found are added.
            most: nodes that are wanted; some thousands more may come.

        Returns:
            The nodes, and whether the list ends with them. Else the last one is to be asked.
        """
        if self._tracing or node.data is not None:
            return [], False
        tree = self._tree(node.type, (key,))
        memory, found, last = self._program.memory, list[int](), node
        while True:
            more, why = chase(tree, memory, last.address, seen, CHUNK)
            found += more
            last = Value(memory, node.type, found[-1]) if found else node
            if why is Stop.LIMIT and len(found) < min(most, MAX_CHAIN):
                self._check()
                continue
            tree.missed += why is Stop.UNKNOWN
            if why is not Stop.UNKNOWN or tree.missed < LONG or not _is_worth_it(tree):
                break
            if not self._trace(tree, last, step):
                break
        tree.hits += len(found)
        return list(map(Value, repeat(memory), repeat(node.type), found)), why is Stop.END

    def foresee(self, type_: Type, addresses: Sequence[int], function: Ask, *key: object) -> None:
        """Prepare for being asked the function of each of many values of a type, once."""
        ready = self._tree(type_, key).ready
        for cohort in self.cohorts(type_, addresses, function, *key):
            own = map(addresses.__getitem__, cohort.rows.tolist())
            ready.update(zip(own, cohort.tuples(), strict=True))

    def cohorts(
        self, type_: Type, addresses: Sequence[int], function: Ask, *key: object
    ) -> list[Cohort]:
        """Return what the function gives for many values of a type.

        Values in no cohort are left to be asked one by one. Where there are few values, no
        cohorts are made of them.
        """
        self._columnar = self._columnar or len(addresses) >= MANY
        if not self._columnar or len(addresses) < MANY_LEFT or self._tracing:
            return []
        import numpy as np

        tree, column = self._tree(type_, key), np.array(addresses, np.uint64)
        rows = np.arange(len(addresses))
        # What the first ones do most others do: the rest is gone through once.
        found, left = self._follow(tree, type_, column, rows[:SAMPLE], function)
        more, _ = self._follow(tree, type_, column, np.concatenate((left, rows[SAMPLE:])), function)
        return found + more

    def readable(self, addresses: Sequence[int], size: int) -> list[int]:
        """Return the addresses at which so many bytes can be read."""
        import numpy as np

        _, there = self._columns().read(np.array(addresses, np.uint64), size)
        return [a for a, readable in zip(addresses, there.tolist(), strict=True) if readable]

    def _columns(self) -> Gatherer:
        from adp_tui.engine.gather import Gatherer

        if self._gatherer is None:
            self._gatherer = Gatherer(self._program.memory)
        return self._gatherer

    def forget(self) -> None:
        """Let go of memory's regions, and of what was prepared and never asked for."""
        self._gatherer = None
        for tree in self._trees.values():
            tree.ready.clear()

    def _follow(
        self, tree: Tree, type_: Type, column: Addresses, left: Rows, function: Ask
    ) -> tuple[list[Cohort], Rows]:
        """Return the cohorts of some rows, and the rows that are in none; trace what is new."""
        import numpy as np

        from adp_tui.engine.analysis.cohorts import follow

        memory, gatherer = self._program.memory, self._columns()
        found: list[Cohort] = []
        aside: list[int] = []
        unknown = np.ones(len(column), np.bool_)
        while True:
            if tree.root is not None:
                new = list(follow(tree, gatherer, memory, column, left, self._check))
                for cohort in new:
                    unknown[cohort.rows] = False
                left = left[unknown[left]]
                tree.hits += sum(map(len, new))
                found += new
            if len(left) < MANY_LEFT or not _is_worth_it(tree):
                return found, np.concatenate((left, np.array(aside, np.int64)))
            value = Value(memory, type_, int(column[left[0]]))
            if not self._trace(tree, value, function):
                aside.append(int(left[0]))
                left = left[1:]

    def _tree(self, type_: Type, key: tuple[object, ...]) -> Tree:
        name = (id(type_), *map(id, key))
        tree = self._trees.get(name)
        if tree is None:
            tree = self._trees[name] = Tree(keep=(type_, *key))
        return tree

    def _trace(self, tree: Tree, value: Value, function: Ask) -> bool:
        """Trace a run and add it to the tree; False where that cannot be done."""
        self._tracing = True
        tree.traces += 1
        with self._losses.muted() as noticed:
            try:
                trace = Trace(self._program, value, function)
                trace.experiment()
            except AdpError:
                trace = None
            finally:
                self._tracing = False
        if trace is not None and not noticed and plant(tree, trace):
            return True
        tree.failed += 1
        return False


def _is_worth_it(tree: Tree) -> bool:
    """Tell whether one more trace of a function may help."""
    if tree.traces >= MAX_TRACES or tree.failed >= MAX_FAILED:
        return False
    return tree.traces < _POOR or tree.hits > 4 * tree.traces


def by_type(values: Sequence[Value]) -> Iterable[tuple[Type, list[int]]]:
    """Sort addresses by the type of what stands there."""
    found: dict[int, tuple[Type, list[int]]] = {}
    if len(set(map(id, map(_TYPE, values)))) == 1 and set(map(_DATA, values)) == {None}:
        # Most often all are of one type.
        return [(values[0].type, list(map(_ADDRESS, values)))]
    for value in values:
        if value.data is None:
            known = found.get(id(value.type))
            if known is None:
                known = found[id(value.type)] = (value.type, [])
            known[1].append(value.address)
    return found.values()
