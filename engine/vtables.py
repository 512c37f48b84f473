"""Which concrete type a trait object's vtable belongs to."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, NoDebugInfoError
from adp_tui.engine.rust.names import demangle

if TYPE_CHECKING:
    from adp_tui.engine.image import Image
    from adp_tui.engine.program import Program

__all__ = ["Vtables"]

_OP_ADDR = 0x03
_SUFFIX = b"::{vtable}\0"
MAX_NAMES = 100_000
_DROP = re.compile(r"core::ptr::drop_in_place(?:::)?<(.+)>(?:::h[0-9a-f]{16})?", re.S)
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
        near = debug.unit_at(file_address)
        for die in debug.search.by_expression(expression, TAG.VARIABLE, near):
            found = self._containing(debug, die)
            if found is not None:
                return found
        if debug.sections.addresses:
            return self._by_name(image, debug).get(file_address)
        return None

    @staticmethod
    def _containing(debug: DebugInfo, die: Die) -> Type | None:
        # The type of the vtable itself is but a way there: of its names and parts none is read.
        target = die.reference(AT.TYPE)
        try:
            concrete = None if target is None else debug.die(target).reference(AT.CONTAINING_TYPE)
        except NoDebugInfoError:
            return None
        return None if concrete is None else debug.type_at(concrete)

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

    def _symbol(self, code: int) -> str:
        symbol = self._program.symbol_at(code) if code else None
        return "" if symbol is None or symbol.offset else demangle(symbol.name) or ""

    def _dropped_by(self, function: str) -> Type | None:
        """Read the type off the name of its drop glue: std's own code has no types.

        That is where the message of a panic with arguments is boxed.
        """
        found = _DROP.fullmatch(function)
        return None if found is None else self._program.type_named(found[1])

    def _by_functions(self, address: int) -> Type | None:
        """Read the type off the vtable's own functions: its drop glue, else its first method."""
        drop, method = (self._code(address + slot) for slot in (0, _METHOD_SLOT))
        function = self._program.function_at(drop)
        found = None if function is None else function.param("T")
        if found is None:
            found = self._dropped_by(function.name if function is not None else self._symbol(drop))
        if found is None:
            function, image = self._program.function_at(method), self._program.image_at(method)
            if function is not None and image is not None and image.debug is not None:
                found = _receiver(image.debug, function.offset)
        return found

    def _code(self, address: int) -> int:
        return int.from_bytes(self._program.memory.read(address, 8), "little")


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
