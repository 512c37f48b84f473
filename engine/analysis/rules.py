"""The descriptors in force, asked by type name and by expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.plan import Plan
from adp_tui.engine.adp.schema import AdapterRule, Descriptor, Expression, WaitRule
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import is_coroutine_name
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["Applied", "Bound", "Losses", "RuleBook"]

R = TypeVar("R")


class Losses:
    """What could not be read, by what and why; each pair counted once."""

    MAX_SAMPLES = 8
    MAX_REASONS = 200
    """Reasons told apart; of a core that is broken everywhere the rest are counted as one."""

    def __init__(self) -> None:
        self._count: dict[tuple[str, str, bool], int] = {}
        self._samples: dict[tuple[str, str, bool], list[int]] = {}
        self._muted: list[str] | None = None

    @contextmanager
    def muted(self) -> Iterator[list[str]]:
        """Count nothing for a while; yield the list of what would have been counted."""
        noticed: list[str] = []
        before, self._muted = self._muted, noticed
        try:
            yield noticed
        finally:
            self._muted = before

    def add(self, what: str, why: str, address: int | None = None, *, missing: bool = True) -> None:
        """Count one loss; ``missing`` says whether entities or frames may be absent for it."""
        if self._muted is not None:
            self._muted.append(what)
            return
        key = (clean(what, 1024), clean(why, 1024), missing)
        if len(self._count) >= self.MAX_REASONS and key not in self._count:
            key = (key[0], "for reasons beyond those listed", missing)
        self._count[key] = self._count.get(key, 0) + 1
        samples = self._samples.setdefault(key, [])
        if address is not None and len(samples) < self.MAX_SAMPLES:
            samples.append(address)

    def items(self) -> Iterable[tuple[str, str, int, tuple[int, ...], bool]]:
        """Yield what, why, count, sample addresses, missing."""
        for key, count in self._count.items():
            what, why, missing = key
            yield what, why, count, tuple(self._samples[key]), missing


class Applied:
    """A descriptor that fits the program, with its evaluator.

    The readers return None (or nothing) where an expression is absent, null or fails; a
    failure is counted in ``losses`` under ``what`` where the caller names it.
    """

    def __init__(self, descriptor: Descriptor, evaluator: Evaluator, losses: Losses) -> None:
        self.descriptor = descriptor
        self.evaluator = evaluator
        self.losses = losses

    @property
    def source(self) -> str:
        """How the report names the descriptor: ``tokio >=1.29``."""
        return self.descriptor.source

    def evaluate(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> object:
        """Return what the expression gives; None where it fails."""
        if expression is None:
            return None
        value, problem = self.evaluator.attempt(expression, env)
        if problem is not None and what is not None:
            it = env.get("it")
            address = it.address if isinstance(it, Value) else None
            self.losses.add(what, str(problem), address)
        return value

    def value(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> Value | None:
        """Return an lvalue."""
        found = self.evaluate(expression, env, what)
        return found if isinstance(found, Value) else None

    def number(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> int | None:
        """Return a number; an lvalue of a scalar type is read."""
        found = self.evaluate(expression, env, what)
        if isinstance(found, bool):
            return int(found)
        if isinstance(found, Value):
            return self._read(found)
        return found if isinstance(found, int) else None

    def _read(self, value: Value) -> int | None:
        try:
            return self.evaluator.to_int(value)
        except AdpError:
            return None

    def text(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> str | None:
        """Return a string."""
        found = self.evaluate(expression, env, what)
        return found if isinstance(found, str) else None

    def stream(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> tuple[object, ...]:
        """Return the items of a stream, without nulls."""
        found = self.evaluate(expression, env, what)
        if found is None:
            return ()
        items = found if isinstance(found, tuple) else (found,)
        return tuple(item for item in items if item is not None)

    def values(
        self, expression: Expression | None, env: Mapping[str, object], what: str | None = None
    ) -> tuple[Value, ...]:
        """Return the lvalues of a stream."""
        return tuple(item for item in self.stream(expression, env, what) if isinstance(item, Value))


@dataclass(frozen=True, slots=True, eq=False)
class Bound(Generic[R]):
    """A rule together with the descriptor that it belongs to."""

    applied: Applied
    rule: R


class Matcher(Generic[R]):
    """Rules found by a name that their globs match; answers are remembered by name."""

    def __init__(self, entries: Sequence[tuple[str, Bound[R]]]) -> None:
        self._entries = [(Glob(pattern), bound) for pattern, bound in entries]
        self._of_crate: dict[str, list[tuple[Glob, Bound[R]]]] = {}
        self._known: dict[str, tuple[Bound[R], ...]] = {}

    def all(self, name: str) -> tuple[Bound[R], ...]:
        """Return every rule that matches, in the order of the descriptors."""
        found = self._known.get(name)
        if found is None:
            likely = self._likely(name.partition("::")[0])
            found = tuple(bound for glob, bound in likely if glob.match(name))
            self._known[name] = found
        return found

    def _likely(self, crate: str) -> list[tuple[Glob, Bound[R]]]:
        """Return the rules whose globs don't begin with the name of another crate."""
        found = self._of_crate.get(crate)
        if found is None:
            found = [each for each in self._entries if each[0].crate in (None, crate)]
            self._of_crate[crate] = found
        return found

    def first(self, name: str) -> Bound[R] | None:
        """Return the first rule that matches, or None."""
        found = self.all(name)
        return found[0] if found else None


