"""Demangling of v0 symbols (RFC 2603), without generic arguments and hashes."""

from __future__ import annotations

__all__ = ["demangle_v0"]

MAX_DEPTH = 128
MAX_OUTPUT = 8192
_BASIC = {
    "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8",
    "i": "isize", "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "p": "_",
    "s": "i16", "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!",
}  # fmt: skip


class _InvalidError(Exception):
    pass


def demangle_v0(symbol: str) -> str | None:
    """Return the path that a ``_R…`` symbol names; None for text that is no such symbol."""
    if not symbol.startswith("_R"):
        return None
    try:
        return _Reader(symbol[2:].split(".", 1)[0]).path(in_value=True)
    except (_InvalidError, IndexError, ValueError, RecursionError):
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._output = 0
        self._binders = 0

    def _next(self) -> str:
        char = self._text[self._at]
        self._at += 1
        return char

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _accept(self, char: str) -> bool:
        if self._peek() == char:
            self._at += 1
            return True
        return False

    def _base62(self) -> int:
        if self._accept("_"):
            return 0
        value = 0
        while not self._accept("_"):
            char = self._next()
            digit = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".index(char)
            value = value * 62 + digit
            if value > 1 << 64:
                raise _InvalidError
        return value + 1

    def _disambiguator(self) -> int:
        return self._base62() + 1 if self._accept("s") else 0

    def _identifier(self) -> tuple[str, int]:
        number = self._disambiguator()
        return self._undisambiguated(), number

    def _undisambiguated(self) -> str:
        puny = self._accept("u")
        digits = ""
        while self._peek().isdigit() and self._peek().isascii():
            digits += self._next()
            if digits == "0":
                break
        length = int(digits)
        self._accept("_")
        if self._at + length > len(self._text):
            raise _InvalidError
        text = self._text[self._at : self._at + length]
        self._at += length
        self._output += length
        if self._output > MAX_OUTPUT:
            raise _InvalidError
        return _punycode(text) if puny else text

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _InvalidError

    def _back(self) -> int:
        """Return where a back reference leads: always before itself."""
        start = self._at - 1
        target = self._base62()
        if target >= start:
            raise _InvalidError
        return target

    def path(self, in_value: bool = False) -> str:
        """Read a path."""
        self._enter()
        try:
            return self._path(self._next(), in_value)
        finally:
            self._depth -= 1

    def _path(self, kind: str, in_value: bool) -> str:
        if kind == "C":
            return self._identifier()[0]
        if kind == "M":
            self._disambiguator()
            self.path()
            return self._bare(self.type())
        if kind in "XY":
            if kind == "X":
                self._disambiguator()
                self.path()
            self_type = self.type()
            return f"<{self_type} as {self.path()}>"
        if kind == "N":
            space = self._next()
            parent = self.path(in_value)
            name, number = self._identifier()
            return f"{parent}::{_special(space, name, number)}"
        if kind == "I":
            path = self.path(in_value)
            while not self._accept("E"):
                self._generic()
            return path
        if kind == "B":
            target = self._back()
            saved, self._at = self._at, target
            try:
                return self.path(in_value)
            finally:
                self._at = saved
        raise _InvalidError

    @staticmethod
    def _bare(self_type: str) -> str:
        """An inherent method of a named type is written as its path; others keep ``<…>``."""
        plain = self_type.replace("_", "").replace(":", "").replace("{", "").replace("}", "")
        return self_type if plain.isalnum() else f"<{self_type}>"

    def _generic(self) -> None:
        if self._accept("L"):
            self._base62()
        elif self._accept("K"):
            self._const()
        else:
            self.type()

    def _const(self) -> None:
        self._enter()
        try:
            kind = self._next()
            if kind == "B":
                self._back()
                return
            if kind == "p":
                return
            self._accept("n")
            while not self._accept("_"):
                self._next()
        finally:
            self._depth -= 1

    def type(self) -> str:
        """Read a type."""
        self._enter()
        try:
            return self._type()
        finally:
            self._depth -= 1

    def _type(self) -> str:
        kind = self._next()
        if kind in _BASIC:
            return _BASIC[kind]
        if kind in "AS":
            inner = self.type()
            if kind == "A":
                self._const()
                return f"[{inner}; _]"
            return f"[{inner}]"
        if kind == "T":
            parts = []
            while not self._accept("E"):
                parts.append(self.type())
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        if kind in "RQ":
            if self._accept("L"):
                self._base62()
            return f"&{'mut ' if kind == 'Q' else ''}{self.type()}"
        if kind in "PO":
            return f"*{'const' if kind == 'P' else 'mut'} {self.type()}"
        if kind == "F":
            return self._function()
        if kind == "D":
            return self._dyn()
        if kind == "B":
            target = self._back()
            saved, self._at = self._at, target
            try:
                return self.type()
            finally:
                self._at = saved
        return self._path(kind, in_value=False)

    def _function(self) -> str:
        if self._accept("G"):
            self._base62()
        self._accept("U")
        if self._accept("K") and not self._accept("C"):
            self._undisambiguated()
        parts = []
        while not self._accept("E"):
            parts.append(self.type())
        result = self.type()
        return f"fn({', '.join(parts)})" + (f" -> {result}" if result != "()" else "")

    def _dyn(self) -> str:
        if self._accept("G"):
            self._base62()
        parts = []
        while not self._accept("E"):
            text = self.path()
            while self._accept("p"):
                self._undisambiguated()
                self.type()
            parts.append(text)
        if self._accept("L"):
            self._base62()
        return "dyn " + " + ".join(parts)


def _special(space: str, name: str, number: int) -> str:
    """Name what stands in a compiler namespace: ``{closure#0}``, ``{shim:vtable#0}``."""
    if space == "C":
        return f"{{closure{':' + name if name else ''}#{number}}}"
    if space == "S":
        return f"{{shim{':' + name if name else ''}#{number}}}"
    if space.isupper():
        return f"{{{space}{':' + name if name else ''}#{number}}}"
    return name


def _punycode(text: str) -> str:
    try:
        head, _, tail = text.rpartition("_")
        return (f"{head}-{tail}" if head else tail).encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return text
