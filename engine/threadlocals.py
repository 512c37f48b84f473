"""Where the thread-local variables of each thread are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from adp_tui.engine.dwarf.functions import Variable
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.errors import AdpError, NoDebugInfoError
from adp_tui.engine.rust.names import mangled
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.image import Image
    from adp_tui.engine.program import Program

__all__ = ["ThreadLocals"]

NAMES = ("__RUST_STD_INTERNAL_VAL", "VAL", "__KEY")
"""What std's ``thread_local!`` calls its static: newest rustc, since 1.80, before."""
_OP_CONST4U, _OP_CONST8U, _OP_ADDR = 0x0C, 0x0E, 0x03
_OP_TLS = (0xE0, 0x9B)
MAX_MODULES = 256
MAX_FUNCTIONS = 8
"""Functions of a thread-local whose units are looked at first."""


class ThreadLocals:
    """Finds thread-locals by the thread pointer, in TLS variant II (x86-64)."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[str, tuple[tuple[int, Value], ...] | NoDebugInfoError] = {}
        self._variables: dict[tuple[int, str], tuple[Variable, ...]] = {}

    def values(self, path: str) -> tuple[tuple[int, Value], ...]:
        """Return (thread id, value) of a ``thread_local!`` static for each thread.

        Raises:
            NoDebugInfoError: the program has it, but debug information does not describe it.
        """
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._values(path)
        if isinstance(known, NoDebugInfoError):
            raise known
        return known

    def _values(self, path: str) -> tuple[tuple[int, Value], ...] | NoDebugInfoError:
        found: list[tuple[int, Value]] = []
        described = False
        for image, debug in self._program.infos():
            variable = self._choose(image, debug, path)
            target = None if variable is None else variable.type_offset
            offset = None if variable is None else _tls_offset(variable.location)
            if target is None or offset is None:
                continue
            described = True
            type_ = debug.type_at(target)
            for tid, address in self.addresses(image, offset):
                found.append((tid, Value(self._program.memory, type_, address)))
        if not described and self._is_linked(path):
            crate = path.partition("::")[0]
            return NoDebugInfoError(
                f"the program has the thread-local {path}, but {crate} was built without debug "
                "information: give dependencies `debug = 2` as well "
                '(see [profile.*.package."*"] in Cargo.toml)'
            )
        return tuple(found)

    def _is_linked(self, path: str) -> bool:
        """Tell by a symbol whether the program has a thread-local; the same in both manglings."""
        part = mangled(path)
        return any(
            part in name
            for image, _ in self._program.infos()
            for name in image.symbols.thread_locals()
        )

    def _choose(self, image: Image, debug: DebugInfo, path: str) -> Variable | None:
        """Choose the live one of several DIEs of a static.

        rustc emits a second DIE for code that was dropped, whose location was relocated to
        the valid looking offset 0. The live one's linkage name is an STT_TLS symbol; without
        a symbol table the one of std's ``Storage`` type is taken.
        """
        if not debug.has_name(path.partition("::")[0]):
            return None
        # LLVM renames a symbol that it made local to a unit: ``NAME.llvm.5429408833531791858``.
        symbols = {name.partition(".llvm.")[0] for name in image.symbols.thread_locals()}
        names = _inner_names(path, symbols)
        if not names:
            return None
        near = (v for name in names for v in self._near(image, debug, path, name))
        everywhere = (v for name in names for v in self._inner(debug, name))
        others: dict[int, Variable] = {}
        for variable in chain(near, everywhere):
            if variable.name.startswith(f"{path}::"):
                if (variable.linkage_name or "") in symbols:
                    return variable
                others[variable.offset] = variable
        found = list(others.values())
        for variable in found:
            target = variable.type_offset
            if target is not None and "Storage<" in debug.type_at(target).name:
                return variable
        return found[0] if len(found) == 1 else None

    @staticmethod
    def _near(image: Image, debug: DebugInfo, path: str, name: str) -> Iterator[Variable]:
        """Yield what may be a thread-local's static in the units of its functions, which is where
        the live one mostly is.
        """
        functions = image.symbols.holding(mangled(path))[:MAX_FUNCTIONS]
        for unit in debug.units_at(functions):
            yield from debug.variables_in(unit, name)

    def _inner(self, debug: DebugInfo, name: str) -> tuple[Variable, ...]:
        """Return the variables of a file that std's ``thread_local!`` gave a name: a search of all
        its debug information.
        """
        key = id(debug), name
        known = self._variables.get(key)
        if known is None:
            known = self._variables[key] = debug.variables_named(name)
        return known

    def addresses(self, image: Image, offset: int) -> Iterator[tuple[int, int]]:
        """Yield (thread id, address) for an offset in a module's TLS block."""
        elf = image.elf
        template = elf.tls if elf is not None else None
        if template is None or not self._program.arch.tls_below_thread_pointer:
            return
        if not 0 <= offset < template.memory_size:
            return
        number = None if image.module.is_executable else self._module_number(image)
        for thread in self._program.target.threads():
            pointer = thread.thread_pointer
            if not pointer:
                continue
            if image.module.is_executable:
                # The block ends below the thread pointer, as near as its alignment lets it:
                # its start has the same remainder as the template's address.
                start = pointer - template.memory_size
                start -= (start - template.address) % max(template.align, 1)
                yield thread.tid, start + offset
            elif number is not None:
                block = self._block(pointer, number)
                if block is not None:
                    yield thread.tid, block + offset

    def _module_number(self, image: Image) -> int | None:
        """Return a shared library's TLS module number, where only one library has TLS.

        The executable is number 1; libraries follow in the order in which they were loaded,
        which their addresses do not tell: with several of them the number is not known.
        """
        others = [
            i for i in self._program.images
            if not i.module.is_executable and i.elf is not None and i.elf.tls is not None
        ]  # fmt: skip
        return 2 + others.index(image) if len(others) == 1 else None

    def _block(self, thread_pointer: int, number: int) -> int | None:
        """Walk glibc's ``tcbhead_t.dtv`` (at +8): entry ``number`` is a pointer and a flag."""
        if number > MAX_MODULES:
            return None
        read = self._program.memory.read
        try:
            dtv = int.from_bytes(read(thread_pointer + 8, 8), "little")
            block = int.from_bytes(read(dtv + 16 * number, 8), "little")
        except AdpError:
            return None
        return block if block not in (0, (1 << 64) - 1) else None


def _inner_names(path: str, symbols: Collection[str]) -> Sequence[str]:
    """Return what a thread-local's static may be called: as its symbol says, if there is one.

    Where the crate's symbols spell paths out and none has this one, the linker dropped the static.
    """
    part = mangled(path)
    own = [symbol for symbol in symbols if part in symbol]
    if not own:
        legacy = "_ZN" + mangled(path.partition("::")[0])
        return () if any(symbol.startswith(legacy) for symbol in symbols) else NAMES
    # The v0 mangling sets an underscore between a length and a name that begins with one.
    return [
        name
        for name in NAMES
        if any(f"{len(name)}{mark}{name}" in s for s in own for mark in ("", "_"))
    ]


def _tls_offset(expression: bytes | None) -> int | None:
    """Return the offset that a TLS location pushes: a constant, then a push of its address."""
    if not expression or expression[-1] not in _OP_TLS:
        return None
    if expression[0] in (_OP_CONST8U, _OP_ADDR) and len(expression) == 10:
        return int.from_bytes(expression[1:9], "little")
    if expression[0] == _OP_CONST4U and len(expression) == 6:
        return int.from_bytes(expression[1:5], "little")
    return None
