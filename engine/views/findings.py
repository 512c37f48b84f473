"""The findings view: sentences about what is wrong, the worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adp_tui.engine.model import Confidence, Finding, Snapshot
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.records import Cell, Column, Tone

__all__ = ["Findings", "finding_facts", "finding_links"]

SEVERITY_TONES = {"error": Tone.ERROR, "warning": Tone.WARNING, "info": Tone.MUTED}
MAX_LISTED = 100
"""Tasks, threads and resources named one by one."""


class Findings(Table):
    """Rows of findings; ``f1`` is the first. The sentence gets all the room that there is."""

    columns = (
        Column("kind", "Finding", 16),
        Column("summary", "What", 60, flex=True),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._findings = snapshot.findings

    def __len__(self) -> int:
        return len(self._findings)

    def key(self, index: int) -> str:
        """Return ``f1`` for the first row."""
        return f"f{index + 1}"

    def index(self, key: str) -> int | None:
        """Return the row of ``f1``."""
        number = key[1:]
        if not key.startswith("f") or not number.isascii() or not number.isdecimal():
            return None
        return int(number) - 1 if 0 < int(number) <= len(self) else None

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        makers: dict[str, Callable[[Finding], Cell]] = {
            "kind": lambda f: Cell(f.kind.replace("_", " "), SEVERITY_TONES[f.severity]),
            "summary": lambda f: Cell(clean(f.summary, 2000)),
        }
        make = makers[column]
        return Cells(lambda: range(len(self)), lambda i: make(self._findings[i]))


def _doubt(conf: Confidence) -> Tone:
    return Tone.NORMAL if conf is Confidence.CERTAIN else Tone.MUTED


def finding_facts(finding: Finding) -> Iterator[tuple[str, Cell]]:
    """Yield what a finding says, and what it is based on."""
    yield "finding", Cell(clean(finding.summary, 2000), SEVERITY_TONES[finding.severity])
    yield "sure", Cell(finding.conf.value, _doubt(finding.conf))
    for sentence in finding.evidence:
        yield "evidence", Cell(clean(sentence, 2000))


def finding_links(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield what a finding is about: tasks in the order of a cycle, resources, threads."""
    for step in finding.cycle[:MAX_LISTED]:
        if step.task is not None:
            yield "task", step.task
        if step.waits_for is not None:
            yield "waits for", step.waits_for
    for task in finding.tasks[:MAX_LISTED]:
        yield "task", task
    for resource in finding.resources[:MAX_LISTED]:
        yield "resource", resource
    for tid in finding.threads[:MAX_LISTED]:
        yield "thread", f"tid:{tid}"
