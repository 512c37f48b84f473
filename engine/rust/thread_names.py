"""Names that std gave to threads."""

from __future__ import annotations

from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["std_thread_names"]

CURRENT = "*3std6thread7current7CURRENT*"
"""Symbol of ``std::thread::current::CURRENT`` (rustc 1.95): a v0 name even where the program
uses legacy mangling. It has no DIE. 0, 1 and 2 are states, else it points to the data of the
thread's ``Arc<Inner>``."""
INNER_TYPES = ("std::thread::thread::Inner", "std::thread::Inner")
MAX_NAME = 256
_STATES = 2


def std_thread_names(program: Program) -> dict[int, str]:
    """Return the name of each thread whose std ``Thread`` has one, by thread id."""
    inner = next((t for t in map(program.type_named, INNER_TYPES) if t is not None), None)
    if inner is None:
        return {}
    names = {}
    for tid, address in program.thread_local_symbol(CURRENT):
        try:
            pointer = int.from_bytes(program.memory.read(address, 8), "little")
            if pointer > _STATES:
                name = _name(program, inner, pointer)
                if name:
                    names[tid] = name
        except AdpError:
            continue
    return names


def _name(program: Program, inner: Type, address: int) -> str | None:
    """Read ``Inner.name``: an Option of a pointer and a length that counts the final NUL."""
    member = inner.member("name")
    if member is None or member.type.size != 16:
        return None
    raw = Value(program.memory, inner, address).of(member).read(16)
    pointer, length = int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")
    if not pointer or not 0 < length <= MAX_NAME:
        return None
    text = program.memory.read(pointer, length)
    return clean(text.rstrip(b"\0").decode("utf-8", "replace"), MAX_NAME)
