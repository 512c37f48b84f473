"""One step up the stack by call frame information."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.cfi import CfiTable, Row, open_tables
from adp_tui.engine.unwind.cfi_program import Rule
from adp_tui.engine.unwind.expression import Context, evaluate

__all__ = ["CALLEE_SAVED", "FoundRow", "FrameRules", "Step"]

CALLEE_SAVED = frozenset({3, 6, 12, 13, 14, 15})
"""rbx, rbp, r12 to r15 (System V AMD64): what a call keeps where no rule says otherwise."""
_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Step:
    """The registers of a caller, how it was found, and whether a signal interrupted it."""

    registers: dict[int, int]
    origin: str
    signal: bool = False


@dataclass(frozen=True, slots=True)
class FoundRow:
    """The rules at an address and the table they are from; else why there are none."""

    row: Row | None
    origin: str = ""
    problem: str | None = None


class FrameRules:
    """Applies the rules of each module; its tables are opened once."""

    def __init__(self, program: Program) -> None:
        self._memory = program.memory
        self._arch = program.arch
        self._tables: dict[int, tuple[list[tuple[str, CfiTable]], str | None]] = {}

    def find(self, image: Image | None, lookup: int) -> FoundRow:
        """Return the rules that hold at an address of a module."""
        if image is None:
            return FoundRow(None)
        address = image.file_address(lookup)
        answers = image.answers.table("unwinding")
        if address in answers:
            return _found(answers[address])
        found = self._find(image, address)
        if found.problem is None:
            answers[address] = _plain(found)
        return found

    def _find(self, image: Image, address: int) -> FoundRow:
        known = self._tables.get(id(image))
        if known is None:
            try:
                known = open_tables(image.elf, image.debug_file), None
            except AdpError as error:
                known = [], error.message
            self._tables[id(image)] = known
        tables, problem = known
        for origin, table in tables:
            try:
                row = table.row(address)
            except AdpError as error:
                problem = f"{image.name}: {error.message}"
                continue
            if row is not None:
                return FoundRow(row, origin)
        return FoundRow(None, "", problem)

    def cfa(self, row: Row, registers: Mapping[int, int]) -> int | None:
        """Return the canonical frame address; None where what it depends on was lost."""
        rule = row.cfa
        try:
            if rule.kind == "expression":
                return evaluate(rule.code, self._context(registers))
        except AdpError:
            return None
        base = registers.get(rule.register)
        return None if base is None else (base + rule.number) & _MASK

    def step(
        self, found: FoundRow, registers: Mapping[int, int], cfa: int
    ) -> tuple[Step | None, bool]:
        """Restore the caller's registers; (None, True) at the thread's first frame."""
        row = found.row
        assert row is not None
        restored = dict(registers)
        if not row.signal:
            for number in registers:
                if number not in CALLEE_SAVED:
                    del restored[number]
        restored[self._arch.sp] = cfa
        for number, rule in row.registers.items():
            try:
                value = self._apply(number, rule, registers, cfa)
            except AdpError:
                value = None
            if value is not None:
                restored[number] = value
                continue
            if number == row.return_column and rule.kind == "undefined":
                return None, True
            restored.pop(number, None)
        pc = restored.get(row.return_column) if row.return_column in row.registers else None
        if not pc:
            # First frames say that they have no caller; a zero is a stack that was overwritten.
            return None, False
        restored[self._arch.pc] = pc
        if self._arch.sp not in restored:
            return None, False
        return Step(restored, found.origin, row.signal), False

    def _context(self, registers: Mapping[int, int], stack: tuple[int, ...] = ()) -> Context:
        return Context(self._memory, registers, stack=stack)

    def _apply(self, number: int, rule: Rule, registers: Mapping[int, int], cfa: int) -> int | None:
        if rule.kind == "offset":
            return self.word(cfa + rule.number)
        if rule.kind == "value":
            return (cfa + rule.number) & _MASK
        if rule.kind == "same":
            return registers.get(number)
        if rule.kind == "register":
            return registers.get(rule.register)
        if rule.kind == "expression":
            return self.word(evaluate(rule.code, self._context(registers, (cfa,))))
        if rule.kind == "value_expression":
            return evaluate(rule.code, self._context(registers, (cfa,)))
        return None

    def word(self, address: int) -> int:
        """Return the 8 bytes at an address as a number.

        Raises:
            FaultError: they cannot be read.
        """
        return int.from_bytes(self._memory.read(address & _MASK, 8), "little")


def _plain(found: FoundRow) -> Any:
    """Return the rules at an address as a cache can keep them."""
    row = found.row
    if row is None:
        return None
    registers = {number: _plain_rule(rule) for number, rule in row.registers.items()}
    return found.origin, _plain_rule(row.cfa), registers, row.return_column, row.signal


def _plain_rule(rule: Rule) -> Any:
    return rule.kind, rule.number, rule.code, rule.register


def _found(plain: Any) -> FoundRow:
    if plain is None:
        return FoundRow(None)
    origin, cfa, registers, return_column, signal = plain
    rules = {number: Rule(*rule) for number, rule in registers.items()}
    return FoundRow(Row(Rule(*cfa), rules, return_column, signal), origin)
