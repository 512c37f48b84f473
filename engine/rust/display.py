"""Values for people: one line for each, and rows when it is expanded.

Nothing is followed beyond the small depth of a summary; rows are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.computed import Computed
from adp_tui.engine.rust.looks import MAX_FIELDS, Broken, Group, Leaf, Look, Row, Through
from adp_tui.engine.rust.std_types import standard
from adp_tui.engine.rust.structure import raw_parts, structural
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = ["MAX_FIELDS", "MAX_SUMMARY", "Shown", "fields", "show"]

MAX_SUMMARY = 200
"""Characters of a summary: about what a wide terminal shows in one line."""
MAX_DEPTH = 3
"""Levels of brackets in a summary."""
MAX_ITEMS = 8
"""Members or elements that a summary has of one value."""
MAX_VALUES = 100
"""Values that one summary reads, however they hang together."""
MAX_NESTING = 24
"""Values inside one another in a summary: wrappers count here, though not as levels."""
MAX_HOPS = 32
"""Wrappers and references that are seen through before the rows of what is meant."""
MAX_KEY = 60
"""Characters of a map's key where it names a row."""
MAX_REASON = 120
"""Characters of the reason why a part of a summary cannot be shown."""
_MARKERS = frozenset(
    {"core::marker::PhantomData", "core::marker::PhantomPinned", "alloc::alloc::Global"}
)
"""Members without bytes that a summary leaves out."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How one value looks.

    Attributes:
        text: a one-line summary, clean and bounded; of an unreadable value the reason.
        expandable: whether ``fields`` has rows for it.
        unreadable: whether it is not there, or no value of its type.
    """

    text: str
    expandable: bool
    unreadable: bool


def show(program: Program, value: Value, depth: int = MAX_DEPTH) -> Shown:
    """Show a value in one line. Never raises an ``AdpError``: it becomes the text."""
    meant, look = _meant(program, value)
    if isinstance(look, Broken):
        instead = look.instead
        rows = instead is not None and _expandable(program, instead)
        return Shown(clean(look.reason, MAX_SUMMARY), rows, True)
    text = _Summary(program).written(look, meant, depth)
    return Shown(clean(text, MAX_SUMMARY), _expandable(program, look), False)


def fields(program: Program, value: Value) -> Sequence[tuple[str, Value | None, str | None]]:
    """Return the rows of an expanded value: name, value, problem.

    There are ``MAX_FIELDS`` at most; a last row without a value says how many there are.
    A wrapper has the rows of what it wraps, after which come its counts.
    """
    meant, look = _meant(program, value)
    try:
        rows, count = _rows(program, meant, look)
    except AdpError as error:
        return (("", None, clean(error.message, MAX_SUMMARY)),)
    summary = _Summary(program)
    found: list[tuple[str, Value | None, str | None]] = [
        (_row_name(summary, row), row.value, row.problem) for row in rows
    ]
    if len(rows) < count:
        reason = "are shown" if len(rows) == MAX_FIELDS else "can be found"
        found.append(("…", None, f"{len(rows)} of {count} {reason}"))
    return found


def _row_name(summary: _Summary, row: Row) -> str:
    if row.key is None:
        return row.name
    summary.left = MAX_VALUES
    return clean(summary.text(row.key, 1), MAX_KEY)


def _look(program: Program, value: Value) -> Look:
    """Look at a value; what cannot be read becomes ``Broken`` with its raw parts."""
    if isinstance(value, Computed):
        return Leaf(value.text)
    seen = None if program.views is None else program.views.look(value)
    if seen is not None:
        return seen
    try:
        found = standard(program, value)
        return structural(program, value) if found is None else found
    except AdpError as error:
        return Broken(error.message, raw_parts(value))


def _meant(program: Program, value: Value) -> tuple[Value, Look]:
    """See through references and wrappers that add nothing."""
    look = _look(program, value)
    for _ in range(MAX_HOPS):
        if not isinstance(look, Through) or not look.transparent:
            return value, look
        value = look.value
        look = _look(program, value)
    return value, Broken("more wrappers and references than can be followed")


