"""Which types are polled: those whose pinned reference a ``poll`` function takes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.names import NO_NAME
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.elf.file import Blob
from adp_tui.engine.errors import AdpError

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.stringtable import StringTable
    from adp_tui.engine.program import Program

__all__ = ["PolledTypes", "pinned_type"]

MAX_UNITS = 256
"""Units with a copy of the pinned reference that are looked at for one type."""
MAX_POLLS = 100_000
MAX_LINKAGE_NAME = 8192
_POLL = (b"poll\0", b"poll<")
_PIN = "Pin<&mut "
_ARGUMENTS = frozenset({TAG.FORMAL_PARAMETER, TAG.VARIABLE})
_PATH = re.compile(r"((?:\w+::)*(\w+))(?:<.*)?", re.S)
_POLL_ENDS = re.compile(rb"4poll(?:17h|[\0BC])")
"""Of linkage names, legacy and v0: those may end with the crate that has the instance."""
_LEGACY_END, _OF = b"4poll17h", b"$GT$"
_V0 = b"_R"
MAX_V0 = 50_000
"""Linkage names that are looked at one by one; where there are more, the section is searched."""
_IMPLEMENTOR = re.compile(rb"_\$LT\$([\w.]+)\$")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_COUNTED = re.compile(rb"(?=(\d{1,3})_?([A-Za-z_]\w*))")


class PolledTypes:
    """Answers by type name, each looked up once: "is a future" needs no list of crates."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[str, bool] = {}
        self._files: dict[int, tuple[DebugInfo, _File]] = {}

    def holds(self, type_name: str) -> bool:
        """Tell whether ``poll(self: Pin<&mut T>, …)`` exists for the type with this name."""
        known = self._known.get(type_name)
        if known is None:
            known = self._known[type_name] = self._find(type_name)
        return known

    def _find(self, type_name: str) -> bool:
        for _, debug in self._program.infos():
            known = debug.answers.table("polled types")
            if type_name not in known:
                try:
                    known[type_name] = self._file(debug).polls(type_name)
                except AdpError:
                    continue
            if known[type_name]:
                return True
        return False

    def _file(self, debug: DebugInfo) -> _File:
        file = self._files.get(id(debug))
        if file is None:
            file = self._files[id(debug)] = (debug, _File(debug))
        return file[1]


class _File:
    """The ``poll`` functions of one file.

    Most types that are pinned are no futures, and each search of ``.debug_info`` costs time in
    proportion to its size. So the linkage names are asked first, which say the trait's
    implementors without their generic arguments: ``<hyper::…::Connection<I, S> as Future>::poll``.
    """

    def __init__(self, debug: DebugInfo) -> None:
        self._debug = debug
        self._names = _linkage_names(debug.sections.strings, debug.search.strings.table())
        self._found: dict[tuple[int, str], frozenset[str]] = {}

    def polls(self, type_name: str) -> bool:
        path = _path(type_name)
        linked: list[int] = []
        if self._names:
            # Tuples and closures are no futures; what a reference points to is asked for itself.
            linked = [at for key in path or () for at in self._names.get(key, ())]
            if not linked:
                return False
        tried: set[int] = set()
        for pin in self._debug.search.pinned(type_name):
            if pin.unit.offset in tried or len(tried) > MAX_UNITS:
                continue
            tried.add(pin.unit.offset)
            if type_name in self._polled_in(pin.unit, path[0] if path else "", linked):
                return True
        return False

    def _polled_in(self, unit: Unit, path: str, linked: Sequence[int]) -> frozenset[str]:
        """Return the names of the types that a unit's ``poll`` functions take pinned."""
        # From DWARF 5 on the strings of a unit are numbers of its own: all of it is gone through.
        targeted = bool(linked) and unit.version < 5
        key = (unit.offset, path if targeted else "")
        known = self._found.get(key)
        if known is None:
            dies = self._linked(unit, linked) if targeted else _named(self._debug, unit)
            known = self._found[key] = frozenset(_pinned(self._debug, dies))
        return known

    def _linked(self, unit: Unit, strings: Sequence[int]) -> Iterator[Die]:
        for string in strings:
            yield from self._debug.search.linked(unit, string)


