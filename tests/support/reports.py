"""Reports that are compared: what one moment of a process gives, however it was read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from adp_tui.engine.report import Options, json_report
from adp_tui.engine.session import Session

__all__ = ["differences", "report_of"]

TIMES = frozenset({"remaining_s"})
"""How long it is until a deadline: a core does not tell the time."""


def report_of(session: Session) -> dict[str, Any]:
    """Return the whole report, with addresses and variables, but for what only a process tells.

    That is the target itself, and what its file descriptors lead to.
    """
    options = Options(addresses=True, locals=True)
    text = "".join(json_report(session.snapshot, options, session.details))
    report: dict[str, Any] = json.loads(text)
    del report["target"], report["fds"]
    return report


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield where two reports differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one.keys() - TIMES:
            yield from differences(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, f"{path}[{number}]")
    elif one != other:
        yield f"{path}: {str(one)[:200]} is not {str(other)[:200]}"
