"""What a program's source implies for one of its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

__all__ = ["Expected"]


@dataclass(frozen=True, slots=True)
class Expected:
    """A task by the name that the program prints."""

    name: str
    stack: str = ""
    waits: tuple[str, ...] = ()
    kind: str = "spawned"
    state: str = "idle"
    executor: str = "main"
    parent: str | None = None
    thread: str | None = None
    cancelled: bool = False
    newer: bool = False
    """It uses what tokio lacks before 1.37: it is not in the program built for those."""

    @property
    def lines(self) -> str:
        return dedent(self.stack).strip()

    def __str__(self) -> str:
        return self.name
