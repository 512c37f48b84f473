"""The built-in functions of the expression language; each one is bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adp_tui.engine.adp import language as ast
from adp_tui.engine.adp.streams import MAX_PEEL, Streams
from adp_tui.engine.dwarf.functions import Function
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError
from adp_tui.engine.rust.dynamic import concrete
from adp_tui.engine.rust.strings import read_text
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.adp.evaluate import Closure, Evaluator

__all__ = ["Builtins"]

MAX_TEXT = 4096
_LAST = (1 << 64) - 1
_HOLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Builtins:
    """Compiles calls of built-ins: eager ones from a table, lazy ones by hand."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._ev = evaluator
        self._streams = streams = Streams(evaluator)
        self._lazy: dict[str, Callable[[Sequence[ast.Node]], Closure]] = {
            "if": self._if,
            "first": self._first,
            "has": self._has,
            "at": self._at,
            "cast": self._cast,
            "around": self._around,
            **streams.lazy,
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
            "since": (1, self._since),
            "static": (1, self._static),
            "statics": (1, self._statics),
            "tls": (1, self._tls),
            "frames": (2, self._frames),
            "futures": (1, self._futures),
            "untag": (2, lambda v, m: (self._number(v) or 0) & ~(self._number(m) or 0)),
            **streams.eager,
        }

    @property
    def names(self) -> frozenset[str]:
        """The names of all functions."""
        return frozenset((*self._lazy, *self._eager))

    def stream(self, value: object) -> tuple[object, ...]:
        """Return the items of a stream, a sequence value, or a value by itself.

        Raises:
            LayoutError: a number or text is no stream.
        """
        return self._streams.stream(value)

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
                values = [env.get(hole) for hole in holes]
                names = tuple(map(self._hole, values, holes))
                found = known.get(names)
                if found is None:
                    parts = iter(names)
                    near = next((v for v in values if isinstance(v, Type)), None)
                    found = self._ev.type_named(_HOLE.sub(lambda _: next(parts), text), near)
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

    def _around(self, nodes: Sequence[ast.Node]) -> Closure:
        """Return the structure whose field, a direct member, stands at an address."""
        address_node, type_node, field_node = nodes
        address_of, type_of = self._ev.compile(address_node), self._type_of(type_node)
        if not isinstance(field_node, ast.Const) or not isinstance(field_node.value, str):
            raise LayoutError("`around` needs the name of a field")
        name = field_node.value

        def around(env: dict[str, object]) -> object:
            address, type_ = self._number(address_of(env)), type_of(env)
            if not address or type_ is None:
                return None
            member = type_.member(name) if isinstance(type_, Type) else None
            if not isinstance(type_, Type) or member is None:
                raise LayoutError(f"`around` needs a type with a field {name}")
            return Value(self._ev.program.memory, type_, address - member.offset & _LAST)

        return around

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

    def _number(self, value: object) -> int | None:
        return self._ev.number(value)

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
            self._ev.budget.load(MAX_TEXT)
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

    def _since(self, value: object) -> object:
        """Return the milliseconds from a ``std::time::Instant`` to the moment of the snapshot; of
        a core at least, to the latest time that a thread is known to have taken.
        """
        program = self._ev.program
        now = program.target.facts.clock_ns
        now = program.latest_ns if now is None else now
        if now is None or not isinstance(value, Value):
            return None
        taken = self._ev.nanoseconds(value)
        return None if taken is None else (now - taken) // 1_000_000

    def _static(self, path: object) -> object:
        found = self._statics(path)
        return found[0] if found else None

    def _statics(self, path: object) -> tuple[Value, ...]:
        if not isinstance(path, str):
            return ()
        found = self._ev.look_up(path, self._ev.program.static)
        self._ev.spend(len(found))
        return found

    def _tls(self, path: object) -> object:
        from adp_tui.engine.adp.evaluate import ThreadValue

        if not isinstance(path, str):
            return ()
        found = self._ev.look_up(path, self._ev.program.thread_local)
        self._ev.spend(len(found))
        return tuple(ThreadValue(v.value, v.tid) for v in found)

    def _frames(self, function: object, variable: object) -> object:
        if not isinstance(function, str) or not isinstance(variable, str):
            return ()
        return self._ev.frames(function, variable) if self._ev.frames is not None else ()

    def _futures(self, value: object) -> object:
        if not isinstance(value, Value) or self._ev.futures is None:
            return ()
        return self._ev.futures(value)


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
