"""A value of the program as macros see it: typed, read when asked for, never written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeAlias

from adp_tui.engine import value as memory
from adp_tui.engine.errors import AdpError, LayoutError

__all__ = ["Asks", "Value"]

_Int: TypeAlias = int
_Bytes: TypeAlias = bytes
"""In the class below, these names are its methods'."""


class Asks(Protocol):
    """What a value asks the session through."""

    def evaluate(self, text: str, it: Value, /) -> object:
        """Return what an expression gives for a value; values are wrapped."""
        ...

    def shown(self, value: memory.Value, /) -> str:
        """Return a value in one line."""
        ...

    def rows(self, value: memory.Value, /) -> list[tuple[str, Value | None, str | None]]:
        """Return the rows of an expanded value: name, value, problem."""
        ...

    def bytes_of(self, value: memory.Value, size: int | None, /) -> bytes:
        """Return bytes of a value."""
        ...


class Value:
    """A value of a type at an address.

    Fields are looked for behind what wraps them (pointers, ``Option``, ``Arc``, ``Box``, cells),
    as in a descriptor's expressions. What is not there is None where the program has none (a null
    pointer, ``None``), and an ``AdpError`` where the type has no such thing or memory cannot be
    read.
    """

    __slots__ = ("_asks", "_inner")

    def __init__(self, asks: Asks, inner: memory.Value) -> None:
        self._asks = asks
        self._inner = inner

    @property
    def type(self) -> str:
        """The full name of its type."""
        return self._inner.type.name

    @property
    def address(self) -> int | None:
        """Where it is; None for one in registers."""
        return self._inner.address if self._inner.data is None else None

    @property
    def size(self) -> _Int:
        """Its bytes."""
        return self._inner.type.size

    @property
    def inner(self) -> memory.Value:
        """The engine's own value."""
        return self._inner

    def __repr__(self) -> str:
        return f"<{self.type} at {self._inner.address:#x}>"

    def __getitem__(self, name: str | _Int) -> Value | None:
        """Return a field (``v["owner"]``, ``v[0]`` of a tuple).

        Raises:
            AdpError: there is no such field, or it cannot be read.
        """
        found = self._asks.evaluate(f"it.{_plain(name)}", self)
        return found if isinstance(found, Value) else None

    def get(self, name: str | _Int) -> Value | None:
        """Return a field; None where there is none."""
        try:
            return self[name]
        except AdpError:
            return None

    def eval(self, expression: str) -> object:
        """Return what an expression gives, in which this is ``it``: a Value, a number, a text, a
        list, or None.

        Raises:
            AdpError: it cannot be parsed, does not fit, or memory cannot be read.
        """
        return self._asks.evaluate(expression, self)

    def int(self) -> _Int | None:
        """Return the number that it is, whatever wraps it.

        Raises:
            AdpError: it is none, or cannot be read.
        """
        found = self._asks.evaluate("int(it)", self)
        return found if isinstance(found, _Int) else None

    def text(self) -> str | None:
        """Return the text of a ``String``, ``&str`` or ``Box<str>``."""
        found = self._asks.evaluate("str(it)", self)
        return found if isinstance(found, str) else None

    def show(self) -> str:
        """Return it in one line, as the screen does; never raises an ``AdpError``."""
        return self._asks.shown(self._inner)

    def items(self) -> list[object]:
        """Return the elements of an array, slice, ``Vec`` or ``VecDeque``."""
        return _list(self._asks.evaluate("items(it)", self))

    def entries(self) -> list[tuple[object, object]]:
        """Return the keys and values of a hash map; of a set the values are None."""
        found: list[tuple[object, object]] = []
        for pair in _list(self._asks.evaluate("entries(it)", self)):
            if isinstance(pair, Value):
                found.append((pair.get(0), pair.get(1)))
        return found

    def fields(self) -> Iterator[tuple[str, Value | None]]:
        """Yield name and value of what the screen shows when this is expanded."""
        for name, value, _ in self._asks.rows(self._inner):
            yield name, value

    @property
    def variant(self) -> str | None:
        """The name of an enum's active variant."""
        found = self._asks.evaluate("variant(it)", self)
        return found if isinstance(found, str) else None

    def payload(self, variant: str) -> Value | None:
        """Return what a variant holds; None where another one is active."""
        found = self._asks.evaluate(f"it@{_plain(variant)}", self)
        return found if isinstance(found, Value) else None

    def deref(self) -> Value | None:
        """Follow one pointer, ``Arc`` or ``Rc``; None for a null pointer."""
        found = self._asks.evaluate("*it", self)
        return found if isinstance(found, Value) else None

    def bytes(self, size: _Int | None = None) -> _Bytes:
        """Return its bytes, or so many from its start (at most a megabyte)."""
        return self._asks.bytes_of(self._inner, size)


def _plain(name: str | int) -> str:
    """Return the name of a field as an expression takes it.

    Raises:
        LayoutError: no field has such a name.
    """
    text = str(name)
    if not (text.isidentifier() or text.isdecimal()) or not text.isascii() or len(text) > 200:
        raise LayoutError(f"{text[:80]!r} is no name of a field")
    return text


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []
