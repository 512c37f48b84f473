"""The instructions of call frame information: they build the rules of one address."""

from __future__ import annotations

from enum import IntEnum

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.elf.file import Blob

__all__ = ["CfiProgram", "Rule", "Rules"]

MAX_INSTRUCTIONS = 20_000
MAX_REMEMBERED = 64
_SP = 7
"""rsp on x86-64."""


class _CFA(IntEnum):
    """DW_CFA_*: the instructions with a byte of their own."""

    NOP = 0x00
    SET_LOC = 0x01
    ADVANCE_LOC1 = 0x02
    ADVANCE_LOC2 = 0x03
    ADVANCE_LOC4 = 0x04
    OFFSET_EXTENDED = 0x05
    RESTORE_EXTENDED = 0x06
    UNDEFINED = 0x07
    SAME_VALUE = 0x08
    REGISTER = 0x09
    REMEMBER_STATE = 0x0A
    RESTORE_STATE = 0x0B
    DEF_CFA = 0x0C
    DEF_CFA_REGISTER = 0x0D
    DEF_CFA_OFFSET = 0x0E
    DEF_CFA_EXPRESSION = 0x0F
    EXPRESSION = 0x10
    OFFSET_EXTENDED_SF = 0x11
    DEF_CFA_SF = 0x12
    DEF_CFA_OFFSET_SF = 0x13
    VAL_OFFSET = 0x14
    VAL_OFFSET_SF = 0x15
    VAL_EXPRESSION = 0x16
    GNU_WINDOW_SAVE = 0x2D
    GNU_ARGS_SIZE = 0x2E
    GNU_NEGATIVE_OFFSET_EXTENDED = 0x2F


# Three instructions hold their first operand in the low six bits.
_ADVANCE_LOC, _OFFSET, _RESTORE = 0x40, 0x80, 0xC0
_ADVANCES = {_CFA.ADVANCE_LOC1: 1, _CFA.ADVANCE_LOC2: 2, _CFA.ADVANCE_LOC4: 4}
_OFFSETS = {
    _CFA.OFFSET_EXTENDED: ("offset", 1),
    _CFA.OFFSET_EXTENDED_SF: ("offset", 1),
    _CFA.GNU_NEGATIVE_OFFSET_EXTENDED: ("offset", -1),
    _CFA.VAL_OFFSET: ("value", 1),
    _CFA.VAL_OFFSET_SF: ("value", 1),
}
_SIGNED = frozenset({_CFA.OFFSET_EXTENDED_SF, _CFA.VAL_OFFSET_SF})


@dataclass(frozen=True, slots=True)
class Rule:
    """How a register of the caller is found.

    ``kind`` is ``offset`` (saved at CFA + number), ``value`` (is CFA + number), ``register``
    (is in ``register``; for the CFA: that register + number), ``expression`` (saved at),
    ``value_expression`` (is), ``same``, or ``undefined``.
    """

    kind: str
    number: int = 0
    code: bytes = b""
    register: int = _SP


@dataclass(slots=True)
class Rules:
    """The rules that hold at one address: for the CFA, and for each register."""

    cfa: Rule
    registers: dict[int, Rule]


