"""What the file descriptors lead to that tasks and threads wait for: only a process knows."""

from __future__ import annotations

from dataclasses import replace

from adp_tui.engine.model import Snapshot
from adp_tui.engine.target import Described
from adp_tui.engine.text import clean

__all__ = ["described"]

MAX_WORDS = 1024
"""Characters for each: a path can be 4,096 long."""


def described(target: object, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with what its file descriptors lead to, where the target can tell."""
    if not isinstance(target, Described):
        return snapshot
    fds = {fd for fd in snapshot.tasks.waits.fd if fd >= 0}
    fds |= {thread.doing.fd for thread in snapshot.threads if thread.doing.fd is not None}
    found = target.describe(fds) if fds else {}
    return replace(snapshot, fds={fd: clean(words, MAX_WORDS) for fd, words in found.items()})
