"""The expression language of descriptors: text to a frozen tree.

    expr    = or-chain with, from loosest to tightest:
              ??  ||  &&  == != < <= > >=  |  ^  &  << >>  + -  *  unary ! ~ - *  postfix
    postfix = primary { "." (name|number)  |  "@" name  |  "[" expr "]" }
    primary = number | 'string' | name | "#"name | name "(" [arg {"," arg}] ")" | "(" expr ")"
    arg     = expr | name "=>" expr

``.f`` is a field, ``@V`` the payload of an enum's or coroutine's variant V where it is the active
one, ``*e`` one hop through a pointer. Everything is total: there is no recursion and no loop but
the bounded built-ins.
"""

from __future__ import annotations

import re
from functools import lru_cache

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError

__all__ = [
    "Binary",
    "Call",
    "Const",
    "Field",
    "Index",
    "Lambda",
    "LanguageError",
    "Name",
    "Node",
    "TypeName",
    "Unary",
    "Variant",
    "parse",
]

MAX_LENGTH = 8192
MAX_DEPTH = 64
MAX_TREE = 128
"""Depth of a tree: a chain of operators or fields nests as well, and each level is a call or
two when it is compiled and run."""
MAX_DIGITS = 39
"""A number of 128 bits."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0x[0-9a-fA-F]+|[0-9]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|"
    r"(?P<string>'[^']*')|"
    r"(?P<op>=>|\?\?|==|!=|<=|>=|<<|>>|&&|\|\||[-+*&|^<>!~.,()\[\]@#]))"
)
_LEVELS = (
    ("??",), ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("|",), ("^",), ("&",),
    ("<<", ">>"), ("+", "-"), ("*",),
)  # fmt: skip
_BINDING = {op: level for level, ops in enumerate(_LEVELS) for op in ops}


class LanguageError(AdpError):
    """An expression that cannot be read: where, and what was expected."""


@dataclass(frozen=True, slots=True)
class Const:
    """A number or a string."""

    value: int | str


@dataclass(frozen=True, slots=True)
class Name:
    """A variable: ``it``, a ``let`` or a lambda's parameter; ``null``."""

    name: str


@dataclass(frozen=True, slots=True)
class TypeName:
    """``#Name``: a type that the descriptor names."""

    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """``base.name``."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Variant:
    """``base@name``."""

    base: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``base[index]``."""

    base: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Unary:
    """``!e``, ``~e``, ``-e``, ``*e``."""

    op: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """``left op right``."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Lambda:
    """``parameter => body``: only as an argument of a built-in."""

    parameter: str
    body: Node


@dataclass(frozen=True, slots=True)
class Call:
    """``name(arguments)``: a built-in or one of the descriptor's ``defs``."""

    name: str
    arguments: tuple[Node, ...]


Node = Const | Name | TypeName | Field | Variant | Index | Unary | Binary | Lambda | Call


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Parse an expression; descriptors that extend each other have most of theirs in common.

    Raises:
        LanguageError: it is no expression, too long or too deep.
    """
    if len(text) > MAX_LENGTH:
        raise LanguageError(f"an expression of {len(text)} characters is too long")
    try:
        parser = _Parser(text)
        node = parser.expression()
        parser.expect_end()
    except RecursionError:
        raise LanguageError(f"the expression is nested too deeply: {text[:80]!r}") from None
    if _depth(node) > MAX_TREE:
        raise LanguageError(f"the expression has more than {MAX_TREE} levels: {text[:80]!r}")
    return node


def _depth(root: Node) -> int:
    """Return how many levels a tree has."""
    level, depth = [root], 0
    while level:
        depth += 1
        level = [child for node in level for child in _children(node)]
    return depth


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Field(base=base) | Variant(base=base):
            return (base,)
        case Index(base=base, index=index):
            return (base, index)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Lambda(body=body):
            return (body,)
        case Call(arguments=arguments):
            return arguments
    return ()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at][:2]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        if token[0] != "end":
            self._at += 1
        return token[:2]

    def _accept(self, op: str) -> bool:
        if self._peek() == ("op", op):
            self._at += 1
            return True
        return False

    def _fail(self, wanted: str) -> LanguageError:
        kind, value, position = self._tokens[self._at]
        found = "the end" if kind == "end" else repr(value)
        return LanguageError(
            f"{wanted} was expected but {found} found at column {position + 1} of "
            f"{self._text[:200]!r}"
        )

    def _expect(self, op: str) -> None:
        if not self._accept(op):
            raise self._fail(repr(op))

    def expect_end(self) -> None:
        if self._peek()[0] != "end":
            raise self._fail("the end")

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RecursionError
        node = self._chain(0)
        self._depth -= 1
        return node

    def _chain(self, level: int) -> Node:
        """Read operators that bind at least as tightly as ``level``; equals go to the left."""
        left = self._unary()
        while True:
            kind, op = self._peek()
            own = _BINDING.get(op, -1) if kind == "op" else -1
            if own < level:
                return left
            self._next()
            left = Binary(op, left, self._chain(own + 1))

    def _unary(self) -> Node:
        for op in ("!", "~", "-", "*"):
            if self._accept(op):
                return Unary(op, self._unary())
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                node = Field(node, self._word("a field's name", "name", "number"))
            elif self._accept("@"):
                node = Variant(node, self._word("a variant's name", "name"))
            elif self._accept("["):
                index = self.expression()
                self._expect("]")
                node = Index(node, index)
            else:
                return node

    def _word(self, wanted: str, *kinds: str) -> str:
        if self._peek()[0] not in kinds:
            raise self._fail(wanted)
        return self._next()[1]

    def _primary(self) -> Node:
        if self._accept("("):
            node = self.expression()
            self._expect(")")
            return node
        if self._accept("#"):
            return TypeName(self._word("a type's name", "name"))
        kind, value = self._peek()
        if kind == "number":
            if len(value) > MAX_DIGITS:
                raise self._fail(f"a number of at most {MAX_DIGITS} digits")
            self._next()
            return Const(int(value, 0) if value.startswith("0x") else int(value))
        if kind == "string":
            self._next()
            return Const(value[1:-1])
        if kind == "name":
            self._next()
            return self._call(value) if self._accept("(") else Name(value)
        raise self._fail("a value")

    def _call(self, name: str) -> Node:
        arguments: list[Node] = []
        while not self._accept(")"):
            if arguments:
                self._expect(",")
            arguments.append(self._argument())
        return Call(name, tuple(arguments))

    def _argument(self) -> Node:
        kind, value = self._peek()
        if kind == "name" and self._tokens[self._at + 1][:2] == ("op", "=>"):
            self._at += 2
            return Lambda(value, self.expression())
        return self.expression()


def _tokens(text: str) -> list[tuple[str, str, int]]:
    tokens: list[tuple[str, str, int]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if not text[at:].strip():
                break
            at += len(text[at:]) - len(text[at:].lstrip())
            raise LanguageError(f"{text[at]!r} at column {at + 1} of {text[:200]!r} means nothing")
        kind = match.lastgroup or "op"
        tokens.append((kind, match.group(kind), match.start(kind)))
        at = match.end()
    tokens.append(("end", "", len(text)))
    return tokens