class CfiProgram:
    """Runs the instructions of one entry.

    Errors of a malformed entry are ``IndexError`` and ``ValueError``.
    """

    def __init__(self, blob: Blob, code_align: int, data_align: int, initial: Rules | None) -> None:
        """Begin with the rules that an entry's CIE sets up; None for the CIE itself."""
        self._blob = blob
        self._code_align = code_align
        self._data_align = data_align
        self._initial = initial or Rules(Rule("register"), {})
        self._cfa = self._initial.cfa
        self._registers = dict(self._initial.registers)
        self._remembered: list[tuple[Rule, dict[int, Rule]]] = []
        self._at = 0

    def run(self, start: int, end: int, distance: int | None) -> Rules:
        """Run the instructions between two offsets, up to the row of the address that is
        ``distance`` bytes into the function; all of them for None.
        """
        self._at, moved = start, 0
        for _ in range(MAX_INSTRUCTIONS):
            if self._at >= end:
                return Rules(self._cfa, self._registers)
            op = self._number(1)
            high, low = op & 0xC0, op & 0x3F
            if high == _ADVANCE_LOC or op in _ADVANCES:
                delta = low if high else self._number(_ADVANCES[_CFA(op)])
                moved += delta * self._code_align
                if distance is not None and moved > distance:
                    return Rules(self._cfa, self._registers)
            elif high == _OFFSET:
                self._registers[low] = Rule("offset", self._uleb() * self._data_align)
            elif high == _RESTORE:
                self._restore(low)
            else:
                self._instruction(_CFA(op))
        raise ValueError("too many instructions")

    def _instruction(self, op: _CFA) -> None:
        if op in (_CFA.NOP, _CFA.GNU_WINDOW_SAVE):
            return
        if op is _CFA.REMEMBER_STATE:
            if len(self._remembered) >= MAX_REMEMBERED:
                raise ValueError(op)
            self._remembered.append((self._cfa, dict(self._registers)))
        elif op is _CFA.RESTORE_STATE:
            self._cfa, self._registers = self._remembered.pop()
        elif op is _CFA.DEF_CFA_EXPRESSION:
            self._cfa = Rule("expression", code=self._block())
        elif op is _CFA.DEF_CFA_OFFSET:
            self._cfa = Rule("register", self._uleb(), register=self._cfa.register)
        elif op is _CFA.DEF_CFA_OFFSET_SF:
            offset = self._sleb() * self._data_align
            self._cfa = Rule("register", offset, register=self._cfa.register)
        elif op is _CFA.DEF_CFA:
            register = self._uleb()
            self._cfa = Rule("register", self._uleb(), register=register)
        elif op is _CFA.DEF_CFA_SF:
            register = self._uleb()
            self._cfa = Rule("register", self._sleb() * self._data_align, register=register)
        elif op is _CFA.DEF_CFA_REGISTER:
            self._cfa = Rule("register", self._cfa.number, register=self._uleb())
        elif op is _CFA.GNU_ARGS_SIZE:
            self._uleb()
        else:
            self._register(op, self._uleb())

    def _register(self, op: _CFA, number: int) -> None:
        """Set the rule of one register."""
        registers = self._registers
        if op in _OFFSETS:
            kind, sign = _OFFSETS[op]
            offset = self._sleb() if op in _SIGNED else self._uleb()
            registers[number] = Rule(kind, sign * offset * self._data_align)
        elif op is _CFA.RESTORE_EXTENDED:
            self._restore(number)
        elif op is _CFA.UNDEFINED:
            registers[number] = Rule("undefined")
        elif op is _CFA.SAME_VALUE:
            registers[number] = Rule("same")
        elif op is _CFA.REGISTER:
            registers[number] = Rule("register", register=self._uleb())
        elif op is _CFA.EXPRESSION:
            registers[number] = Rule("expression", code=self._block())
        elif op is _CFA.VAL_EXPRESSION:
            registers[number] = Rule("value_expression", code=self._block())
        else:  # DW_CFA_set_loc: no compiler for x86-64 emits it
            raise ValueError(op)

    def _restore(self, register: int) -> None:
        """Return a register to its rule at the function's beginning."""
        initial = self._initial.registers.get(register)
        if initial is None:
            self._registers.pop(register, None)
        else:
            self._registers[register] = initial

    def _number(self, size: int) -> int:
        self._at += size
        return self._blob.number(self._at - size, size)

    def _uleb(self) -> int:
        value, at = uleb(self._blob.buffer, self._blob.base + self._at)
        self._at = at - self._blob.base
        return value

    def _sleb(self) -> int:
        value, at = sleb(self._blob.buffer, self._blob.base + self._at)
        self._at = at - self._blob.base
        return value

    def _block(self) -> bytes:
        size = self._uleb()
        start, self._at = self._at, self._at + size
        if self._at > self._blob.size:
            raise IndexError(self._at)
        return self._blob.slice(start, self._at)
