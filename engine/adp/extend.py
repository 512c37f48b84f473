"""Descriptors that extend another one: they say only what is different."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adp_tui.engine.errors import AdpError

__all__ = ["MAX_DEPTH", "DescriptorError", "extended"]

MAX_DEPTH = 16
"""Descriptors of which each extends the next."""
_OWN = ("extends",)


class DescriptorError(AdpError):
    """A descriptor as a whole cannot be used."""


def extended(data: dict[str, Any], find: Callable[[str], dict[str, Any] | None]) -> dict[str, Any]:
    """Return a descriptor's object with what it takes over from those that it extends.

    Objects (``defs``, ``types``, ``lenses``) are merged, the extending descriptor's entries
    winning; anything else that it gives replaces what was there.

    Args:
        data: The object as it was read.
        find: Returns the object of the descriptor of that name; None where there is none.

    Raises:
        DescriptorError: the name is of no descriptor, or they extend each other in a ring.
    """
    chain = [data]
    seen: list[str] = []
    while (name := chain[-1].get("extends")) is not None:
        found = find(name) if isinstance(name, str) else None
        if found is None:
            raise DescriptorError(
                f"{data['id'][:80]}: it extends {str(name)[:80]}, and there is no such descriptor",
                help="extends is another descriptor's file name without .adp.json",
            )
        if name in seen or len(seen) == MAX_DEPTH:
            raise DescriptorError(
                f"{data['id'][:80]}: {name[:80]} extends itself in the end, or more than"
                f" {MAX_DEPTH} descriptors extend each other",
                help="let it extend one that extends no other",
            )
        seen.append(name)
        chain.append(found)
    result: dict[str, Any] = {}
    for part in reversed(chain):
        for key, value in part.items():
            before = result.get(key)
            if isinstance(value, dict) and isinstance(before, dict):
                value = {**before, **value}
            result[key] = value
    return {key: value for key, value in result.items() if key not in _OWN}
