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
from dataclasses import dataclass

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

_TOKEN = re.compile(
    r"\s*(?:(?P<number>0x[0-9a-fA-F]+|[0-9]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|"
    r"(?P<string>'[^']*')|"
    r"(?P<op>=>|\?\?|==|!=|<=|>=|<<|>>|&&|\|\||[-+*&|^<>!~.,()\[\]@#]))"
)
_LEVELS = (
    ("??",), ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("|",), ("^",), ("&",),
    ("<<", ">>"), ("+", "-"), ("*",),
)  # fmt: skip


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


def parse(text: str) -> Node:
    """Parse an expression.

    Raises:
        LanguageError: it is no expression, too long or too deep.
    """
    if len(text) > MAX_LENGTH:
        raise LanguageError(f"an expression of {len(text)} characters is too long")
    parser = _Parser(text)
    node = parser.expression(0)
    parser.expect_end()
    return node


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
            f"{wanted} was expected but {found} found at column {position + 1} of {self._text!r}"
        )

    def _expect(self, op: str) -> None:
        if not self._accept(op):
            raise self._fail(repr(op))

    def expect_end(self) -> None:
        if self._peek()[0] != "end":
            raise self._fail("the end")

    def expression(self, level: int) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise LanguageError(f"the expression is nested too deeply: {self._text[:80]!r}")
        try:
            return self._chain(level)
        finally:
            self._depth -= 1

    def _chain(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        left = self._chain(level + 1)
        while self._peek()[0] == "op" and self._peek()[1] in _LEVELS[level]:
            op = self._next()[1]
            left = Binary(op, left, self._chain(level + 1))
        return left

    def _unary(self) -> Node:
        for op in ("!", "~", "-", "*"):
            if self._accept(op):
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise LanguageError(f"nested too deeply: {self._text[:80]!r}")
                node = Unary(op, self._unary())
                self._depth -= 1
                return node
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if self._accept("."):
                kind, value = self._next()
                if kind not in ("name", "number"):
                    raise self._fail("a field's name")
                node = Field(node, value)
            elif self._accept("@"):
                kind, value = self._next()
                if kind != "name":
                    raise self._fail("a variant's name")
                node = Variant(node, value)
            elif self._accept("["):
                index = self.expression(0)
                self._expect("]")
                node = Index(node, index)
            else:
                return node

    def _primary(self) -> Node:
        if self._accept("("):
            node = self.expression(0)
            self._expect(")")
            return node
        if self._accept("#"):
            kind, value = self._next()
            if kind != "name":
                raise self._fail("a type's name")
            return TypeName(value)
        kind, value = self._peek()
        if kind == "number":
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
            return Lambda(value, self.expression(0))
        return self.expression(0)


def _tokens(text: str) -> list[tuple[str, str, int]]:
    tokens: list[tuple[str, str, int]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if not text[at:].strip():
                break
            raise LanguageError(f"{text[at]!r} at column {at + 1} of {text!r} means nothing")
        kind = match.lastgroup or "op"
        tokens.append((kind, match.group(kind), match.start(kind)))
        at = match.end()
    tokens.append(("end", "", len(text)))
    return tokens
