"""One record for each kind of processor: register names, DWARF numbers, TLS layout."""

from __future__ import annotations

from collections.abc import Mapping

from adp_tui.engine.dataclass import dataclass

__all__ = ["X86_64", "Arch"]


@dataclass(frozen=True, slots=True)
class Arch:
    """What the engine must know of a processor.

    Registers are named by their DWARF number everywhere in the engine.
    """

    name: str
    machine: int
    """``e_machine`` of its ELF files."""
    pointer_size: int
    registers: Mapping[int, str]
    pc: int
    sp: int
    fp: int
    syscall_arguments: tuple[int, ...]
    syscall_instruction: bytes
    """The bytes before the program counter of a thread that is in a system call."""
    tls_below_thread_pointer: bool
    """TLS variant II: the executable's block ends at the thread pointer."""
    program_counter_mask: int = (1 << 64) - 1


X86_64 = Arch(
    name="x86_64",
    machine=62,
    pointer_size=8,
    # System V AMD64 ABI, table 3.36.
    registers={
        0: "rax", 1: "rdx", 2: "rcx", 3: "rbx", 4: "rsi", 5: "rdi", 6: "rbp", 7: "rsp",
        8: "r8", 9: "r9", 10: "r10", 11: "r11", 12: "r12", 13: "r13", 14: "r14", 15: "r15",
        16: "rip",
    },
    pc=16,
    sp=7,
    fp=6,
    syscall_arguments=(5, 4, 1, 10, 8, 9),
    syscall_instruction=b"\x0f\x05",
    tls_below_thread_pointer=True,
)  # fmt: skip
