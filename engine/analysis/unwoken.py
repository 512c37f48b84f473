"""Tasks that sleep and that nothing can wake: by their own count of references, or because a
core's memory was searched for their wakers from end to end.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from adp_tui.engine.adp.schema import WakerRule
from adp_tui.engine.analysis.facts import TaskFacts, ThreadFacts
from adp_tui.engine.analysis.rules import RuleBook
from adp_tui.engine.analysis.threads import region_of
from adp_tui.engine.analysis.waits import Leaf, is_unpolled, leaves
from adp_tui.engine.analysis.wakers import WakerResolver, Wakes
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.model import TaskState
from adp_tui.engine.program import Program

if TYPE_CHECKING:
    from adp_tui.engine.analysis.mentions import Span, StackSpan

__all__ = ["is_unwoken", "unreached"]

_PENDING = (
    "core::future::pending::Pending<",
    "futures_util::future::pending::Pending<",
    "futures_util::stream::pending::Pending<",
)
"""What sleeps for good by intent."""
_IS_HEADER = re.compile(r"at\(\s*data\s*,")
"""A rule by which a waker's data is the address of the task's header itself."""
ARC_COUNTS = 16
"""Bytes before the header that a reference-counted one's pointer leads to (alloc, ``ArcInner``)."""
RED_ZONE = 128
"""Bytes below the stack pointer that a function may use (System V AMD64 ABI, 3.2.2)."""
MAX_WRAPPERS = 1 << 16
"""Wakers, of kinds that lead to no task, in which it is looked for one."""
WRAPPER = 64
"""Bytes of such a waker's data, where its type is not known."""


def is_unwoken(task: TaskFacts) -> bool:
    """Tell whether nothing can wake a task, by its own count of references."""
    if task.state is not TaskState.IDLE or task.wakers != 0 or task.cancelled:
        return False
    leaf = task.stack.frames[-1] if task.stack is not None and task.stack.frames else None
    return leaf is not None and not leaf.value.type.name.startswith(_PENDING)


def unreached(
    program: Program,
    book: RuleBook,
    wakers: WakerResolver,
    threads: Sequence[ThreadFacts],
    tasks: Sequence[TaskFacts],
    target_of: Callable[[Wakes], TaskFacts | None],
    check: Callable[[], None],
) -> tuple[int, ...]:
    """Return the numbers of the idle tasks for which a core has no waker anywhere.

    Only tasks whose runtime does not count who could wake them are asked about. Whatever is not
    sure frees a task: a word that may be a waker's, or memory that could not be looked through.

    Args:
        program: of a live process nothing is concluded.
        book: the rules in force.
        wakers: resolves wakers.
        threads: all of them, unwound.
        tasks: with their stacks and waits.
        target_of: the task that a waker wakes.
        check: raises CancelledError when asked to stop.

    Raises:
        CancelledError: ``check`` raised it.
    """
    if not program.target.facts.complete or wakers.layout is None or program.executable is None:
        return ()
    uncounted = [task for task in tasks if task.wakers is None]
    candidates = [task for task in uncounted if _sleeps(task) and _is_known(task, book)]
    stacks = _stacks(program, threads, tasks) if candidates else None
    if stacks is None:
        return ()
    try:
        return _Search(program, wakers, target_of, check).run(candidates, threads, stacks)
    except CancelledError:
        raise
    except AdpError:
        # There is too much of something: then nothing is concluded.
        return ()


def _sleeps(task: TaskFacts) -> bool:
    """Tell whether a task waits for nothing that is known, and not by intent."""
    if task.state is not TaskState.IDLE or task.cancelled:
        return False
    if task.header is None or task.executor is None or task.thread is not None:
        return False
    if any(wait.shape.kind != "unknown" or wait.resource >= 0 for wait in task.waits):
        return False
    stack = task.stack
    if stack is None or stack.problem is not None or is_unpolled(stack):
        return False
    ends = list(leaves(stack))
    return bool(ends) and all(map(_can_lose, ends))


def _can_lose(leaf: Leaf) -> bool:
    """Tell whether where a task stands is known, and there it should have kept its waker.

    A future without a byte has nothing to wait with: it is a ``pending`` written by hand.
    """
    type_ = leaf.frame.value.type
    known = leaf.armed and leaf.rule is None and leaf.frame.frame.problem is None
    return known and type_.size > 0 and not type_.name.startswith(_PENDING)


def _is_known(task: TaskFacts, book: RuleBook) -> bool:
    """Tell whether a task's runtime does not count its wakers, and what their data is."""
    assert task.header is not None
    bound = book.tasks.first(task.header.type.name)
    if bound is None or "wakers" in bound.rule.flags:
        return False
    rules = [rule for rule in task.applied.descriptor.wakers if rule.task is not None]
    return bool(rules) and all(map(_leads_to_header, rules))


def _leads_to_header(rule: WakerRule) -> bool:
    return rule.task is not None and _IS_HEADER.match(rule.task.text) is not None


