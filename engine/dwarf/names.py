"""The names in a unit: which namespaces, types, functions and variables it holds."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from adp_tui.engine.dwarf.abbrev import FIXED_SIZE, WAY, Declaration
from adp_tui.engine.dwarf.constants import AT, FORM, TAG
from adp_tui.engine.dwarf.leb import fixed, uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["INDEXED", "NO_NAME", "UnitIndex", "split_path"]

INDEXED: Final = frozenset(
    {
        TAG.NAMESPACE, TAG.STRUCTURE, TAG.UNION, TAG.ENUMERATION, TAG.CLASS,
        TAG.SUBPROGRAM, TAG.VARIABLE, TAG.BASE,
    }
)  # fmt: skip
"""The tags of the DIEs that an index holds."""
MAX_DEPTH: Final = 64
NO_NAME: Final = 0xFFFFFFFF
_NAME_WITHIN: Final = 256
"""Bytes of a DIE before its name: LLVM writes at most a frame base and a few numbers there."""
_STEP: Final = 1 << 12
"""Bytes of a unit that are visited at once at least."""
_IN_PLACE: Final = 1 << 40
"""Added to the offset in ``.debug_info`` of a name that stands in the DIE itself: gcc stores
names of up to three letters there."""


class UnitIndex:
    """Offset, tag, parent and name of each named entity of one unit, in one pass.

    LLVM writes no DW_AT_sibling, so a subtree cannot be left out: the pass visits every DIE
    and decodes only those it wants (2 to 3 million DIEs a second). It goes as far as is asked.
    """

    def __init__(self, sections: Sections, unit: Unit) -> None:
        self._sections = sections
        self.unit = unit
        self.offsets = array("L")
        self.tags = array("H")
        self.parents = array("l")
        """Index of the nearest indexed ancestor, or -1."""
        self._names: array[int] | None = None
        self._reached = unit.first
        """Offset of the first DIE that was not visited yet."""
        self._parent = -1
        self._open: list[int] = []
        self._problem: NoDebugInfoError | None = None
        self._paths: dict[int, str] = {}
        """Of entries that others stand in."""
        self._steps: _Steps | None = None

    def complete(self) -> None:
        """Visit what is left of the unit: before all entries are gone through.

        Raises:
            NoDebugInfoError: the unit is cut off.
        """
        self._reach(self.unit.end)

    def _reach(self, offset: int) -> None:
        if self._problem is not None:
            raise self._problem
        if offset < self._reached:
            return
        # An eighth more at least: what is asked next often stands close by.
        unit = self.unit
        ahead = self._reached + (self._reached - unit.first) // 8 + _STEP
        try:
            self._scan(min(max(offset + 1, ahead), unit.end))
        except (IndexError, KeyError) as error:
            self._problem = NoDebugInfoError(f"the unit at {unit.offset:#x} is cut off")
            raise self._problem from error

    def _scan(self, until: int) -> None:
        unit = self.unit
        data = self._sections.info.slice(unit.offset, unit.end)
        if self._steps is None:
            self._steps = _Steps(self._sections.table(unit))
        steps = self._steps
        ways, befores, afters, kinds = steps.ways, steps.befores, steps.afters, steps.kinds
        offsets: list[int] = []
        tags: list[int] = []
        parents: list[int] = []
        base = unit.offset
        at, end = self._reached - base, until - base
        parent, count, stack = self._parent, len(self.offsets), self._open
        while at < end:
            code = data[at]
            if not code:
                at += 1
                parent = stack.pop() if stack else -1
                continue
            start = at
            if code < 128:
                way = ways[code]
                at += befores[code]
                if way == _LEAF:
                    continue
                if way == WAY.LEB:
                    while data[at] > 127:
                        at += 1
                    at += afters[code]
                elif way == WAY.BLOCK and data[at] < 128:
                    at += data[at] + afters[code]
                elif way != WAY.FIXED:
                    at = steps.table[code].skip(data, start + 1)
                kind = kinds[code]
            else:
                code, at = uleb(data, at)
                declaration = steps.table[code]
                at = declaration.skip(data, at)
                kind = _kind(declaration)
            if kind > 1:
                offsets.append(base + start)
                tags.append(kind >> 1)
                parents.append(parent)
                count += 1
                if kind & 1:
                    stack.append(parent)
                    parent = count - 1
            elif kind:
                stack.append(parent)
        self.offsets.fromlist(offsets)
        self.tags.fromlist(tags)
        self.parents.fromlist(parents)
        self._reached, self._parent = base + at, parent

    def name(self, index: int) -> int:
        """Return the offset in ``.debug_str`` of an entry's name; ``NO_NAME`` for none there."""
        if self._names is not None:
            return self._names[index]
        info = self._sections.info
        start = self.offsets[index]
        # A code and the attributes up to the name: what stands before it has a bounded size.
        data = info.slice(start, min(start + _NAME_WITHIN, self.unit.end))
        try:
            code, at = uleb(data, 0)
            return self._name(self._sections.table(self.unit)[code], data, at, start)
        except (IndexError, KeyError):
            return NO_NAME

    def _name(self, declaration: Declaration, data: bytes, at: int, base: int) -> int:
        found = declaration.fixed.get(AT.NAME) or _after_blocks(declaration, data, at)
        if found is None:
            return NO_NAME
        offset, form = found
        if form == FORM.STRP:
            return fixed(data, at + offset, 4)
        if form == FORM.STRX:
            raw, _ = uleb(data, at + offset)
        elif form in _STRX_SIZES:
            raw = fixed(data, at + offset, _STRX_SIZES[form])
        elif form == FORM.STRING:
            return _IN_PLACE + base + at + offset
        else:
            return NO_NAME
        found_offset = self._sections.string_offset(self.unit, form, raw)
        return NO_NAME if found_offset is None else found_offset

    def position(self, offset: int) -> int | None:
        """Return at which place of the index the DIE at an offset stands."""
        self._reach(offset)
        index = bisect_left(self.offsets, offset)
        if index < len(self.offsets) and self.offsets[index] == offset:
            return index
        return None

    def path(self, index: int, name: str) -> str:
        """Return the qualified name of entry ``index``, whose own name is ``name``:
        ``tokio::sync::mutex::Mutex<u32>``.
        """
        outer = self.parents[index]
        path = "" if outer < 0 else self._paths.get(outer)
        return _joined(self._path_to(outer) if path is None else path, name)

    def _path_to(self, index: int) -> str:
        """Return the qualified name of an entry that others stand in."""
        around: list[int] = []
        while index >= 0 and index not in self._paths and len(around) < MAX_DEPTH:
            around.append(index)
            index = self.parents[index]
        path = self._paths.get(index, "")
        for outer in reversed(around):
            path = self._paths[outer] = _joined(path, self._text(self.name(outer)))
        return path

    def _text(self, name: int) -> str:
        if name == NO_NAME:
            return ""
        try:
            if name >= _IN_PLACE:
                return self._sections.info.text(name - _IN_PLACE)
            return self._sections.string(name)
        except IndexError:
            return "?"

    def named(self, names: frozenset[int]) -> Iterator[int]:
        """Yield the places of entries whose name stands at one of these string offsets."""
        if self._names is None:
            self.complete()
            self._names = array("L", (self.name(index) for index in range(len(self.offsets))))
        for index, name in enumerate(self._names):
            if name in names:
                yield index