def _expandable(program: Program, look: Look) -> bool:
    for _ in range(MAX_HOPS):
        if isinstance(look, Group):
            return look.count > 0
        if isinstance(look, Leaf):
            return look.expandable
        if isinstance(look, Broken):
            return look.instead is not None
        if look.extra:
            return True
        look = _meant(program, look.value)[1]
    return True


def _rows(program: Program, value: Value, look: Look) -> tuple[Sequence[Row], int]:
    """Return the rows of a look, and how many there are in all."""
    for _ in range(MAX_HOPS):
        if isinstance(look, Broken):
            if look.instead is None:
                return (Row("", None, look.reason),), 1
            look = look.instead
        elif isinstance(look, Through):
            if look.extra:
                rows = (Row("value", look.value), *look.extra)
                return rows, len(rows)
            value, look = _meant(program, look.value)
        else:
            break
    if isinstance(look, Leaf):
        rows = tuple(look.rows(MAX_FIELDS))
        return rows, len(rows)
    if isinstance(look, Group):
        return look.rows(MAX_FIELDS), look.count
    return (Row("", None, f"{value.type.name} wraps more than can be followed"),), 1


class _Summary:
    """Writes one summary; ``left`` counts the values that it may still read."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._open: set[tuple[int, str | int]] = set()
        self._nesting = 0
        self._broken = 0
        self.left = MAX_VALUES

    def text(self, value: Value, depth: int) -> str:
        """Return a value's part of the summary."""
        if self.left <= 0 or self._nesting >= MAX_NESTING:
            return "…"
        self.left -= 1
        self._nesting += 1
        try:
            meant, look = _meant(self._program, value)
            return self.written(look, meant, depth)
        finally:
            self._nesting -= 1

    def written(self, look: Look, value: Value, depth: int) -> str:
        """Write out a look."""
        if isinstance(look, Leaf):
            return look.text
        if isinstance(look, Broken):
            self._broken += 1
            return f"<{clean(look.reason, MAX_REASON)}>"
        if isinstance(look, Through):
            return f"{look.before}{self.text(look.value, depth)}{look.after}"
        key = (value.address, value.type.name or value.type.offset)
        if not value.address or not value.type.size:
            return self._group(look, depth)
        if key in self._open:
            return "<cycle>"
        self._open.add(key)
        try:
            return self._group(look, depth)
        finally:
            self._open.discard(key)

    def _group(self, group: Group, depth: int) -> str:
        first, last = group.brackets[0], group.brackets[1]
        if not group.count:
            return f"{group.name}{first}{last}"
        is_structure = bool(group.name) or first == "("
        space = " " if first == "{" and is_structure else ""
        is_wrapper = first == "(" and group.count == 1
        if depth <= 0 and not is_wrapper:
            inside = "…" if is_structure else f"… {group.count} in all"
            return f"{group.name}{space}{first}{inside}{last}"
        try:
            parts = self._parts(group, is_structure, depth if is_wrapper else depth - 1)
        except AdpError as error:
            parts = [f"<{clean(error.message, MAX_REASON)}>"]
        inside = ", ".join(parts)
        if is_wrapper and not group.name:
            inside += ","
        return f"{group.name}{space}{first}{space}{inside}{space}{last}"

    def _parts(self, group: Group, is_structure: bool, depth: int) -> list[str]:
        rows = group.rows(MAX_FIELDS if is_structure else MAX_ITEMS)
        kept = [row for row in rows if not _is_marker(row)] if is_structure else rows
        count = group.count - (len(rows) - len(kept))
        parts: list[str] = []
        broken = self._broken
        for row in kept[:MAX_ITEMS]:
            if self._broken > broken and not is_structure:
                break  # The elements after one that is missing are missing too.
            name = row.name if row.key is None else clean(self.text(row.key, depth), MAX_KEY)
            text = f"<{row.problem}>" if row.value is None else self.text(row.value, depth)
            parts.append(f"{name}: {text}" if group.named else text)
        if len(parts) < count:
            parts.append(f"… {count} in all")
        return parts


def _is_marker(row: Row) -> bool:
    return row.value is not None and row.value.type.base_name in _MARKERS
