"""Native stacks: from a thread's registers to its first frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.target import ThreadState
from adp_tui.engine.unwind.cfi import CfiTable, Row, Rule, open_tables
from adp_tui.engine.unwind.expression import Context, evaluate

__all__ = ["NativeStack", "RawFrame", "Unwinder"]

MAX_FRAMES = 512
MAX_SCAN = 64 * 1024
"""Bytes of stack that are searched for a return address where nothing else is left."""
_MASK = (1 << 64) - 1
_CALLEE_SAVED = frozenset({3, 6, 12, 13, 14, 15})
"""rbx, rbp, r12 to r15 (System V AMD64): what a frame without information is taken to keep."""


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """One native frame.

    Attributes:
        pc: where the frame's function goes on.
        lookup: the address that names the frame's place: ``pc`` for the innermost frame and
            one that a signal interrupted, else the call before it.
        sp: the stack pointer in the frame.
        cfa: the canonical frame address, or None where it is not known.
        registers: by DWARF number, as far as they were restored.
        origin: ``cfi``, ``debug_frame``, ``frame_pointer`` or ``scan``: how it was found.
        image: the module that the pc lies in.
    """

    pc: int
    lookup: int
    sp: int
    cfa: int | None
    registers: Mapping[int, int]
    origin: str
    image: Image | None


@dataclass(frozen=True, slots=True, eq=False)
class NativeStack:
    """The frames of a thread, innermost first; ``cut`` says why it ends too early."""

    frames: tuple[RawFrame, ...]
    cut: str | None


@dataclass(slots=True)
class _Step:
    registers: dict[int, int]
    origin: str
    signal: bool


class Unwinder:
    """Unwinds threads; the tables of each module are opened once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._memory = program.memory
        self._arch = program.arch
        self._tables: dict[int, list[tuple[str, CfiTable]]] = {}

    def unwind(self, thread: ThreadState, limit: int = MAX_FRAMES) -> NativeStack:
        """Return the stack of a thread."""
        arch = self._arch
        registers = dict(thread.registers)
        frames: list[RawFrame] = []
        origin, exact = "cfi", True
        cut: str | None = None
        while True:
            pc, sp = registers[arch.pc], registers.get(arch.sp, 0)
            lookup = pc if exact else pc - 1
            image = self._program.image_at(lookup)
            row, found_in, problem = self._row(image, lookup)
            cfa = self._cfa(row, registers) if row is not None else None
            frames.append(RawFrame(pc, lookup, sp, cfa, registers, origin, image))
            if len(frames) >= limit:
                cut = f"more than {limit} frames"
                break
            step: _Step | None
            if row is not None and cfa is not None:
                step, ended = self._by_rules(row, registers, cfa, found_in)
                if step is None:
                    cut = None if ended else "the caller's address cannot be read"
                    break
            else:
                step = self._guess(registers, exact and len(frames) == 1)
                if step is None:
                    cut = self._why(image, problem, lookup, len(frames))
                    break
            if not self._grows(step, registers):
                cut = "the stack does not grow"
                break
            registers, origin, exact = step.registers, step.origin, step.signal
        return NativeStack(tuple(frames), cut)

    def _grows(self, step: _Step, registers: Mapping[int, int]) -> bool:
        """Each caller's frame must stand above: a signal handler may run on another stack."""
        sp = self._arch.sp
        return step.signal or step.registers[sp] > registers.get(sp, 0)

    def _row(self, image: Image | None, lookup: int) -> tuple[Row | None, str, str | None]:
        """Return the rules at an address, the table they are from, and what went wrong."""
        if image is None:
            return None, "", None
        tables = self._tables.get(id(image))
        if tables is None:
            try:
                tables = open_tables(image.elf, image.debug_file)
            except AdpError:
                tables = []
            self._tables[id(image)] = tables
        problem = None
        for origin, table in tables:
            try:
                row = table.row(image.file_address(lookup))
            except AdpError as error:
                problem = str(error)
                continue
            if row is not None:
                return row, origin, None
        return None, "", problem

    def _context(self, registers: Mapping[int, int], stack: tuple[int, ...] = ()) -> Context:
        return Context(self._memory, registers, stack=stack)

    def _cfa(self, row: Row, registers: Mapping[int, int]) -> int | None:
        rule = row.cfa
        try:
            if rule.kind == "expression":
                return evaluate(rule.code, self._context(registers))
            base = registers.get(rule.code[0] if rule.code else self._arch.sp)
            return None if base is None else (base + rule.number) & _MASK
        except AdpError:
            return None

    def _by_rules(
        self, row: Row, registers: Mapping[int, int], cfa: int, origin: str
    ) -> tuple[_Step | None, bool]:
        """Restore the caller's registers; (None, True) at the thread's first frame."""
        restored = dict(registers)
        restored[self._arch.sp] = cfa
        for number, rule in row.registers.items():
            try:
                value = self._apply(rule, registers, cfa)
            except AdpError:
                value = None
            if value is None:
                if number == row.return_column and rule.kind == "undefined":
                    return None, True
                restored.pop(number, None)
            else:
                restored[number] = value
        pc = restored.get(row.return_column)
        if row.return_column not in row.registers or pc is None:
            return None, False
        if pc == 0:
            return None, True
        restored[self._arch.pc] = pc
        if not row.signal:
            for number in list(restored):
                keep = number in _CALLEE_SAVED or number in (self._arch.sp, self._arch.pc)
                if not keep and number not in row.registers:
                    del restored[number]
        return _Step(restored, origin, row.signal), False

    def _apply(self, rule: Rule, registers: Mapping[int, int], cfa: int) -> int | None:
        if rule.kind == "offset":
            return self._word(cfa + rule.number)
        if rule.kind == "value":
            return (cfa + rule.number) & _MASK
        if rule.kind == "register":
            return registers.get(rule.number)
        if rule.kind == "expression":
            return self._word(evaluate(rule.code, self._context(registers, (cfa,))))
        if rule.kind == "value_expression":
            return evaluate(rule.code, self._context(registers, (cfa,)))
        return None

    def _word(self, address: int) -> int:
        return int.from_bytes(self._memory.read(address & _MASK, 8), "little")

    # Without call frame information.

    def _guess(self, registers: Mapping[int, int], innermost: bool) -> _Step | None:
        return self._by_frame_pointer(registers, innermost) or self._by_scan(registers)

    def _by_frame_pointer(self, registers: Mapping[int, int], innermost: bool) -> _Step | None:
        """Follow ``rbp``: it must point up the stack to a saved one and a return address."""
        arch = self._arch
        fp, sp = registers.get(arch.fp, 0), registers.get(arch.sp, 0)
        if not sp <= fp < sp + (1 << 23) or fp & 7:
            return None
        try:
            saved, pc = self._word(fp), self._word(fp + 8)
        except FaultError:
            return None
        if not self._after_call(pc):
            return None
        if saved and not fp < saved < fp + (1 << 26):
            return None
        return _Step({arch.pc: pc, arch.sp: fp + 16, arch.fp: saved}, "frame_pointer", False)

    def _by_scan(self, registers: Mapping[int, int]) -> _Step | None:
        """Find the nearest return address behind a call from which rules lead to the end."""
        arch = self._arch
        sp = registers.get(arch.sp, 0) & ~7
        for offset in range(0, MAX_SCAN, 8):
            try:
                pc = self._word(sp + offset)
            except FaultError:
                return None
            if not self._after_call(pc):
                continue
            kept = {n: v for n, v in registers.items() if n in _CALLEE_SAVED}
            candidate = {**kept, arch.pc: pc, arch.sp: sp + offset + 8}
            if self._reaches_end(candidate):
                return _Step(candidate, "scan", False)
        return None

    def _after_call(self, pc: int) -> bool:
        """Tell whether an address stands behind a call instruction in executable code."""
        image = self._program.image_at(pc - 1) if pc else None
        if image is None:
            return False
        try:
            code = self._memory.read(pc - 7, 7)
        except FaultError:
            return False
        if code[2] == 0xE8:
            return True
        # call *reg / *mem: FF /2 with 0 to 4 bytes of displacement, SIB counted.
        for length in (2, 3, 4, 6, 7):
            at = 7 - length
            if code[at] == 0xFF and code[at + 1] >> 3 & 7 == 2:
                return True
        return False

    def _reaches_end(self, registers: dict[int, int]) -> bool:
        """Tell whether call frame information alone leads from here to a first frame."""
        current, sp = dict(registers), self._arch.sp
        for _ in range(MAX_FRAMES):
            lookup = current[self._arch.pc] - 1
            image = self._program.image_at(lookup)
            row, origin, _ = self._row(image, lookup)
            cfa = self._cfa(row, current) if row is not None else None
            if row is None or cfa is None:
                return False
            step, ended = self._by_rules(row, current, cfa, origin)
            if step is None:
                return ended
            if not step.signal and step.registers[sp] <= current[sp]:
                return False
            current = step.registers
        return False

    def _why(self, image: Image | None, problem: str | None, lookup: int, depth: int) -> str | None:
        if image is None:
            return f"{lookup:#x} lies in no mapped file"
        if image.problem is not None:
            return image.problem
        if problem is not None:
            return problem
        return f"{image.name} says nothing of how to unwind {lookup:#x}"
