"""The memory of a process that runs on: pages copied while it stood, spliced over those read later.

A process changes while it is read. What was copied during one stop belongs together; each page
that is read later is read once and kept, so that what is shown stays what it was, and is torn: it
may not fit to the rest.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from ptrace.ctypes_libc import libc

from adp_tui.backends.elf_image import PAGE
from adp_tui.backends.procfs import ADDRESS_END, Mapping, Procfs
from adp_tui.engine.errors import FaultError, OpenError
from adp_tui.engine.memory import Piece, SplicedMemory

__all__ = ["CopyPlan", "LiveMemory", "ProcessPages", "Run", "Vector", "runs_of"]

MAX_RUN = 1 << 20
"""Bytes copied at once: between two copies it is seen whether there is time left."""
MAX_VECTORS = 1024
"""IOV_MAX of Linux."""
MAX_BATCH = 4 << 20
MAX_KEPT = 1 << 30
"""Bytes of pages that are read while the process runs, and kept."""

Run = tuple[int, int]
"""Start and end of pages that follow each other."""


class Vector(ctypes.Structure):
    """struct iovec (readv(2))."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


_readv = libc.process_vm_readv
_readv.argtypes = (
    ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong,
)  # fmt: skip
_readv.restype = ctypes.c_ssize_t


