"""A program that does not run: its file alone, so that descriptors can be checked against it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adp_tui.engine.arch import X86_64
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.errors import FaultError, OpenError
from adp_tui.engine.target import Facts, FileMapping, Memory, Module, Region, ThreadState

__all__ = ["ProgramFile"]

_X86_64, _CORE = 62, 4
"""e_machine and e_type."""


class _Nothing:
    """Memory of which no byte is there."""

    def read(self, address: int, size: int) -> bytes:
        raise FaultError(address, size, "the program does not run")

    def regions(self) -> Sequence[Region]:
        return ()


class ProgramFile:
    """A target with one module, no thread and no memory.

    Raises:
        OpenError: the file cannot be read, or is no program for a processor that is known.
    """

    def __init__(self, path: Path) -> None:
        elf = ElfFile.open(path)
        try:
            if elf.machine != _X86_64:
                raise OpenError(f"{path} is for another processor than x86-64")
            if elf.type == _CORE:
                raise OpenError(
                    f"{path} is a core file, and a program is wanted",
                    help=f"what applies to a core is said by: adp-tui adp explain core {path}",
                )
            build_id = elf.build_id
            mappings = tuple(
                FileMapping(s.address, s.address + s.memory_size, s.offset) for s in elf.loads
            )
        finally:
            elf.close()
        self._module = Module(
            str(path), mappings, path, None, build_id, build_id, True, is_executable=True
        )
        self._facts = Facts("program", X86_64, None, str(path), str(path), None, None, None, None)
        self._memory: Memory = _Nothing()

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        return self._facts

    @property
    def memory(self) -> Memory:
        """No memory."""
        return self._memory

    def threads(self) -> Sequence[ThreadState]:
        """Return no thread."""
        return ()

    def modules(self) -> Sequence[Module]:
        """Return the program."""
        return (self._module,)

    def close(self) -> None:
        """Let go of nothing: the file was closed."""
