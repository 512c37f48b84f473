"""What the registers of a thread tell beyond its frames."""

from __future__ import annotations

from collections.abc import Mapping

from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Memory

__all__ = ["syscall_of"]

_RCX = 2


def syscall_of(memory: Memory, registers: Mapping[int, int], orig_rax: int) -> int | None:
    """Return the system call that a thread is in; None for one that runs or was interrupted.

    The kernel sets ``orig_rax`` to -1 on every other entry (arch/x86/entry/entry_64.S).
    """
    pc = registers.get(X86_64.pc)
    if orig_rax < 0 or pc is None:
        return None
    instruction = X86_64.syscall_instruction
    try:
        called = memory.read(pc - len(instruction), len(instruction)) == instruction
    except FaultError:
        # The code is in a file that is not here. SYSCALL itself leaves its return address in
        # rcx, and the kernel keeps it there.
        called = registers.get(_RCX) == pc
    return orig_rax if called else None
