"""The functions and the variables of a native frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import Function, origin_of
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.declared import FUNCTIONS, Declared, declarations
from adp_tui.engine.unwind.expression import Context, Location, evaluate, locate
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import MAX_VALUE_SIZE, Value

__all__ = ["NativeVariable", "Scope", "scopes", "variables"]

# DW_ATE_*: address, boolean, signed, signed_char, unsigned, unsigned_char, UTF.
_INTEGERS = frozenset({0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x10})
_SIGNED = frozenset({0x05, 0x06})
_OPTIMIZED_OUT = "optimized out"
MAX_NUMBER = 16
"""Bytes of the largest integer."""


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
            return self._source.function_of(self._offset)
        except AdpError:
            return None


@dataclass(frozen=True, slots=True, eq=False)
class NativeVariable:
    """A parameter or local variable of a frame. ``problem`` says why ``value`` is None, or
    that only a part of it is there. ``scope`` is the number of its function among ``scopes``,
    ``line`` where it is declared.
    """

    name: str
    type: Type
    value: Value | None
    problem: str | None = None
    scope: int = 0
    line: int | None = None


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
        known[address] = tuple(_plain(debug, die) for die in around if die.tag in FUNCTIONS)
    return tuple(
        Scope(linkage, own, inlined, debug, offset, named)
        for linkage, own, inlined, offset, named in known[address]
    )


def _plain(debug: DebugInfo, die: Die) -> tuple[str | None, str, bool, int, int]:
    named = origin_of(debug, die)
    linkage = die.text(AT.LINKAGE_NAME) or named.text(AT.LINKAGE_NAME)
    return linkage, named.text() or "", die.tag != TAG.SUBPROGRAM, die.offset, named.offset


def variables(
    program: Program, raw: RawFrame, wanted: Callable[[Type], bool] = lambda _: True
) -> Sequence[NativeVariable]:
    """Return parameters and locals whose block holds the frame's address, those of inlined
    functions included, the innermost first; only those of ``wanted`` types.

    Raises:
        NoDebugInfoError: the debug information makes no sense there.
    """
    image, debug = _debug(raw)
    if image is None or debug is None:
        return ()
    unit, base, found = declarations(debug, image.file_address(raw.lookup))
    declared = [each for each in found if wanted(debug.type_at(each.type_offset))]
    if not declared:
        return ()
    reader = _Reader(program, raw, image, debug, unit, base)
    return tuple(map(reader.variable, declared))


def _debug(raw: RawFrame) -> tuple[Image | None, DebugInfo | None]:
    return raw.image, None if raw.image is None else raw.image.debug


class _Reader:
    """Reads the variables of one frame.

    Args:
        unit: offset of the unit of the frame's function.
        base: the expression for what its variables hang on, where it has one.
    """

    def __init__(
        self,
        program: Program,
        raw: RawFrame,
        image: Image,
        debug: DebugInfo,
        unit: int,
        base: bytes | None,
    ) -> None:
        self._memory = program.memory
        self._debug = debug
        self._unit = unit
        self._base_expression = base
        self._context = Context(
            memory=program.memory,
            registers=raw.registers,
            cfa=raw.cfa,
            frame_base=self._frame_base,
            bias=image.bias,
            indexed_address=lambda i: debug.indexed_address(unit, i),
            base_type=self._base_type,
        )
        self._base: int | None = None

    def variable(self, declared: Declared) -> NativeVariable:
        """Return a variable with what it holds in this frame."""
        type_ = self._debug.type_at(declared.type_offset)
        try:
            value, problem = self._value(declared, type_)
        except AdpError as error:
            value, problem = None, error.message
        return NativeVariable(
            clean(declared.name, 256), type_, value, problem, declared.scope, declared.line
        )

    def _value(self, declared: Declared, type_: Type) -> tuple[Value | None, str | None]:
        if not 0 <= type_.size <= MAX_VALUE_SIZE:
            return None, f"its type claims to have {type_.size} bytes"
        if declared.problem is not None:
            return None, declared.problem
        constant = declared.constant
        if isinstance(constant, bytes):
            return Value(
                self._memory, type_, 0, constant[: type_.size].ljust(type_.size, b"\0")
            ), None
        if constant is not None and type_.size <= MAX_NUMBER:
            number = constant & (1 << 8 * type_.size) - 1
            return Value(self._memory, type_, 0, number.to_bytes(type_.size, "little")), None
        expression = declared.expression
        if not expression:
            # A value without bytes needs no place.
            empty = type_.size == 0 and not declared.is_placed
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
        type_ = self._debug.type_at(self._unit + offset)
        return (type_.size, type_.encoding in _SIGNED) if type_.encoding in _INTEGERS else None

    def _frame_base(self) -> int:
        if self._base is None:
            expression = self._base_expression
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
