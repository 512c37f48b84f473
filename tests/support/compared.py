"""What was found beside what is expected: a test asserts it, the matrix counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

__all__ = ["Record", "missing_and_others"]

Record = Callable[[str, object], None]
"""The fixture ``record_property``."""


def missing_and_others(
    found: Iterable[str], expected: Iterable[str], record: Record
) -> tuple[list[str], list[str]]:
    """Return what is missing and what should not be there; tell the matrix how many are right."""
    ours, theirs = Counter(list(found)), Counter(list(expected))
    record("equal", (ours & theirs).total())
    record("compared", theirs.total())
    return sorted((theirs - ours).elements()), sorted((ours - theirs).elements())
