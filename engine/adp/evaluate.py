"""Expressions compiled to closures, and run within budgets.

Values are engine Values, numbers, strings, booleans, Types, Functions, tuples (streams) and None
(null). A path such as ``it.shared.owned.list`` is planned once for each concrete type it meets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from adp_tui.engine.adp import language as ast
from adp_tui.engine.adp.budget import LOOKUP, MISSING, STRIKES, Budget, Limits, limits_of
from adp_tui.engine.adp.plan import MAX_PEEL, Plan, Planner
from adp_tui.engine.adp.schema import Descriptor, Expression
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

__all__ = ["Closure", "Env", "Evaluator", "ThreadValue"]

Env = Mapping[str, object]
Closure = Callable[[dict[str, object]], object]

Ask = Callable[[Value], tuple[object, ...]]


class Shortcut(Protocol):
    """Answers what is asked of many values of one type (``analysis.replay.Replays``)."""

    def ask(self, value: Value, function: Ask, key: object, /) -> tuple[object, ...]:
        """Return what a function gives that depends on nothing but the value."""
        ...

    def chain(
        self, node: Value, step: Ask, key: object, seen: set[int], most: int, /
    ) -> tuple[list[Value], bool]:
        """Return about ``most`` nodes that follow one in a list, and whether it ends with them."""
        ...


Outcome = tuple[object, AdpError | None]


class Records(Protocol):
    """Watches every evaluation (``adp.explain.Costs``)."""

    def watch(
        self, expression: Expression, budget: Budget, run: Callable[[], Outcome], /
    ) -> Outcome:
        """Run an evaluation, and note what it cost and gave."""
        ...


R = TypeVar("R")
_MASK = (1 << 64) - 1
_LIMIT = 1 << 128
_SIGNED_ENCODINGS = (5, 6)
"""DW_ATE_signed and DW_ATE_signed_char."""


class ThreadValue(Value):
    """A thread-local: a value that knows its thread."""

    __slots__ = ("tid",)

    def __init__(self, value: Value, tid: int) -> None:
        super().__init__(value.memory, value.type, value.address, value.data)
        self.tid = tid


class Evaluator:
    """Evaluates one descriptor's expressions against one program.

    Args:
        program: what is read.
        descriptor: whose ``defs``, ``types`` and ``lenses`` count.
        limits: what all evaluations may take; those of the descriptor's origin where None.
    """

    def __init__(
        self, program: Program, descriptor: Descriptor, limits: Limits | None = None
    ) -> None:
        from adp_tui.engine.adp.builtins import Builtins

        self.program = program
        self.descriptor = descriptor
        self.planner = Planner(descriptor.lenses)
        self.budget = Budget(limits or limits_of(descriptor.origin.kind))
        self.tick, self.spend = self.budget.tick, self.budget.spend
        self._builtins = Builtins(self)
        self._compiled: dict[int, tuple[Expression, Closure]] = {}
        self._definitions: dict[str, Closure] = {}
        self._building: set[str] = set()
        self._scalars: dict[int, tuple[Type, Plan, int, bool]] = {}
        self._derefs: dict[int, tuple[Type, Plan]] = {}
        self.shortcut: Shortcut | None = None
        """Set by whoever has one."""
        self.frames: Callable[[str, str], tuple[Value, ...]] | None = None
        """Variables of native functions, by globs of the function's name: set likewise."""
        self.futures: Callable[[Value], tuple[Value, ...]] | None = None
        """The futures in a value, found by types: set likewise."""
        self.records: Records | None = None
        """What each expression cost and gave, where somebody asked for it."""
        self._strikes: dict[int, tuple[Expression, int]] = {}
        self._asked: set[str] = set()
        self._noted: AdpError | None = None

    def evaluate(self, expression: Expression, env: Env) -> object:
        """Return what an expression gives.

        Raises:
            LayoutError: a field, variant or built-in does not fit.
            FaultError: memory cannot be read.
            BudgetError: it takes too many steps, items or too long.
        """
        budget = self.budget
        if self._strikes and self._strikes.get(id(expression), (None, 0))[1] >= STRIKES:
            raise BudgetError("it is evaluated no more: it went over its budget three times")
        budget.begin()
        try:
            compiled = self._compiled.get(id(expression))
            if compiled is None:
                closure = self.compile(expression.node)
                compiled = self._compiled[id(expression)] = (expression, closure)
            result = compiled[1](dict(env))
        except RecursionError as error:
            raise BudgetError(f"{expression.text[:60]!r} goes too deep") from error
        finally:
            budget.end()
            if budget.exceeded:
                _, strikes = self._strikes.get(id(expression), (None, 0))
                self._strikes[id(expression)] = (expression, strikes + 1)
        return result

    def nanoseconds(self, instant: Value) -> int | None:
        """Return what a ``std::time::Instant`` says; None where it is none.

        Raises:
            AdpError: it cannot be read.
        """
        current: Value | None = instant
        for _ in range(MAX_PEEL):
            if current is None or current.type.member("tv_sec") is not None:
                break
            current = self.planner.peel(current.type).run(current)
        if current is None:
            return None
        names = ("tv_sec", "tv_nsec")
        parts = [self.number(self.planner.field(current.type, n).run(current)) for n in names]
        seconds, rest = parts
        return None if seconds is None or rest is None else seconds * 1_000_000_000 + rest

    @property
    def switched_off(self) -> tuple[Expression, ...]:
        """The expressions that went over their budget too often."""
        return tuple(e for e, strikes in self._strikes.values() if strikes >= STRIKES)

    def attempt(self, expression: Expression, env: Env) -> tuple[object, AdpError | None]:
        """Return the result and what is missing from it: None, or why there is no or not all."""
        if self.records is not None:
            return self.records.watch(
                expression, self.budget, lambda: self._attempt(expression, env)
            )
        return self._attempt(expression, env)

    def _attempt(self, expression: Expression, env: Env) -> tuple[object, AdpError | None]:
        self._noted = None
        try:
            return self.evaluate(expression, env), self._noted
        except AdpError as error:
            return None, error

    def note(self, problem: AdpError) -> None:
        """Remember why a stream is not whole."""
        self._noted = self._noted or problem

    # Compilation.

    def compile(self, node: ast.Node) -> Closure:
        """Turn a tree into a closure.

        Raises:
            LayoutError: it names a built-in or type that does not exist.
        """
        if isinstance(node, ast.Const):
            return self._const(node)
        if isinstance(node, ast.Name):
            return self._name(node.name)
        if isinstance(node, ast.TypeName):
            return self._type_name(node.name)
        if isinstance(node, ast.Field | ast.Variant):
            return self._path(node)
        if isinstance(node, ast.Index):
            return self._index(node)
        if isinstance(node, ast.Unary):
            return self._unary(node)
        if isinstance(node, ast.Binary):
            return self._binary(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise LayoutError("`=>` stands only in an argument of a built-in")

    @staticmethod
    def _const(node: ast.Const) -> Closure:
        value = node.value
        return lambda env: value

    @staticmethod
    def _name(name: str) -> Closure:
        if name == "null":
            return lambda env: None

        def read(env: dict[str, object]) -> object:
            try:
                return env[name]
            except KeyError:
                raise LayoutError(f"there is no variable {name}") from None

        return read

    def _type_name(self, name: str) -> Closure:
        full = self.descriptor.types.get(name)
        if full is None:
            raise LayoutError(f"the descriptor names no type #{name}")
        return lambda env: self.type_named(full)

    def type_named(self, name: str, near: Type | None = None) -> Type:
        """Return the type with a full name, looked for first in the unit of another.

        Raises:
            LayoutError: the program has none.
        """
        new = name not in self._asked
        if new:
            self._asked.add(name)
            self.tick(LOOKUP)
        found = self.program.type_named(name, near)
        if found is None:
            if new:
                self.tick(MISSING)
            raise LayoutError(f"the program has no type {name}")
        return found

    def look_up(self, path: str, found: Callable[[str], tuple[R, ...]]) -> tuple[R, ...]:
        """Return the variables with a name; the first time costs more."""
        if path in self._asked:
            return found(path)
        self._asked.add(path)
        self.tick(LOOKUP)
        variables = found(path)
        if not variables:
            self.tick(MISSING)
        return variables

    def _path(self, node: ast.Field | ast.Variant) -> Closure:
        """Compile all steps of a path: they are planned as one, as types alone tell them."""
        if _is_suspended(node):
            return self._suspended(self.compile(node.base))
        path: list[ast.Field | ast.Variant] = []
        base: ast.Node = node
        while isinstance(base, ast.Field | ast.Variant) and not _is_suspended(base):
            path.insert(0, base)
            base = base.base
        start = self.compile(base)
        plans: dict[int, tuple[Type, Plan, int]] = {}

        def follow(env: dict[str, object]) -> object:
            value = start(env)
            if value is None:
                return None
            self.tick(len(path))
            if not isinstance(value, Value):
                raise LayoutError(f"{path[0].name} is asked of {_kind(value)}")
            known = plans.get(id(value.type))
            if known is None:
                known = plans[id(value.type)] = (value.type, *self._plan(path, value.type))
            _, plan, count = known
            self.budget.load(8 * len(plan.steps))
            found = plan.run(value)
            if count < len(path) and found is not None:
                self._resolve(path[count], found.type)
            return found

        return follow

    def _plan(self, path: Sequence[ast.Field | ast.Variant], type_: Type) -> tuple[Plan, int]:
        """Return a plan for the steps of a path that resolve, and how many these are.

        Raises:
            LayoutError: the first does not.
        """
        whole = self._resolve(path[0], type_)
        for count, step in enumerate(path[1:], 1):
            try:
                whole = whole.then(self._resolve(step, whole.type))
            except LayoutError:
                # That counts only where the steps before lead to something.
                return whole, count
        return whole, len(path)

    def _resolve(self, step: ast.Field | ast.Variant, type_: Type) -> Plan:
        resolve = self.planner.field if isinstance(step, ast.Field) else self.planner.variant
        return resolve(type_, step.name)

    def _suspended(self, base: Closure) -> Closure:
        """``@Suspended``: the payload of whichever SuspendN is active."""

        def follow(env: dict[str, object]) -> object:
            value = base(env)
            if value is None:
                return None
            self.tick()
            if not isinstance(value, Value):
                raise LayoutError(f"@Suspended is asked of {_kind(value)}")
            enum = self.planner.enum(value.type).run(value)
            if enum is None:
                return None
            variant = enum.variant()
            return enum.payload(variant) if variant.name.startswith("Suspend") else None

        return follow

    def _index(self, node: ast.Index) -> Closure:
        base, index = self.compile(node.base), self.compile(node.index)

        def at(env: dict[str, object]) -> object:
            items, number = base(env), self.number(index(env))
            if items is None or number is None:
                return None
            stream = self._builtins.stream(items)
            return stream[number] if 0 <= number < len(stream) else None

        return at

    def _unary(self, node: ast.Unary) -> Closure:
        operand, op = self.compile(node.operand), node.op
        if op == "*":
            return lambda env: self.deref(operand(env))

        def apply(env: dict[str, object]) -> object:
            number = self.number(operand(env))
            if op == "!":
                return not number
            if number is None:
                return None
            return (~number if op == "~" else -number) & _MASK

        return apply

    def _binary(self, node: ast.Binary) -> Closure:
        left, right, op = self.compile(node.left), self.compile(node.right), node.op
        if op == "??":

            def otherwise(env: dict[str, object]) -> object:
                try:
                    value = left(env)
                except BudgetError:
                    raise
                except AdpError:
                    value = None
                return right(env) if value is None else value

            return otherwise
        if op in ("&&", "||"):

            def logic(env: dict[str, object]) -> object:
                first = bool(self.number(left(env)))
                if first == (op == "||"):
                    return first
                return bool(self.number(right(env)))

            return logic
        return self._arithmetic(left, right, op)

    def _arithmetic(self, left: Closure, right: Closure, op: str) -> Closure:
        operate = _OPERATORS[op]
        compares = op in ("==", "!=")

        def apply(env: dict[str, object]) -> object:
            a, b = left(env), right(env)
            if not isinstance(a, str) and not isinstance(b, str):
                a, b = self.number(a), self.number(b)
            if compares:
                return (a == b) == (op == "==")
            if not isinstance(a, int) or not isinstance(b, int):
                return None
            result = operate(a, b)
            if not -_LIMIT < result < _LIMIT:
                raise LayoutError(f"the result of {op} has more than 128 bits")
            return result

        return apply

    def _call(self, node: ast.Call) -> Closure:
        definition = self.descriptor.defs.get(node.name)
        if definition is None:
            return self._builtins.compile(node)
        if len(node.arguments) != len(definition.parameters):
            raise LayoutError(
                f"{node.name} takes {len(definition.parameters)} arguments, not "
                f"{len(node.arguments)}"
            )
        body = self._definition(node.name)
        arguments = [self.compile(a) for a in node.arguments]
        names = definition.parameters

        def call(env: dict[str, object]) -> object:
            self.tick()
            # Hygienic: the body sees its parameters and nothing of the caller.
            return body({n: a(env) for n, a in zip(names, arguments, strict=True)})

        return call

    def _definition(self, name: str) -> Closure:
        known = self._definitions.get(name)
        if known is None:
            if name in self._building:
                raise LayoutError(f"the definition {name} uses itself")
            self._building.add(name)
            try:
                known = self.compile(self.descriptor.defs[name].body.node)
            finally:
                self._building.discard(name)
            self._definitions[name] = known
        return known

    # Reading.

    def number(self, value: object) -> int | None:
        """Return a value as a number; null stays null.

        Raises:
            LayoutError: it is no number.
        """
        if value is None:
            return None
        if isinstance(value, int):
            return int(value)
        if isinstance(value, Value):
            return self.to_int(value)
        raise LayoutError(f"{_kind(value)} is no number")

    def to_int(self, value: Value) -> int | None:
        """Read the scalar that a value is behind its wrappers; None where it is not there.

        Raises:
            LayoutError: it is no scalar.
            FaultError: it cannot be read.
        """
        known = self._scalars.get(id(value.type))
        if known is None:
            plan = self.planner.scalar(value.type)
            signed = plan.type.kind is Kind.BASE and plan.type.encoding in _SIGNED_ENCODINGS
            size = plan.type.size or 8
            known = self._scalars[id(value.type)] = (value.type, plan, size, signed)
        _, plan, size, signed = known
        self.budget.load(8 * len(plan.steps) + size)
        found = plan.run(value)
        if found is None:
            return None
        return int.from_bytes(found.read(size), "little", signed=signed)

    def deref(self, value: object) -> Value | None:
        """Follow one pointer hop; null stays null.

        Raises:
            LayoutError: there is no pointer to follow.
        """
        if value is None:
            return None
        if not isinstance(value, Value):
            raise LayoutError(f"{_kind(value)} is no pointer")
        self.tick()
        known = self._derefs.get(id(value.type))
        if known is None:
            known = self._derefs[id(value.type)] = (value.type, self.planner.deref(value.type))
        self.budget.load(8 * len(known[1].steps))
        return known[1].run(value)


def _is_suspended(node: ast.Field | ast.Variant) -> bool:
    return isinstance(node, ast.Variant) and node.name == "Suspended"


def _kind(value: object) -> str:
    """Say what a value is, for messages."""
    if isinstance(value, tuple):
        return "a stream"
    if isinstance(value, Type):
        return f"the type {value.name}"
    return f"the {'number' if isinstance(value, int) else 'text'} {str(value)[:40]}"


def _shift_left(a: int, b: int) -> int:
    return (a << b) & _MASK if 0 <= b < 64 else 0


_OPERATORS: dict[str, Callable[[int, int], int | bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "&": lambda a, b: a & b,
    "<<": _shift_left,
    ">>": lambda a, b: a >> min(b, 128) if b >= 0 else 0,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}
