"""Every expression of a descriptor with the path at which its JSON has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from adp_tui.engine.adp.descriptor import SECTIONS
from adp_tui.engine.adp.schema import Descriptor, Expression

__all__ = ["expressions", "rules"]


def rules(descriptor: Descriptor) -> Iterator[tuple[str, object]]:
    """Yield the path (``tasks[0]``) and the record of each rule.

    Numbers are those of the rules that could be read.
    """
    for section in SECTIONS:
        for number, rule in enumerate(getattr(descriptor, section)):
            yield f"{section}[{number}]", rule


def expressions(path: str, part: object) -> Iterator[tuple[str, Expression]]:
    """Yield path and expression of all that stand in a rule, in the order of its fields."""
    if isinstance(part, Expression):
        yield path, part
    elif isinstance(part, Mapping):
        for name, each in part.items():
            yield from expressions(f"{path}.{name}", each)
    elif isinstance(part, tuple):
        for number, each in enumerate(part):
            yield from expressions(_item(path, number, each), each)
    elif is_dataclass(part):
        for field in fields(part):
            yield from expressions(f"{path}.{field.name}", getattr(part, field.name))


def _item(path: str, number: int, part: object) -> str:
    """Name an item of a list; a pair of a ``let`` by its name, the parts of a pair not at all."""
    if isinstance(part, Expression):
        return path
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], str):
        return f"{path}.{part[0]}"
    return f"{path}[{number}]"
