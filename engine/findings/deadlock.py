"""Deadlocks, and who waits behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from adp_tui.engine.findings.cycles import components, way_round
from adp_tui.engine.findings.freedom import Blocker, Freedom
from adp_tui.engine.findings.waiting import Party, least_sure
from adp_tui.engine.findings.words import GRANTED, Words
from adp_tui.engine.model import Confidence, CycleStep, Finding, Holder

__all__ = ["deadlocks"]

MAX_TOLD = 8
"""Steps of a cycle, and tasks behind it, that are told one by one."""


def deadlocks(words: Words, freedom: Freedom) -> Iterator[Finding]:
    """Yield each deadlock with a cycle in it, then who waits behind."""
    edges = freedom.blocking()
    rings = [sorted(ring) for ring in components(edges)]
    rings.sort()
    for ring in rings:
        yield _deadlock(words, edges, ring, freedom)
    yield from _behind(words, edges, rings, freedom)


def _deadlock(
    words: Words, edges: dict[int, dict[int, Blocker]], ring: Sequence[int], freedom: Freedom
) -> Finding:
    way = way_round(edges, ring[0], set(ring))
    steps: list[CycleStep] = []
    evidence: list[str] = []
    resources: list[str] = []
    threads: list[int] = []
    doubts = [Confidence.CERTAIN]
    for at, task in enumerate(way):
        other = way[(at + 1) % len(way)]
        wait, party, condition = edges[task][other]
        doubts.append(condition.conf)
        if wait is not None:
            doubts.append(wait.conf)
            if wait.resource is not None:
                resources.append(wait.resource)
        if party.tid >= 0:
            threads.append(party.tid)
        own = freedom.nodes.thread(task)
        if own is not None:
            threads.append(own.tid)
        steps.append(
            CycleStep(
                task=words.key(task) if own is None else None,
                thread=None if own is None else own.tid,
                waits_for=None if wait is None else wait.resource,
                held_by_task=words.key(party.task) if party.task >= 0 else None,
                held_by_thread=party.tid if party.tid >= 0 else None,
            )
        )
        if len(evidence) < MAX_TOLD:
            evidence.append(words.step(task, wait, party, other))
    if freedom.aside.intersection(ring):
        doubts.append(Confidence.DERIVED)
        evidence.append(
            "a resource off their way has a waker of one of them as well: it would end if that"
            " drops the task, as a server does when a connection is closed"
        )
    if freedom.ending.intersection(ring):
        doubts.append(Confidence.DERIVED)
        evidence.append(
            "one of them also waits for all other ends of a channel to be dropped, as a server does"
            " for its shutdown: that would end it"
        )
    if Confidence.DOUBTFUL in doubts:
        evidence.append(
            "what they wait for is found in more variables than can have it, as some were moved"
            " from: whoever has it, nobody who may have it can go on"
        )
    if len(way) < len(ring):
        evidence.append(f"{len(ring) - len(way)} more tasks stand in other cycles with them")
    names = " → ".join(words.short(task) for task in way[:MAX_TOLD])
    if len(way) == 1:
        text = f"{words.short(way[0])} waits for what it holds itself"
    else:
        more = f" → {len(way) - MAX_TOLD} more" if len(way) > MAX_TOLD else ""
        nouns = _counted(freedom, way)
        text = f"{nouns} wait for each other: {names}{more} → {words.key(way[0])}"
    kind = "deadlock"
    if any(_is_granted(edges[a][b][1]) for a, b in zip(way, (*way[1:], way[0]), strict=True)):
        kind = "futurelock"
        if len(way) == 1:
            text = f"{words.short(way[0])} waits for a lock that a future of its own was granted"
            text += ", which it does not poll"
        evidence.append(
            "a future that was granted a lock lets go of it only when it is polled or dropped:"
            " await it before the lock is wanted again, or drop it"
        )
    return Finding(
        kind=kind,
        severity="error",
        conf=least_sure(doubts),
        summary=text,
        tasks=tuple(words.key(node) for node in ring if freedom.nodes.thread(node) is None),
        threads=tuple(dict.fromkeys(threads)),
        resources=tuple(dict.fromkeys(resources)),
        evidence=tuple(evidence),
        cycle=tuple(steps),
    )


def _counted(freedom: Freedom, nodes: Sequence[int]) -> str:
    """Return ``2 tasks and 1 thread``."""
    threads = sum(freedom.nodes.thread(node) is not None for node in nodes)
    counts = ((len(nodes) - threads, "task"), (threads, "thread"))
    return " and ".join(f"{n:,} {noun}{'s' if n > 1 else ''}" for n, noun in counts if n)


def _is_granted(party: Party) -> bool:
    return isinstance(party.through, Holder) and party.through.mode == GRANTED


def _behind(
    words: Words,
    edges: dict[int, dict[int, Blocker]],
    rings: Sequence[Sequence[int]],
    freedom: Freedom,
) -> Iterator[Finding]:
    """Yield for each deadlock the dead tasks that lead to it."""
    backwards: dict[int, list[int]] = defaultdict(list)
    for task, others in edges.items():
        for other in others:
            backwards[other].append(task)
    inside = {task for ring in rings for task in ring}
    for ring in rings:
        reached = set(ring)
        queue = list(ring)
        for task in queue:
            for other in backwards[task]:
                if other not in reached and other not in inside:
                    reached.add(other)
                    queue.append(other)
        behind = sorted(reached.difference(ring))
        if behind:
            resources = {
                wait.resource: None
                for task in behind
                for wait, _, _ in edges[task].values()
                if wait is not None and wait.resource is not None
            }
            told = ", ".join(words.short(task) for task in behind[:MAX_TOLD])
            more = f" and {len(behind) - MAX_TOLD:,} more" if len(behind) > MAX_TOLD else ""
            verb = "waits" if len(behind) == 1 else "wait"
            count = f"{_counted(freedom, behind)} {verb}"
            threads = [freedom.nodes.thread(node) for node in behind]
            yield Finding(
                kind="queued_behind",
                severity="warning",
                conf=Confidence.DERIVED,
                summary=f"{count} behind the deadlock of {words.short(ring[0])}: {told}{more}",
                tasks=tuple(
                    words.key(n) for n, t in zip(behind, threads, strict=True) if t is None
                ),
                threads=tuple(thread.tid for thread in threads if thread is not None),
                resources=tuple(resources),
                evidence=tuple(
                    words.step(task, *edge[:2], other)
                    for task in behind[:MAX_TOLD]
                    for other, edge in list(edges[task].items())[:1]
                ),
            )
