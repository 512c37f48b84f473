"""A debugging information entry: its attributes and its children, read when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.abbrev import FIXED_SIZE, Declaration
from adp_tui.engine.dwarf.constants import AT, FORM
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.sections import Sections

__all__ = ["Die", "Raw"]

Raw = int | bytes | str
"""A value as it is stored: a number (an index, an offset), a block, or an inline string."""

_BLOCKS = {FORM.BLOCK1: 1, FORM.BLOCK2: 2, FORM.BLOCK4: 4}
_SIGNED = {FORM.SDATA}
MAX_CHILDREN = 1_000_000


class Die:
    """One DIE. ``offset`` is into ``.debug_info``; attributes are parsed once."""

    __slots__ = ("_after", "_values", "declaration", "offset", "sections", "unit")

    def __init__(self, sections: Sections, unit: Unit, offset: int) -> None:
        self.sections = sections
        self.unit = unit
        self.offset = offset
        data, base = sections.info.buffer, sections.info.base
        if not unit.offset < offset < unit.end:
            raise NoDebugInfoError(f"there is no DIE at {offset:#x} of .debug_info")
        try:
            code, at = uleb(data, base + offset)
            self.declaration: Declaration = sections.table(unit)[code]
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"there is no DIE at {offset:#x} of .debug_info") from error
        self._after = at - base
        self._values: dict[int, tuple[int, Raw]] | None = None

    def __repr__(self) -> str:
        return f"<Die tag {self.tag:#x} at {self.offset:#x}>"

    @property
    def tag(self) -> int:
        """DW_TAG_* of the DIE."""
        return self.declaration.tag

    @property
    def values(self) -> dict[int, tuple[int, Raw]]:
        """Form and stored value of each attribute."""
        if self._values is None:
            try:
                self._parse()
            except IndexError as error:
                raise NoDebugInfoError(f"the DIE at {self.offset:#x} is cut off") from error
            assert self._values is not None
        return self._values

    @property
    def after(self) -> int:
        """The offset after the attributes: where the first child or the next DIE begins."""
        if self._values is None:
            _ = self.values
        return self._after

    def _parse(self) -> None:
        data, base = self.sections.info.buffer, self.sections.info.base
        at = base + self._after
        values: dict[int, tuple[int, Raw]] = {}
        value: Raw
        for attribute, form, implicit in self.declaration.attributes:
            size = FIXED_SIZE.get(form)
            if size is not None:
                if size:
                    value = int.from_bytes(data[at : at + size], "little")
                    at += size
                else:
                    value = implicit if form == FORM.IMPLICIT_CONST else 1
            elif form in _SIGNED:
                value, at = sleb(data, at)
            elif form in (FORM.EXPRLOC, FORM.BLOCK):
                length, at = uleb(data, at)
                value = data[at : at + length]
                at += length
            elif form in _BLOCKS:
                width = _BLOCKS[FORM(form)]
                length = int.from_bytes(data[at : at + width], "little")
                at += width
                value = data[at : at + length]
                at += length
            elif form == FORM.STRING:
                value = self.sections.info.text(at - base)
                end = data.find(b"\0", at)
                if end < 0:
                    raise IndexError(at)
                at = end + 1
            else:
                value, at = uleb(data, at)
            values[attribute] = (form, value)
        if at - base > self.unit.end:
            raise IndexError(at)
        self._values = values
        self._after = at - base

    def __contains__(self, attribute: int) -> bool:
        return attribute in self.values

    def number(self, attribute: int) -> int | None:
        """Return a constant, or None where the DIE has no such attribute."""
        found = self.values.get(attribute)
        return found[1] if found is not None and isinstance(found[1], int) else None

    def block(self, attribute: int) -> bytes | None:
        """Return the bytes of an expression or block."""
        found = self.values.get(attribute)
        return found[1] if found is not None and isinstance(found[1], bytes) else None

    def text(self, attribute: int = AT.NAME) -> str | None:
        """Return a string."""
        found = self.values.get(attribute)
        return None if found is None else self.sections.text(self.unit, *found)

    def address(self, attribute: int) -> int | None:
        """Return an address of the file."""
        found = self.values.get(attribute)
        return None if found is None else self.sections.address(self.unit, *found)

    def reference(self, attribute: int) -> int | None:
        """Return the offset in ``.debug_info`` that a reference names."""
        found = self.values.get(attribute)
        return None if found is None else self.sections.reference(self.unit, *found)

    def children(self) -> Iterator[Die]:
        """Yield the direct children; what is below them is stepped over.

        Raises:
            NoDebugInfoError: the tree is cut off.
        """
        if not self.declaration.children:
            return
        data, base = self.sections.info.buffer, self.sections.info.base
        table, end = self.sections.table(self.unit), self.unit.end
        at, depth, count = self.after, 0, 0
        try:
            while at < end and count < MAX_CHILDREN:
                if not data[base + at]:
                    at += 1
                    if not depth:
                        return
                    depth -= 1
                    continue
                if not depth:
                    child = Die(self.sections, self.unit, at)
                    declaration = child.declaration
                    yield child
                    after = child._after if child._values is not None else None
                    if after is None:
                        after = declaration.skip(data, base + child._after) - base
                    at = after
                    count += 1
                else:
                    code, after = uleb(data, base + at)
                    declaration = table[code]
                    at = declaration.skip(data, after) - base
                if declaration.children:
                    depth += 1
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"the children of {self.offset:#x} are cut off") from error
