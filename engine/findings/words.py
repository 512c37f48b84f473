"""How findings name tasks, resources and what is held: the same words in every sentence."""

from __future__ import annotations

from adp_tui.engine.findings.nodes import Nodes
from adp_tui.engine.findings.waiting import Party
from adp_tui.engine.model import Frame, Holder, NativeFrame, Owner, Snapshot, Thread, Wait
from adp_tui.engine.views.places import is_library, place, user_frame
from adp_tui.engine.views.words import short_function

__all__ = ["GRANTED", "Words"]

GRANTED = "granted"
"""``mode`` of a holder that is a future: it has what it waited for, but was not polled since."""


class Words:
    """Names of one snapshot's things."""

    def __init__(self, snapshot: Snapshot, nodes: Nodes) -> None:
        self._snapshot = snapshot
        self._nodes = nodes

    def key(self, task: int) -> str:
        """Return the key of a task, or ``tid:7`` of a thread."""
        thread = self._nodes.thread(task)
        return self._snapshot.tasks.key(task) if thread is None else f"tid:{thread.tid}"

    def short(self, task: int) -> str:
        """Return ``t3 bank::transfer``: by a library's future a task is not known, so that
        one has the name of the program's own function in it.
        """
        thread = self._nodes.thread(task)
        if thread is not None:
            return f"thread {thread.tid} {thread.name or ''}".rstrip()
        tasks = self._snapshot.tasks
        name = tasks.texts.optional_text(tasks.name[task])
        if name is None:
            name = self.future(task)
            defined = tasks.texts.optional_text(tasks.defined_file[task])
            frame = self._innermost(task)
            wrapped = "<" in name or (defined is not None and is_library(defined))
            if wrapped and frame is not None and not is_library(frame.file or "", frame.dir):
                name = frame.function
            name = short_function(name)
        return f"{self.key(task)} {name}"

    def future(self, task: int) -> str:
        """Return the name of a task's future."""
        return self._snapshot.tasks.texts.text(self._snapshot.tasks.future[task])

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
        record = self._snapshot.resources.named(wait.resource)
        return f"{wait.kind}{mode} {record.key} at {record.address:#x}"

    def held(self, party: Party, other: int) -> str:
        """Say what somebody has of a resource, and where."""
        end = party.through
        who = self.short(other)
        if party.task < 0 and party.tid >= 0 and self._nodes.thread(other) is None:
            who = f"thread {party.tid}, which stands in {who}"
        if end is None:
            return f"behind {who}"
        # What a future awaits inside is no name that its author gave.
        path = (end.path or "").partition(".__awaitee")[0]
        where = f"`{end.variable}`{path}"
        if self._nodes.thread(other) is not None or end.function != self.future(other):
            where += f" of {short_function(end.function)}"
        if end.line is not None:
            where += f" since line {end.line}"
        if isinstance(end, Owner):
            return f"whose {end.role} {who} has in {where}"
        if end.mode == GRANTED:
            return f"which was granted to a future that nobody polls: {who} has it in {where}"
        return f"held by {who} through {where}"

    def at(self, task: int) -> str:
        """Return `` (src/bank.rs:41)``: the innermost await that is no library's, or a thread's
        innermost call.
        """
        thread = self._nodes.thread(task)
        if thread is not None:
            own = self.own(thread)
            return "" if own is None else self.place(own)
        frame = self._innermost(task)
        return "" if frame is None else self.place(frame)

    def _innermost(self, task: int) -> Frame | None:
        stack = self._snapshot.tasks.stack[task]
        return None if stack < 0 else user_frame(self._snapshot.stacks[stack].frames)

    @staticmethod
    def place(frame: Frame | NativeFrame) -> str:
        """Return `` (src/bank.rs:41)``, or nothing where it is not known."""
        text = place(frame.file, frame.line, frame.dir)
        return f" ({text})" if text else ""

    @staticmethod
    def is_own(frame: NativeFrame) -> bool:
        """Tell whether a function is the program's own, no library's."""
        file = frame.file
        if frame.function is None or file is None or not file.endswith(".rs"):
            return False
        return not is_library(file, frame.dir)

    def own(self, thread: Thread) -> NativeFrame | None:
        """Return the innermost function of the program's own source on a thread's stack."""
        return next(filter(self.is_own, thread.stack), None)

    def holder(self, holder: Holder) -> str:
        """Return ``t3 bank::transfer through `permit` of bank::pay``."""
        who = f"thread {holder.thread}"
        if holder.task is not None:
            who = self.short(self._snapshot.tasks.index(holder.task))
        return f"{who} through `{holder.variable}` of {short_function(holder.function)}"
