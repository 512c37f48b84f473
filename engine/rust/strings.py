"""Text in memory: ``String``, ``&str``, boxed and shared strings."""

from __future__ import annotations

from adp_tui.engine.errors import LayoutError
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["read_text"]

_TEXTS = ("&str", "&mut str", "alloc::boxed::Box<str", "*const str", "*mut str")
_WRAPPERS = ("alloc::string::String", "std::path::PathBuf", "std::ffi::os_str::OsString")
MAX_LENGTH = 1 << 32


def read_text(value: Value, limit: int) -> str | None:
    """Return the text that a value is; None for a value of another type.

    It is cut after ``limit`` bytes, invalid UTF-8 is replaced, control characters are not.

    Raises:
        FaultError: its bytes cannot be read.
        LayoutError: its length is absurd.
    """
    name = value.type.name
    if name == "alloc::string::String":
        vector = value.member("vec")
        found = elements(vector) if vector is not None else None
        if found is None:
            raise LayoutError("alloc::string::String is not laid out as known")
        return _read(value, found.address, found.count, limit)
    if name.startswith(_TEXTS):
        pointer, length = value.member("data_ptr"), value.member("length")
        if pointer is None or length is None:
            return None
        return _read(value, pointer.pointer(), length.unsigned(8), limit)
    return None


def _read(value: Value, address: int, length: int, limit: int) -> str:
    if length > MAX_LENGTH:
        raise LayoutError(f"a text claims to have {length} bytes")
    if not length:
        return ""
    data = value.memory.read(address, min(length, limit))
    return clean(data.decode("utf-8", "replace"), limit)
