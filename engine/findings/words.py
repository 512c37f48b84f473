"""How findings name tasks, resources and what is held: the same words in every sentence."""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.findings.waiting import Party
from adp_tui.engine.model import Frame, Holder, Owner, Snapshot, Wait

__all__ = ["Words"]

_LIBRARIES = ("/.cargo/registry/", "/rustc/", "/rust/deps/", "/cargo/registry/")


class Words:
    """Names of one snapshot's things."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @staticmethod
    def key(task: int) -> str:
        """Return the key of a task."""
        return f"t{task + 1}"

    def short(self, task: int) -> str:
        """Return ``t3 bank::transfer``."""
        tasks = self._snapshot.tasks
        name = tasks.texts.optional_text(tasks.name[task])
        return f"{self.key(task)} {name or tasks.texts.text(tasks.future[task])}"

    def step(self, task: int, wait: Wait | None, party: Party, other: int) -> str:
        """Say whom a task waits for, and through what: one step of a cycle."""
        who = f"{self.short(task)}{self.at(task)}"
        if wait is None:
            return f"{who} stands on a thread that waits for {self.short(other)}"
        if wait.kind == "join":
            return f"{who} waits for {self.short(other)} to end"
        return f"{who} waits for {self.resource(wait)}, {self.held(party, other)}"

    def resource(self, wait: Wait) -> str:
        """Return ``mutex r2 (tokio::sync::Mutex<u32>)``."""
        mode = f" ({wait.mode})" if wait.mode else ""
        if wait.resource is None:
            return f"{wait.kind}{mode}"
        record = self._snapshot.resources[int(wait.resource[1:]) - 1]
        return f"{wait.kind}{mode} {record.key} at {record.address:#x}"

    def held(self, party: Party, other: int) -> str:
        """Say what somebody has of a resource, and where."""
        end = party.through
        who = self.short(other)
        if party.task < 0 and party.tid >= 0:
            who = f"thread {party.tid}, which stands in {who}"
        if end is None:
            return f"behind {who}"
        line = "" if end.line is None else f", since line {end.line}"
        path = "" if end.path is None else f" in {end.path}"
        if isinstance(end, Owner):
            return f"whose {end.role} {who} has in `{end.variable}`{path} of {end.function}{line}"
        return f"held by {who} through `{end.variable}`{path} of {end.function}{line}"

    def at(self, task: int) -> str:
        """Return `` (src/bank.rs:41)``: the innermost await that is no library's."""
        stack = self._snapshot.tasks.stack[task]
        if stack < 0:
            return ""
        frame = _own(self._snapshot.stacks[stack].frames)
        return "" if frame is None else f" ({frame.file}:{frame.line})"

    def holder(self, holder: Holder) -> str:
        """Return ``t3 bank::transfer through `permit` of bank::pay``."""
        who = f"thread {holder.thread}"
        if holder.task is not None:
            who = self.short(self._snapshot.tasks.index(holder.task))
        return f"{who} through `{holder.variable}` of {holder.function}"


def _own(frames: Sequence[Frame]) -> Frame | None:
    """Return the innermost frame of a chain that has a line in the program's own source."""
    found = None
    for frame in frames:
        if frame.file is not None and frame.line is not None:
            library = any(part in frame.file for part in _LIBRARIES)
            found = frame if not library or found is None else found
    return found
