"""Names of functions, brought to one form whatever the mangling."""

from __future__ import annotations

import re
from functools import lru_cache

from adp_tui.engine.rust.v0 import demangle_v0
from adp_tui.engine.text import clean

__all__ = [
    "PANIC_HOOK_CALLERS",
    "coroutine_function",
    "demangle",
    "function_name",
    "future_name",
    "is_closure",
    "linkage_ending",
    "mangled",
    "plain_path",
    "short_type",
    "split_segments",
    "strip_generics",
]

MAX_NAME = 4096
PANIC_HOOK_CALLERS = frozenset(
    {"std::panicking::rust_panic_with_hook", "std::panicking::panic_with_hook"}
)
"""The function of std that calls the panic hook: once, and since (std 1.95)."""
_ESCAPES = {
    "SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
}  # fmt: skip
_ESCAPE = re.compile(r"\$(SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{1,6})\$")
_HASH = re.compile(r"h[0-9a-f]{16}")
_SPECIAL = re.compile(r"\{(?:async_fn|async_block|async_closure|gen_fn|closure)[a-z_]*#\d+\}")
_COROUTINE = re.compile(r"\{(?:async|gen)[a-z_]*_env#\d+\}(?:<.*>)?$", re.DOTALL)
_ASYNC_FN = re.compile(r"::\{(?:async|gen)_fn_env#\d+\}")
_ENVIRONMENT = re.compile(r"_env#(?=\d+\})")
_MANGLED_CLOSURE = "28_$u7b$$u7b$closure$u7d$$u7d$"
_CLOSURE = re.compile(r"\{\{closure\}\}|\{closure(?::[^}]*)?#\d+\}")


def demangle(symbol: str) -> str | None:
    """Return the path that a legacy or v0 symbol names, or None for another symbol."""
    if symbol.startswith("_R"):
        return demangle_v0(symbol)
    return _legacy(symbol)


def mangled(path: str) -> str:
    """Return how a path stands in a symbol, in either mangling."""
    return "".join(f"{len(part)}{part}" for part in path.split("::"))


def _legacy(symbol: str) -> str | None:
    """Decode ``_ZN5tokio4sync5Mutex4lock17h0123456789abcdefE`` (and ``.llvm.123`` behind it)."""
    if not symbol.startswith("_ZN"):
        return None
    parts: list[str] = []
    at = 3
    while at < len(symbol) and symbol[at].isdigit() and symbol[at].isascii():
        end = at
        while end < len(symbol) and symbol[end].isdigit() and end - at < 6:
            end += 1
        length = int(symbol[at:end])
        if end + length > len(symbol):
            return None
        parts.append(symbol[end : end + length])
        at = end + length
    if at >= len(symbol) or symbol[at] != "E" or not parts:
        return None
    if _HASH.fullmatch(parts[-1]):
        parts.pop()
    return "::".join(_unescape(part) for part in parts)


def _unescape(part: str) -> str:
    if part.startswith("_$"):
        part = part[1:]
    part = _ESCAPE.sub(_character, part)
    return part.replace("..", "::")


def _character(match: re.Match[str]) -> str:
    code = match.group(1)
    if code in _ESCAPES:
        return _ESCAPES[code]
    number = int(code[1:], 16)
    return chr(number) if 0x20 <= number < 0x110000 and not 0xD800 <= number < 0xE000 else "?"


@lru_cache(maxsize=65_536)
def strip_generics(path: str) -> str:
    """Take the generic arguments out of a path; ``<T as Trait>`` at its beginning stays."""
    out: list[str] = []
    depth, kept = 0, 0
    for index, char in enumerate(path):
        if char == "<":
            previous = "".join(out[-2:])
            leading = not depth and (
                not out
                or previous[-1:] in "<(&, "
                or (previous == "::" and _is_qualified(path, index))
            )
            if leading:
                kept += 1
                out.append(char)
            else:
                if not depth and previous == "::":
                    del out[-2:]
                depth += 1
            continue
        if char == ">" and (index == 0 or path[index - 1] not in "-="):
            if depth:
                depth -= 1
            elif kept:
                kept -= 1
                out.append(char)
            continue
        if not depth:
            out.append(char)
    return "".join(out)


def _is_qualified(path: str, start: int) -> bool:
    """Tell whether the bracket at ``start`` is ``<T as Trait>``, not a list of arguments."""
    depth = 0
    for index in range(start, len(path)):
        if path[index] == "<":
            depth += 1
        elif path[index] == ">" and path[index - 1] not in "-=":
            depth -= 1
            if not depth:
                return False
        elif depth == 1 and path.startswith(" as ", index):
            return True
    return False


