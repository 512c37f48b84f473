"""What a program's source implies for one of its tasks."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from support.build import version_of

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
    since: tuple[int, int] = (1, 0)
    """The program has it from this version of tokio on: those before lack what it uses."""
    before: tuple[int, int] | None = None
    """It is so before this version of tokio only."""

    def is_in(self, tokio: str | None) -> bool:
        """Tell whether the program that is built for this version of tokio has it."""
        if tokio is None:
            return self.before is None
        version = version_of(tokio)
        return self.since <= version and (self.before is None or version < self.before)

    @property
    def lines(self) -> str:
        return dedent(self.stack).strip()

    def __str__(self) -> str:
        return self.name
