"""Thread pointers of threads that run, found without stopping them.

On x86-64 the word at the thread pointer is the thread pointer itself (System V TLS ABI, variant
II), and the C library keeps the thread's id in the same structure. Both together tell it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

from adp_tui.backends.live_memory import ProcessPages
from adp_tui.backends.procfs import Mapping as Mapped
from adp_tui.engine.errors import FaultError

__all__ = ["thread_pointers"]

_TID_OFFSETS = (720, 48)
"""Of ``tid`` in struct pthread: glibc (nptl/descr.h, behind tcbhead_t and a list), musl
(src/internal/pthread_impl.h)."""
MAX_SEARCHED = 512 << 10
"""Bytes at the end of a mapping that are searched: the structure ends the stack of a thread."""
MAX_MAPPINGS = 4096
_WORD = struct.Struct("<Q")


def thread_pointers(
    tids: Sequence[int], mappings: Sequence[Mapped], pages: ProcessPages
) -> Mapping[int, int]:
    """Return the thread pointer of each thread for which exactly one is found.

    Args:
        tids: the threads of the process, by the numbers that it knows itself.
        mappings: what is mapped.
        pages: the memory of the process.
    """
    found: dict[int, set[int]] = {tid: set() for tid in tids}
    for start, data in _candidates(mappings, pages):
        for tid, address in _in_block(start, data, found):
            found[tid].add(address)
    return {tid: addresses.pop() for tid, addresses in found.items() if len(addresses) == 1}


def _candidates(mappings: Sequence[Mapped], pages: ProcessPages) -> Iterator[tuple[int, bytes]]:
    for each in mappings[:MAX_MAPPINGS]:
        if not (each.writable and each.readable) or each.shared:
            continue
        ranges = {(max(each.start, each.end - MAX_SEARCHED), each.end)}
        if each.path == b"[heap]":
            # A static program of glibc has its first thread's structure where the heap begins.
            ranges.add((each.start, min(each.end, each.start + MAX_SEARCHED)))
        for start, end in ranges:
            try:
                yield start, pages.read(start, end - start)
            except FaultError:
                continue


def _in_block(start: int, data: bytes, tids: Mapping[int, object]) -> Iterator[tuple[int, int]]:
    """Yield (thread id, thread pointer) for what stands in a block of memory."""
    # A word that holds its own address: its upper bytes are those of the block.
    for offset in _self_pointers(start, data):
        for at in _TID_OFFSETS:
            raw = data[offset + at : offset + at + 4]
            tid = int.from_bytes(raw, "little") if len(raw) == 4 else 0
            if tid in tids:
                yield tid, start + offset
                break


def _self_pointers(start: int, data: bytes) -> Iterator[int]:
    """Yield offsets of words that hold their own address."""
    words = memoryview(data)[: len(data) & ~7].cast("Q")
    # Few words lie in the block's own range; the range is compared by its upper bytes first.
    upper = _WORD.pack(start)[3:8]
    last = _WORD.pack(start + len(data) - 1)[3:8]
    for prefix in {upper, last}:
        at = data.find(prefix)
        while at >= 0:
            if at % 8 == 3 and at // 8 < len(words) and words[at // 8] == start + at - 3:
                yield at - 3
            at = data.find(prefix, at + 1)
