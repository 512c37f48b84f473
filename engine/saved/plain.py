"""Records as JSON and back: what stands in a file is checked against the types of the fields.

A file may come from anybody. Whatever is decoded has the type that its reader expects, or the file
is refused; texts are stripped of what could steer a terminal.
"""

from __future__ import annotations

import base64
import binascii
import enum
import math
import types
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from adp_tui.engine.errors import AdpError
from adp_tui.engine.text import clean

__all__ = ["Column", "PlainError", "decode", "encode"]

if TYPE_CHECKING:
    Column: TypeAlias = array[Any]
else:
    Column = array

Decoder: TypeAlias = Callable[[Any], Any]


class PlainError(AdpError):
    """Something is not what it should be."""


def encode(value: Any) -> Any:
    """Return a record as lists, numbers and texts.

    Dataclasses are lists of their fields, mappings lists of pairs, bytes base64.
    """
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, array):
        return [value.typecode, encode(value.tobytes())]
    if isinstance(value, Mapping):
        return [[encode(key), encode(item)] for key, item in value.items()]
    if is_dataclass(value):
        return [encode(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Sequence | set | frozenset):
        return [encode(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


def decode(hint: Any, plain: Any) -> Any:
    """Return the value of a type from its plain form.

    Args:
        hint: a dataclass, an enum, or what annotations are made of: unions, tuples, mappings.
        plain: what JSON gave.

    Raises:
        PlainError: it does not fit.
    """
    try:
        return _decoder(hint)(plain)
    except RecursionError:
        raise PlainError("there is too much inside one another") from None


@cache
def _decoder(hint: Any) -> Decoder:
    """Return what decodes values of a type: made once for each."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal:
        return _one_of({value: value for value in arguments})
    if origin is tuple:
        return _tuple(arguments)
    if hint is array:
        return _array
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(*map(_later, arguments))
    if origin is not None and issubclass(origin, Sequence):
        return _tuple((arguments[0], ...))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _one_of({member.value: member for member in hint})
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"{hint} has no plain form")


def _later(hint: Any) -> Decoder:
    """Return a decoder that is looked up when it is used: records hold records of their type."""
    return lambda plain: _decoder(hint)(plain)


def _exactly(wanted: type) -> Decoder:
    def decoder(plain: Any) -> Any:
        if type(plain) is not wanted:
            raise PlainError(f"{wanted.__name__} expected, not {type(plain).__name__}")
        return plain

    return decoder


def _text(plain: Any) -> str:
    if type(plain) is not str:
        raise PlainError(f"a text expected, not {type(plain).__name__}")
    return clean(plain)


def _number(plain: Any) -> float:
    if type(plain) not in (int, float):
        raise PlainError(f"a number expected, not {type(plain).__name__}")
    try:
        number = float(plain)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PlainError("a number that has an end expected")
    return number


def _bytes(plain: Any) -> bytes:
    if type(plain) is not str:
        raise PlainError(f"bytes expected, not {type(plain).__name__}")
    try:
        return base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PlainError("bytes that are no base64") from error


def _array(plain: Any) -> Any:
    if type(plain) is not list or len(plain) != 2 or plain[0] not in ("i", "I", "q", "Q", "B", "d"):
        raise PlainError("a column expected")
    column, data = array(plain[0]), _bytes(plain[1])
    if len(data) % column.itemsize:
        raise PlainError("a column is cut off")
    column.frombytes(data)
    return column


def _one_of(values: dict[Any, Any]) -> Decoder:
    def decoder(plain: Any) -> Any:
        if not isinstance(plain, str | int) or plain not in values:
            raise PlainError(f"{plain!r:.60} is none of {', '.join(map(str, values))}")
        return values[plain]

    return decoder


def _list(plain: Any) -> list[Any]:
    if type(plain) is not list:
        raise PlainError(f"a list expected, not {type(plain).__name__}")
    return plain


def _tuple(arguments: tuple[Any, ...]) -> Decoder:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _later(arguments[0])
        return lambda plain: tuple(map(item, _list(plain)))
    items = tuple(map(_later, arguments))

    def decoder(plain: Any) -> Any:
        if len(_list(plain)) != len(items):
            raise PlainError(f"{len(items)} items expected, not {len(plain)}")
        return tuple(item(each) for item, each in zip(items, plain, strict=True))

    return decoder


def _mapping(key: Decoder, item: Decoder) -> Decoder:
    def decoder(plain: Any) -> Any:
        pairs = _list(plain)
        if any(type(pair) is not list or len(pair) != 2 for pair in pairs):
            raise PlainError("pairs expected")
        return {key(name): item(value) for name, value in pairs}

    return decoder


def _record(cls: type[Any]) -> Decoder:
    hints = get_type_hints(cls)
    decoders = [_later(hints[field.name]) for field in fields(cls)]
    needed = sum(field.default is MISSING is field.default_factory for field in fields(cls))

    def decoder(plain: Any) -> Any:
        # A field that came to the end of a record later is missing in older files.
        if not needed <= len(_list(plain)) <= len(decoders):
            raise PlainError(f"{cls.__name__} has {len(decoders)} fields, not {len(plain)}")
        return cls(*(decode(each) for decode, each in zip(decoders, plain, strict=False)))

    return decoder


_OF_JSON: dict[type, tuple[Any, ...]] = {
    type(None): (type(None),), bool: (bool,), int: (int, float), float: (float,),
    str: (str, bytes, Path),
}  # fmt: skip
"""Which of a union's types a JSON value may be of; all others are lists."""


def _union(arguments: tuple[Any, ...]) -> Decoder:
    simple = {t for types in _OF_JSON.values() for t in types}
    enums = [a for a in arguments if isinstance(a, type) and issubclass(a, enum.Enum)]
    lists = [a for a in arguments if a not in simple and a not in enums]
    if len(lists) > 1:
        raise TypeError(f"which of {arguments} a list is cannot be told")

    def decoder(plain: Any) -> Any:
        if type(plain) is list and lists:
            return _decoder(lists[0])(plain)
        for wanted in _OF_JSON.get(type(plain), ()):
            if wanted in arguments:
                return _decoder(wanted)(plain)
        if enums and type(plain) is not list:
            return _decoder(enums[0])(plain)
        raise PlainError(f"{type(plain).__name__} was not expected")

    return decoder


_SIMPLE: dict[Any, Decoder] = {
    int: _exactly(int),
    bool: _exactly(bool),
    float: _number,
    str: _text,
    bytes: _bytes,
    Path: lambda plain: Path(_text(plain)),
    Any: lambda plain: plain,
    None: _exactly(type(None)),
    type(None): _exactly(type(None)),
}
