"""Which types are polled: those whose pinned reference a ``poll`` function takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.names import NO_NAME
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import AdpError

if TYPE_CHECKING:
    from adp_tui.engine.program import Program

__all__ = ["PolledTypes"]

MAX_UNITS = 256
"""Units with a copy of the pinned reference that are looked at for one type."""
_POLL = (b"poll\0", b"poll<")
_PIN = "core::pin::Pin<&mut "


class PolledTypes:
    """Answers by type name, each looked up once: "is a future" needs no list of crates."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[str, bool] = {}
        self._units: dict[tuple[int, int], frozenset[str]] = {}

    def holds(self, type_name: str) -> bool:
        """Tell whether ``poll(self: Pin<&mut T>, …)`` exists for the type with this name."""
        known = self._known.get(type_name)
        if known is None:
            known = self._known[type_name] = self._find(type_name)
        return known

    def _find(self, type_name: str) -> bool:
        for _, debug in self._program.infos():
            try:
                tried: set[int] = set()
                for pin in debug.search.pinned(type_name):
                    if pin.unit.offset in tried or len(tried) > MAX_UNITS:
                        continue
                    tried.add(pin.unit.offset)
                    if type_name in self._polled_in(debug, pin.unit):
                        return True
            except AdpError:
                continue
        return False

    def _polled_in(self, debug: DebugInfo, unit: Unit) -> frozenset[str]:
        """Return the names of the types that a unit's ``poll`` functions take pinned."""
        key = (id(debug), unit.offset)
        known = self._units.get(key)
        if known is None:
            known = self._units[key] = frozenset(_polled(debug, unit))
        return known


def _polled(debug: DebugInfo, unit: Unit) -> Iterator[str]:
    index = debug.index(unit)
    index.complete()
    strings = debug.sections.strings
    for position, tag in enumerate(index.tags):
        if tag != TAG.SUBPROGRAM:
            continue
        at = index.name(position)
        if at == NO_NAME or strings.slice(at, at + 5) not in _POLL:
            continue
        for child in debug.die(index.offsets[position]).children():
            if child.tag == TAG.FORMAL_PARAMETER:
                target = child.reference(AT.TYPE)
                name = debug.type_at(target).name if target is not None else ""
                if name.startswith(_PIN):
                    yield name[len(_PIN) : -1]
                break
