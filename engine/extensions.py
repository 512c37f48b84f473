"""What a project, the user or a program adds to adp-tui: always shown."""

from __future__ import annotations

from adp_tui.engine.dataclass import dataclass

__all__ = ["Extension"]


@dataclass(frozen=True, slots=True)
class Extension:
    """Something that was found beside what ships with adp-tui, and what became of it."""

    kind: str
    """``descriptor``, or ``macros`` (a file of Python)."""
    name: str
    """A descriptor's id, a file's name."""
    origin: str
    """``project``, ``user`` or ``note`` (in the program)."""
    place: str
    """The file that it was read from."""
    state: str
    """``used``; ``unused`` (does not fit this program); ``broken``; ``untrusted``."""
    why: str = ""
    """Why it is not used, or which of its rules were left out; empty where all is well."""
