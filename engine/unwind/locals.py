"""The functions and the variables of a native frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import Function, origin_of
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.locations import expression_at
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.expression import Context, Location, evaluate, locate
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import MAX_VALUE_SIZE, Value

__all__ = ["NativeVariable", "Scope", "scopes", "variables"]

MAX_VARIABLES = 4096
_FUNCTIONS = (TAG.SUBPROGRAM, TAG.INLINED_SUBROUTINE)
# DW_ATE_*: address, boolean, signed, signed_char, unsigned, unsigned_char, UTF.
_INTEGERS = frozenset({0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x10})
_SIGNED = frozenset({0x05, 0x06})
_OPTIMIZED_OUT = "optimized out"


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A function that a frame's address lies in. ``linkage_name`` is mangled, or None;
    ``own_name`` is the last part of ``name``, which alone costs no pass over the unit.
    """

    linkage_name: str | None
    own_name: str
    inlined: bool
    _source: DebugInfo
    _offset: int
    """Of its DIE."""
    _named: int
    """Offset of the DIE that has its name."""

    @property
    def name(self) -> str:
        """Its qualified path with generic arguments, as DWARF has it.

        Raises:
            NoDebugInfoError: the unit that it stands in is cut off.
        """
        return self._source.name_at(self._named)

    @property
    def function(self) -> Function | None:
        """The function itself, with its template parameters; None where it cannot be read."""
        try:
            return self._source.function(self._source.die(self._offset))
        except AdpError:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class NativeVariable:
    """A parameter or local variable of a frame. ``problem`` says why ``value`` is None, or
    that only a part of it is there. ``scope`` is the number of its function among ``scopes``.
    """

    name: str
    type: Type
    value: Value | None
    problem: str | None = None
    scope: int = 0


def scopes(program: Program, raw: RawFrame) -> Sequence[Scope]:
    """Return the functions at a frame's address: the innermost inlined one first, the
    function that was compiled last. Empty where no debug information covers it.

    Raises:
        NoDebugInfoError: the debug information makes no sense there.
    """
    image, debug = _debug(raw)
    if image is None or debug is None:
        return ()
    address = image.file_address(raw.lookup)
    known = debug.answers.table("scopes")
    if address not in known:
        around = reversed(debug.scopes.around(address))
        known[address] = tuple(_plain(debug, die) for die in around if die.tag in _FUNCTIONS)
    return tuple(
        Scope(linkage, own, inlined, debug, offset, named)
        for linkage, own, inlined, offset, named in known[address]
    )


def _plain(debug: DebugInfo, die: Die) -> tuple[str | None, str, bool, int, int]:
    named = origin_of(debug, die)
    linkage = die.text(AT.LINKAGE_NAME) or named.text(AT.LINKAGE_NAME)
    return linkage, named.text() or "", die.tag != TAG.SUBPROGRAM, die.offset, named.offset


def variables(program: Program, raw: RawFrame) -> Sequence[NativeVariable]:
    """Return parameters and locals whose block holds the frame's address, those of inlined
    functions included, the innermost first.

    Raises:
        NoDebugInfoError: the debug information makes no sense there.
    """
    image, debug = _debug(raw)
    if image is None or debug is None:
        return ()
    chain = debug.scopes.around(image.file_address(raw.lookup))
    if not chain:
        return ()
    reader = _Reader(program, raw, image, debug, chain[0])
    found: list[NativeVariable] = []
    number = 0
    for scope in reversed(chain):
        for variable in reader.of(scope):
            found.append(replace(variable, scope=number))
            if len(found) >= MAX_VARIABLES:
                return tuple(found)
        number += scope.tag in _FUNCTIONS
    return tuple(found)


def _debug(raw: RawFrame) -> tuple[Image | None, DebugInfo | None]:
    return raw.image, None if raw.image is None else raw.image.debug


