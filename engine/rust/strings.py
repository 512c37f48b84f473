"""Text in memory: ``String``, ``&str``, paths, C strings, boxed and shared strings."""

from __future__ import annotations

from adp_tui.engine.dwarf.types import Kind
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["read_text", "text_span"]

_TEXTS = ("&str", "&mut str", "alloc::boxed::Box<str", "*const str", "*mut str")
_FAT_PREFIXES = ("&mut ", "&", "alloc::boxed::Box<")
_UNSIZED = (
    "str",
    "std::path::Path",
    "std::ffi::os_str::OsStr",
    "core::ffi::c_str::CStr",
)
_OWNED = (
    "alloc::string::String",
    "std::path::PathBuf",
    "std::ffi::os_str::OsString",
    "alloc::ffi::c_str::CString",
)
_C_TEXTS = ("alloc::ffi::c_str::CString", "core::ffi::c_str::CStr")
MAX_LENGTH = 1 << 32
MAX_WRAPPERS = 8
"""Structures around the bytes of an owned text: PathBuf has four (std 1.95)."""


def read_text(value: Value, limit: int) -> str | None:
    """Return the text that a value is; None for a value of another type.

    It is cut after ``limit`` bytes, invalid UTF-8 is replaced, control characters are not.

    Raises:
        FaultError: its bytes cannot be read.
        LayoutError: its length is absurd.
    """
    name = value.type.name
    if name != "alloc::string::String" and not name.startswith(_TEXTS):
        return None
    span = text_span(value)
    if span is None:
        return None
    address, length = span
    data = value.memory.read(address, min(length, limit)) if length else b""
    return clean(data.decode("utf-8", "replace"), limit)


def text_span(value: Value) -> tuple[int, int] | None:
    """Return address and length in bytes of any text of std's; None for another type.

    The final NUL of a C string does not count.

    Raises:
        FaultError: its header cannot be read.
        LayoutError: its length is absurd, or it is not laid out as known.
    """
    name = value.type.name
    if name in _OWNED:
        address, length = _owned(value)
    elif _unsized(name) is not None:
        pointer, count = value.member("data_ptr"), value.member("length")
        if pointer is None or count is None:
            return None
        address, length = pointer.pointer(), count.unsigned(8)
    elif value.type.kind is Kind.ARRAY and name == "str":
        address, length = value.address, value.type.size
    else:
        return None
    if length > MAX_LENGTH:
        raise LayoutError(f"a text claims to have {length} bytes")
    if length and (name in _C_TEXTS or _unsized(name) in _C_TEXTS):
        length -= 1
    return address, length


def _unsized(name: str) -> str | None:
    """Return what a fat pointer to text points to, by its type's name."""
    for prefix in _FAT_PREFIXES:
        if name.startswith(prefix):
            # A Box names its allocator too.
            rest = name[len(prefix) :].split(",")[0].rstrip(">")
            return rest if rest in _UNSIZED else None
    return "str" if name in ("*const str", "*mut str") else None


def _owned(value: Value) -> tuple[int, int]:
    """Look into the wrappers of an owned text for its Vec or boxed slice of bytes."""
    inner = value
    for _ in range(MAX_WRAPPERS):
        sized = [m for m in inner.type.members if m.type.size]
        found = elements(inner, MAX_LENGTH)
        if found is not None:
            return found.address, found.count
        if len(sized) != 1:
            break
        inner = inner.of(sized[0])
    raise LayoutError(f"{value.type.name} is not laid out as known")
