"""Locks, permits and channels: who has what others wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from adp_tui.engine.findings.freedom import Freedom
from adp_tui.engine.findings.words import Words
from adp_tui.engine.model import Confidence, Finding, Resource, Snapshot, TaskState

__all__ = ["locks"]

MAX_TOLD = 8
_BLOCKING = ("std::sync::", "std::sys::", "lock_api::", "parking_lot::")
"""Types of locks that block the thread that waits for them."""


def locks(snapshot: Snapshot, words: Words, freedom: Freedom) -> Iterator[Finding]:
    """Yield locks of std across awaits, semaphores without permits, channels that stay full."""
    for resource in snapshot.resources:
        if resource.type.startswith(_BLOCKING):
            yield from _across(snapshot, words, resource)
        elif resource.kind == "semaphore" and resource.waiters:
            yield from _permits(words, resource)
        elif resource.kind == "mpsc" and resource.waiters:
            yield from _full(snapshot, words, resource, freedom)


def _across(snapshot: Snapshot, words: Words, resource: Resource) -> Iterator[Finding]:
    """Tell of a guard that blocks threads, in the variables of a task that is not polled."""
    tasks = snapshot.tasks
    for holder in resource.holders:
        if holder.task is None or holder.conf is Confidence.DOUBTFUL:
            continue
        index = tasks.index(holder.task)
        if tasks.STATES[tasks.state[index]] is not TaskState.IDLE:
            continue
        since = "" if holder.line is None else f", since line {holder.line}"
        yield Finding(
            kind="std_lock_across_await",
            severity="warning",
            conf=holder.conf,
            summary=f"{words.short(index)} keeps a guard of {_short(resource.type)} across an"
            f" await{words.at(index)}: a thread that wants the lock blocks until then",
            tasks=(holder.task,),
            resources=(resource.key,),
            evidence=(
                f"`{holder.variable}` of {holder.function}{since} is a guard of {resource.key} at"
                f" {resource.address:#x}",
            ),
        )


def _permits(words: Words, resource: Resource) -> Iterator[Finding]:
    """Tell of a semaphore whose permits are all taken, and by whom."""
    if dict(resource.state).get("permits") != 0:
        return
    count = len(resource.waiters)
    waiting = "1 task waits" if count == 1 else f"{count:,} tasks wait"
    # A permit that was moved away leaves an image behind: only what is sure counts.
    holders = [h for h in resource.holders if h.conf is not Confidence.DOUBTFUL]
    if not holders:
        yield Finding(
            kind="permits_unaccounted",
            severity="warning",
            conf=Confidence.DERIVED,
            summary=f"semaphore {resource.key} has no permit left and {waiting} for one, but none"
            " of its holders was found: forgotten permits, or kept where no task's variable leads",
            tasks=resource.waiters[:MAX_TOLD],
            resources=(resource.key,),
            evidence=(f"{resource.key} at {resource.address:#x}: permits 0, 0 holders found",),
        )
        return
    held = sum(h.amount or 1 for h in holders)
    who = Counter(words.holder(h) for h in holders)
    first, _ = who.most_common(1)[0]
    more = "" if len(who) == 1 else f" and {len(who) - 1:,} more"
    yield Finding(
        kind="semaphore_exhausted",
        severity="warning",
        conf=Confidence.DERIVED,
        summary=f"semaphore {resource.key} has no permit left and {waiting} for one: "
        f"{held:,} {'is' if held == 1 else 'are'} held by {first}{more}",
        tasks=tuple(dict.fromkeys(h.task for h in holders if h.task is not None))[:MAX_TOLD],
        resources=(resource.key,),
        evidence=tuple(
            f"{h.amount or 1} held by {words.holder(h)}"
            + ("" if h.line is None else f", since line {h.line}")
            for h in holders[:MAX_TOLD]
        ),
    )


def _full(
    snapshot: Snapshot, words: Words, resource: Resource, freedom: Freedom
) -> Iterator[Finding]:
    """Tell of a channel that is full and whose receiver can't go on."""
    receivers = [o for o in resource.owners if o.role == "receiver" and o.task is not None]
    if not receivers:
        return
    tasks = snapshot.tasks
    senders = [
        key
        for key in resource.waiters
        for wait in tasks.waits_of(tasks.index(key))
        if wait.resource == resource.key and wait.mode == "send"
    ]
    if not senders:
        return
    for owner in receivers:
        assert owner.task is not None
        index = tasks.index(owner.task)
        if index not in freedom.dead and not _is_for_good(snapshot, index):
            return
    index = tasks.index(receivers[0].task or "")
    waits = tasks.waits_of(index)
    what = words.resource(waits[0]) if waits else "something else"
    count = len(senders)
    yield Finding(
        kind="channel_stuck",
        severity="error",
        conf=Confidence.DERIVED,
        summary=f"channel {resource.key} is full: "
        + ("1 task waits" if count == 1 else f"{count:,} tasks wait")
        + f" to send, and its receiver {words.short(index)} waits for {what}",
        tasks=(words.key(index), *senders[:MAX_TOLD]),
        resources=(resource.key,),
        evidence=(
            f"{words.short(index)}{words.at(index)} has the receiver in `{receivers[0].variable}`"
            f" and waits for {what}",
            *(f"{words.short(tasks.index(key))} waits to send" for key in senders[:MAX_TOLD]),
        ),
    )


def _is_for_good(snapshot: Snapshot, index: int) -> bool:
    """Tell whether a task waits only for what lies in its own memory: nobody else can end that."""
    tasks = snapshot.tasks
    if tasks.STATES[tasks.state[index]] is not TaskState.IDLE:
        return False
    numbers = [tasks.waits.resource[row] for row in tasks.rows_of(index)]
    if not numbers or min(numbers) < 0:
        return False
    key = tasks.key(index)
    return all(snapshot.resources[number].inside == key for number in numbers)


def _short(type_name: str) -> str:
    return type_name.partition("<")[0].rpartition("::")[2]
