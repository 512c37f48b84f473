"""Marker comments in Rust sources: where the tests' expected lines come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["Markers"]

MARKER = re.compile(r"// \[([a-z0-9_.]+)\]\s*$")
FUNCTION = re.compile(r"^\s*(?:pub(?:\([a-z]+\))? )?(?:async )?fn (\w+)")


class Markers(Mapping[str, tuple[str, int]]):
    """File name and line of each marker ``// [name]`` in the sources of a program."""

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, tuple[str, int]] = {}
        self._functions: dict[str, tuple[str, int]] = {}
        self._starts: set[tuple[str, int]] = set()
        self._lines: dict[str, list[str]] = {}
        for path in sorted(folder.rglob("*.rs")):
            lines = self._lines[path.name] = path.read_text().splitlines()
            for number, line in enumerate(lines, 1):
                self._note(path.name, number, line)

    def _note(self, file: str, number: int, line: str) -> None:
        if found := MARKER.search(line):
            assert found[1] not in self._places, f"two markers [{found[1]}]"
            self._places[found[1]] = file, number
        if found := FUNCTION.match(line):
            self._functions.setdefault(found[1], (file, number))
            self._starts.add((file, number))

    @property
    def functions(self) -> frozenset[tuple[str, int]]:
        """The places where functions begin."""
        return frozenset(self._starts)

    def function(self, name: str) -> tuple[str, int]:
        """Return file name and line of the first function with that name."""
        return self._functions[name]

    def binding(self, function: str, variable: str) -> tuple[str, int]:
        """Return file name and line of the first ``let`` of a function that binds a variable."""
        file, start = self.function(function)
        let = re.compile(rf"^\s+let (?:.*\W)?{re.escape(variable)}\W.*=")
        for number, line in enumerate(self._lines[file][start:], start + 1):
            assert not FUNCTION.match(line), f"{function} binds no {variable}"
            if let.match(line):
                return file, number
        raise AssertionError(f"{function} binds no {variable}")

    def __getitem__(self, name: str) -> tuple[str, int]:
        return self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
