"""The names in a unit: which namespaces, types, functions and variables it holds."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from adp_tui.engine.dwarf.abbrev import FIXED_SIZE, Declaration
from adp_tui.engine.dwarf.constants import AT, FORM, TAG
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["UnitIndex", "split_path"]

_WANTED = frozenset(
    {
        TAG.NAMESPACE, TAG.STRUCTURE, TAG.UNION, TAG.ENUMERATION, TAG.CLASS,
        TAG.SUBPROGRAM, TAG.VARIABLE,
    }
)  # fmt: skip
MAX_DEPTH = 64
_NO_NAME = 0xFFFFFFFF


class UnitIndex:
    """Offset, tag, parent and name of each named entity of one unit, in one pass.

    LLVM writes no DW_AT_sibling, so a subtree cannot be left out: the pass visits every DIE
    and decodes only those it wants (2 to 3 million DIEs a second).
    """

    def __init__(self, sections: Sections, unit: Unit) -> None:
        self._sections = sections
        self.unit = unit
        self.offsets = array("L")
        self.tags = array("H")
        self.parents = array("l")
        """Index of the nearest indexed ancestor, or -1."""
        self.names = array("L")
        """Offset in ``.debug_str`` of the name; ``_NO_NAME`` where it has none there."""
        try:
            self._scan()
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"the unit at {unit.offset:#x} is cut off") from error

    def _scan(self) -> None:
        unit, sections = self.unit, self._sections
        table = sections.table(unit)
        data = sections.info.slice(unit.offset, unit.end)
        fast = _leaf_sizes(table)
        add_offset, add_tag = self.offsets.append, self.tags.append
        add_parent, add_name = self.parents.append, self.names.append
        at, end, base = unit.first - unit.offset, len(data), unit.offset
        parent = -1
        stack: list[int] = []
        while at < end:
            code = data[at]
            if code < 128:
                size = fast[code]
                if size:
                    at += size
                    continue
                if not code:
                    at += 1
                    parent = stack.pop() if stack else -1
                    continue
                start, at = at, at + 1
            else:
                start = at
                code, at = uleb(data, at)
            declaration = table[code]
            wanted = declaration.tag in _WANTED
            if wanted:
                add_offset(base + start)
                add_tag(declaration.tag)
                add_parent(parent)
                add_name(self._name(declaration, data, at))
            at = declaration.skip(data, at)
            if declaration.children:
                stack.append(parent)
                if wanted:
                    parent = len(self.offsets) - 1

    def _name(self, declaration: Declaration, data: bytes, at: int) -> int:
        found = declaration.fixed.get(AT.NAME) or _after_blocks(declaration, data, at)
        if found is None:
            return _NO_NAME
        offset, form = found
        if form == FORM.STRP:
            return int.from_bytes(data[at + offset : at + offset + 4], "little")
        if form == FORM.STRX:
            raw, _ = uleb(data, at + offset)
        elif form in _STRX_SIZES:
            size = _STRX_SIZES[FORM(form)]
            raw = int.from_bytes(data[at + offset : at + offset + size], "little")
        else:
            return _NO_NAME
        found_offset = self._sections.string_offset(self.unit, form, raw)
        return _NO_NAME if found_offset is None else found_offset

    def has_name(self, index: int) -> bool:
        """Tell whether entry ``index`` has a name in ``.debug_str``."""
        return self.names[index] != _NO_NAME

    def position(self, offset: int) -> int | None:
        """Return at which place of the index the DIE at an offset stands."""
        index = bisect_left(self.offsets, offset)
        if index < len(self.offsets) and self.offsets[index] == offset:
            return index
        return None

    def siblings(self, index: int) -> Iterator[int]:
        """Yield the entries that share the parent of entry ``index``."""
        parent = self.parents[index]
        # Siblings stand close by: after the parent, and before what follows its subtree.
        for other in range(parent + 1, len(self.offsets)):
            if self.parents[other] == parent:
                yield other
            elif self.parents[other] < parent:
                return

    def path(self, index: int) -> str:
        """Return the qualified name of entry ``index``: ``tokio::sync::mutex::Mutex<u32>``."""
        parts: list[str] = []
        for _ in range(MAX_DEPTH):
            if index < 0:
                break
            name = self.names[index]
            if name != _NO_NAME:
                try:
                    parts.append(self._sections.strings.text(name))
                except IndexError:
                    parts.append("?")
            index = self.parents[index]
        return "::".join(reversed(parts))

    def named(self, names: frozenset[int]) -> Iterator[int]:
        """Yield the places of entries whose name stands at one of these string offsets."""
        for index, name in enumerate(self.names):
            if name in names:
                yield index


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


_STRX_SIZES = {FORM.STRX1: 1, FORM.STRX2: 2, FORM.STRX3: 3, FORM.STRX4: 4}


def _leaf_sizes(table: dict[int, Declaration]) -> list[int]:
    """Return, by code, the whole size of DIEs that can be stepped over at once; else 0."""
    sizes = [0] * 128
    for code, declaration in table.items():
        if (
            code < 128
            and declaration.size >= 0
            and not declaration.children
            and declaration.tag not in _WANTED
        ):
            sizes[code] = declaration.size + 1
    return sizes


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