class ProcessPages:
    """The pages of a running process by address, each read when first needed, and only once.

    It can be sliced like bytes, by absolute address.
    """

    def __init__(self, procfs: Procfs) -> None:
        try:
            self._file = os.open(procfs.memory_folder / "mem", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise OpenError(f"process {procfs.pid} has ended") from None
        self.pages: dict[int, bytes] = {}
        """By number of page."""

    def __len__(self) -> int:
        return ADDRESS_END

    def __getitem__(self, where: slice) -> bytes:
        start, end = where.start, where.stop
        first, last = start // PAGE, (end - 1) // PAGE
        if first == last:
            page = self.pages.get(first) or self._page(first)
            return page[start - first * PAGE : end - first * PAGE]
        data = b"".join(self.pages.get(n) or self._page(n) for n in range(first, last + 1))
        return data[start - first * PAGE : end - first * PAGE]

    def _page(self, number: int) -> bytes:
        data = self.read(number * PAGE, PAGE)
        if len(self.pages) < MAX_KEPT // PAGE:
            self.pages[number] = data
        return data

    def read(self, address: int, size: int) -> bytes:
        """Return bytes as they are just now, and keep nothing.

        Raises:
            FaultError: they cannot be read, or the process has ended.
        """
        try:
            data = os.pread(self._file, size, address)
        except (OSError, OverflowError) as error:
            raise FaultError(address, size, "the process does not let it be read") from error
        if len(data) != size:
            # Nothing is read from a process without memory.
            reason = "the process does not let it be read" if data else "the process has ended"
            raise FaultError(address, size, reason)
        return data

    def close(self) -> None:
        """Let go of the process."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def runs_of(pages: Iterable[int], limit: int = MAX_RUN) -> Iterator[Run]:
    """Join numbers of pages to runs of at most ``limit`` bytes."""
    start = end = -1
    for page in sorted(set(pages)):
        at = page * PAGE
        if at != end or at - start >= limit:
            if end > start:
                yield start, end
            start = at
        end = at + PAGE
    if end > start:
        yield start, end


class CopyPlan:
    """What to copy out of a process while it stands, prepared before it is stopped.

    Args:
        runs: what to copy, sorted by address.
        spare: bytes of room for what is known only when the process stands.
    """

    def __init__(self, runs: Sequence[Run], spare: int) -> None:
        self._runs = list(runs)
        self._used = sum(end - start for start, end in runs)
        self._size = max(self._used + spare, PAGE)
        # Populated: a page fault for each page would be part of the pause.
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        self._buffer = mmap.mmap(-1, self._size, flags=flags)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._batches = list(self._prepare(self._runs, 0))
        self._copied: list[tuple[Run, int]] = []
        self._starts = [start for start, _ in self._runs]

    @staticmethod
    def _prepare(runs: Sequence[Run], offset: int) -> Iterator[tuple[Sequence[Run], int, object]]:
        """Yield the system calls to make: which runs, where they go, and their vectors."""
        batch: list[Run] = []
        size = 0
        for run in (*runs, None):
            full = size >= MAX_BATCH or len(batch) == MAX_VECTORS
            if batch and (run is None or full):
                vectors = (Vector * len(batch))(*(Vector(s, e - s) for s, e in batch))
                yield batch, offset, vectors
                offset += size
                batch, size = [], 0
            if run is not None:
                batch.append(run)
                size += run[1] - run[0]

    def holds(self, page: int) -> bool:
        """Tell whether a page, by its number, is to be copied."""
        index = bisect_right(self._starts, page * PAGE) - 1
        return index >= 0 and page * PAGE < self._runs[index][1]

    def copy(self, pid: int, more: Iterable[Run], deadline: float) -> None:
        """Copy what was planned and, where there is room, ``more``; stop at the deadline.

        A plan that was made without runs can copy several times, each time behind the last.

        Args:
            pid: the process, which stands.
            more: what turned out to be needed as well.
            deadline: when to stop, in ``perf_counter``'s time.
        """
        for batch, offset, vectors in self._batches:
            if time.perf_counter() > deadline:
                return
            self._read(pid, batch, offset, vectors)
        offset = self._used
        extra = []
        for start, end in more:
            kept = min(end, start + self._size - offset)
            if kept > start:
                extra.append((start, kept))
                offset += kept - start
        begin, self._used = self._used, offset
        for batch, at, vectors in self._prepare(extra, begin):
            if time.perf_counter() > deadline:
                return
            self._read(pid, batch, at, vectors)

    def _read(self, pid: int, batch: Sequence[Run], offset: int, vectors: object) -> None:
        size = sum(end - start for start, end in batch)
        local = Vector(self._base + offset, size)
        got = _readv(pid, ctypes.byref(local), 1, vectors, len(batch), 0)
        if got == size:
            for start, end in batch:
                self._copied.append(((start, end), offset))
                offset += end - start
            return
        self._read_singly(pid, batch, offset)

    def _read_singly(self, pid: int, batch: Sequence[Run], offset: int) -> None:
        """Copy page by page: one of them is not there any more."""
        for start, end in batch:
            for address in range(start, end, PAGE):
                local = Vector(self._base + offset, PAGE)
                remote = Vector(address, PAGE)
                if _readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) == PAGE:
                    self._copied.append(((address, address + PAGE), offset))
                offset += PAGE

    def runs(self) -> Iterator[tuple[int, memoryview]]:
        """Yield what was copied: where it begins, and its bytes."""
        with memoryview(self._buffer) as view:
            for (start, end), offset in self._copied:
                yield start, view[offset : offset + end - start]

    def pieces(self) -> Iterator[Piece]:
        """Yield what was copied."""
        for (start, end), offset in self._copied:
            yield Piece(start, end, self._buffer, offset, "", True, False, True)


class LiveMemory(SplicedMemory):
    """What was copied, over what files hold, over what the process has now.

    Args:
        copied: pieces that belong together.
        files: pieces of files that the process cannot have changed.
        mappings: what is mapped.
        pages: the rest, read when needed.
    """

    def __init__(
        self,
        copied: Iterable[Piece],
        files: Iterable[Piece],
        mappings: Sequence[Mapping],
        pages: ProcessPages,
    ) -> None:
        super().__init__(copied, files, _mapped(mappings, pages))
        self._later = pages
        self._together: set[int] = set()

    def torn_pages(self) -> Sequence[int]:
        """Return the addresses of the pages that were read while the process ran."""
        return sorted(n * PAGE for n in self._later.pages if n not in self._together)

    def is_torn(self, address: int) -> bool:
        """Tell whether what stands at an address was read while the process ran."""
        page = address // PAGE
        return page in self._later.pages and page not in self._together

    def compare(self) -> None:
        """Read again what was read while the process ran: what is still the same belongs together.

        All those pages had their contents at once, when the comparison began.
        """
        later = self._later
        for number, data in later.pages.items():
            with contextlib.suppress(FaultError):
                if later.read(number * PAGE, PAGE) == data:
                    self._together.add(number)


def _mapped(mappings: Sequence[Mapping], pages: ProcessPages) -> Iterator[Piece]:
    for each in mappings:
        if not 0 <= each.start < each.end <= ADDRESS_END:
            # The vsyscall page, which nobody can read.
            continue
        if each.path == b"[vvar]" or each.path.startswith(b"[vvar_"):
            yield Piece(each.start, each.end, None, 0, "memory of the kernel's clock")
        elif each.readable:
            yield Piece(each.start, each.end, pages, each.start, "", each.writable, each.executable)
        else:
            yield Piece(each.start, each.end, None, 0, "the program itself may not read it")
