"""Collects what a snapshot needs to be shown elsewhere.

The analysis is made again over memory and answers that note what is asked of them, and the
variables of threads and tasks are expanded as a person would: what was read then is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from adp_tui.engine.analysis.analysis import Analysis, analyse
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.headers import ElfHeaders
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.image import Image, KnownFiles
from adp_tui.engine.inspection import Inspection, Item
from adp_tui.engine.model import Snapshot
from adp_tui.engine.program import Program
from adp_tui.engine.saved.noted import NotedMemory, NotedTarget
from adp_tui.engine.saved.record import PlainFacts, Run, SavedDescriptor, SavedImage, Values
from adp_tui.engine.saved.tables import NotedAnswers, plain_tables
from adp_tui.engine.target import Facts

__all__ = ["Collected", "collect"]

MAX_VALUES = 60_000
"""Values that are expanded, of all tasks and threads together: some thousands take a second."""
MAX_DEPTH = 6
"""Levels of fields, those of a variable itself included."""
MAX_CHILDREN = 256
MAX_MEMORY = 2 << 30


@dataclass(frozen=True, slots=True, eq=False)
class Collected:
    """What is to be written: the values and the bytes of their runs, and what is not among them."""

    values: Values
    memory: bytes
    left: int
    """Tasks whose variables were not expanded: of those only what the report needs is there."""


def collect(
    analysis: Analysis, say: Callable[[str], None], cancelled: Callable[[], bool]
) -> Collected:
    """Collect threads, files and memory behind a snapshot.

    Args:
        analysis: of the snapshot, whose target is still open.
        say: is told what is being done.
        cancelled: whether to stop.

    Raises:
        CancelledError: ``cancelled`` answered yes.
        AdpError: it would be too large.
    """
    program = analysis.program
    target = NotedTarget(program.target)
    images = [_noted(image) for image in program.images]
    again = Program(target, images=images, descriptors=program.descriptors)

    def check() -> None:
        if cancelled():
            raise CancelledError

    noted = analyse(again, say, cancelled, analysis.snapshot.epoch)
    say("reading the variables of tasks and threads")
    left = _Walk(noted, analysis.snapshot, check).run()
    runs, memory = _memory(target.memory)
    values = Values(
        _facts(program.target.facts),
        tuple(program.target.threads()),
        tuple(map(_saved, images)),
        runs,
        tuple(sorted(target.memory.faults.items())),
        tuple(map(SavedDescriptor.of, program.descriptors)),
    )
    return Collected(values, memory, left)


def _noted(image: Image) -> Image:
    known = KnownFiles(
        image.elf, image.debug_file, NotedAnswers(image.answers), image.problem,
        image.debug_problem,
    )  # fmt: skip
    return Image(image.module, known=known)


def _saved(image: Image) -> SavedImage:
    module, elf, debug = image.module, image.elf, image.debug_file
    problem = image.debug_problem
    assert isinstance(image.answers, NotedAnswers)
    return SavedImage(
        path=module.path,
        mappings=module.mappings,
        build_id=module.build_id,
        file_build_id=module.file_build_id,
        verified=module.verified,
        is_executable=module.is_executable,
        elf=None if elf is None else ElfHeaders.of(elf),
        debug=None if debug is None or debug is elf else ElfHeaders.of(debug),
        has_own_debug=debug is not None and debug is elf,
        problem=image.problem,
        debug_problem=None if problem is None else problem.message,
        tables=tuple(plain_tables(image.answers.asked())),
    )


def _facts(facts: Facts) -> PlainFacts:
    return PlainFacts(
        facts.arch.name, facts.pid, facts.path, facts.executable, facts.command, facts.signal,
        facts.taken_at, facts.entry, facts.clock_ns, facts.pause_ms,
    )  # fmt: skip


def _memory(noted: NotedMemory) -> tuple[tuple[Run, ...], bytes]:
    if noted.size > MAX_MEMORY:
        raise AdpError(
            f"{noted.size >> 20} MB of memory belong to this snapshot, which is more than one file"
            f" holds ({MAX_MEMORY >> 20} MB)",
            help="leave memory out: --no-values",
        )
    pairs = list(noted.runs())
    return tuple(run for run, _ in pairs), b"".join(data for _, data in pairs)


class _Walk:
    """Expands the variables of all threads and tasks, level by level: each value once."""

    def __init__(self, analysis: Analysis, snapshot: Snapshot, check: Callable[[], None]) -> None:
        self._inspection = Inspection(analysis.snapshot, analysis)
        self._snapshot = snapshot
        self._check = check
        self._left = MAX_VALUES
        self._seen: set[tuple[int, int, int]] = set()

    def run(self) -> int:
        """Return of how many tasks there was no room for the variables."""
        below: list[Item] = []
        for items in self._threads():
            below += self._expand(items)
        count = len(self._snapshot.tasks)
        left = 0
        for index in range(count):
            self._check()
            if self._left <= 0:
                left = count - index
                break
            below += self._expand(self._variables(index))
        for _ in range(1, MAX_DEPTH):
            below = self._expand(below)
        return left

    def _threads(self) -> Iterator[Sequence[Item]]:
        for thread in self._snapshot.threads:
            for number in range(len(thread.stack)):
                self._check()
                with suppress(AdpError):
                    yield self._inspection.native_items(thread, number)

    def _variables(self, index: int) -> list[Item]:
        items: list[Item] = []
        with suppress(AdpError):
            for live in self._inspection.live(index).values():
                items += self._inspection.frame_items(live)
        return items

    def _expand(self, items: Sequence[Item]) -> list[Item]:
        """Describe values and return their fields."""
        below: list[Item] = []
        for number, item in enumerate(items):
            if number % 256 == 0:
                self._check()
            value = item.value
            if value is None or self._left <= 0:
                continue
            if value.data is None:
                key = (value.address, id(value.type.source), value.type.offset)
                if key in self._seen:
                    continue
                self._seen.add(key)
            self._left -= 1
            try:
                _, expandable, _ = self._inspection.describe(item)
                if expandable:
                    below += self._inspection.fields(value)[:MAX_CHILDREN]
            except AdpError:
                continue
        return below
