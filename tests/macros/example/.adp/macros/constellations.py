"""Groups of tasks that stand at the same place and wait for the same: the shape of a hang.

The fingerprint of a group, and that of them all, depends on functions, kinds of waits and states
alone: two dumps of one problem have it in common, also of different builds.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

from adp_tui.engine.macros import Context, Table, Task, Text, macro


def groups_of(ctx: Context) -> dict[str, list[str]]:
    """Return the keys of the tasks that are alike, by what they have in common."""
    groups: dict[str, list[str]] = defaultdict(list)
    for number, task in enumerate(ctx.tasks()):
        stack = ctx.stack(task)
        waits = sorted(f"{wait.kind}/{wait.mode or ''}" for wait in task.waits)
        shape = task.future if stack is None else stack.shape
        groups["\n".join([shape, task.state, *waits])].append(task.key)
        if number % 1000 == 0:
            ctx.progress(number)
    return groups


def fingerprint(words: str) -> str:
    """Return a short name for a text."""
    return hashlib.sha256(words.encode()).hexdigest()[:12]


@macro("constellations", help="Groups of tasks by stack and wait.")
def constellations(ctx: Context, least: int = 1) -> Table:
    """Make a row for each group of at least so many tasks, the largest first."""
    table = Table("fingerprint", "tasks", "first", "state", "waits for", title="Constellations")
    groups = sorted(groups_of(ctx).items(), key=lambda each: (-len(each[1]), fingerprint(each[0])))
    for words, keys in groups:
        if len(keys) >= least:
            task = ctx.task(keys[0])
            waits = ", ".join(wait.kind for wait in task.waits)
            table.row(fingerprint(words), len(keys), task, task.state, waits)
    return table


@macro("fingerprint", help="One name for all groups: equal for dumps of one problem.")
def whole(ctx: Context) -> Text:
    """Return the fingerprint of the whole program."""
    return Text(fingerprint("\n\n".join(sorted(groups_of(ctx)))))


@macro("stack", on="task", help="A task's logical stack with its variables.")
def stack(ctx: Context, task: Task) -> Text:
    """Write the frames of one task, each with what it holds."""
    text = Text()
    for frame in ctx.frames(task):
        text.line(f"{'  ' * frame.depth}{frame.function}:{frame.line or '?'}")
        for name, value in frame.variables().items():
            shown = "not readable" if value is None else value.show()
            text.line(f"{'  ' * frame.depth}    {name} = {shown}")
    return text
