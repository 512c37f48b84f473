"""A program: a target joined with the files of its modules.

Everything is found when asked for and remembered. Addresses are those of the target.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.cache import Cache
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.functions import Function, Variable
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.leb import uleb
from adp_tui.engine.dwarf.names import split_path
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.elf.symbols import Symbol
from adp_tui.engine.errors import AdpError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.image import Image
from adp_tui.engine.pinned import PolledTypes
from adp_tui.engine.rust.looks import Views
from adp_tui.engine.rust.names import mangled
from adp_tui.engine.target import Target
from adp_tui.engine.threadlocals import ThreadLocals
from adp_tui.engine.value import Value
from adp_tui.engine.vtables import Vtables

__all__ = ["Program", "ThreadLocal"]

_OP_ADDR, _OP_ADDRX = 0x03, 0xA1


@dataclass(frozen=True, slots=True)
class ThreadLocal:
    """A thread-local variable of one thread."""

    tid: int
    value: Value


class Program:
    """Questions to a target about its types, functions and variables."""

    def __init__(
        self,
        target: Target,
        *,
        debug_files: Sequence[Path] = (),
        sysroot: Path | None = None,
        cache: Cache | None = None,
        images: Sequence[Image] | None = None,
        descriptors: Sequence[Descriptor] = (),
        extensions: Sequence[Extension] = (),
    ) -> None:
        """``images`` are those of the target's modules, where they were opened before;
        ``descriptors`` those that the project and the user give, the nearest first;
        ``extensions`` what else they give, to be shown.
        """
        self.target = target
        self.descriptors = tuple(descriptors)
        self.latest_ns: int | None = None
        """The latest monotonic time that the target is known to have reached, where only its own
        memory tells."""
        self.extensions = tuple(extensions)
        self.views: Views | None = None
        """Set by the analysis, where a descriptor that fits has some."""
        self.memory = target.memory
        self.arch = target.facts.arch
        if images is None:
            images = [Image(m, debug_files, sysroot, cache) for m in target.modules()]
        self.images = tuple(images)
        self.executable = next((i for i in self.images if i.module.is_executable), None)
        spans = sorted(
            (m.start, m.end, number)
            for number, image in enumerate(self.images)
            for m in image.module.mappings
        )
        self._starts = [start for start, _, _ in spans]
        self._spans = spans
        self._types: dict[str, Type | None] = {}
        self._functions: dict[int, Function | None] = {}
        self._vtables = Vtables(self)
        self._locals = ThreadLocals(self)
        self._polled = PolledTypes(self)

    def move_to(self, target: Target) -> bool:
        """Ask the same questions at a later moment of the target; keep what is known of files.

        Return False, and change nothing, where other files are mapped now.
        """
        if tuple(target.modules()) != tuple(image.module for image in self.images):
            return False
        self.target = target
        self.memory = target.memory
        self.latest_ns = None
        self._locals = ThreadLocals(self)
        return True

    def image_at(self, address: int) -> Image | None:
        """Return the module that is mapped at an address."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._spans[index][1]:
            return None
        return self.images[self._spans[index][2]]

    def infos(self) -> Iterator[tuple[Image, DebugInfo]]:
        """Yield the modules that have debug information, the program itself first.

        Shared libraries of the system are asked only where they are Rust's: nobody looks for
        a Rust type in libc.
        """
        images = sorted(self.images, key=lambda image: not image.module.is_executable)
        for image in images:
            if image.module.is_executable or _may_be_rust(image):
                debug = image.debug
                if debug is not None:
                    yield image, debug

    def close(self) -> None:
        """Let go of the modules' files; the target is left as it is. Nobody may ask any more."""
        for image in self.images:
            image.close()

    def keep_answers(self) -> None:
        """Write what was found out about the modules' files to the cache, if there is one."""
        for image in self.images:
            image.keep_answers()

    # Types.

    def type_named(self, name: str, near: Type | None = None) -> Type | None:
        """Return a complete copy of the type with a qualified name, or None.

        It is looked for first where ``near`` stands: a type that its name has, say.
        """
        if name not in self._types:
            self._types[name] = self._find_type(name, near)
        return self._types[name]

    def _find_type(self, name: str, near: Type | None) -> Type | None:
        empty = None
        for _, debug in self.infos():
            try:
                found = debug.type_named(name, near)
            except AdpError:
                continue
            if found is not None and (found.size or found.members):
                return found
            empty = empty or found
        return empty

    def is_polled(self, type_name: str) -> bool:
        """Tell whether some ``poll`` function takes ``Pin<&mut T>`` of this type."""
        return self._polled.holds(type_name)

    # Functions.

    def function_at(self, address: int) -> Function | None:
        """Return the function that begins exactly at an address; None for data and symbols only."""
        if address not in self._functions:
            self._functions[address] = self._find_function(address)
        return self._functions[address]

    def _find_function(self, address: int) -> Function | None:
        image = self.image_at(address)
        debug = image.debug if image is not None else None
        if image is None or debug is None:
            return None
        try:
            found = debug.function_at(image.file_address(address))
        except AdpError:
            return None
        return found

    def symbol_at(self, address: int) -> Symbol | None:
        """Return the ELF symbol whose range holds an address."""
        image = self.image_at(address)
        if image is None or image.elf is None:
            return None
        found = image.symbols.at(image.file_address(address))
        return None if found is None else replace(found, address=image.run_address(found.address))

    # Variables.

    def static(self, path: str) -> tuple[Value, ...]:
        """Return the statics with a qualified name, which may be a glob, that the linker kept."""
        name = Glob(path)
        found: dict[int, Value] = {}
        for image, debug in self.infos():
            for variable in _variables(image, debug, path):
                if not name.match(variable.name):
                    continue
                address = self.location(image, debug, variable.location, variable.unit)
                target = variable.type_offset
                if address is not None and target is not None:
                    found.setdefault(address, Value(self.memory, debug.type_at(target), address))
        return tuple(found.values())

    @staticmethod
    def location(image: Image, debug: DebugInfo, expression: bytes | None, unit: int) -> int | None:
        """Return the address that a static's location names; None for a dropped one."""
        if not expression:
            return None
        address: int | None = None
        if expression[0] == _OP_ADDR and len(expression) == 9:
            address = int.from_bytes(expression[1:], "little")
        elif expression[0] == _OP_ADDRX and len(expression) > 1:
            index, _ = uleb(expression + b"\0", 1)
            address = debug.indexed_address(unit, index)
        # What the linker dropped stands at 0 or 1.
        return None if address is None or address <= 1 else image.run_address(address)

    def thread_local(self, path: str) -> tuple[ThreadLocal, ...]:
        """Return a Rust thread-local (``tokio::runtime::context::CONTEXT``) of each thread.

        Its memory may not have been initialised in a thread that never used it: std's own
        ``Storage`` type around the value tells.
        """
        return tuple(ThreadLocal(tid, value) for tid, value in self._locals.values(path))

    def thread_local_symbol(self, pattern: str) -> tuple[tuple[int, int], ...]:
        """Return (thread id, address) of the STT_TLS symbols whose raw name matches a glob."""
        return tuple(
            found
            for image in self.images
            if image.module.is_executable or _may_be_rust(image)
            for name, offset in image.symbols.thread_locals().items()
            if fnmatchcase(name, pattern)
            for found in self._locals.addresses(image, offset)
        )

    def vtable_type(self, address: int) -> Type | None:
        """Return the concrete type whose trait object vtable stands at an address."""
        return self._vtables.type_at(address)


def _may_be_rust(image: Image) -> bool:
    """Tell whether a shared library may hold Rust: it brings its own debug information."""
    name = image.name
    if name.startswith(("libc.so", "ld-linux", "libm.so", "libgcc_s", "libpthread", "[")):
        return False
    return image.elf is not None and image.elf.has(".debug_info")


def _variables(image: Image, debug: DebugInfo, path: str) -> tuple[Variable, ...]:
    """Return what may be the statics with a qualified name.

    Symbols tell where they stand, and so in which unit; else all debug information is searched.
    """
    _, last = split_path(path)
    placed: list[Variable] = []
    addresses = image.symbols.holding(mangled(path))
    for unit in debug.units_at(addresses):
        placed += debug.variables_in(unit, last)
    found = {Program.location(image, debug, v.location, v.unit) for v in placed if v.name == path}
    if addresses and found.issuperset(map(image.run_address, addresses)):
        return tuple(placed)
    return debug.variables_named(last)
