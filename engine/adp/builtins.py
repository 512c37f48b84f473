"""The built-in functions of the expression language; each one is bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from adp_tui.engine.adp import language as ast
from adp_tui.engine.adp.entries import entries
from adp_tui.engine.dwarf.functions import Function
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError
from adp_tui.engine.rust.dynamic import concrete
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.rust.strings import read_text
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.adp.evaluate import Closure, Evaluator

__all__ = ["Builtins"]

MAX_TEXT = 4096
_LAST = (1 << 64) - 1
_HOLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
MAX_PEEL = 24


class Builtins:
    """Compiles calls of built-ins: eager ones from a table, lazy ones by hand."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator
        self._lazy: dict[str, Callable[[Sequence[ast.Node]], Closure]] = {
            "if": self._if,
            "first": self._first,
            "has": self._has,
            "at": self._at,
            "cast": self._cast,
            "map": self._map,
            "flat": self._flat,
            "filter": self._filter,
            "walk": self._walk,
            "links": self._links,
            "tree": self._tree,
            "any": self._any,
            "all": self._all,
        }
        self._eager: dict[str, tuple[int, Callable[..., object]]] = {
            "int": (1, evaluator.number),
            "addr": (1, self._addr),
            "deref": (1, evaluator.deref),
            "bits": (3, self._bits),
            "typeof": (1, lambda v: v.type if isinstance(v, Value) else None),
            "typename": (1, self._typename),
            "tparam": (2, self._tparam),
            "variant": (1, self._variant),
            "dyn": (1, self._dyn),
            "fn": (1, self._fn),
            "fnname": (1, self._fnname),
            "sym": (1, self._sym),
            "str": (1, self._str),
            "loc": (1, self._loc),
            "static": (1, self._static),
            "tls": (1, self._tls),
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
            "untag": (2, lambda v, m: (self._number(v) or 0) & ~(self._number(m) or 0)),
        }

    def compile(self, node: ast.Call) -> Closure:
        """Compile a call.

        Raises:
            LayoutError: there is no such built-in, or it takes other arguments.
        """
        lazy = self._lazy.get(node.name)
        if lazy is not None:
            try:
                return lazy(node.arguments)
            except ValueError as error:
                raise LayoutError(f"{node.name} is called with wrong arguments") from error
        entry = self._eager.get(node.name)
        if entry is None:
            raise LayoutError(f"there is no built-in {node.name}")
        count, function = entry
        if len(node.arguments) != count:
            raise LayoutError(f"{node.name} takes {count} arguments, not {len(node.arguments)}")
        arguments = [self._ev.compile(a) for a in node.arguments]
        tick = self._ev.tick
        if count == 1:
            (only,) = arguments

            def call_one(env: dict[str, object]) -> object:
                tick()
                return function(only(env))

            return call_one

        def call(env: dict[str, object]) -> object:
            tick()
            return function(*(a(env) for a in arguments))

        return call

    # Lazy built-ins.

    def _if(self, nodes: Sequence[ast.Node]) -> Closure:
        condition, yes, no = (self._ev.compile(n) for n in nodes)
        number = self._ev.number
        return lambda env: yes(env) if number(condition(env)) else no(env)

    def _first(self, nodes: Sequence[ast.Node]) -> Closure:
        """Return the first argument that is neither null nor an error."""
        closures = [self._ev.compile(n) for n in nodes]

        def first(env: dict[str, object]) -> object:
            for closure in closures:
                try:
                    value = closure(env)
                except BudgetError:
                    raise
                except AdpError:
                    continue
                if value is not None:
                    return value
            return None

        return first

    def _has(self, nodes: Sequence[ast.Node]) -> Closure:
        (inner,) = (self._ev.compile(n) for n in nodes)

        def has(env: dict[str, object]) -> object:
            try:
                return inner(env) is not None
            except BudgetError:
                raise
            except AdpError:
                return False

        return has

    def _type_of(self, node: ast.Node) -> Closure:
        """Compile a type argument: ``#Name``, a variable, or a text with ``${holes}``."""
        if isinstance(node, ast.Const) and isinstance(node.value, str):
            text = node.value
            if "${" not in text:
                return lambda env: self._ev.type_named(text)
            known: dict[tuple[str, ...], Type] = {}
            holes = _HOLE.findall(text)

            def substituted(env: dict[str, object]) -> object:
                names = tuple(self._hole(env.get(hole), hole) for hole in holes)
                found = known.get(names)
                if found is None:
                    parts = iter(names)
                    found = self._ev.type_named(_HOLE.sub(lambda _: next(parts), text))
                    known[names] = found
                return found

            return substituted
        return self._ev.compile(node)

    @staticmethod
    def _hole(value: object, hole: str) -> str:
        if isinstance(value, Type):
            return value.name
        if isinstance(value, str):
            return value
        raise LayoutError(f"${{{hole}}} is no type")

    def _at(self, nodes: Sequence[ast.Node]) -> Closure:
        address_node, type_node = nodes
        address_of, type_of = self._ev.compile(address_node), self._type_of(type_node)

        def at(env: dict[str, object]) -> object:
            address, type_ = self._number(address_of(env)), type_of(env)
            if not address or type_ is None:
                return None
            if not isinstance(type_, Type):
                raise LayoutError("`at` needs a type")
            return Value(self._ev.program.memory, type_, address & _LAST)

        return at

    def _cast(self, nodes: Sequence[ast.Node]) -> Closure:
        value_node, type_node = nodes
        inner, type_of = self._ev.compile(value_node), self._type_of(type_node)

        def cast(env: dict[str, object]) -> object:
            value, type_ = inner(env), type_of(env)
            if value is None or type_ is None:
                return None
            if not isinstance(value, Value) or not isinstance(type_, Type):
                raise LayoutError("`cast` needs a value and a type")
            return value.part(0, type_)

        return cast

    def _over(self, nodes: Sequence[ast.Node]) -> tuple[Closure, str, Closure]:
        items, function = nodes
        if not isinstance(function, ast.Lambda):
            raise ValueError(function)
        return self._ev.compile(items), function.parameter, self._ev.compile(function.body)

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

        def run(env: dict[str, object]) -> object:
            result, problem = self._follow(start(env), name, step, env, set())
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

        def run(env: dict[str, object]) -> object:
            seen: set[object] = set()
            last = tail(env)
            result, problem = self._follow(head(env), name, step, env, seen)
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

    def _follow(
        self, node: object, name: str, step: Closure, env: dict[str, object], seen: set[object]
    ) -> tuple[list[object], AdpError | None]:
        """Return the nodes up to null or one in ``seen``, and why there are no more."""
        result: list[object] = []
        while node is not None:
            key = _identity(node)
            if key in seen:
                break
            seen.add(key)
            result.append(node)
            try:
                self._ev.tick()
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

    # Eager built-ins.

    def _number(self, value: object) -> int | None:
        return self._ev.number(value)

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

    @staticmethod
    def _addr(value: object) -> object:
        if value is None or isinstance(value, int):
            return value
        if isinstance(value, Value):
            return value.address
        raise LayoutError("`addr` needs a value")

    def _bits(self, value: object, low: object, count: object) -> object:
        number, start, width = self._number(value), self._number(low), self._number(count)
        if number is None or start is None or width is None:
            return None
        if start < 0 or width < 0:
            raise LayoutError("`bits` needs a place and a width that are not negative")
        return (number >> min(start, 128)) & ((1 << min(width, 128)) - 1)

    @staticmethod
    def _typename(value: object) -> object:
        if isinstance(value, Value):
            return value.type.name
        return value.name if isinstance(value, Type) else None

    @staticmethod
    def _tparam(value: object, name: object) -> object:
        if value is None or not isinstance(name, str):
            return None
        if isinstance(value, Value):
            return value.type.param(name)
        if isinstance(value, Type | Function):
            return value.param(name)
        raise LayoutError("`tparam` needs a type or a function")

    def _variant(self, value: object) -> object:
        if not isinstance(value, Value):
            return None
        enum = self._ev.planner.enum(value.type).run(value)
        if enum is None:
            return None
        if enum.type.variant_part is None:
            return enum.type.enumerators.get(enum.unsigned())
        return enum.variant().name

    def _dyn(self, value: object) -> object:
        current = value if isinstance(value, Value) else None
        for _ in range(MAX_PEEL):
            if current is None:
                return None
            if current.type.member("vtable") is not None:
                return concrete(self._ev.program, current)
            current = self._ev.planner.peel(current.type).run(current)
        return None

    def _fn(self, value: object) -> object:
        address = self._number(value)
        return self._ev.program.function_at(address) if address else None

    def _fnname(self, value: object) -> object:
        found = self._fn(value)
        return found.name if isinstance(found, Function) else None

    def _sym(self, value: object) -> object:
        address = self._number(value)
        found = self._ev.program.symbol_at(address) if address else None
        return None if found is None else found.name

    def _str(self, value: object) -> object:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int):
            return str(value)
        current = value if isinstance(value, Value) else None
        for _ in range(MAX_PEEL):
            if current is None:
                return None
            text = read_text(current, MAX_TEXT)
            if text is not None:
                return text
            current = self._ev.planner.peel(current.type).run(current)
        return None

    def _loc(self, value: object) -> object:
        """Read a ``core::panic::Location``: (file, line)."""
        if not isinstance(value, Value):
            return None
        planner = self._ev.planner
        file = planner.field(value.type, "filename" if _has(value, "filename") else "file")
        line = self._number(planner.field(value.type, "line").run(value))
        text = self._str(file.run(value))
        return (text, line) if isinstance(text, str) and line is not None else None

    def _static(self, path: object) -> object:
        found = self._ev.program.static(path) if isinstance(path, str) else ()
        return found[0] if found else None

    def _tls(self, path: object) -> object:
        from adp_tui.engine.adp.evaluate import ThreadValue

        if not isinstance(path, str):
            return ()
        return tuple(
            ThreadValue(v.value.memory, v.value.type, v.value.address, None, v.tid)
            for v in self._ev.program.thread_local(path)
        )

    def _entries(self, value: object) -> object:
        current = value if isinstance(value, Value) else None
        for _ in range(MAX_PEEL):
            if current is None:
                return ()
            found = entries(current)
            if found is not None:
                self._ev.spend(len(found))
                return found
            current = self._ev.planner.peel(current.type).run(current)
        return ()

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


def _identity(node: object) -> object:
    return node.address if isinstance(node, Value) else node


def _has(value: Value, name: str) -> bool:
    """Tell whether the value, or what it points to, has a field."""
    type_ = value.type
    for _ in range(4):
        if type_.member(name) is not None:
            return True
        if type_.target is None:
            return False
        type_ = type_.target
    return False