def _named(debug: DebugInfo, unit: Unit) -> Iterator[Die]:
    """Yield the functions of a unit that are called ``poll``: all of it is gone through."""
    index = debug.index(unit)
    index.complete()
    strings = debug.sections.strings
    for position, tag in enumerate(index.tags):
        if tag != TAG.SUBPROGRAM:
            continue
        at = index.name(position)
        if at != NO_NAME and strings.slice(at, at + 5) in _POLL:
            yield debug.die(index.offsets[position])


def pinned_type(debug: DebugInfo, argument: Die) -> str | None:
    """Return the full name of T for an argument of type ``Pin<&mut T>``; None for any other."""
    target = argument.reference(AT.TYPE)
    # Its own name is enough: the whole path would have half of the unit read.
    name = None if target is None else debug.die(target).text()
    if name is None or not name.startswith(_PIN) or not name.endswith(">"):
        return None
    return name[len(_PIN) : -1]


def _pinned(debug: DebugInfo, functions: Iterator[Die]) -> Iterator[str]:
    """Yield the types whose pinned reference is the ``self`` of a function.

    An optimiser that takes the argument apart leaves a variable of that name instead.
    """
    for function in functions:
        try:
            self_ = (c for c in function.children() if c.tag in _ARGUMENTS and c.text() == "self")
            argument = next(self_, None)
            polled = None if argument is None else pinned_type(debug, argument)
        except AdpError:
            continue
        if polled is not None:
            yield polled


def _linkage_names(strings: Blob, table: StringTable | None) -> dict[str, list[int]]:
    """Return the offsets of the linkage names of ``Future::poll`` by whose method it is.

    The keys are paths without arguments, or the last words of such. A type of which neither is
    there has no such method. v0 names have the words of the implementor's arguments, too, which
    only costs a look.
    """
    found: dict[str, list[int]] = defaultdict(list)
    if table is not None and table.count(_V0) > MAX_V0:
        table = None
    names = _searched(strings) if table is None else _tabled(table)
    for at, name in names:
        for key in _implementor(name):
            found[key.decode("ascii", "replace")].append(at)
    return dict(found)


def _searched(strings: Blob) -> Iterator[tuple[int, bytes]]:
    """Yield the linkage names of methods called ``poll``, with their offsets."""
    for match in islice(strings.matches(_POLL_ENDS, len(_LEGACY_END)), MAX_POLLS):
        at, end = match.start() - strings.base, match.end() - strings.base
        if match[0] == _LEGACY_END and strings.slice(at - len(_OF), at) != _OF:
            continue
        start = strings.rfind(b"\0", max(at - MAX_LINKAGE_NAME, 0), at) + 1
        yield start, strings.slice(start, end)


def _tabled(table: StringTable) -> Iterator[tuple[int, bytes]]:
    """Yield the same from a large section's table."""
    for at, name in islice(table.polls(), MAX_POLLS):
        if name.endswith(_OF, 0, name.rindex(_LEGACY_END)):
            yield at, name
    for at, name in table.beginning(_V0):
        if _POLL_ENDS.search(name + b"\0"):
            yield at, name


def _implementor(linkage_name: bytes) -> Iterable[bytes]:
    """Return what may be the path, or the last word, of the type that a method is of."""
    if linkage_name.startswith(b"_R"):
        return {m[2][: int(m[1])] for m in _COUNTED.finditer(linkage_name)}
    if b"core..future..future..Future$" not in linkage_name:
        return ()
    legacy = _IMPLEMENTOR.search(linkage_name)
    if legacy is None or linkage_name.count(b"$LT$impl$u20$"):
        # A type within a method, or an impl elsewhere than its type.
        return set(_WORD.findall(linkage_name))
    return (legacy[1].replace(b"..", b"::"),)


def _path(type_name: str) -> tuple[str, str] | None:
    """Return path and last word of ``futures_util::…::Map<Fut, F>``; None for what is no path."""
    found = _PATH.fullmatch(type_name)
    return None if found is None else (found[1], found[2])
