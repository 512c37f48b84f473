"""All findings of a snapshot, the worst and surest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adp_tui.engine.findings.blocked import blocked
from adp_tui.engine.findings.deadlock import deadlocks
from adp_tui.engine.findings.ends import ends
from adp_tui.engine.findings.freedom import Freedom
from adp_tui.engine.findings.locks import locks
from adp_tui.engine.findings.words import Words
from adp_tui.engine.model import Finding, Snapshot

__all__ = ["find"]

_SEVERITIES = ("error", "warning", "info")
_ORDER = (
    "crash", "deadlock", "futurelock", "lost_wakeup", "nested_block_on", "blocked_worker",
    "workers_exhausted", "panicked", "channel_stuck",
)  # fmt: skip


def find(snapshot: Snapshot, check: Callable[[], None] = lambda: None) -> tuple[Finding, ...]:
    """Return what is wrong with a program, as far as a snapshot tells.

    Raises:
        CancelledError: ``check`` raised it.
    """
    found = list(_all(snapshot, check))
    # A stable order: those of one kind stay as they were found.
    found.sort(key=lambda f: (_SEVERITIES.index(f.severity), _rank(f), f.conf.doubt))
    return tuple(found)


def _rank(finding: Finding) -> int:
    """What others follow from comes first."""
    return _ORDER.index(finding.kind) if finding.kind in _ORDER else len(_ORDER)


def _all(snapshot: Snapshot, check: Callable[[], None]) -> Iterator[Finding]:
    freedom = Freedom(snapshot, check)
    words = Words(snapshot, freedom.nodes)
    if freedom.dead:
        yield from deadlocks(words, freedom)
    yield from ends(snapshot, words)
    yield from blocked(snapshot, words, freedom.nodes)
    yield from locks(snapshot, words, freedom)
