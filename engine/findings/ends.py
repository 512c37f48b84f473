"""What has ended badly: tasks that panicked, and the program itself."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from adp_tui.engine.findings.words import Words
from adp_tui.engine.model import Confidence, Finding, NativeFrame, PanicFacts, Snapshot, Thread
from adp_tui.engine.rust.names import PANIC_HOOK_CALLERS
from adp_tui.engine.views.places import place
from adp_tui.engine.views.words import short_function

__all__ = ["ends"]

MAX_TOLD = 8
OVERDUE_S = 1.0
"""Seconds after which a timer that has not fired is late, whatever the machine does."""
MAX_MESSAGE = 300
_SI_USER = 0
"""``si_code`` of a signal that kill(2) sent (asm-generic/siginfo.h)."""


def ends(snapshot: Snapshot, words: Words) -> Iterator[Finding]:
    """Yield the crash, panics that nobody has seen, and timers that nobody fires."""
    yield from _crash(snapshot, words)
    yield from _panics(snapshot, words)
    yield from _lost(snapshot, words)
    yield from _overdue(snapshot, words)


def _crash(snapshot: Snapshot, words: Words) -> Iterator[Finding]:
    signal = snapshot.target.signal
    if signal is None:
        return
    thread = next((t for t in snapshot.threads if t.tid == signal.tid), None)
    own = None if thread is None else _own(thread, words)
    outside = signal.code == _SI_USER
    text = f"the program ended by {signal.name}" + (", sent from outside," if outside else "")
    if thread is not None:
        text += f" on thread {thread.tid}" + (f" {thread.name}" if thread.name else "")
    if own is not None:
        text += f" in {short_function(own.function or '')}{words.place(own)}"
    evidence = []
    tasks: tuple[str, ...] = ()
    if thread is not None and thread.task is not None:
        tasks = (thread.task,)
        index = snapshot.tasks.index(thread.task)
        text += f", while it polled {words.short(index)}"
        evidence.append(f"{words.short(index)} was polled{words.at(index)}")
    if signal.panic is not None:
        told, evident = _panic(signal.panic)
        text += told
        evidence.extend(evident)
    if signal.fault_address is not None:
        evidence.append(f"the address at fault is {signal.fault_address:#x}")
    for frame in thread.stack[:64] if thread is not None else ():
        if words.is_own(frame) and len(evidence) < MAX_TOLD:
            evidence.append(f"{short_function(frame.function or '')}{words.place(frame)}")
    yield Finding(
        kind="crash",
        severity="info" if outside else "error",
        conf=Confidence.CERTAIN,
        summary=text,
        tasks=tasks,
        threads=() if thread is None else (thread.tid,),
        evidence=tuple(evidence),
    )


def _own(thread: Thread, words: Words) -> NativeFrame | None:
    """Return the innermost function of the program's own; of a panic the one that panicked first,
    not a hook that was called then.
    """
    calls = [n for n, frame in enumerate(thread.stack) if frame.function in PANIC_HOOK_CALLERS]
    panicked = thread.stack[calls[-1] + 1 :] if calls else ()
    return next(filter(words.is_own, panicked), None) or words.own(thread)


def _panic(panic: PanicFacts) -> tuple[str, list[str]]:
    """Return what the sentence says of the panic that ended the program, and the evidence."""
    at = "" if panic.place is None else f" at {place(*panic.place)}"
    message = f": {panic.message[:MAX_MESSAGE]}" if panic.message else ""
    told = f"; it panicked{message or at}"
    evidence = [f"it panicked{at}{message}"]
    if panic.unwound:
        told += f", on the way from a panic: {panic.unwound[:MAX_MESSAGE]}"
        evidence.append(f"the panic that was unwound: {panic.unwound[:MAX_MESSAGE]}")
    return told, evidence


def _panics(snapshot: Snapshot, words: Words) -> Iterator[Finding]:
    """Tell of panics, those with one message at once."""
    tasks = snapshot.tasks
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, message in enumerate(tasks.panic):
        if message >= 0:
            alike[tasks.future[index], message].append(index)
    for (_, message), found in alike.items():
        text = tasks.texts.text(message)[:MAX_MESSAGE]
        first = words.short(found[0])
        who = f"{first} has" if len(found) == 1 else f"{first} and {len(found) - 1:,} like it have"
        yield Finding(
            kind="panicked",
            severity="error",
            conf=Confidence.CERTAIN,
            summary=f"{who} panicked, and nobody has joined: {text}",
            tasks=tuple(map(words.key, found)),
            evidence=tuple(
                f"{words.short(index)} is complete; its handle still has the panic"
                for index in found[:MAX_TOLD]
            ),
        )


def _lost(snapshot: Snapshot, words: Words) -> Iterator[Finding]:
    """Tell of tasks that sleep and that nothing can wake, those that stand at one place at once."""
    yield from _unwoken(
        snapshot, words, snapshot.unwoken, Confidence.CERTAIN,
        "{} counts no reference but its executor's and its handle's",
    )  # fmt: skip
    threads = f"{len(snapshot.threads):,} thread{'s' if len(snapshot.threads) != 1 else ''}"
    yield from _unwoken(
        snapshot, words, snapshot.unreached, Confidence.DERIVED,
        f"all of writable memory and the registers of {threads} were searched for a waker of"
        " {}: none is there",
    )  # fmt: skip


def _unwoken(
    snapshot: Snapshot, words: Words, numbers: Sequence[int], conf: Confidence, why: str
) -> Iterator[Finding]:
    """Make the findings of tasks for which there is no waker; ``why`` has a place for a task."""
    tasks = snapshot.tasks
    alike: dict[int, list[int]] = defaultdict(list)
    for index in numbers:
        alike[tasks.stack[index]].append(index)
    for found in alike.values():
        first = found[0]
        more = "" if len(found) == 1 else f" and {len(found) - 1:,} like it"
        waits = tasks.waits_of(first)
        what = next((f" {w.detail}" for w in waits if w.kind == "unknown" and w.detail), "")
        yield Finding(
            kind="lost_wakeup",
            severity="error",
            conf=conf,
            summary=f"{words.short(first)}{more} can never be woken: it is idle{words.at(first)},"
            " and there is no waker for it anywhere",
            tasks=tuple(map(words.key, found)),
            evidence=(
                why.format(words.short(first)),
                f"it awaits{what or ' something'} that kept no waker when it was polled",
            ),
        )


def _overdue(snapshot: Snapshot, words: Words) -> Iterator[Finding]:
    """Tell of timers that are late: of a core where some thread is known to have taken a later
    time.
    """
    tasks = snapshot.tasks
    # Waits stand in the order of their tasks.
    late = [
        (-left, bisect_right(tasks.wait_start, row) - 1)
        for row, left in enumerate(tasks.waits.remaining)
        if left < -OVERDUE_S
    ]
    if not late:
        return
    late.sort(reverse=True)
    longest, index = late[0]
    more = "" if len(late) == 1 else f", and {len(late) - 1:,} more are late"
    yield Finding(
        kind="overdue_timer",
        severity="warning",
        conf=Confidence.DERIVED,
        summary=f"the timer of {words.short(index)} should have fired {longest:.1f} s ago{more}:"
        " the thread that drives timers does not get to it",
        tasks=tuple(dict.fromkeys(words.key(index) for _, index in late)),
        evidence=tuple(
            f"{words.short(index)}{words.at(index)} waits for a timer that is {by:.1f} s late"
            for by, index in late[:MAX_TOLD]
        ),
    )
