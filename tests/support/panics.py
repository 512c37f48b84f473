"""What the source of ``tests/programs/panics`` implies: how each panic ends the program."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ABORTING", "PANICS", "WAYS", "Panic"]

ABORTING = ("abort", "abort-release")
"""Profiles of the program with ``panic = "abort"``; the others unwind."""
WAYS = ("debug", "release", *ABORTING)
_CORE = "core/src/panicking.rs"
"""Where std panics itself, when it can't unwind."""


@dataclass(frozen=True, slots=True)
class Panic:
    """How the program ends by an argument.

    ``message`` is that of the panic, None where there is none to tell; ``place`` its marker, or a
    file of std's. Both are None where the program ends without a panic.
    """

    name: str
    message: str | None
    place: str | None
    unwinding: Panic | None = None
    """What it is where panics unwind, if that differs."""
    unwound: str | None = None
    """Message of the panic before it, which was on its way."""

    def __str__(self) -> str:
        return self.name

    def built(self, profile: str) -> Panic:
        """Return what it is in a build."""
        return self if self.unwinding is None or profile in ABORTING else self.unwinding


PANICS = (
    Panic("literal", "the ledger is closed", "panics.literal"),
    Panic("arguments", "3 numbers are left: [3, 5, 8]", "panics.arguments"),
    Panic("empty", "", "panics.empty"),
    Panic("long", "é" * 4095 + "…", "panics.long"),
    Panic("steering", "red [31m3 andback", "panics.steering"),
    Panic("bounds", "index out of bounds: the len is 3 but the index is 7", "panics.bounds"),
    Panic(
        "unwrap",
        "called `Result::unwrap()` on an `Err` value: ParseIntError { kind: PosOverflow }",
        "panics.unwrap",
    ),
    Panic("any_literal", "thrown as it is", "panics.any_literal"),
    Panic("any_string", "thrown with 3", "panics.any_string"),
    Panic("any_number", None, "panics.any_number"),
    Panic(
        "foreign",
        "through C with 3",
        "panics.foreign",
        Panic("foreign", "panic in a function that cannot unwind", _CORE, None, "through C with 3"),
    ),
    Panic(
        "dropped",
        "the first, with 4",
        "panics.dropped",
        Panic("dropped", "panic in a destructor during cleanup", _CORE, None, "the first, with 4"),
    ),
    Panic("in_hook", "before the hook, with 3", "panics.in_hook"),
    Panic("again", "the last one", "panics.again"),
    Panic("caught", None, None),
    Panic("fault", None, None),
)