def _stacks(
    program: Program, threads: Sequence[ThreadFacts], tasks: Sequence[TaskFacts]
) -> list[StackSpan] | None:
    """Return where the threads' stacks are; None where one of them stands on none of its own.

    What a C library keeps of a thread, to which its thread pointer leads, lies above its stack;
    the main thread's stack is the highest memory that can be written to (Linux, mm/mmap.c).
    """
    from adp_tui.engine.analysis.mentions import StackSpan

    regions = program.memory.regions()
    ends = {region.end for region in regions}
    highest = max((region.start for region in regions if region.writable), default=0)
    addresses = sorted(task.address for task in tasks)
    spans = []
    for thread in threads:
        sp, pointer = thread.state.registers.get(program.arch.sp, 0), thread.state.thread_pointer
        region = region_of(program, sp)
        if region is None:
            return None
        start, end = region
        top = _first_frame(thread)
        if not sp < pointer < end and not (start == highest and sp < top <= end):
            return None
        low = sp - RED_ZONE
        # Memory that goes on below, or that has tasks in it, is not the stack's alone.
        others = start in ends or bisect_left(addresses, start) < bisect_left(addresses, low)
        spans.append(StackSpan(low if others else start, low, top if sp < top <= end else end))
    return spans or None


def _first_frame(thread: ThreadFacts) -> int:
    """Return where a thread's first frame ends; 0 where it is not known."""
    native = thread.native
    if native.cut is not None or not native.frames:
        return 0
    return native.frames[-1].cfa or native.frames[-1].sp


class _Search:
    """Looks for whatever could wake some tasks."""

    def __init__(
        self,
        program: Program,
        wakers: WakerResolver,
        target_of: Callable[[Wakes], TaskFacts | None],
        check: Callable[[], None],
    ) -> None:
        self._program = program
        self._wakers = wakers
        self._target_of = target_of
        self._check = check

    def run(
        self,
        candidates: Sequence[TaskFacts],
        threads: Sequence[ThreadFacts],
        stacks: Sequence[StackSpan],
    ) -> tuple[int, ...]:
        """Return the numbers of those for which there is nothing.

        Raises:
            AdpError: there is too much to look through.
        """
        from adp_tui.engine.analysis.mentions import mentions

        owned = _places(self._program, candidates)
        places = [place for place, _ in owned]
        left = set(range(len(candidates)))
        left -= {owned[place][1] for place in _in_registers(places, threads)}
        listed: list[tuple[int, int]] = []
        for mention in mentions(self._program, places, stacks, self._check):
            task = owned[mention.place][1]
            if mention.wakes:
                left.discard(task)
            else:
                listed.append((mention.address, task))
        listed = [each for each in listed if each[1] in left]
        if left:
            left -= self._wrapped(candidates, listed)
        return tuple(sorted(candidates[number].index for number in left))

    def _wrapped(self, tasks: Sequence[TaskFacts], listed: Sequence[tuple[int, int]]) -> set[int]:
        """Return which tasks some waker leads to, at once or by what its data has in it."""
        from adp_tui.engine.analysis.sweep import swept_wakers

        numbers = {task.index: number for number, task in enumerate(tasks)}
        found: set[int] = set()
        datas: dict[int, int] = {}
        for waker in swept_wakers(self._program, self._wakers, self._check, every=True):
            wakes = self._wakers.resolve(waker)
            task = None if wakes is None else self._target_of(wakes)
            if task is not None:
                found.update({numbers[task.index]} if task.index in numbers else ())
            elif wakes is None or wakes.header is not None or wakes.foreign is not None:
                pair = self._wakers.pair(waker)
                header = None if wakes is None else wakes.header
                if pair is not None and pair[0]:
                    datas[pair[0]] = WRAPPER if header is None else max(header.type.size, 8)
            if len(datas) > MAX_WRAPPERS:
                raise AdpError("there are too many wakers of kinds that are not known")
        spans = [*datas.items(), *self._led_to(datas.items())]
        return found | set(_mentioned_in(spans, listed))

    def _led_to(self, datas: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield what pointers lead to that stand in the data of wakers."""
        for address, size in datas:
            self._check()
            for at in range(address, address + min(size, WRAPPER), 8):
                try:
                    word = int.from_bytes(self._program.memory.read(at, 8), "little")
                except AdpError:
                    break
                if word:
                    yield word, WRAPPER


def _places(program: Program, tasks: Sequence[TaskFacts]) -> list[tuple[Span, int]]:
    """Return where the tasks' headers lie, as a waker or whoever calls one may point to them, each
    with the number of its task.

    Whoever calls a waker of an ``Arc`` has the address of its counts. What is a static has none.
    """
    places = []
    for number, task in enumerate(tasks):
        assert task.header is not None
        start = task.address
        places.append(((start, start + max(task.header.type.size, 1)), number))
        if program.image_at(start) is None:
            counts = start - ARC_COUNTS
            places.append(((counts, counts + 1), number))
    return sorted(places)


def _in_registers(places: Sequence[Span], threads: Sequence[ThreadFacts]) -> set[int]:
    """Return the numbers of the places that a register of some thread points to."""
    from adp_tui.engine.analysis.mentions import holding

    values = {value for thread in threads for value in thread.state.registers.values()}
    return {number for value in values for number in holding(places, value)}


def _mentioned_in(
    spans: Sequence[tuple[int, int]], listed: Sequence[tuple[int, int]]
) -> Iterator[int]:
    """Yield the tasks of the mentions, each with its address, that stand in one of some pieces of
    memory.
    """
    ordered = sorted(listed)
    for start, size in spans:
        at = bisect_left(ordered, (start, 0))
        while at < len(ordered) and ordered[at][0] < start + size:
            yield ordered[at][1]
            at += 1
