"""The same read at many addresses at once, in columns.

numpy is imported with this module: it costs a tenth of a second, so only what has thousands of
addresses imports it, and when it has.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Memory, NotingMemory

__all__ = ["Addresses", "Column", "Gatherer", "Mask", "Rows"]

Addresses: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
Column: TypeAlias = NDArray[Any]

MAX_ELSEWHERE = 1 << 16
"""Different addresses outside all regions that are read one by one: tables in files are few."""
_NUMBERS = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}


class Gatherer:
    """Reads columns from a memory's regions, which must not change meanwhile."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._noting = memory if isinstance(memory, NotingMemory) else None
        self._regions = [region for region in memory.regions() if len(region.view)]
        self._begins = [region.start for region in self._regions]
        self._starts = np.array(self._begins, np.uint64)

    def read(self, addresses: Addresses, size: int) -> tuple[Column, Mask]:
        """Return what stands at each address, and where it could be read.

        Args:
            addresses: any numbers.
            size: bytes to read at each.

        Returns:
            A column of numbers for 1, 2, 4 and 8 bytes, else one of rows of bytes; and a mask.
        """
        count = len(addresses)
        alone = self._of_one_region(addresses, size) if count and size else None
        if alone is not None:
            return alone, np.ones(count, np.bool_)
        number = _NUMBERS.get(size)
        data: Column = np.zeros(count, number) if number else np.zeros((count, size), np.uint8)
        there = np.zeros(count, np.bool_)
        if not size:
            return data, ~there
        places = np.searchsorted(self._starts, addresses, side="right") - 1
        left: list[Rows] = []
        for place in np.flatnonzero(np.bincount(places + 1)) - 1:
            rows = np.flatnonzero(places == place)
            if place < 0:
                left.append(rows)
                continue
            region = self._regions[place]
            offsets = addresses[rows] - np.uint64(region.start)
            last = len(region.view) - size
            inside = offsets <= np.uint64(max(last, 0))
            if last < 0 or not inside.all():
                left.append(rows if last < 0 else rows[~inside])
                rows, offsets = rows[inside & (last >= 0)], offsets[inside & (last >= 0)]
            if len(rows):
                if self._noting is not None:
                    self._noting.note(np.unique(addresses[rows]).tolist(), size)
                data[rows] = _at(region.view, offsets.astype(np.int64), size)
                there[rows] = True
        if left:
            self._elsewhere(addresses, np.concatenate(left), size, data, there)
        return data, there

    def _of_one_region(self, addresses: Addresses, size: int) -> Column | None:
        """Return what stands at the addresses where all of it lies in one region: the rule."""
        low, high = int(addresses.min()), int(addresses.max())
        place = bisect_right(self._begins, low) - 1
        region = self._regions[place] if place >= 0 else None
        if region is None or high + size > region.start + len(region.view):
            return None
        if self._noting is not None:
            self._noting.note(np.unique(addresses).tolist(), size)
        return _at(region.view, (addresses - np.uint64(region.start)).astype(np.int64), size)

    def _elsewhere(
        self, addresses: Addresses, rows: Rows, size: int, data: Column, there: Mask
    ) -> None:
        """Read what lies in no region: each address once, unless there are too many."""
        unique, back = np.unique(addresses[rows], return_inverse=True)
        if len(unique) > MAX_ELSEWHERE:
            return
        found, read = data[: len(unique)].copy(), np.zeros(len(unique), np.bool_)
        for index, address in enumerate(unique.tolist()):
            try:
                raw = self._memory.read(address, size)
            except FaultError:
                continue
            found[index] = np.frombuffer(raw, data.dtype)[0] if data.ndim == 1 else list(raw)
            read[index] = True
        data[rows], there[rows] = found[back], read[back]


def _at(view: memoryview, offsets: Rows, size: int) -> Column:
    """Return what stands at some offsets into a view, all of which fit."""
    number = _NUMBERS.get(size)
    last = len(view) - size
    items: Column
    if number is None:
        # Each offset is the beginning of an item: items overlap.
        items = np.ndarray((last + 1, size), np.uint8, view, strides=(1, 1))
    elif (offsets & (size - 1)).any():
        items = np.ndarray((last + 1,), number, view, strides=(1,))
    else:
        items = np.frombuffer(view, number, len(view) // size)
        offsets = offsets // size
    found: Column = items[offsets]
    return found
