"""Globs over type and function names: ``*`` matches anything, generics included."""

from __future__ import annotations

__all__ = ["Glob"]


class Glob:
    """A pattern whose only special character is ``*``; matching takes linear time."""

    __slots__ = ("_first", "_last", "_middle", "crate", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        parts = pattern.split("*")
        self._first = parts[0]
        self._last = parts[-1] if len(parts) > 1 else None
        self._middle = [part for part in parts[1:-1] if part]
        crate, path, _ = self._first.partition("::")
        self.crate = crate if path else None
        """What all names that fit begin with, up to ``::``; None where that is not said."""

    def __repr__(self) -> str:
        return f"Glob({self.pattern!r})"

    def match(self, name: str) -> bool:
        """Tell whether the whole name fits."""
        if self._last is None:
            return name == self._first
        if not name.startswith(self._first) or not name.endswith(self._last):
            return False
        at, end = len(self._first), len(name) - len(self._last)
        if at > end:
            return False
        for part in self._middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True