def split_segments(path: str) -> list[str]:
    """Split a path at ``::`` outside of brackets."""
    segments, depth, start, at = [], 0, 0, 0
    while at < len(path):
        char = path[at]
        if char in "<({[":
            depth += 1
        elif char in ">)}]" and not (char == ">" and path[at - 1] in "-="):
            depth -= 1
        elif char == ":" and depth == 0 and path[at : at + 2] == "::":
            segments.append(path[start:at])
            start, at = at + 2, at + 1
        at += 1
    segments.append(path[start:])
    return segments


@lru_cache(maxsize=65_536)
def function_name(linkage_name: str | None, dw_name: str | None = None) -> str:
    """Return a function's name in the form that reports use.

    ``tokio::sync::mutex::Mutex::lock``, ``<bank::Ledger as bank::Store>::get``,
    ``bank::recursive::{async_block#0}``: no hash, no generic arguments, the closure of an
    async fn dropped. ``dw_name`` is the qualified DWARF name: it tells the closures of the
    legacy mangling apart, and stands in where there is no linkage name.
    """
    demangled = demangle(linkage_name) if linkage_name else None
    if demangled is None:
        if dw_name:
            return clean(plain_path(dw_name), MAX_NAME)
        return clean(linkage_name or "", MAX_NAME)
    specials = [s for s in split_segments(strip_generics(dw_name or "")) if _SPECIAL.fullmatch(s)]
    return clean(_merge(split_segments(strip_generics(demangled)), specials), MAX_NAME)


def is_closure(dw_name: str) -> bool:
    """Tell whether a function's own DWARF name is that of a closure, or of a coroutine."""
    return _SPECIAL.fullmatch(strip_generics(dw_name)) is not None


def plain_path(dw_name: str) -> str:
    """Bring a qualified DWARF name to the reports' form: no generics, no async fn closure."""
    segments = split_segments(strip_generics(dw_name))
    return "::".join(s for s in map(_plain_segment, segments) if s)


def future_name(type_name: str) -> str:
    """Name a future by its type: an async fn as its function.

    A future around others keeps its type, with the coroutines in it named so.
    """
    found = _COROUTINE.search(type_name)
    if found is not None:
        around = type_name[: found.start()].replace("->", "")
        if around.count("<") == around.count(">"):
            return plain_path(type_name)
    return _ENVIRONMENT.sub("#", _ASYNC_FN.sub("", type_name))


def _plain_segment(segment: str) -> str:
    """Drop ``{async_fn#0}``, turn ``{async_block_env#0}`` into ``{async_block#0}``."""
    if not _SPECIAL.fullmatch(segment):
        return segment
    if segment.startswith(("{async_fn", "{gen_fn")):
        return ""
    return segment.replace("_env#", "#")


def _merge(segments: list[str], specials: list[str]) -> str:
    """Put DWARF's names of closures in the place of the mangled ones, from the end."""
    remaining = list(specials)
    out: list[str] = []
    for segment in reversed(segments):
        if _CLOSURE.fullmatch(segment):
            special = remaining.pop() if remaining else ""
            plain = _plain_segment(special) if special else "{closure}"
            if plain:
                out.append(plain)
        else:
            out.append(segment)
    return "::".join(reversed(out))


def coroutine_function(env_type: str, linkage_name: str | None) -> str:
    """Return the name of a coroutine's function from its environment's type name."""
    return function_name(linkage_name, env_type)


def linkage_ending(env_type: str) -> str:
    """Return how the legacy linkage name of a coroutine's function ends, before its hash.

    ``4lock28_$u7b$$u7b$closure$u7d$$u7d$17h`` for ``tokio::…::{impl#5}::lock::{async_fn_env#0}``;
    what stands before an ``{impl#N}`` has another form there. Empty where no name is left.
    """
    after: list[str] = []
    for segment in split_segments(strip_generics(env_type)):
        if segment.startswith("{impl#"):
            after.clear()
        elif segment.startswith("{"):
            after.append(_MANGLED_CLOSURE)
        elif segment.isidentifier() and segment.isascii():
            after.append(f"{len(segment)}{segment}")
        else:
            return ""
    return f"{''.join(after)}17h" if any(s != _MANGLED_CLOSURE for s in after) else ""


_MODULES = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*|\{impl#\d+\})::")


@lru_cache(maxsize=65_536)
def short_type(name: str) -> str:
    """Shorten a type's name for people: module paths go, the last two segments stay."""
    out: list[str] = []
    at = 0
    while at < len(name):
        match = _MODULES.match(name, at)
        if match is None:
            out.append(name[at])
            at += 1
            continue
        segments = []
        while match is not None:
            segments.append(match.group())
            at = match.end()
            match = _MODULES.match(name, at)
        # A coroutine is known by its function: keep one segment before `{…}`.
        if at < len(name) and name[at] == "{":
            out.append(segments[-1])
    return "".join(out)
