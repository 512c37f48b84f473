"""Words anywhere in a core's memory by which somebody could still wake a task.

A waker is two words side by side: data, which is the address of the task's header, and the address
of a vtable, which is four pointers to code (core 1.95, ``task/wake.rs``, ``RawWakerVTable``). On a
stack a compiler may keep the two apart, so there the data alone counts.
numpy is imported with this module: only what sweeps imports it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import itemgetter

import numpy as np

from adp_tui.engine.analysis.sweep import chunks
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.gather import Addresses, Rows
from adp_tui.engine.program import Program
from adp_tui.engine.target import Region

__all__ = ["Mention", "Span", "StackSpan", "holding", "mentions"]

Span = tuple[int, int]
MAX_SWEPT = 32 << 30
"""Bytes that are looked through: half a minute."""
MAX_MENTIONS = 1 << 20


@dataclass(frozen=True, slots=True)
class StackSpan:
    """A thread's stack: what lies below ``low`` is left over from calls that have returned."""

    start: int
    """Where its memory begins, as far as that is known to be the stack's."""
    low: int
    end: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A word that leads to a task's header."""

    place: int
    """Number of the place that it leads to."""
    address: int
    wakes: bool
    """Whether it can be (part of) a waker; else it may be what a list of tasks has."""


def mentions(
    program: Program,
    places: Sequence[Span],
    stacks: Sequence[StackSpan],
    check: Callable[[], None],
) -> Iterator[Mention]:
    """Yield the words in writable memory that lead to one of some places.

    Args:
        program: its memory is all there.
        places: where the headers lie, sorted by address. One may begin before the one ahead of it
            ends, but not before the one ahead of that does.
        stacks: of all threads.
        check: raises CancelledError when asked to stop.

    Raises:
        AdpError: there is too much to look through.
    """
    regions = [region for region in program.memory.regions() if region.writable]
    if sum(len(region.view) for region in regions) > MAX_SWEPT:
        raise AdpError("there is too much memory to look through")
    is_vtable = _vtables(program)
    found = 0
    for region in regions:
        here = [each for each in stacks if each.start < region.end and region.start < each.end]
        for address, value, beside in _words(program, region, places, check):
            found += 1
            if found > MAX_MENTIONS:
                raise AdpError("too many words lead to tasks")
            if any(stack.start <= address < stack.low for stack in here):
                continue
            wakes = any(stack.low <= address < stack.end for stack in here)
            wakes = wakes or any(map(is_vtable, beside))
            for number in holding(places, value):
                yield Mention(number, address, wakes)


def holding(places: Sequence[Span], value: int) -> Iterator[int]:
    """Yield the numbers of the places that hold an address; they are as ``mentions`` has them."""
    after = bisect_right(places, value, key=itemgetter(0))
    for number in (after - 2, after - 1):
        if number >= 0 and places[number][0] <= value < places[number][1]:
            yield number


def _words(
    program: Program, region: Region, places: Sequence[Span], check: Callable[[], None]
) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Yield address and value of each word that leads to a place, and the words beside it."""
    lows = np.array([low for low, _ in places], np.uint64)
    highs = np.array([high for _, high in places], np.uint64)
    # Of places that overlap a value may lie in the earlier one alone.
    ends = np.maximum.accumulate(highs)
    for start, words in chunks(region):
        check()
        for at in _inside(words, lows, ends).tolist():
            address = start + 8 * at
            beside = (
                _beside(program, words, at - 1, address - 8),
                _beside(program, words, at + 1, address + 8),
            )
            yield address, int(words[at]), beside


def _inside(words: Addresses, lows: Addresses, ends: Addresses) -> Rows:
    """Return the places of the words that lie in one of some spans."""
    near = np.flatnonzero((words >= lows[0]) & (words < ends[-1]))
    values = words[near]
    span = np.searchsorted(lows, values, "right") - 1
    inside: Rows = near[values < ends[span]]
    return inside


def _beside(program: Program, words: Addresses, at: int, address: int) -> int:
    """Return the word at an address, which is one of those that were cut off with it or not."""
    if 0 <= at < len(words):
        return int(words[at])
    try:
        return int.from_bytes(program.memory.read(address, 8), "little")
    except AdpError:
        return 0


def _vtables(program: Program) -> Callable[[int], bool]:
    """Return what tells whether a word may be the address of a waker's vtable.

    One in a file that is not here cannot be read, and may be one.
    """
    spans = [(module.start, module.end) for module in program.target.modules()]

    def is_code(word: int) -> bool:
        return any(low <= word < high for low, high in spans)

    @cache
    def may_be(address: int) -> bool:
        if not address or address % 8:
            return False
        try:
            words = memoryview(program.memory.read(address, 32)).cast("Q")
        except AdpError:
            return is_code(address)
        return all(map(is_code, words))

    return may_be
