"""The one sanitiser for text that comes from a target or a binary."""

from __future__ import annotations

__all__ = ["MAX_TEXT", "clean"]

MAX_TEXT = 65_536

_BIDI = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks that reorder what a terminal shows."""
_STRIPPED = {c: None for c in (*range(0x20), *range(0x7F, 0xA0), *map(ord, _BIDI))}
_STRIPPED |= {ord("\t"): " ", ord("\n"): " ", 0x2028: " ", 0x2029: " "}  # type: ignore[dict-item]
_SURROGATES = {c: "\ufffd" for c in range(0xD800, 0xE000)}


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Strip what could steer a terminal, and cut after ``limit`` characters."""
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isprintable() and text.isascii():
        return text
    return text.translate(_STRIPPED).translate(_SURROGATES)
