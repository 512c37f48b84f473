"""Numbers, characters, floats and text as Rust would write them."""

from __future__ import annotations

import math
import struct

from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.value import Value

__all__ = ["MAX_TEXT_BYTES", "character", "quote", "scalar", "seconds"]

MAX_TEXT_BYTES = 128
"""Bytes of a text that a summary shows: a line of a terminal has room for hardly more."""

_BOOLEAN, _FLOAT, _SIGNED, _SIGNED_CHAR, _UTF = 0x02, 0x04, 0x05, 0x06, 0x10
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "\0": "\\0"}
_FORMATS = {2: "<e", 4: "<f", 8: "<d"}
_UNITS = ((1_000_000, "ms"), (1_000, "µs"), (1, "ns"))


def scalar(value: Value) -> str:
    """Write a value of a base type.

    Raises:
        FaultError: it cannot be read.
        LayoutError: its bytes are no value of the type.
    """
    type_ = value.type
    if not type_.size:
        return type_.name or "()"
    if type_.size > 16:
        raise LayoutError(f"{type_.name} claims to be a number of {type_.size} bytes")
    raw = value.read()
    plain = int.from_bytes(raw, "little")
    encoding = type_.encoding
    if encoding == _BOOLEAN:
        if plain > 1:
            raise LayoutError(f"not a bool: {plain:#x}")
        return "true" if plain else "false"
    if encoding == _FLOAT:
        return _float(type_, raw)
    if encoding == _UTF:
        return character(plain)
    if encoding in (_SIGNED, _SIGNED_CHAR):
        return str(int.from_bytes(raw, "little", signed=True))
    return str(plain)


def character(code: int) -> str:
    """Write a ``char``."""
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise LayoutError(f"not a char: {code:#x}")
    char = chr(code)
    return f"'{_escape(char) if char != chr(39) else chr(92) + char}'"


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def quote(data: bytes, total: int) -> str:
    """Write the first bytes of a text of ``total`` bytes, as a Rust literal.

    What is no UTF-8 is written in hexadecimal.
    """
    cut = total > len(data)
    text = data.decode("utf-8", "surrogateescape")
    if cut:
        # A character that the cut went through is not said to be broken.
        kept = text.rstrip("".join(map(chr, range(0xDC80, 0xDD00))))
        text = kept if len(text) - len(kept) < 4 else text
    out = []
    for char in text:
        if 0xDC80 <= ord(char) < 0xDD00:
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        else:
            out.append('\\"' if char == '"' else _escape(char))
    inside = "".join(out)
    return f'"{inside}…" ({total} bytes)' if cut else f'"{inside}"'


def _float(type_: Type, raw: bytes) -> str:
    form = _FORMATS.get(len(raw))
    if form is None:
        return f"{type_.name} {int.from_bytes(raw, 'little'):#x}"
    (number,) = struct.unpack(form, raw)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    shortest = float(number)
    for digits in range(1, 17):
        shorter = float(f"{number:.{digits}g}")
        if _packs_to(form, shorter, raw):
            shortest = shorter
            break
    return repr(shortest).replace("e+", "e")


def _packs_to(form: str, number: float, raw: bytes) -> bool:
    try:
        return struct.pack(form, number) == raw
    except OverflowError:
        return False


def seconds(secs: int, nanos: int) -> str:
    """Write a duration as Rust does: ``1.5s``, ``250µs``, ``0ns``."""
    if secs:
        return f"{secs}.{nanos:09}".rstrip("0").rstrip(".") + "s"
    for size, unit in _UNITS:
        if nanos >= size:
            whole, rest = divmod(nanos, size)
            digits = len(str(size)) - 1
            fraction = f".{rest:0{digits}}".rstrip("0").rstrip(".") if digits else ""
            return f"{whole}{fraction}{unit}"
    return "0ns"
