"""Who holds the resources of a core and who has their ends, in the words of its program's source.

A line without indent is a resource: its kind, then the tasks in its queue, first in, first out.
Below it stand who holds it (``TASK MODE [AMOUNT] FUNCTION VARIABLE @MARKER [CONFIDENCE]``) and
who has another end of it (``TASK has ROLE FUNCTION VARIABLE @MARKER [CONFIDENCE]``). The marker
names the line since which the variable stands there, ``@fn`` the one where its function begins,
``@let`` the one of that function that binds it; a library's function has no marker. ``thread NAME``
is a thread whose native frame has it.
"""

from __future__ import annotations

import re
from textwrap import dedent

from adp_tui.engine.model import Holder, Owner, Resource
from support.reading import Reading

__all__ = ["blocks_of", "expected_text", "own", "resource_text"]


def blocks_of(text: str) -> list[str]:
    """Return the resources of such a text, each with who has it."""
    found: list[str] = []
    for line in dedent(text).strip().splitlines():
        if line.startswith(" "):
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def own(reading: Reading, ends: tuple[Owner, ...]) -> list[Owner]:
    """Return the ends that functions of the program have."""
    return [each for each in ends if _is_own(reading, each)]


def resource_text(reading: Reading, resource: Resource) -> str:
    """Say what was found of a resource."""
    waiters = [reading.name_of(key) or key for key in resource.waiters]
    lines = [" ".join((resource.kind, *waiters))]
    lines += sorted(_holder_text(reading, each) for each in resource.holders)
    lines += sorted(_owner_text(reading, each) for each in own(reading, resource.owners))
    return "\n  ".join(lines)


def expected_text(reading: Reading, block: str) -> str:
    """Put the number of a line in place of its marker."""
    first, *rest = block.split("\n")
    lines = [_located(reading, line.strip()) for line in rest]
    held = sorted(line for line in lines if " has " not in line)
    return "\n  ".join((first, *held, *sorted(line for line in lines if " has " in line)))


def _is_own(reading: Reading, end: Holder | Owner) -> bool:
    return end.function.startswith(f"{reading.dump.name}::")


def _holder_text(reading: Reading, holder: Holder) -> str:
    amount = None if holder.amount == 1 else str(holder.amount)
    return _words(_who(reading, holder), holder.mode, amount, *_where(reading, holder))


def _owner_text(reading: Reading, owner: Owner) -> str:
    return _words(_who(reading, owner), "has", owner.role, *_where(reading, owner))


def _who(reading: Reading, end: Holder | Owner) -> str:
    if end.task is not None:
        return reading.name_of(end.task) or end.task
    return f"thread {reading.named('tid', end.thread)}"


def _where(reading: Reading, end: Holder | Owner) -> tuple[str | None, ...]:
    conf = None if end.conf == "certain" else end.conf.value
    function = end.function.rpartition("::")[2]
    # Where in a future the lock's own one is, its source does not say.
    path = ".…" if ".__awaitee" in (end.path or "") else end.path or ""
    # Which line of a library it is differs from version to version.
    line = f"@{end.line}" if _is_own(reading, end) else None
    return function, end.variable + path, line, conf


def _words(*parts: str | None) -> str:
    return " ".join(filter(None, parts))


def _located(reading: Reading, line: str) -> str:
    text, at, marked = line.partition("@")
    if not at:
        return line
    marker, *conf = marked.split()
    function, variable = text.split()[-2:]
    markers = reading.dump.markers
    if marker == "fn":
        _, number = markers.function(function)
    elif marker == "let":
        _, number = markers.binding(function, re.split(r"[.\[]", variable)[0])
    else:
        _, number = markers[marker]
    return " ".join((f"{text}@{number}", *conf))
