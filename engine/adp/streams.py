"""The built-in functions on streams: lists, rings, trees, and what is done with each item.

Each one is bounded, and an item that cannot be read does not spoil the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from adp_tui.engine.adp import language as ast
from adp_tui.engine.adp.entries import entries
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.adp.evaluate import Closure, Evaluator

__all__ = ["MAX_PEEL", "Streams"]

MAX_PEEL = 24
_NODES = (
    ast.Const, ast.Name, ast.TypeName, ast.Field, ast.Variant, ast.Index, ast.Unary, ast.Binary,
    ast.Lambda, ast.Call,
)  # fmt: skip


class Streams:
    """What takes a stream or makes one: ``lazy`` built-ins compile their arguments themselves."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator
        self._number = evaluator.number
        self.lazy: dict[str, Callable[[Sequence[ast.Node]], Closure]] = {
            "map": self._map,
            "flat": self._flat,
            "filter": self._filter,
            "walk": self._walk,
            "links": self._links,
            "tree": self._tree,
            "any": self._any,
            "all": self._all,
        }
        self.eager: dict[str, tuple[int, Callable[..., object]]] = {
            "items": (1, self.stream),
            "entries": (1, self._entries),
            "range": (1, self._range),
            "len": (1, self._len),
            "take": (2, self._take),
            "reverse": (1, lambda v: tuple(reversed(self.stream(v)))),
            "distinct": (1, self._distinct),
            "sum": (1, self._sum),
            "zip": (2, lambda a, b: tuple(zip(self.stream(a), self.stream(b), strict=False))),
            "ring": (3, self._ring),
        }

    def _over(self, nodes: Sequence[ast.Node]) -> tuple[Closure, str, Closure]:
        items, function = nodes
        if not isinstance(function, ast.Lambda):
            raise ValueError(function)
        body, weight, tick = self._ev.compile(function.body), _weight(function.body), self._ev.tick

        def counted(env: dict[str, object]) -> object:
            tick(weight)
            return body(env)

        return self._ev.compile(items), function.parameter, counted if weight else body

    def _map(self, nodes: Sequence[ast.Node]) -> Closure:
        items, name, body = self._over(nodes)

        def run(env: dict[str, object]) -> object:
            return tuple(self._each(items(env), name, body, env))

        return run

    def _each(
        self, items: object, name: str, body: Closure, env: dict[str, object]
    ) -> Iterator[object]:
        """Yield what the body gives for each item, without nulls.

        An item that cannot be read is left out and noted: it does not spoil the others. Where
        the body fits no item at all, the reason is raised.
        """
        found = False
        problem: AdpError | None = None
        for item in self.stream(items):
            try:
                result = body({**env, name: item})
            except BudgetError as error:
                self._ev.note(error)
                return
            except AdpError as error:
                problem = problem or error
                continue
            found = True
            if result is not None:
                yield result
        if problem is not None:
            if not found and isinstance(problem, LayoutError):
                raise problem
            self._ev.note(problem)

    def _flat(self, nodes: Sequence[ast.Node]) -> Closure:
        items, name, body = self._over(nodes)

        def run(env: dict[str, object]) -> object:
            result: list[object] = []
            for found in self._each(items(env), name, body, env):
                part = self.stream(found)
                result.extend(part)
                self._ev.spend(len(part))
            return tuple(result)

        return run

    def _filter(self, nodes: Sequence[ast.Node]) -> Closure:
        items, name, body = self._over(nodes)
        number = self._ev.number
        return lambda env: tuple(
            item for item in self.stream(items(env)) if number(body({**env, name: item}))
        )

    def _any(self, nodes: Sequence[ast.Node]) -> Closure:
        items, name, body = self._over(nodes)
        number = self._ev.number
        return lambda env: any(
            number(body({**env, name: item})) for item in self.stream(items(env))
        )

    def _all(self, nodes: Sequence[ast.Node]) -> Closure:
        items, name, body = self._over(nodes)
        number = self._ev.number
        return lambda env: all(
            number(body({**env, name: item})) for item in self.stream(items(env))
        )

    def _walk(self, nodes: Sequence[ast.Node]) -> Closure:
        """Follow a list: the start, then ``next`` of each node, until null or a node again.

        Where a link cannot be read the list ends there, and that is noted.
        """
        start, name, step = self._over(nodes)
        alone = self._is_alone(nodes[1])

        def run(env: dict[str, object]) -> object:
            result, problem = self._follow(start(env), name, step, env, set(), alone)
            if problem is not None:
                self._ev.note(problem)
            return tuple(result)

        return run

    def _links(self, nodes: Sequence[ast.Node]) -> Closure:
        """Follow a list that is linked both ways: head, ``next``, tail, ``prev``.

        Where the way from the head does not end at the tail, that is noted, and what the way
        from the tail leads to is added: one broken node hides no other.
        """
        head, name, step = self._over(nodes[:2])
        tail, other, back = self._over(nodes[2:])
        alone = self._is_alone(nodes[1])

        def run(env: dict[str, object]) -> object:
            seen: set[Any] = set()
            last = tail(env)
            result, problem = self._follow(head(env), name, step, env, seen, alone)
            end = result[-1] if result else None
            if problem is None and _identity(end) == _identity(last):
                return tuple(result)
            self._ev.note(problem or LayoutError("a list does not lead from its head to its tail"))
            try:
                rest, _ = self._follow(last, other, back, env, seen)
            except LayoutError:
                rest = [last]
            return (*result, *reversed(rest))

        return run

    def _is_alone(self, function: ast.Node) -> bool:
        """Tell whether a function depends on its parameter only, and notes nothing."""
        assert isinstance(function, ast.Lambda)
        return self._names_only(function.body, frozenset({function.parameter, "null"}))

    def _names_only(self, node: ast.Node, known: frozenset[str], depth: int = 0) -> bool:
        if isinstance(node, ast.Lambda) or depth > MAX_PEEL:
            return False
        if isinstance(node, ast.Name):
            return node.name in known
        if isinstance(node, ast.Call):
            definition = self._ev.descriptor.defs.get(node.name)
            if definition is not None:
                own = frozenset({*definition.parameters, "null"})
                if not self._names_only(definition.body.node, own, depth + 1):
                    return False
        inner = [getattr(node, name) for name in node.__dataclass_fields__]
        parts = [p for each in inner for p in (each if isinstance(each, tuple) else (each,))]
        nodes = [part for part in parts if isinstance(part, _NODES)]
        return all(self._names_only(part, known, depth + 1) for part in nodes)

    def _follow(
        self,
        node: object,
        name: str,
        step: Closure,
        env: dict[str, object],
        seen: set[Any],
        alone: bool = False,
    ) -> tuple[list[object], AdpError | None]:
        """Return the nodes up to null or one in ``seen``, and why there are no more.

        ``alone`` tells that a step depends on nothing but the node.
        """
        result: list[object] = []
        shortcut, budget = (self._ev.shortcut if alone else None), self._ev.budget
        ended = False

        def one(it: Value) -> tuple[object, ...]:
            return (step({name: it}),)

        while node is not None:
            key = _identity(node)
            if key in seen:
                break
            seen.add(key)
            result.append(node)
            try:
                self._ev.tick()
                if shortcut is not None and isinstance(node, Value):
                    more, ended = shortcut.chain(node, one, step, seen, budget.remaining)
                    result.extend(more)
                    self._ev.tick(len(more))
                    if ended:
                        break
                    (node,) = shortcut.ask(more[-1] if more else node, one, step)
                else:
                    node = step({**env, name: node})
            except LayoutError:
                if len(result) == 1:
                    raise
                return result, LayoutError("a list goes astray")
            except AdpError as error:
                return result, error
        return result, None

    def _tree(self, nodes: Sequence[ast.Node]) -> Closure:
        root, name, children = self._over(nodes)

        def run(env: dict[str, object]) -> object:
            first = root(env)
            queue = [] if first is None else [first]
            seen: dict[object, object] = {}
            for node in queue:
                key = _identity(node)
                if key not in seen:
                    seen[key] = node
                    queue.extend(self.stream(children({**env, name: node})))
                    self._ev.tick()
            return tuple(seen.values())

        return run

    def stream(self, value: object) -> tuple[object, ...]:
        """Return the items of a stream, a sequence value, or a value by itself.

        Raises:
            LayoutError: a number or text is no stream.
        """
        if value is None:
            return ()
        if isinstance(value, tuple):
            # What is gone through again costs again, or streams inside streams had no bound.
            self._ev.spend(len(value))
            return value
        if not isinstance(value, Value):
            return (value,)
        current: Value | None = value
        for _ in range(MAX_PEEL):
            if current is None:
                return ()
            found = elements(current)
            if found is not None:
                self._ev.spend(found.count)
                return tuple(found.element(i) for i in range(found.count))
            try:
                plan = self._ev.planner.peel(current.type)
            except LayoutError:
                return (value,)
            current = plan.run(current)
        return (value,)

    def _entries(self, value: object) -> object:
        current = value if isinstance(value, Value) else None
        for _ in range(MAX_PEEL):
            if current is None:
                return ()
            found = entries(current, self._claim)
            if found is not None:
                self._ev.spend(len(found))
                return found
            current = self._ev.planner.peel(current.type).run(current)
        return ()

    def _claim(self, buckets: int) -> None:
        """Count the buckets of a table before they are looked at."""
        self._ev.budget.load(buckets)
        self._ev.spend(buckets)

    def _range(self, value: object) -> object:
        count = max(self._number(value) or 0, 0)
        self._ev.spend(count)
        return tuple(range(count))

    def _len(self, value: object) -> object:
        if value is None:
            return None
        if isinstance(value, Value):
            current: Value | None = value
            for _ in range(MAX_PEEL):
                if current is None:
                    return None
                found = elements(current)
                if found is not None:
                    return found.count
                current = self._ev.planner.peel(current.type).run(current)
        return len(self.stream(value))

    def _take(self, value: object, count: object) -> object:
        if value is None:
            return None
        items = value if isinstance(value, tuple) else (value,)
        return items[: max(self._number(count) or 0, 0)]

    def _distinct(self, value: object) -> object:
        seen: dict[object, object] = {}
        for item in self.stream(value):
            seen.setdefault(item.address if isinstance(item, Value) else item, item)
        return tuple(seen.values())

    def _sum(self, value: object) -> object:
        return sum(self._number(item) or 0 for item in self.stream(value))

    def _ring(self, buffer: object, head: object, length: object) -> object:
        items = self.stream(buffer)
        start, count = self._number(head), self._number(length)
        if start is None or count is None or not items or count > len(items):
            return None
        return tuple(items[(start + i) % len(items)] for i in range(count))


def _weight(node: ast.Node) -> int:
    """Return how many steps one round takes beyond those that it counts itself.

    Arithmetic counts none, and a function may be as long as an expression: ten operations cost
    what one step costs.
    """
    count, left = 0, [node]
    while left:
        part = left.pop()
        count += 1
        inner = [getattr(part, name) for name in part.__dataclass_fields__]
        for each in inner:
            left += [p for p in (each if isinstance(each, tuple) else (each,)) if _is_node(p)]
    return count // 10


def _is_node(part: object) -> TypeGuard[ast.Node]:
    return isinstance(part, _NODES)


def _identity(node: object) -> object:
    return node.address if isinstance(node, Value) else node
