"""Which concrete type a trait object's vtable belongs to."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError

if TYPE_CHECKING:
    from adp_tui.engine.image import Image
    from adp_tui.engine.program import Program

__all__ = ["Vtables"]

_OP_ADDR = 0x03
_SUFFIX = b"::{vtable}\0"
MAX_NAMES = 100_000
_METHOD_SLOT = 24
"""Where a vtable's first method stands, after drop, size and align."""


class Vtables:
    """Finds ``<T as Trait>::{vtable}`` variables by address."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[int, Type | None] = {}
        self._indexed: dict[int, dict[int, Type]] = {}

    def type_at(self, address: int) -> Type | None:
        """Return the type T of the vtable at an address, or None where nothing tells."""
        if address not in self._known:
            try:
                self._known[address] = self._find(address)
            except AdpError:
                self._known[address] = None
        return self._known[address]

    def _find(self, address: int) -> Type | None:
        image = self._program.image_at(address)
        debug = image.debug if image is not None else None
        if image is None or debug is None:
            return None
        file_address = image.file_address(address)
        known = debug.answers.table("vtables")
        if file_address not in known:
            found = self._look_up(image, debug, file_address)
            known[file_address] = None if found is None else found.offset
        offset = known[file_address]
        return self._by_functions(address) if offset is None else debug.type_at(offset)

    def _look_up(self, image: Image, debug: DebugInfo, file_address: int) -> Type | None:
        expression = bytes([_OP_ADDR]) + struct.pack("<Q", file_address)
        for die in debug.search.by_expression(expression, TAG.VARIABLE):
            found = self._containing(debug, die)
            if found is not None:
                return found
        if debug.sections.addresses:
            return self._by_name(image, debug).get(file_address)
        return None

    @staticmethod
    def _containing(debug: DebugInfo, die: Die) -> Type | None:
        target = die.reference(AT.TYPE)
        return None if target is None else debug.type_at(target).containing

    def _by_name(self, image: Image, debug: DebugInfo) -> dict[int, Type]:
        """Read all vtables of a file whose addresses are indexes (DWARF 5)."""
        known = self._indexed.get(id(debug))
        if known is not None:
            return known
        known = self._indexed[id(debug)] = {}
        strings = debug.sections.strings
        at = strings.find(_SUFFIX)
        for _ in range(MAX_NAMES):
            if at < 0:
                break
            start = strings.rfind(b"\0", max(0, at - 65_536), at) + 1
            for die in debug.search.by_string(start, frozenset({TAG.VARIABLE})):
                address = self._program.location(
                    image, debug, die.block(AT.LOCATION), die.unit.offset
                )
                found = self._containing(debug, die)
                if address is not None and found is not None:
                    known.setdefault(image.file_address(address), found)
            at = strings.find(_SUFFIX, at + 1)
        return known

    def _by_functions(self, address: int) -> Type | None:
        """Read the type off the vtable's own functions: its drop glue, else its first method."""
        for slot, parameter in ((0, "T"), (_METHOD_SLOT, None)):
            raw = self._program.memory.read(address + slot, 8)
            function = self._program.function_at(int.from_bytes(raw, "little"))
            if function is None:
                continue
            if parameter is not None and "drop_in_place" in function.name:
                found = function.param(parameter)
                if found is not None:
                    return found
            elif parameter is None:
                return _receiver(function.source, function.offset)
        return None


def _receiver(debug: DebugInfo, offset: int) -> Type | None:
    """Return T of a method whose first parameter is ``Pin<&mut T>``."""
    known = debug.answers.table("receivers")
    if offset not in known:
        found = _pinned_receiver(debug, offset)
        known[offset] = None if found is None else found.offset
    return None if known[offset] is None else debug.type_at(known[offset])


def _pinned_receiver(debug: DebugInfo, offset: int) -> Type | None:
    for child in debug.die(offset).children():
        if child.tag == TAG.FORMAL_PARAMETER:
            target = child.reference(AT.TYPE)
            if target is None:
                origin = child.reference(AT.ABSTRACT_ORIGIN)
                target = debug.die(origin).reference(AT.TYPE) if origin is not None else None
            type_ = debug.type_at(target) if target is not None else None
            if type_ is not None and type_.base_name == "core::pin::Pin" and type_.members:
                return type_.members[0].type.target
            return None
    return None
