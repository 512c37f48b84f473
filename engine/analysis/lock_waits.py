"""Which locks threads sleep in: a lock of std keeps its thread in a futex, and names nobody."""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.adp.evaluate import ThreadValue
from adp_tui.engine.adp.schema import SleepRule
from adp_tui.engine.analysis.facts import ThreadFacts, WaitRow
from adp_tui.engine.analysis.rules import Bound, RuleBook
from adp_tui.engine.analysis.waits import Numbering
from adp_tui.engine.model import Confidence, Wait
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["find_lock_waits"]


def find_lock_waits(
    program: Program, book: RuleBook, numbering: Numbering, threads: Sequence[ThreadFacts]
) -> None:
    """Give each thread that sleeps in a lock the wait for it, and the lock a number."""
    finder = _Finder(book, numbering)
    for thread in threads:
        call = thread.call(program.arch)
        if call is not None and call.futex is not None:
            thread.lock = finder.wait(thread, call.futex)


class _Finder:
    def __init__(self, book: RuleBook, numbering: Numbering) -> None:
        self._book = book
        self._numbering = numbering
        self._each: dict[int, dict[int, Value]] = {}
        """What each rule (by identity) starts from, for each thread."""

    def wait(self, thread: ThreadFacts, futex: int) -> WaitRow | None:
        """Return what a thread waits for, by the innermost function that a rule knows."""
        for _, names in thread.scopes:
            for name in names:
                for bound in self._book.sleeps.all(name):
                    lock = self._lock(bound, thread, futex)
                    if lock is not None:
                        return self._row(bound, lock)
        return None

    def _lock(self, bound: Bound[SleepRule], thread: ThreadFacts, futex: int) -> Value | None:
        env: dict[str, object] = {"futex": futex, "tid": thread.tid}
        if bound.rule.each is not None:
            own = self._start(bound).get(thread.tid)
            if own is None:
                return None
            env["it"] = own
        lock = bound.applied.value(bound.rule.resource, env, "locks of threads")
        return lock if lock is not None and lock.data is None and lock.address else None

    def _start(self, bound: Bound[SleepRule]) -> dict[int, Value]:
        key = id(bound.rule)
        if key not in self._each:
            items = bound.applied.stream(bound.rule.each, {}, "thread-locals")
            self._each[key] = {i.tid: i for i in items if isinstance(i, ThreadValue)}
        return self._each[key]

    def _row(self, bound: Bound[SleepRule], lock: Value) -> WaitRow:
        rule = bound.rule
        # The function and the register say it together.
        shape = Wait(
            kind=rule.kind, mode=rule.mode, conf=Confidence.DERIVED, src=bound.applied.source
        )
        return WaitRow(shape, resource=self._numbering.resource(lock, rule.kind))
