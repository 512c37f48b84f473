"""Values that are no piece of memory: what a view makes of one, or one without its view."""

from __future__ import annotations

from adp_tui.engine.dwarf.types import Body, Kind, Type
from adp_tui.engine.value import Value

__all__ = ["Bare", "Computed"]


class Bare(Value):
    """A value that is shown as it is, whatever views there are."""

    __slots__ = ()

    def __init__(self, value: Value) -> None:
        super().__init__(value.memory, value.type, value.address, value.data)


class Computed(Value):
    """A text or a number that was worked out: it has no address."""

    __slots__ = ("text",)

    def __init__(self, near: Value, text: str, kind: str) -> None:
        """``near`` is the value that it was worked out from, ``kind`` stands for its type."""
        type_ = Type(near.type.source, 0, Kind.BASE, kind, 0, body=Body())
        super().__init__(near.memory, type_, 0, b"")
        self.text = text
