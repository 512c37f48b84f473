"""Resources inside a task's own futures that hold its waker: where no leaf names the wait.

A future written by hand (a connection of hyper, a worker of tower) polls channels and streams
without a future of theirs to show. It keeps them, and they keep the task's waker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.reach import Follow, Reach
from adp_tui.engine.analysis.rules import RuleBook
from adp_tui.engine.analysis.stacks import LiveFrame
from adp_tui.engine.analysis.waits import Leaf, Registered
from adp_tui.engine.analysis.wakers import Wakes
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["Stored"]

WakersOf = Callable[[Value], Sequence[tuple[Registered, Wakes]]]
"""What a resource's slots hold, with whom each would wake."""


class Stored:
    """Finds the resources that hold the waker of the task whose future they are in."""

    def __init__(
        self,
        program: Program,
        book: RuleBook,
        wakers_of: WakersOf,
        target_of: Callable[[Wakes], TaskFacts | None],
    ) -> None:
        self._target_of = target_of
        self._wakers_of = wakers_of
        self._reach = Reach(
            program,
            lambda name: any(bound.rule.kind != "timer" for bound in book.registered.all(name)),
            book.opaque,
            Follow.SHARED,
            book.lens,
        )

    def may_hold(self, ends: Sequence[Leaf]) -> bool:
        """Tell whether a stack with these leaves can have such a resource, by types alone."""
        starts = map(_start, ends)
        return any(
            start is not None and self._reach.promising(start.value.type) for start in starts
        )

    def of(self, task: TaskFacts, ends: Sequence[Leaf]) -> Iterator[Registered]:
        """Yield the resources in the hand-written futures of a task that hold its waker.

        ``ends`` are the leaves of its stack.
        """
        for leaf in ends:
            start = _start(leaf)
            if start is None:
                continue
            for resource in self._reach.find(start.value):
                for registered, wakes in self._wakers_of(resource):
                    if self._target_of(wakes) is task:
                        registered.branch = leaf.branch
                        yield registered


def _start(leaf: Leaf) -> LiveFrame | None:
    """Return where to search: a leaf with a rule names its own wait, not those of what polls it."""
    return _outermost(leaf.above if leaf.rule else (*leaf.above, leaf.frame))


def _outermost(frames: Sequence[LiveFrame]) -> LiveFrame | None:
    """Return the outermost of the futures at the end of a path that are no coroutines."""
    found = None
    for live in reversed(frames):
        if live.frame.kind != "future":
            break
        found = live
    return found