def _joined(path: str, name: str) -> str:
    return f"{path}::{name}" if path and name else path or name


def _after_blocks(declaration: Declaration, data: bytes, at: int) -> tuple[int, int] | None:
    """Find a name that stands after values of varying size: a function's, after its frame base."""
    start = at
    for attribute, form, _ in declaration.attributes:
        if attribute == AT.NAME:
            return at - start, form
        size = FIXED_SIZE.get(form)
        if size is not None:
            at += size
        elif form in (FORM.EXPRLOC, FORM.BLOCK):
            length, at = uleb(data, at)
            at += length
        elif form in (FORM.UDATA, FORM.SDATA, FORM.REF_UDATA, FORM.STRX, FORM.ADDRX) or form in (
            FORM.RNGLISTX,
            FORM.LOCLISTX,
        ):
            _, at = uleb(data, at)
        else:
            return None
    return None


_STRX_SIZES: Final = {FORM.STRX1: 1, FORM.STRX2: 2, FORM.STRX3: 3, FORM.STRX4: 4}


_LEAF: Final = -1
"""A way: what has a fixed size and no children, and no index holds it."""


class _Steps:
    """How to step over the DIEs of a unit whose codes have one byte: most do."""

    def __init__(self, table: dict[int, Declaration]) -> None:
        self.table = table
        self.ways: list[int] = [WAY.OTHER] * 128
        self.befores: list[int] = [0] * 128
        """Bytes of the code, and of what stands before a value of varying size."""
        self.afters: list[int] = [0] * 128
        """Bytes of what stands after it, and of its last byte or its length."""
        self.kinds: list[int] = [0] * 128
        for code, declaration in table.items():
            if code < 128:
                way, before, after = declaration.way
                kind = self.kinds[code] = _kind(declaration)
                self.ways[code] = _LEAF if way == WAY.FIXED and not kind else way
                self.befores[code], self.afters[code] = before + 1, after + 1


def _kind(declaration: Declaration) -> int:
    """Return the tag (0 where it is not wanted) and whether children follow, as one number."""
    tag = declaration.tag if declaration.tag in INDEXED else 0
    return tag << 1 | declaration.children


def split_path(name: str) -> tuple[str, str]:
    """Split a qualified name into its namespace and its last segment, generics kept whole."""
    depth, at = 0, len(name)
    while at > 0:
        at -= 1
        char = name[at]
        if char == ">" and at and name[at - 1] in "-=":
            continue
        if char in ">)}]":
            depth += 1
        elif char in "<({[":
            depth -= 1
        elif char == ":" and depth == 0 and at and name[at - 1] == ":":
            return name[: at - 1], name[at + 1 :]
    return "", name
