"""One step up the stack where no call frame information helps: a guess, and marked as one."""

from __future__ import annotations

from collections.abc import Mapping

from adp_tui.engine.errors import FaultError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.rules import CALLEE_SAVED, FrameRules, Step

__all__ = ["Guesser"]

MAX_SCAN = 64 * 1024
"""Bytes of stack that are searched for a return address where nothing else is left."""
MAX_FRAME = 8 << 20
MAX_GAP = 64 << 20
"""How far up the stack a saved frame pointer may point."""
MAX_SAVED = 64
"""Words that could be saved frame pointers, tried in a search."""
MAX_STEPS = 512
_EXECUTABLE = 1
_MASK = (1 << 64) - 1


class Guesser:
    """Finds callers by the frame pointer, or by return addresses that lie on the stack."""

    def __init__(self, program: Program, rules: FrameRules) -> None:
        self._program = program
        self._memory = program.memory
        self._arch = program.arch
        self._rules = rules

    def step(self, registers: Mapping[int, int], lookup: int, innermost: bool) -> Step | None:
        """Return the likeliest caller, or None. ``innermost`` is true for a frame that made no
        call: the first one, and one that a signal interrupted.
        """
        if innermost:
            step = self._just_called(registers, lookup)
            if step is not None:
                return step
        return self._by_frame_pointer(registers) or self._by_scan(registers, lookup)

    def _just_called(self, registers: Mapping[int, int], lookup: int) -> Step | None:
        """Handle a call that went nowhere (a null function pointer), and a function that was
        interrupted before it had a frame: the return address is on top of the stack.
        """
        sp = registers.get(self._arch.sp, 0)
        try:
            pc = self._rules.word(sp)
        except FaultError:
            return None
        if not self._after_call(pc):
            return None
        if not self._is_code(self._program.image_at(lookup), lookup) or self._calls(pc, lookup):
            kept = {n: v for n, v in registers.items() if n in CALLEE_SAVED}
            return Step({**kept, self._arch.pc: pc, self._arch.sp: sp + 8}, "scan")
        return None

    def _by_frame_pointer(self, registers: Mapping[int, int]) -> Step | None:
        """Follow ``rbp``: it must point up the stack to a saved one and a return address."""
        arch = self._arch
        fp, sp = registers.get(arch.fp, 0), registers.get(arch.sp, 0)
        if not sp <= fp < sp + MAX_FRAME or fp & 7:
            return None
        try:
            saved, pc = self._rules.word(fp), self._rules.word(fp + 8)
        except FaultError:
            return None
        if not self._after_call(pc) or (saved and not fp < saved < fp + MAX_GAP):
            return None
        return Step({arch.pc: pc, arch.sp: fp + 16, arch.fp: saved}, "frame_pointer")

    def _by_scan(self, registers: Mapping[int, int], lookup: int) -> Step | None:
        """Find the nearest return address that is a likely one: behind a call of the very
        function that the frame is in, or from where rules lead to the stack's end.
        """
        arch = self._arch
        sp = registers.get(arch.sp, 0) & ~7
        kept = {n: v for n, v in registers.items() if n in CALLEE_SAVED}
        saved: list[int] = []
        for slot in range(sp, sp + MAX_SCAN, 8):
            try:
                word = self._rules.word(slot)
            except FaultError:
                return None
            if slot < word < slot + MAX_FRAME and not word & 7 and len(saved) < MAX_SAVED:
                saved.append(word)
            if not self._after_call(word):
                continue
            candidate = {**kept, arch.pc: word, arch.sp: slot + 8}
            if self._calls(word, lookup) or self._reaches_end(candidate):
                return Step(candidate, "scan")
            # A frame that hangs on rbp: a callee that changed it has saved it further down.
            for fp in reversed(saved):
                if fp > slot and self._reaches_end({**candidate, arch.fp: fp}):
                    return Step({**candidate, arch.fp: fp}, "scan")
        return None

    def _after_call(self, pc: int) -> bool:
        """Tell whether an address stands behind a call instruction in executable code."""
        if pc < 8 or not self._is_code(self._program.image_at(pc - 1), pc - 1):
            return False
        try:
            code = self._memory.read(pc - 7, 7)
        except FaultError:
            return False
        if code[2] == 0xE8:
            return True
        # call *reg / *mem: FF /2 with 0 to 4 bytes of displacement, SIB counted.
        return any(
            code[7 - length] == 0xFF and code[8 - length] >> 3 & 7 == 2
            for length in (2, 3, 4, 6, 7)
        )

    @staticmethod
    def _is_code(image: Image | None, address: int) -> bool:
        """Tell whether an address lies in a module's executable part, as far as one can know."""
        if image is None:
            return False
        if image.elf is None:
            return True
        at = image.file_address(address)
        return any(
            s.flags & _EXECUTABLE and s.address <= at < s.address + s.memory_size
            for s in image.elf.loads
        )

    def _calls(self, pc: int, lookup: int) -> bool:
        """Tell whether the direct call before ``pc`` is one of the function around ``lookup``."""
        symbol = self._program.symbol_at(lookup)
        if symbol is None:
            return False
        try:
            code = self._memory.read(pc - 5, 5)
        except FaultError:
            return False
        target = pc + int.from_bytes(code[1:], "little", signed=True)
        return code[0] == 0xE8 and target & _MASK == symbol.address

    def _reaches_end(self, registers: dict[int, int]) -> bool:
        """Tell whether rules alone lead from here to a first frame, or by two steps at least to
        a module whose file is missing.
        """
        current, sp = dict(registers), self._arch.sp
        for steps in range(MAX_STEPS):
            lookup = current[self._arch.pc] - 1
            image = self._program.image_at(lookup)
            if image is not None and image.elf is None:
                return steps >= 2
            found = self._rules.find(image, lookup)
            cfa = None if found.row is None else self._rules.cfa(found.row, current)
            if cfa is None:
                return False
            step, ended = self._rules.step(found, current, cfa)
            if step is None:
                return ended
            if not step.signal and step.registers[sp] <= current[sp]:
                return False
            current = step.registers
        return False
