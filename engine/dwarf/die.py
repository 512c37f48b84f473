"""A debugging information entry: its attributes and its children, read when asked for."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from adp_tui.engine.dwarf.abbrev import Declaration, Raw
from adp_tui.engine.dwarf.constants import AT
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.sections import Sections

__all__ = ["Die", "Raw"]

MAX_CHILDREN: Final = 1_000_000


class Die:
    """One DIE. ``offset`` is into ``.debug_info``; attributes are parsed once."""

    __slots__ = ("_after", "_values", "declaration", "offset", "sections", "unit")

    def __init__(
        self, sections: Sections, unit: Unit, offset: int, declaration: Declaration, after: int
    ) -> None:
        """``after`` is the offset after the code, which named the declaration."""
        self.sections = sections
        self.unit = unit
        self.offset = offset
        self.declaration = declaration
        self._after = after
        self._values: Sequence[Raw] | None = None

    @classmethod
    def at(cls, sections: Sections, unit: Unit, offset: int) -> Die:
        """Return the DIE at an offset.

        Raises:
            NoDebugInfoError: there is none.
        """
        data, base = sections.info.buffer, sections.info.base
        if not unit.offset < offset < unit.end:
            raise NoDebugInfoError(f"there is no DIE at {offset:#x} of .debug_info")
        try:
            code, after = uleb(data, base + offset)
            declaration = sections.table(unit)[code]
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"there is no DIE at {offset:#x} of .debug_info") from error
        return cls(sections, unit, offset, declaration, after - base)

    def __repr__(self) -> str:
        return f"<Die tag {self.tag:#x} at {self.offset:#x}>"

    @property
    def tag(self) -> int:
        """DW_TAG_* of the DIE."""
        return self.declaration.tag

    def raw(self, attribute: int) -> tuple[int, Raw] | None:
        """Return form and stored value of an attribute, or None."""
        slot = self.declaration.slots.get(attribute)
        if slot is None:
            return None
        return slot[1], (self._values or self._parse())[slot[0]]

    def values(self) -> Iterator[tuple[int, int, Raw]]:
        """Yield attribute, form and stored value of each attribute."""
        values = self._values or self._parse()
        for attribute, (at, form) in self.declaration.slots.items():
            yield attribute, form, values[at]

    @property
    def after(self) -> int:
        """The offset after the attributes: where the first child or the next DIE begins."""
        if self._values is None:
            self._parse()
        return self._after

    def _parse(self) -> Sequence[Raw]:
        info = self.sections.info
        try:
            self._values, at = self.declaration.read(info.buffer, info.base + self._after)
            if at - info.base > self.unit.end:
                raise IndexError(at)
        except (IndexError, struct.error) as error:
            self._values = None
            raise NoDebugInfoError(f"the DIE at {self.offset:#x} is cut off") from error
        self._after = at - info.base
        return self._values

    def __contains__(self, attribute: int) -> bool:
        return attribute in self.declaration.slots

    def number(self, attribute: int) -> int | None:
        """Return a constant, or None where the DIE has no such attribute."""
        slot = self.declaration.slots.get(attribute)
        if slot is None:
            return None
        found = (self._values or self._parse())[slot[0]]
        return found if isinstance(found, int) else None

    def block(self, attribute: int) -> bytes | None:
        """Return the bytes of an expression or block."""
        found = self.raw(attribute)
        return found[1] if found is not None and isinstance(found[1], bytes) else None

    def text(self, attribute: int = AT.NAME) -> str | None:
        """Return a string."""
        found = self.raw(attribute)
        return None if found is None else self.sections.text(self.unit, *found)

    def address(self, attribute: int) -> int | None:
        """Return an address of the file."""
        found = self.raw(attribute)
        return None if found is None else self.sections.address(self.unit, *found)

    def reference(self, attribute: int) -> int | None:
        """Return the offset in ``.debug_info`` that a reference names."""
        found = self.raw(attribute)
        return None if found is None else self.sections.reference(self.unit, *found)

    def children(self) -> Iterator[Die]:
        """Yield the direct children; what is below them is stepped over.

        Raises:
            NoDebugInfoError: the tree is cut off.
        """
        if not self.declaration.children:
            return
        data, base = self.sections.info.buffer, self.sections.info.base
        table, end = self.sections.table(self.unit), base + self.unit.end
        at, depth, count = base + self.after, 0, 0
        try:
            while at < end and count < MAX_CHILDREN:
                code = data[at]
                if not code:
                    at += 1
                    if not depth:
                        return
                    depth -= 1
                    continue
                after = at + 1
                if code > 127:
                    code, after = uleb(data, at)
                declaration = table[code]
                if depth:
                    at = declaration.skip(data, after)
                else:
                    child = Die(self.sections, self.unit, at - base, declaration, after - base)
                    yield child
                    if child._values is None:
                        at = declaration.skip(data, after)
                    else:
                        at = base + child._after
                    count += 1
                if declaration.children:
                    depth += 1
        except (IndexError, KeyError) as error:
            raise NoDebugInfoError(f"the children of {self.offset:#x} are cut off") from error
