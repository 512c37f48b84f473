"""Types by a glob of their names: a search through all names, for tools that have the time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.dwarf.info import TYPE_TAGS, DebugInfo
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program

__all__ = ["types_matching"]

MAX_STRINGS = 512
"""Names that end alike and are looked at for one glob."""
MAX_DIES = 256
_LONGEST = 65_600
_WORD = re.compile(r"\w{2,}")


def types_matching(program: Program, pattern: str, most: int) -> tuple[Type, ...] | None:
    """Return some types whose names a glob matches: complete ones, of different names.

    None where that cannot be told: what stands before the first ``<`` must end in a name, as a
    search for any name at all finds all of them.
    """
    if "*" not in pattern:
        found = program.type_named(pattern)
        return () if found is None else (found,)
    head, generic, rest = pattern.partition("<")
    last = head.rpartition("::")[2]
    if not _WORD.search(last):
        return None
    parts = f"{last}{generic}{rest}".split("*")
    name = rb"[^\0]*".join(re.escape(part.encode("utf-8", "replace")) for part in parts)
    glob = Glob(pattern)
    types: dict[str, Type] = {}
    for _, debug in program.infos():
        for type_ in _called(debug, re.compile(rb"\0(" + name + rb")(?=\0)"), glob):
            if type_.size or type_.members:
                types.setdefault(type_.name, type_)
                if len(types) >= most:
                    return tuple(types.values())
    return tuple(types.values())


def _called(debug: DebugInfo, name: re.Pattern[bytes], glob: Glob) -> Iterator[Type]:
    """Yield the types of a file whose own name a pattern matches, and whose path the glob."""
    strings = debug.sections.strings
    for match in islice(strings.matches(name, _LONGEST), MAX_STRINGS):
        at = match.start(1) - strings.base
        for die in islice(debug.search.by_string(at, TYPE_TAGS), MAX_DIES):
            try:
                if glob.match(debug.qualified_name(die)):
                    yield debug.type_at(die.offset)
                    break
            except AdpError:
                continue
