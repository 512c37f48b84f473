"""Functions and variables as DWARF describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.types import Place, Type, TypeSource

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.info import DebugInfo

__all__ = ["Function", "Variable", "origin_of", "template_types"]

MAX_HOPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function. ``name`` is its qualified path with generic arguments, as DWARF has it;
    ``low`` and ``size`` are in the file's own addresses.
    """

    source: TypeSource
    offset: int
    name: str
    linkage_name: str | None
    low: int
    size: int
    params: Mapping[str, int]
    place: Place | None

    def param(self, name: str) -> Type | None:
        """Return the template parameter ``name`` (``T``), or None."""
        offset = self.params.get(name)
        return None if offset is None else self.source.type_at(offset)


@dataclass(frozen=True, slots=True)
class Variable:
    """A static or thread-local. ``name`` is its qualified path; offsets are of DIEs."""

    name: str
    offset: int
    unit: int
    """Offset of its unit, whose numbered addresses its location may name."""
    type_offset: int | None
    linkage_name: str | None
    location: bytes | None


def origin_of(info: DebugInfo, die: Die) -> Die:
    """Follow DW_AT_abstract_origin and DW_AT_specification to the DIE with the name."""
    current = die
    for _ in range(MAX_HOPS):
        if AT.NAME in current and AT.SPECIFICATION not in current:
            return current
        target = current.reference(AT.ABSTRACT_ORIGIN)
        if target is None:
            target = current.reference(AT.SPECIFICATION)
        if target is None:
            return current
        current = info.die(target)
    return current


def template_types(info: DebugInfo, die: Die) -> dict[str, int]:
    """Return the template parameters of a function: they stand after its scopes, or only at
    the abstract instance that it was made of.
    """
    current = die
    for _ in range(MAX_HOPS):
        found: dict[str, int] = {}
        for child in current.children():
            if child.tag == TAG.TEMPLATE_TYPE:
                name, target = child.text(AT.NAME), child.reference(AT.TYPE)
                if name is not None:
                    found[name] = target or 0
        if found:
            return found
        target = current.reference(AT.ABSTRACT_ORIGIN)
        if target is None:
            target = current.reference(AT.SPECIFICATION)
        if target is None:
            return found
        current = info.die(target)
    return {}
