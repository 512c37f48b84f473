"""What expressions lead to, as far as types alone tell: the evaluator without memory.

A shape is what may stand at a place: values of some types, types, a stream, or anything. A path is
sound when it resolves for at least one of the types that may stand before it; of alternatives
(``??``, ``first``, ``if``) one must be sound, as they are written for different versions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from adp_tui.engine.adp import language as ast
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.plan import Plan
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError

__all__ = ["ANYTHING", "Anything", "Of", "Shape", "Shapes", "Stream"]

MAX_STEPS = 20_000
MAX_TYPES = 16
MAX_PEEL = 24
_SEQUENCES = ("alloc::vec::Vec", "alloc::collections::vec_deque::VecDeque")
_ALTERNATIVES = {"first": 0, "if": 1}
"""Functions of which one argument must be sound, from this one on."""
_SAME = ("take", "reverse", "distinct")


class Anything:
    """Nothing is known, or it is a number or text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Of:
    """A value of one of these types; with ``is_type`` the type itself."""

    types: tuple[Type, ...]
    is_type: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A stream of such items."""

    item: Shape


Shape = Anything | Of | Stream
Env = Mapping[str, Shape]
ANYTHING = Anything()


class Shapes:
    """Follows the expressions of one descriptor.

    ``shadowed`` is told of fields that a wrapper has as well as what it wraps.
    """

    def __init__(self, evaluator: Evaluator, shadowed: Callable[[str], None]) -> None:
        self._evaluator = evaluator
        self._planner = evaluator.planner
        self._shadowed = shadowed
        self._left = MAX_STEPS

    def of(self, node: ast.Node, env: Env) -> Shape:
        """Return what an expression leads to.

        Raises:
            LayoutError: some path in it fits none of the types that may stand there.
        """
        self._left = MAX_STEPS
        self._evaluator.budget.begin()
        # Functions and types that do not exist, and wrong numbers of arguments.
        self._evaluator.compile(node)
        return self._of(node, env)

    def _of(self, node: ast.Node, env: Env) -> Shape:
        self._left -= 1
        if self._left < 0:
            raise BudgetError("it is too long to be checked")
        if isinstance(node, ast.Name):
            return self._name(node.name, env)
        if isinstance(node, ast.TypeName):
            full = self._evaluator.descriptor.types[node.name]
            return Of((self._evaluator.type_named(full),), is_type=True)
        if isinstance(node, ast.Field):
            return self._field(self._of(node.base, env), node.name)
        if isinstance(node, ast.Variant):
            return self._variant(self._of(node.base, env), node.name)
        if isinstance(node, ast.Index):
            self._of(node.index, env)
            return _item(self._items(self._of(node.base, env)))
        if isinstance(node, ast.Unary):
            inner = self._of(node.operand, env)
            return self._through(inner, self._planner.deref) if node.op == "*" else ANYTHING
        if isinstance(node, ast.Binary):
            if node.op == "??":
                return self._one((node.left, node.right), env)
            for part in (node.left, node.right):
                self._number(self._of(part, env))
            return ANYTHING
        if isinstance(node, ast.Call):
            return self._call(node, env)
        return ANYTHING

    def _name(self, name: str, env: Env) -> Shape:
        if name != "null" and name not in env:
            raise LayoutError(f"there is no variable {name}")
        return env.get(name, ANYTHING)

    def _field(self, base: Shape, name: str) -> Shape:
        if isinstance(base, Of):
            for type_ in base.types:
                self._look_behind(type_, name)
        return self._through(base, lambda type_: self._planner.field(type_, name))

    def _look_behind(self, type_: Type, name: str) -> None:
        """Tell of a field that stands behind another one of the same name."""
        if type_.member(name) is None or name.isdecimal():
            return
        current = type_
        for _ in range(MAX_PEEL):
            try:
                current = self._planner.peel(current).type
            except AdpError:
                return
            if current.member(name) is not None:
                self._shadowed(f".{name} of {type_.name} hides that of {current.name}")
                return

    def _variant(self, base: Shape, name: str) -> Shape:
        if name != "Suspended":
            return self._through(base, lambda type_: self._planner.variant(type_, name))
        found: list[Type] = []
        for type_ in base.types if isinstance(base, Of) else ():
            part = self._planner.enum(type_).type.variant_part
            variants = () if part is None else part.variants
            found += [v.member.type for v in variants if v.name.startswith("Suspend")]
        return Of(tuple(found)) if found else ANYTHING

    def _through(self, base: Shape, resolve: Callable[[Type], Plan]) -> Shape:
        """Follow a step from each type that may stand there; one must have it."""
        if not isinstance(base, Of) or base.is_type:
            return ANYTHING
        found: dict[str, Type] = {}
        problem: AdpError | None = None
        for type_ in base.types:
            try:
                end = resolve(type_).type
                found.setdefault(end.name or str(id(end)), end)
            except AdpError as error:
                problem = problem or error
        if not found and problem is not None:
            raise problem
        return Of(tuple(found.values())[:MAX_TYPES])

    def _number(self, shape: Shape) -> None:
        self._through(shape, self._planner.scalar)

    def _one(self, nodes: Sequence[ast.Node], env: Env) -> Shape:
        """Return what the sound ones among alternatives lead to."""
        shapes: list[Shape] = []
        problem: AdpError | None = None
        for node in nodes:
            try:
                shapes.append(self._of(node, env))
            except BudgetError:
                raise
            except AdpError as error:
                problem = problem or error
        if not shapes and problem is not None:
            raise problem
        known = [shape for shape in shapes if not isinstance(shape, Anything)]
        if known and all(isinstance(shape, Of) for shape in known):
            types = [t for shape in known if isinstance(shape, Of) for t in shape.types]
            return Of(tuple({t.name: t for t in types}.values()))
        return known[0] if len(known) == 1 else ANYTHING

    def _call(self, node: ast.Call, env: Env) -> Shape:
        name, arguments = node.name, node.arguments
        definition = self._evaluator.descriptor.defs.get(name)
        if definition is not None:
            given = [self._of(argument, env) for argument in arguments]
            inner = dict(zip(definition.parameters, given, strict=True))
            return self._of(definition.body.node, inner)
        if name in _ALTERNATIVES:
            begin = _ALTERNATIVES[name]
            for argument in arguments[:begin]:
                self._of(argument, env)
            return self._one(arguments[begin:], env)
        if name == "has":
            return ANYTHING
        if name in ("at", "cast"):
            self._of(arguments[0], env)
            return self._type(arguments[1], env)
        if any(isinstance(argument, ast.Lambda) for argument in arguments):
            return self._over(node, env)
        return self._plain(name, [self._of(a, env) for a in arguments], arguments)

    def _type(self, node: ast.Node, env: Env) -> Shape:
        """Return values of the type that a type argument names; holes may be anything."""
        if isinstance(node, ast.Const) and isinstance(node.value, str):
            if "${" in node.value:
                return ANYTHING
            return Of((self._evaluator.type_named(node.value),))
        shape = self._of(node, env)
        return Of(shape.types) if isinstance(shape, Of) else ANYTHING

    def _over(self, node: ast.Call, env: Env) -> Shape:
        """Check functions of items: map, walk and the like."""
        items = self._of(node.arguments[0], env)
        starts = node.name in ("walk", "links", "tree")
        result: Shape = ANYTHING
        for number, argument in enumerate(node.arguments[1:], 1):
            if isinstance(argument, ast.Lambda):
                item = items if starts else _item(self._items(items))
                result = self._of(argument.body, {**env, argument.parameter: item})
            elif number > 1:
                self._of(argument, env)
        if starts:
            return Stream(items)
        if node.name == "map":
            return Stream(result)
        if node.name == "flat":
            return self._items(result)
        return self._items(items) if node.name == "filter" else ANYTHING

    def _plain(self, name: str, given: Sequence[Shape], nodes: Sequence[ast.Node]) -> Shape:
        first = given[0] if given else ANYTHING
        if name == "deref":
            return self._through(first, self._planner.deref)
        if name in ("int", "bits"):
            self._number(first)
            return ANYTHING
        if name == "typeof":
            return Of(first.types, is_type=True) if isinstance(first, Of) else ANYTHING
        if name == "items":
            return self._items(first)
        if name in _SAME:
            return self._items(first)
        if name in ("static", "statics") and isinstance(nodes[0], ast.Const):
            found = self._evaluator.program.static(str(nodes[0].value))
            if not found:
                raise LayoutError(f"the program has no static {nodes[0].value}")
            if name == "static":
                return Of((found[0].type,))
            return Stream(Of(tuple({id(each.type): each.type for each in found}.values())))
        return ANYTHING

    def _items(self, shape: Shape) -> Shape:
        """Return the stream that a value is, where its type tells of what."""
        if not isinstance(shape, Of) or shape.is_type:
            return shape
        items: list[Type] = []
        for type_ in shape.types:
            item = self._element(type_)
            if item is None:
                return ANYTHING
            items.append(item)
        return Stream(Of(tuple(items)))

    def _element(self, type_: Type) -> Type | None:
        current = type_
        for _ in range(MAX_PEEL):
            if current.base_name in _SEQUENCES:
                return current.param("T")
            if current.kind is Kind.ARRAY:
                return current.target
            try:
                current = self._planner.peel(current).type
            except AdpError:
                return None
        return None


def _item(shape: Shape) -> Shape:
    return shape.item if isinstance(shape, Stream) else ANYTHING
