"""A module of a target together with its ELF file, symbols and debug information."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adp_tui.engine.answers import Answers
from adp_tui.engine.cache import Cache
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.elf.separate import find_debug_file
from adp_tui.engine.elf.symbols import SymbolTable
from adp_tui.engine.errors import AdpError
from adp_tui.engine.target import Module

__all__ = ["Image", "KnownFiles"]

_PAGE = 4096


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """What was opened before: the file, what holds its debug information, answers about both."""

    elf: ElfFile | None
    debug_file: ElfFile | None
    answers: Answers
    problem: str | None = None
    debug_problem: AdpError | None = None


class Image:
    """One mapped ELF file. Its parts are opened when first asked for, and only once.

    Attributes:
        module: what the target says of it.
        bias: what is added to an address of the file to get the address in the target.
    """

    def __init__(
        self,
        module: Module,
        debug_files: Sequence[Path] = (),
        sysroot: Path | None = None,
        cache: Cache | None = None,
        known: KnownFiles | None = None,
    ) -> None:
        self.module = module
        self._cache = cache
        self._answers: Answers | None = None
        self._debug_files = debug_files
        self._sysroot = sysroot
        self._elf: ElfFile | None = None
        self._problem = module.problem
        self._opened = False
        self._debug: DebugInfo | None = None
        self._debug_file: ElfFile | None = None
        self._debug_opened = False
        self._debug_problem: AdpError | None = None
        self._symbols: SymbolTable | None = None
        self._bias: int | None = None
        if known is not None:
            self._opened = self._debug_opened = True
            self._elf, self._debug_file = known.elf, known.debug_file
            self._problem, self._debug_problem = known.problem, known.debug_problem
            self._answers = known.answers

    def __repr__(self) -> str:
        return f"<Image {self.module.path}>"

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.module.path.rsplit("/", 1)[-1]

    @property
    def problem(self) -> str | None:
        """Why there is no file; None when there is one."""
        _ = self.elf
        return self._problem

    @property
    def elf(self) -> ElfFile | None:
        """The file, or None where it is missing."""
        if not self._opened:
            self._opened = True
            try:
                if self.module.image is not None:
                    self._elf = ElfFile.from_bytes(self.module.image, self.module.path)
                elif self.module.file is not None:
                    self._elf = ElfFile.open(self.module.file)
            except AdpError as error:
                self._problem = str(error)
        return self._elf

    @property
    def bias(self) -> int:
        """Run-time address less the file's own address."""
        if self._bias is None:
            self._bias = self._find_bias()
        return self._bias

    def _find_bias(self) -> int:
        elf = self.elf
        if elf is None or not elf.loads:
            return self.module.start
        for mapping in self.module.mappings:
            for segment in elf.loads:
                start = segment.offset & ~(_PAGE - 1)
                if start <= mapping.offset < segment.offset + max(segment.file_size, 1):
                    return mapping.start - (segment.address - segment.offset + mapping.offset)
        first = elf.loads[0]
        return self.module.start - (first.address & ~(_PAGE - 1))

    @property
    def debug_file(self) -> ElfFile | None:
        """The file that holds the debug information: the file itself, or a separate one."""
        if not self._debug_opened:
            self._debug_opened = True
            elf = self.elf
            if elf is not None:
                try:
                    self._debug_file = self._find_debug(elf)
                except AdpError as error:
                    self._debug_problem = error
        return self._debug_file

    def _find_debug(self, elf: ElfFile) -> ElfFile | None:
        if elf.has(".debug_info"):
            return elf
        if self.module.file is None:
            return None
        return find_debug_file(elf, self.module.file, self._debug_files, self._sysroot)

    @property
    def debug(self) -> DebugInfo | None:
        """The debug information; None where there is none or it cannot be read."""
        file = self.debug_file
        if self._debug is None and file is not None and self._debug_problem is None:
            try:
                if file.has(".debug_info"):
                    found = DebugInfo(file, self.answers)
                    found.check()
                    self._debug = found
            except AdpError as error:
                self._debug_problem = error
        return self._debug

    @property
    def debug_problem(self) -> AdpError | None:
        """Why the debug information that is there cannot be read; None when it can."""
        _ = self.debug
        return self._debug_problem

    @property
    def symbols(self) -> SymbolTable:
        """The symbols of the file, or of its separate debug file."""
        if self._symbols is None:
            files = [f for f in (self.elf, self.debug_file) if f is not None]
            with_table = [f for f in files if f.has(".symtab")] or files[:1]
            self._symbols = SymbolTable(*with_table[:1], answers=self.answers)
        return self._symbols

    @property
    def answers(self) -> Answers:
        """What is known of its files from this run and, where there is a cache, from others."""
        if self._answers is None:
            key = self._cache_key()
            if self._cache is None or key is None:
                self._answers = Answers()
            else:
                self._answers = self._cache.read(*key)
        return self._answers

    def keep_answers(self) -> None:
        """Write what was found out to the cache, if there is one and anything is new."""
        key = self._cache_key()
        known = self._answers
        if self._cache is not None and key is not None and known is not None and known.grown:
            self._cache.write(*key, known)

    def close(self) -> None:
        """Let go of its files. Nobody may ask it any more."""
        for file in (self._elf, self._debug_file):
            if file is not None:
                file.close()

    def _cache_key(self) -> tuple[str, list[Path]] | None:
        """Return build-id and files; None where a file was not found by a path of its own."""
        if self.elf is None or self.module.image is not None or self.elf.build_id is None:
            return None
        files = [self.elf, self.debug_file or self.elf]
        return self.elf.build_id, [Path(name) for name in dict.fromkeys(f.name for f in files)]

    def file_address(self, address: int) -> int:
        """Turn an address of the target into one of the file."""
        return address - self.bias

    def run_address(self, address: int) -> int:
        """Turn an address of the file into one of the target."""
        return address + self.bias
