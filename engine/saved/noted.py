"""A target that notes which of its memory is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adp_tui.engine.errors import FaultError
from adp_tui.engine.memory import MAX_READ
from adp_tui.engine.saved.record import Run
from adp_tui.engine.target import Facts, Memory, Module, Region, Target, ThreadState

__all__ = ["NotedMemory", "NotedTarget"]

_SHIFT = 12
_PAGE = 1 << _SHIFT
MAX_RUN = 16 << 20
MAX_FAULTS = 65_536
"""Pages of which it is kept why they could not be read."""


class NotedMemory:
    """Notes the pages that are read of another memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pages: set[int] = set()
        self.faults: dict[int, str] = {}
        """Why a page could not be read, by its address."""

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes.

        Raises:
            FaultError: any of the bytes cannot be read.
        """
        try:
            data = self._memory.read(address, size)
        except FaultError as error:
            self._note_fault(address, size, error.reason)
            raise
        first, last = address >> _SHIFT, (address + max(size, 1) - 1) >> _SHIFT
        if first == last:
            self._pages.add(first)
        else:
            self._pages.update(range(first, last + 1))
        return data

    def _note_fault(self, address: int, size: int, reason: str) -> None:
        """Note why the first page that cannot be read of a range cannot be read."""
        if not 0 < size <= MAX_READ or len(self.faults) >= MAX_FAULTS:
            return
        for page in range(address >> _SHIFT, (address + size - 1 >> _SHIFT) + 1):
            start = max(page << _SHIFT, address)
            try:
                self._memory.read(start, min((page + 1) << _SHIFT, address + size) - start)
            except FaultError:
                self.faults.setdefault(page << _SHIFT, reason)
                return
            self._pages.add(page)

    def note(self, addresses: Iterable[int], size: int) -> None:
        """Note what was read through a view of a region."""
        for address in addresses:
            self._pages.update((address >> _SHIFT, (address + size - 1) >> _SHIFT))

    def regions(self) -> Sequence[Region]:
        """Return the regions of the memory."""
        return self._memory.regions()

    @property
    def size(self) -> int:
        """Bytes that were noted."""
        return len(self._pages) << _SHIFT

    def runs(self) -> Iterator[tuple[Run, bytes]]:
        """Yield what was read, page by page joined, as far as it can be read.

        Runs end where regions do: what is cut at the end of a region is so again.
        """
        regions = self._memory.regions()
        starts = [region.start for region in regions]
        start = end = -1
        for page in sorted(self._pages):
            at = page << _SHIFT
            if at != end or at - start >= MAX_RUN:
                yield from self._cut(start, end, regions, starts)
                start = at
            end = at + _PAGE
        yield from self._cut(start, end, regions, starts)

    def _cut(
        self, start: int, end: int, regions: Sequence[Region], starts: Sequence[int]
    ) -> Iterator[tuple[Run, bytes]]:
        """Yield a run in parts that lie in one region, or in none."""
        while start < end:
            index = bisect_right(starts, start) - 1
            region = regions[index] if index >= 0 and start < regions[index].end else None
            if region is not None:
                stop = min(end, region.end)
                yield (
                    (start, stop - start, True, region.writable),
                    bytes(region.view[start - region.start : stop - region.start]),
                )
            else:
                stop = min(end, starts[index + 1] if index + 1 < len(starts) else end)
                for at in range(start, stop, _PAGE):
                    size, data = self._readable(at, min(_PAGE, stop - at))
                    if size:
                        yield (at, size, False, False), data
            start = stop

    def _readable(self, address: int, size: int) -> tuple[int, bytes]:
        """Return as much of a page as can be read: a file may end within it."""
        step = size
        known, data = 0, b""
        while step:
            try:
                data += self._memory.read(address + known, step)
                known += step
                if known >= size:
                    break
            except FaultError:
                pass
            step >>= 1
        return known, data


class NotedTarget:
    """A target whose memory notes what is read."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.memory = NotedMemory(target.memory)

    @property
    def facts(self) -> Facts:
        """What is known of the process as a whole.

        What takes all of its memory is not asked again: the report that is saved has the answer.
        """
        return replace(self._target.facts, complete=False)

    def threads(self) -> Sequence[ThreadState]:
        """Return every thread."""
        return self._target.threads()

    def modules(self) -> Sequence[Module]:
        """Return every mapped ELF file."""
        return self._target.modules()

    def close(self) -> None:
        """Leave the target to whoever opened it."""
