"""DWARF expressions: where a variable is, where a frame begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.errors import AdpError
from adp_tui.engine.target import Memory

__all__ = ["Context", "ExpressionError", "Location", "Piece", "evaluate", "locate"]

MAX_OPERATIONS = 10_000
_LAST_GENERAL = 16
_MASK = (1 << 64) - 1


class ExpressionError(AdpError):
    """An expression that has no value here: the reason is for people."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression may ask for."""

    memory: Memory
    registers: Mapping[int, int]
    cfa: int | None = None
    frame_base: Callable[[], int] | None = None
    bias: int = 0
    indexed_address: Callable[[int], int | None] | None = None
    base_type: Callable[[int], tuple[int, bool] | None] | None = None
    """Size and signedness of the integer type at an offset of the unit; None for another."""
    stack: tuple[int, ...] = ()
    """What is on the stack at the beginning: the CFA, for a rule of call frame information."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a value: an address, or bytes; neither where the part was optimized out."""

    size: int
    address: int | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value is: at an address, or made of pieces."""

    address: int | None = None
    pieces: tuple[Piece, ...] = ()


def evaluate(expression: bytes, context: Context) -> int:
    """Return the number that an expression leaves on the stack.

    Raises:
        ExpressionError: it has no value here.
        FaultError: memory that it reads is not in the snapshot.
    """
    machine = _Machine(expression, context)
    machine.run()
    if machine.register is not None or machine.pieces or not machine.stack:
        raise ExpressionError("the expression is no address")
    return machine.stack[-1]


def locate(expression: bytes, context: Context, size: int) -> Location:
    """Return where a value of ``size`` bytes is.

    Raises:
        ExpressionError: it was optimized out, or depends on a register that was lost.
        FaultError: memory that the expression reads is not in the snapshot.
    """
    if not expression:
        raise ExpressionError("optimized out")
    machine = _Machine(expression, context)
    machine.run()
    if machine.pieces:
        return Location(pieces=tuple(machine.pieces))
    piece = machine.simple(size)
    if piece.address is not None:
        return Location(address=piece.address)
    return Location(pieces=(piece,))


class _Machine:
    def __init__(self, code: bytes, context: Context) -> None:
        self._code = code
        self._context = context
        self.stack: list[int] = list(context.stack)
        self.register: int | None = None
        self._value = False
        self._implicit: bytes | None = None
        self.pieces: list[Piece] = []
        self._at = 0

    def run(self) -> None:
        try:
            for _ in range(MAX_OPERATIONS):
                if self._at >= len(self._code):
                    return
                operation = self._code[self._at]
                self._at += 1
                self._step(operation)
        except IndexError as error:
            raise ExpressionError("its location expression is malformed") from error
        raise ExpressionError("its location expression does not end")

    def simple(self, size: int) -> Piece:
        """Return the location built so far as one piece."""
        if self._implicit is not None:
            return Piece(size, data=self._implicit[:size])
        if self.register is not None:
            value = self._read_register(self.register)
            return Piece(size, data=value.to_bytes(8, "little")[:size])
        if not self.stack:
            return Piece(size)
        if self._value:
            return Piece(size, data=(self.stack[-1] & _MASK).to_bytes(8, "little")[:size])
        return Piece(size, address=self.stack[-1] & _MASK)

    def _reset(self) -> None:
        self.stack.clear()
        self.register, self._value, self._implicit = None, False, None

    def _number(self, size: int, signed: bool = False) -> int:
        raw = self._code[self._at : self._at + size]
        if len(raw) != size:
            raise IndexError(self._at)
        self._at += size
        return int.from_bytes(raw, "little", signed=signed)

    def _uleb(self) -> int:
        value, self._at = uleb(self._code, self._at)
        return value

    def _sleb(self) -> int:
        value, self._at = sleb(self._code, self._at)
        return value

    def _read_register(self, number: int) -> int:
        value = self._context.registers.get(number)
        if value is None and number > _LAST_GENERAL:
            raise ExpressionError(
                "it is in a floating point or vector register: those are not read"
            )
        if value is None:
            raise ExpressionError("it was in a register that a later call has overwritten")
        return value

    def _push(self, value: int) -> None:
        if len(self.stack) > 256:
            raise ExpressionError("its location expression is malformed")
        self.stack.append(value & _MASK)

    def _step(self, op: int) -> None:
        if 0x30 <= op <= 0x4F:
            self._push(op - 0x30)
        elif 0x50 <= op <= 0x6F:
            self.register = op - 0x50
        elif 0x70 <= op <= 0x8F:
            self._push(self._read_register(op - 0x70) + self._sleb())
        elif op in _CONSTANTS:
            size, signed = _CONSTANTS[op]
            self._push(self._number(size, signed))
        elif op in _BINARY:
            right, left = self.stack.pop(), self.stack.pop()
            self._push(_BINARY[op](left, right))
        else:
            handler = _OPERATIONS.get(op)
            if handler is None:
                raise ExpressionError(f"its location uses the operation {op:#x}")
            handler(self)

    def _address(self) -> None:
        self._push(self._number(8) + self._context.bias)

    def _addrx(self) -> None:
        read = self._context.indexed_address
        value = read(self._uleb()) if read is not None else None
        if value is None:
            raise ExpressionError("its address is not in .debug_addr")
        self._push(value + self._context.bias)

    def _deref(self, size: int = 8) -> None:
        address = self.stack.pop()
        self._push(int.from_bytes(self._context.memory.read(address, size), "little"))

    def _deref_size(self) -> None:
        size = self._number(1)
        if not 0 < size <= 8:
            raise ExpressionError("its location expression is malformed")
        self._deref(size)

    def _frame_base(self) -> None:
        if self._context.frame_base is None:
            raise ExpressionError("the frame has no base")
        offset = self._sleb()
        self._push(self._context.frame_base() + offset)

    def _cfa(self) -> None:
        if self._context.cfa is None:
            raise ExpressionError("the frame's address is not known")
        self._push(self._context.cfa)

    def _piece(self) -> None:
        size = self._uleb()
        if size > 1 << 20 or len(self.pieces) > 4096:
            raise ExpressionError("its location expression is malformed")
        try:
            self.pieces.append(self.simple(size))
        except ExpressionError:
            self.pieces.append(Piece(size))
        self._reset()

    def _stack_value(self) -> None:
        self._value = True

    def _implicit_value(self) -> None:
        size = self._uleb()
        if self._at + size > len(self._code):
            raise IndexError(self._at)
        self._implicit = self._code[self._at : self._at + size]
        self._at += size

    def _entry_value(self) -> None:
        raise ExpressionError("optimized out (only its value at the function's entry is known)")

    def _implicit_pointer(self) -> None:
        raise ExpressionError("optimized out (the pointer itself is not kept)")

    def _branch(self, taken: bool) -> None:
        offset = self._number(2, signed=True)
        if taken:
            self._at += offset
            if not 0 <= self._at <= len(self._code):
                raise IndexError(self._at)

    def _pick(self, index: int) -> None:
        if not 0 <= index < len(self.stack):
            raise IndexError(index)
        self._push(self.stack[-1 - index])

    def _swap(self) -> None:
        self.stack[-1], self.stack[-2] = self.stack[-2], self.stack[-1]

    def _rotate(self) -> None:
        top = self.stack.pop()
        self.stack.insert(len(self.stack) - 2, top)

    def _unary(self, op: int) -> None:
        value = self.stack.pop()
        signed = _signed(value)
        self._push({0x19: abs(signed), 0x1F: -signed, 0x20: ~value}[op])

    def _bregx(self) -> None:
        number = self._uleb()
        self._push(self._read_register(number) + self._sleb())

    def _regx(self) -> None:
        self.register = self._uleb()

    def _plus_uconst(self) -> None:
        self._push(self.stack.pop() + self._uleb())

    def _drop(self) -> None:
        self.stack.pop()

    def _branch_if(self) -> None:
        self._branch(self.stack.pop() != 0)

    # Typed operations: LLVM widens integers so in DWARF 5.

    def _convert(self) -> None:
        self._push(self._cast(self.stack.pop(), self._uleb()))

    def _register_type(self) -> None:
        number = self._uleb()
        self._push(self._cast(self._read_register(number), self._uleb()))

    def _constant_type(self) -> None:
        offset, size = self._uleb(), self._number(1)
        self._push(self._cast(self._number(size), offset))

    def _deref_type(self) -> None:
        self._deref_size()
        self._push(self._cast(self.stack.pop(), self._uleb()))

    def _cast(self, value: int, offset: int) -> int:
        """Cut a number to the size of a base type, and keep its sign."""
        if not offset:
            return value
        read = self._context.base_type
        type_ = read(offset) if read is not None else None
        if type_ is None or not 0 < type_[0] <= 8:
            raise ExpressionError("its location computes with a type that is no integer")
        size, signed = type_
        value &= (1 << 8 * size) - 1
        return value - (1 << 8 * size) if signed and value >> (8 * size - 1) else value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _divide(left: int, right: int) -> int:
    if not right:
        raise ExpressionError("its location expression divides by zero")
    quotient = abs(_signed(left)) // abs(_signed(right))
    return quotient if (_signed(left) < 0) == (_signed(right) < 0) else -quotient


_CONSTANTS = {
    0x08: (1, False), 0x09: (1, True), 0x0A: (2, False), 0x0B: (2, True),
    0x0C: (4, False), 0x0D: (4, True), 0x0E: (8, False), 0x0F: (8, True),
}  # fmt: skip
_BINARY: dict[int, Callable[[int, int], int]] = {
    0x1A: lambda a, b: a & b,
    0x1B: _divide,
    0x1C: lambda a, b: a - b,
    0x1D: lambda a, b: a % b if b else 0,
    0x1E: lambda a, b: a * b,
    0x21: lambda a, b: a | b,
    0x22: lambda a, b: a + b,
    0x24: lambda a, b: a << b if b < 64 else 0,
    0x25: lambda a, b: a >> min(b, 64),
    0x26: lambda a, b: _signed(a) >> min(b, 63),
    0x27: lambda a, b: a ^ b,
    0x29: lambda a, b: int(a == b),
    0x2A: lambda a, b: int(_signed(a) >= _signed(b)),
    0x2B: lambda a, b: int(_signed(a) > _signed(b)),
    0x2C: lambda a, b: int(_signed(a) <= _signed(b)),
    0x2D: lambda a, b: int(_signed(a) < _signed(b)),
    0x2E: lambda a, b: int(a != b),
}
_OPERATIONS: dict[int, Callable[[_Machine], None]] = {
    0x03: _Machine._address,
    0x06: _Machine._deref,
    0x10: lambda m: m._push(m._uleb()),
    0x11: lambda m: m._push(m._sleb()),
    0x12: lambda m: m._pick(0),
    0x13: _Machine._drop,
    0x14: lambda m: m._pick(1),
    0x15: lambda m: m._pick(m._number(1)),
    0x16: _Machine._swap,
    0x17: _Machine._rotate,
    0x19: lambda m: m._unary(0x19),
    0x1F: lambda m: m._unary(0x1F),
    0x20: lambda m: m._unary(0x20),
    0x23: _Machine._plus_uconst,
    0x28: _Machine._branch_if,
    0x2F: lambda m: m._branch(True),
    0x90: _Machine._regx,
    0x91: _Machine._frame_base,
    0x92: _Machine._bregx,
    0x93: _Machine._piece,
    0x94: _Machine._deref_size,
    0x96: lambda m: None,
    0x9C: _Machine._cfa,
    0x9E: _Machine._implicit_value,
    0x9F: _Machine._stack_value,
    0xA0: _Machine._implicit_pointer,
    0xA1: _Machine._addrx,
    0xA3: _Machine._entry_value,
    0xA4: _Machine._constant_type,
    0xA5: _Machine._register_type,
    0xA6: _Machine._deref_type,
    0xA8: _Machine._convert,
    0xA9: _Machine._convert,
    0xF2: _Machine._implicit_pointer,
    0xF3: _Machine._entry_value,
    0xF4: _Machine._constant_type,
    0xF5: _Machine._register_type,
    0xF6: _Machine._deref_type,
    0xF7: _Machine._convert,
    0xF9: _Machine._convert,
}