class _Reader:
    """Reads the variables of one frame."""

    def __init__(
        self, program: Program, raw: RawFrame, image: Image, debug: DebugInfo, function: Die
    ) -> None:
        self._memory = program.memory
        self._debug = debug
        self._function = function
        self._address = image.file_address(raw.lookup)
        self._context = Context(
            memory=program.memory,
            registers=raw.registers,
            cfa=raw.cfa,
            frame_base=self._frame_base,
            bias=image.bias,
            indexed_address=lambda i: debug.sections.indexed_address(function.unit, i),
            base_type=self._base_type,
        )
        self._base: int | None = None

    def of(self, scope: Die) -> Iterator[NativeVariable]:
        """Yield the variables that are declared directly in a scope."""
        for child in scope.children():
            if child.tag in (TAG.FORMAL_PARAMETER, TAG.VARIABLE):
                variable = self._variable(child)
                if variable is not None:
                    yield variable

    def _variable(self, die: Die) -> NativeVariable | None:
        try:
            named = origin_of(self._debug, die)
            name = named.text(AT.NAME)
            target = named.reference(AT.TYPE)
            if target is None:
                target = die.reference(AT.TYPE)
            if not name or target is None:
                return None
            type_ = self._debug.type_at(target)
        except AdpError:
            return None
        try:
            value, problem = self._value(die, named, type_)
        except AdpError as error:
            value, problem = None, error.message
        return NativeVariable(clean(name, 256), type_, value, problem)

    def _value(self, die: Die, named: Die, type_: Type) -> tuple[Value | None, str | None]:
        if not 0 <= type_.size <= MAX_VALUE_SIZE:
            return None, f"its type claims to have {type_.size} bytes"
        for each in (die, named):
            constant = _constant(each, type_.size)
            if constant is not None:
                return Value(self._memory, type_, 0, constant), None
        owner = die if AT.LOCATION in die else named
        expression = expression_at(owner, self._address)
        if not expression:
            # A value without bytes needs no place.
            empty = type_.size == 0 and AT.LOCATION not in owner
            return (Value(self._memory, type_, 0, b""), None) if empty else (None, _OPTIMIZED_OUT)
        return self._assemble(locate(expression, self._context, type_.size), type_)

    def _assemble(self, location: Location, type_: Type) -> tuple[Value | None, str | None]:
        """Make a value of what a location names: its bytes up to the first hole."""
        if location.address is not None:
            return Value(self._memory, type_, location.address), None
        data = b""
        for piece in location.pieces:
            if piece.data is not None:
                part = piece.data
            elif piece.address is not None:
                part = self._memory.read(piece.address, piece.size)
            else:
                break
            data += part
            if len(part) < piece.size or len(data) >= type_.size:
                break
        if len(data) >= type_.size:
            return Value(self._memory, type_, 0, data[: type_.size]), None
        if not data:
            return None, _OPTIMIZED_OUT
        return Value(self._memory, type_, 0, data), "a part of it was optimized out"

    def _base_type(self, offset: int) -> tuple[int, bool] | None:
        """Return size and signedness of the integer type at an offset of the function's unit."""
        type_ = self._debug.type_at(self._function.unit.offset + offset)
        return (type_.size, type_.encoding in _SIGNED) if type_.encoding in _INTEGERS else None

    def _frame_base(self) -> int:
        if self._base is None:
            expression = expression_at(self._function, self._address, AT.FRAME_BASE)
            if not expression:
                raise AdpError("the frame has no base")
            if len(expression) == 1 and 0x50 <= expression[0] <= 0x6F:
                # DW_OP_reg: the register's own value.
                value = self._context.registers.get(expression[0] - 0x50)
                if value is None:
                    raise AdpError("the register that the frame's variables hang on was lost")
                self._base = value
            else:
                self._base = evaluate(
                    expression,
                    Context(
                        self._memory, self._context.registers, self._context.cfa,
                        bias=self._context.bias,
                    ),
                )  # fmt: skip
        return self._base


def _constant(die: Die, size: int) -> bytes | None:
    """Return the bytes of DW_AT_const_value, or None."""
    found = die.raw(AT.CONST_VALUE)
    if found is None:
        return None
    raw = found[1]
    if isinstance(raw, bytes):
        return raw[:size].ljust(size, b"\0")
    if isinstance(raw, str) or size > 16:
        return None
    return (raw & (1 << 8 * size) - 1).to_bytes(size, "little")
