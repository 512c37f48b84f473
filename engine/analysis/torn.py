"""What was read while the target ran on: it may not fit the rest, and is marked so."""

from __future__ import annotations

from dataclasses import replace

from adp_tui.engine.analysis.facts import TaskFacts
from adp_tui.engine.analysis.survey import Survey
from adp_tui.engine.model import Confidence, Loss, Snapshot
from adp_tui.engine.target import TornMemory

__all__ = ["marked"]

_PAGE = 4096
MAX_SAMPLES = 8


def marked(survey: Survey, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the waits marked that were not read together with the rest."""
    memory = survey.program.target.memory
    if not isinstance(memory, TornMemory) or not memory.torn_pages():
        return snapshot
    torn = _Torn(survey, memory)
    waits = snapshot.tasks.waits
    count = 0
    for index, task in enumerate(survey.tasks):
        whole = torn.holds(task)
        start = snapshot.tasks.wait_start[index]
        changed = whole
        for at in range(start, start + snapshot.tasks.wait_count[index]):
            if whole or waits.resource[at] in torn.resources:
                waits.put(at, replace(waits[at], conf=Confidence.TORN))
                changed = True
        count += changed
    if not count:
        return snapshot
    why = (
        f"{count:,} of {len(snapshot.tasks):,} tasks, or what they wait for, were read while the "
        "process ran: they may not fit the rest"
    )
    samples = tuple(memory.torn_pages()[:MAX_SAMPLES])
    loss = Loss("consistency", why, count, samples, missing=False)
    return replace(snapshot, losses=(*snapshot.losses, loss))


class _Torn:
    """Tells what stands in torn pages."""

    def __init__(self, survey: Survey, memory: TornMemory) -> None:
        self._memory = memory
        self.resources = {
            number
            for number, (value, _) in enumerate(survey.numbering.resources)
            if self._any(value.address, value.type.size or 1)
        }

    def holds(self, task: TaskFacts) -> bool:
        future = task.future
        return self._any(task.address, 1) or (
            future is not None and self._any(future.address, future.type.size or 1)
        )

    def _any(self, address: int, size: int) -> bool:
        return any(map(self._memory.is_torn, range(address & -_PAGE, address + size, _PAGE)))
