"""What waits for events: an executor's own drivers, and those that belong to none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from adp_tui.engine.adp.schema import Expression, RegisteredRule
from adp_tui.engine.analysis.facts import ExecutorFacts
from adp_tui.engine.analysis.replay import Replays, by_type
from adp_tui.engine.analysis.rules import Applied, Bound, RuleBook
from adp_tui.engine.analysis.waits import Registered
from adp_tui.engine.analysis.wakers import WakerResolver, Wakes
from adp_tui.engine.value import Value

__all__ = ["Drivers"]

MAX_DRIVERS = 256
Held = list[tuple[Registered, Wakes]]
"""What resources hold wakers, with whom those wake."""


class Drivers:
    """Reads timers and registrations; each driver once."""

    def __init__(self, book: RuleBook, replays: Replays, wakers: WakerResolver) -> None:
        self._book = book
        self._replays = replays
        self._wakers = wakers
        self._known: dict[int, Held] = {}
        self._shared: tuple[Held, list[Wakes]] | None = None
        self.timers: dict[int, int] = {}
        """Number of timers by executor address."""

    def of(self, executor: ExecutorFacts) -> Held:
        """Return what an executor's own drivers hold wakers of."""
        known = self._known.get(executor.address)
        if known is None:
            rule = executor.rule
            named = (
                ("timers", rule.timers),
                ("timers", rule.pending_timers),
                ("I/O registrations", rule.registrations),
            )
            known, count = self._read(executor.applied, executor.value, named)
            self._known[executor.address] = known
            self.timers[executor.address] = count
        return known

    def shared(self) -> Held:
        """Return what the drivers that belong to no executor hold wakers of."""
        return self._read_shared()[0]

    def woken(self) -> Iterator[Wakes]:
        """Yield whom those drivers would wake, for whatever reason."""
        held, others = self._read_shared()
        yield from (wakes for _, wakes in held)
        yield from others

    def _read_shared(self) -> tuple[Held, list[Wakes]]:
        if self._shared is not None:
            return self._shared
        held: Held = []
        others: list[Wakes] = []
        self._shared = held, others
        seen: set[int] = set()
        for applied in self._book.applied:
            for rule in applied.descriptor.drivers:
                for value in applied.values(rule.each, {}, f"drivers {rule.kind}"):
                    if value.address in seen or len(seen) >= MAX_DRIVERS:
                        continue
                    seen.add(value.address)
                    named = (("I/O registrations", rule.registrations),)
                    held.extend(self._read(applied, value, named)[0])
                    wakers = applied.values(rule.wakers, {"it": value}, "wakers of a driver")
                    resolved = map(self._wakers.resolve, wakers)
                    others.extend(wakes for wakes in resolved if wakes is not None)
        return self._shared

    def _read(
        self, applied: Applied, driver: Value, named: Sequence[tuple[str, Expression | None]]
    ) -> tuple[Held, int]:
        """Return what a driver holds wakers of, and the number of its timers."""
        found: list[tuple[Registered, Value]] = []
        env: dict[str, object] = {"it": driver}
        count = 0
        for name, expression in named:
            values = applied.values(expression, env, name)
            count += len(values) if name == "timers" else 0
            for type_, addresses in by_type(values):
                for bound in self._book.registered.all(type_.name):
                    ask = partial(_slots, bound, driver)
                    self._replays.foresee(type_, addresses, ask, bound, driver)
            for value in values:
                found.extend(self._slots_of(value, driver))
        return self._resolved(found), count

    def wakers_of(self, value: Value) -> Held:
        """Return what one resource holds wakers for, and whom they wake."""
        return self._resolved(self._slots_of(value, None))

    def _slots_of(self, value: Value, driver: Value | None) -> list[tuple[Registered, Value]]:
        """Return the wakers that a resource holds, and what it is for each."""
        found = []
        for bound in self._book.registered.all(value.type.name):
            ask = partial(_slots, bound, driver)
            remaining, *slots = self._replays.ask(value, ask, bound, driver)
            for waker, mode in zip(slots[::2], slots[1::2], strict=True):
                found.append((Registered(bound.rule.kind, mode, value, remaining), waker))
        return found

    def _resolved(self, slots: Sequence[tuple[Registered, Value]]) -> Held:
        """Return whom the wakers wake, of those that wake anybody."""
        resolved = self._wakers.resolve_all([waker for _, waker in slots])
        pairs = zip(slots, resolved, strict=True)
        return [(registered, wakes) for (registered, _), wakes in pairs if wakes is not None]


def _slots(
    bound: Bound[RegisteredRule], executor: Value | None, value: Value
) -> tuple[object, ...]:
    """Return a resource's remaining time, then waker and mode of each slot that has one."""
    applied, rule = bound.applied, bound.rule
    env: dict[str, object] = {"it": value, "executor": executor}
    found: list[object] = [applied.number(rule.remaining_ms, env)]
    for slot in rule.wakers:
        for item in applied.values(slot.each, env):
            inner = {**env, "w": item}
            waker = applied.value(slot.waker, inner) if slot.waker else item
            if waker is not None:
                mode = applied.text(slot.mode_of, inner) if slot.mode_of else slot.mode
                found += (waker, mode)
    return tuple(found)
