"""Text with expressions in it, as views have: ``{it.name}: {len(it.entries)} in all``."""

from __future__ import annotations

import re

from adp_tui.engine.adp.language import parse
from adp_tui.engine.adp.schema import Expression, Template

__all__ = ["template"]

MAX_LENGTH = 1024
MAX_PARTS = 32
"""Texts and expressions of one template: more than a line shows."""
_PIECE = re.compile(r"\{\{|\}\}|\{(?P<expression>(?:[^{}']|'[^']*')*)\}|[^{}]+|(?P<lone>[{}])")


def template(text: str) -> Template:
    """Parse a text in which ``{…}`` is an expression, and ``{{`` and ``}}`` are braces.

    Raises:
        ValueError: it is too long, or a brace stands alone.
        LanguageError: an expression cannot be parsed.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a text of {len(text)} characters is too long ({MAX_LENGTH})")
    parts: list[str | Expression] = []
    for piece in _PIECE.finditer(text):
        found = piece.group("expression")
        if piece.group("lone"):
            raise ValueError(f"a brace stands alone at {piece.start() + 1}; {{{{ is a brace")
        if found is not None:
            parse(found)
            parts.append(Expression(found))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += _plain(piece.group())
        else:
            parts.append(_plain(piece.group()))
    if len(parts) > MAX_PARTS:
        raise ValueError(f"{len(parts)} pieces are more than {MAX_PARTS}")
    return Template(text, tuple(parts))


def _plain(text: str) -> str:
    return {"{{": "{", "}}": "}"}.get(text, text)
