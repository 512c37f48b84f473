"""Which key of a snapshot names what another key named in the one before."""

from __future__ import annotations

from adp_tui.engine.analysis.changes import Census
from adp_tui.engine.model import Snapshot

__all__ = ["Successors"]


class Successors:
    """Keys number the rows of one snapshot; a front end asks with those of the one before.

    Args:
        before: the snapshot whose keys are asked for; None where there is none.
        old: its tasks.
        after: the snapshot to answer for.
        new: its tasks.
    """

    def __init__(
        self,
        before: Snapshot | None = None,
        old: Census | None = None,
        after: Snapshot | None = None,
        new: Census | None = None,
    ) -> None:
        self._before, self._old, self._after, self._new = before, old, after, new
        self._tasks: dict[object, int] | None = None

    def of(self, key: str) -> str | None:
        """Return the key now of what had this key before; None where it is gone.

        Keys of rows within a row (``t7/0``) follow their row.
        """
        head, slash, rest = key.partition("/")
        found = self._entity(head)
        return None if found is None else f"{found}{slash}{rest}"

    def _entity(self, key: str) -> str | None:
        before, after = self._before, self._after
        if before is None or after is None:
            return None
        if key.startswith("tid:"):
            return key if any(f"tid:{t.tid}" == key for t in after.threads) else None
        kind, number = key[:1], key[1:]
        index = int(number) - 1 if number.isdecimal() else -1
        if index < 0:
            return None
        if kind == "t":
            return self._task(index, after)
        if kind == "f" and index < len(before.findings):
            # The same sentence is about the same.
            text = before.findings[index].summary
            return next(
                (f"f{i}" for i, f in enumerate(after.findings, 1) if f.summary == text), None
            )
        if kind == "x" and index < len(before.executors):
            address = before.executors[index].address
            return next((e.key for e in after.executors if e.address == address), None)
        if kind == "r" and index < len(before.resources):
            address = before.resources[index].address
            found = (r.key for r in map(after.resources.__getitem__, range(len(after.resources)))
                     if r.address == address)  # fmt: skip
            return next(found, None)
        return None

    def _task(self, index: int, after: Snapshot) -> str | None:
        if self._old is None or self._new is None or index >= len(self._old.identities):
            return None
        if self._tasks is None:
            self._tasks = {name: at for at, name in enumerate(self._new.identities)}
        found = self._tasks.get(self._old.identities[index])
        return None if found is None else after.tasks.key(found)
