"""Wakers anywhere in a core's memory: some tasks are in no list, and only what will wake them
leads to them.

A ``core::task::wake::Waker`` is two words, of which one is the address of a vtable in the
program's own data: four pointers to code (core 1.95, ``task/wake.rs``, ``RawWakerVTable``).
numpy is imported with this module: only what sweeps imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from adp_tui.engine.analysis.wakers import WakerResolver
from adp_tui.engine.errors import AdpError
from adp_tui.engine.gather import Addresses
from adp_tui.engine.program import Program
from adp_tui.engine.target import Region
from adp_tui.engine.value import Value

__all__ = ["chunks", "swept_wakers"]

CHUNK = 1 << 24
"""Bytes looked at in one step."""
MAX_TABLES = 1 << 16
"""Different addresses of the program's data that are tried as vtables."""
MAX_WAKERS = 1 << 20


def swept_wakers(
    program: Program, wakers: WakerResolver, check: Callable[[], None], *, every: bool = False
) -> Iterator[Value]:
    """Yield the wakers of kinds that are looked for in all memory, each pair of words once.

    Args:
        program: its memory is all there.
        wakers: tells the kinds.
        check: raises CancelledError when asked to stop.
        every: of whichever kind, and none may be passed over.

    Raises:
        AdpError: ``every`` is asked for, and they are too many.
    """
    type_ = program.type_named("core::task::wake::Waker")
    layout = wakers.layout
    executable = program.executable
    if type_ is None or layout is None or executable is None:
        return
    _, vtable_at, _ = layout
    low, high = executable.module.start, executable.module.end
    regions = [region for region in program.memory.regions() if region.writable]
    wanted = None if every else wakers
    tables = np.fromiter(_tables(program, wanted, regions, low, high, check), np.uint64)
    if not len(tables):
        return
    seen: set[tuple[int, int]] = set()
    for region in regions:
        for start, words in chunks(region):
            check()
            for place in np.flatnonzero(np.isin(words, tables)).tolist():
                waker = Value(program.memory, type_, start + 8 * place - vtable_at)
                pair = wakers.pair(waker)
                if pair is None or pair in seen:
                    continue
                if len(seen) < MAX_WAKERS:
                    seen.add(pair)
                    yield waker
                elif every:
                    raise AdpError("there are too many wakers in memory")


def chunks(region: Region) -> Iterator[tuple[int, Addresses]]:
    """Yield the aligned words of a region, with the address of the first of each part."""
    skipped = -region.start % 8
    for at in range(skipped, len(region.view) - 7, CHUNK):
        part = region.view[at : at + CHUNK]
        words = np.frombuffer(part[: len(part) & ~7], "<u8")
        yield region.start + at, words


def _tables(
    program: Program,
    wakers: WakerResolver | None,
    regions: Sequence[Region],
    low: int,
    high: int,
    check: Callable[[], None],
) -> Iterator[int]:
    """Yield the vtables that some word points to: of kinds that are looked for, or of every kind
    where no ``wakers`` tell those.
    """
    found = np.zeros(0, np.uint64)
    for region in regions:
        for _, words in chunks(region):
            check()
            inside = words[(words >= low) & (words < high) & (words % 8 == 0)]
            found = np.union1d(found, inside)
            if len(found) > MAX_TABLES:
                if wakers is None:
                    raise AdpError("too many words may be vtables")
                return
    for address in found.tolist():
        if _is_table(program, address, low, high) and (wakers is None or wakers.is_swept(address)):
            yield address


def _is_table(program: Program, address: int, low: int, high: int) -> bool:
    """Tell whether four addresses of the program's code stand at an address of its data."""
    try:
        words = memoryview(program.memory.read(address, 32)).cast("Q")
    except AdpError:
        return False
    return all(low <= word < high for word in words)
