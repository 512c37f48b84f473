"""Types and functions by a glob of their names: a search through all names, for tools that have
the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.dwarf.constants import TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.info import TYPE_TAGS, DebugInfo
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program

__all__ = ["has_function", "types_matching"]

MAX_STRINGS = 512
"""Names that end alike and are looked at for one glob."""
MAX_DIES = 256
_LONGEST = 65_600
_WORD = re.compile(r"\w{2,}")
_FUNCTIONS = frozenset({TAG.SUBPROGRAM})


def types_matching(program: Program, pattern: str, most: int) -> tuple[Type, ...] | None:
    """Return some types whose names a glob matches: complete ones, of different names.

    None where that cannot be told: what stands before the first ``<`` must end in a name, as a
    search for any name at all finds all of them.
    """
    if "*" not in pattern:
        found = program.type_named(pattern)
        return () if found is None else (found,)
    name = _own_name(pattern)
    if name is None:
        return None
    types: dict[str, Type] = {}
    for _, debug in program.infos():
        for die in _Names(debug, name).called(Glob(pattern), TYPE_TAGS):
            type_ = debug.type_at(die.offset)
            if type_.size or type_.members:
                types.setdefault(type_.name, type_)
                if len(types) >= most:
                    return tuple(types.values())
    return tuple(types.values())


def has_function(program: Program, pattern: str) -> bool | None:
    """Tell whether a glob matches the name of a function; None where that cannot be told."""
    name = _own_name(pattern)
    if name is None:
        return None
    for _, debug in program.infos():
        names = _Names(debug, name)
        if next(names.called(Glob(pattern), _FUNCTIONS), None) is not None:
            return True
        if names.cut:
            return None
    return False


def _own_name(pattern: str) -> re.Pattern[bytes] | None:
    """Return what matches the last name of all that a glob does, where it stands."""
    # A star may stand for the arguments of what a method is of: ``Harness<*::poll<*``.
    head, generic, rest = pattern.rpartition("<*::")[2].partition("<")
    last = head.rpartition("::")[2]
    if not _WORD.search(last):
        return None
    parts = f"{last}{generic}{rest}".split("*")
    name = rb"[^\0]*".join(re.escape(part.encode("utf-8", "replace")) for part in parts)
    return re.compile(rb"\0(" + name + rb")(?=\0)")


class _Names:
    """What a pattern matches of the names in a file.

    Attributes:
        cut: whether there were more than are looked at.
    """

    def __init__(self, debug: DebugInfo, name: re.Pattern[bytes]) -> None:
        self._debug = debug
        self._name = name
        self.cut = False

    def called(self, glob: Glob, tags: frozenset[int]) -> Iterator[Die]:
        """Yield the DIEs whose own name is one of those, and whose path a glob matches: one for
        each name.
        """
        debug, strings = self._debug, self._debug.sections.strings
        for number, match in enumerate(strings.matches(self._name, _LONGEST)):
            if number >= MAX_STRINGS:
                self.cut = True
                return
            at = match.start(1) - strings.base
            for die in islice(debug.search.by_string(at, tags), MAX_DIES):
                try:
                    if glob.match(debug.qualified_name(die)):
                        yield die
                        break
                except AdpError:
                    continue