class RuleBook:
    """Every rule in force; also what the walker of logical stacks asks (``stacks.Rules``)."""

    def __init__(self, program: Program, applied: Sequence[Applied]) -> None:
        self.program = program
        self.applied = tuple(applied)
        self.waits = self._matcher(lambda d: d.waits, lambda r: r.on)
        self.resources = self._matcher(lambda d: d.resources, lambda r: r.type)
        self.registered = self._matcher(lambda d: d.registered, lambda r: r.type)
        self.adapters = self._matcher(lambda d: d.adapters, lambda r: r.on)
        self.holds = self._matcher(lambda d: d.holds, lambda r: r.on)
        self.holders = self._matcher(lambda d: d.holders, lambda r: r.on)
        self.owners = self._matcher(lambda d: d.owners, lambda r: r.on)
        self.fds = self._matcher(lambda d: d.fds, lambda r: r.on)
        self.roles = self._matcher(lambda d: d.roles, lambda r: r.fn)
        self.sleeps = self._matcher(lambda d: d.sleeps, lambda r: r.fn)
        self.roots = self._matcher(lambda d: d.roots, lambda r: r.fn)
        self.executors = self._matcher(
            lambda d: [r for r in d.executors if r.type], lambda r: r.type or ""
        )
        self.tasks = self._matcher(lambda d: d.tasks, lambda r: r.type)
        self._opaque = [Glob(pattern) for a in self.applied for pattern in a.descriptor.opaque]
        self._opaque_known: dict[str, bool] = {}
        self._future_known: dict[str, bool] = {}

    def _matcher(
        self, rules: Callable[[Descriptor], Iterable[R]], pattern: Callable[[R], str]
    ) -> Matcher[R]:
        return Matcher(
            [(pattern(r), Bound(a, r)) for a in self.applied for r in rules(a.descriptor)]
        )

    def lens(self, type_: Type) -> Plan | None:
        """Return the way to what a runtime's own pointer type leads to."""
        plans = (a.evaluator.planner.lens(type_) for a in self.applied if a.descriptor.lenses)
        return next((plan for plan in plans if plan is not None), None)

    def opaque(self, name: str) -> bool:
        """Tell whether typed walks must not enter this type."""
        known = self._opaque_known.get(name)
        if known is None:
            known = any(glob.match(name) for glob in self._opaque)
            self._opaque_known[name] = known
        return known

    # What ``stacks.StackWalker`` asks.

    def wait(self, type_name: str) -> Bound[WaitRule] | None:
        """Return the rule for a future that waits on something."""
        return self.waits.first(type_name)

    def adapter(self, type_name: str) -> Bound[AdapterRule] | None:
        """Return the rule for a future that polls others."""
        return self.adapters.first(type_name)

    def is_future(self, type_name: str) -> bool:
        """Tell whether a type is a future, as far as names tell."""
        known = self._future_known.get(type_name)
        if known is None:
            known = (
                is_coroutine_name(type_name)
                or self.waits.first(type_name) is not None
                or self.adapters.first(type_name) is not None
                or self.program.is_polled(type_name)
            )
            self._future_known[type_name] = known
        return known

    def children(self, rule: object, value: Value) -> Sequence[tuple[str, str | None, Value]]:
        """Return label, state and value of each future that an adapter polls."""
        assert isinstance(rule, Bound)
        adapter: AdapterRule = rule.rule
        applied, env = rule.applied, {"it": value}
        if isinstance(adapter.children, Mapping):
            named = ((label, applied.value(e, env)) for label, e in adapter.children.items())
            return [(label, None, child) for label, child in named if child is not None]
        children = applied.values(adapter.children, env, "futures of a combinator")
        labels = applied.stream(adapter.labels, env)
        result = []
        for index, child in enumerate(children):
            label = str(labels[index]) if index < len(labels) else str(index)
            result.append((label, applied.text(adapter.state, {"it": child}), child))
        return result

    def label(self, rule: object, value: Value) -> str | None:
        """Return what the adapter says of itself: the name of a tracing span."""
        assert isinstance(rule, Bound)
        adapter: AdapterRule = rule.rule
        return rule.applied.text(adapter.label, {"it": value})

    def combinator(self, rule: object) -> str:
        """Return what an adapter's futures are to it."""
        assert isinstance(rule, Bound)
        return str(rule.rule.combinator)
