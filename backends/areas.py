"""What a core keeps of each mapping of a process, and which of its pages are in use.

The rules are those of the kernel for a coredump_filter of 0x33, its default (core(5) and
fs/coredump.c, vma_dump_size).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from adp_tui.backends.elf_image import PAGE
from adp_tui.backends.procfs import ADDRESS_END, MAX_MAPPINGS, Mapping, Procfs, parse_mapping

__all__ = ["Area", "areas_of", "used_pages"]

MAX_UNTOUCHED = 1 << 30
"""Bytes of a readable mapping without any page that a core has as zeros; a larger one is only
reserved, and its size could be beyond what a file can have."""
CHUNK = 1 << 16
"""Pages whose entries in /proc/PID/pagemap are read at once."""

_FIELD = re.compile(
    rb"^(?:([0-9a-f]+-[0-9a-f]+ .*)|(Rss|Anonymous|Swap): +(\d+) kB|VmFlags: (.*))$", re.MULTILINE
)
_KERNELS_OWN = (b"[vvar", b"[vsyscall]")

# Documentation/admin-guide/mm/pagemap.rst; of an entry's highest byte.
_PRESENT, _SWAPPED, _GUARD = 0x80, 0x40, 0x04
_USED = re.compile(
    b"["
    + b"".join(b"\\x%02x" % n for n in range(256) if n & (_PRESENT | _SWAPPED) and not n & _GUARD)
    + b"]+"
)


@dataclass(slots=True)
class Area:
    """A mapping with what /proc/PID/smaps says of it, in bytes."""

    mapping: Mapping
    resident: int = 0
    anonymous: int = 0
    """Pages that are the process's own: of a private mapping of a file, those it has written."""
    swapped: int = 0
    flags: frozenset[bytes] = field(default_factory=frozenset)
    """The names of proc(5), such as ``dd`` for memory that the process keeps out of dumps."""

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.mapping.end - self.mapping.start

    @property
    def is_listed(self) -> bool:
        """Whether a core names this mapping at all."""
        return self.mapping.end <= ADDRESS_END and not self.mapping.path.startswith(_KERNELS_OWN)

    @property
    def kept(self) -> int:
        """How many bytes a core keeps of it, from its start."""
        mapping = self.mapping
        if mapping.path == b"[vdso]":
            return self.size
        if self.flags & {b"dd", b"io"} or not self.is_listed:
            return 0
        if mapping.shared:
            # A file that has no name any more is memory; huge pages that are shared stay out.
            nameless = not mapping.inode or mapping.path.endswith(b" (deleted)")
            return self.size if nameless and mapping.readable and b"ht" not in self.flags else 0
        if self.anonymous or self.swapped or b"ht" in self.flags:
            return self.size
        if mapping.inode:
            # The headers tell which build it is.
            return PAGE if mapping.offset == 0 and mapping.readable else 0
        return self.size if mapping.readable and self.size <= MAX_UNTOUCHED else 0

    @property
    def may_have_holes(self) -> bool:
        """Whether a page that the process has not in its table was never touched.

        It can stand in the file, or another process can have written it.
        """
        return not (self.mapping.shared or self.mapping.inode or b"ht" in self.flags)

    @property
    def room(self) -> int:
        """About how many bytes its pages take in a core, zeros left out."""
        if not self.may_have_holes:
            return self.kept
        return min(self.kept, self.resident + self.swapped)


def areas_of(procfs: Procfs) -> list[Area]:
    """Return all mappings of a process, sorted by address.

    Raises:
        GoneError: it has ended.
        OSError: it may not be read.
    """
    found: list[Area] = []
    for head, name, number, flags in _FIELD.findall(procfs.smaps()):
        if head:
            mapping = parse_mapping(head)
            if mapping is not None and len(found) < MAX_MAPPINGS:
                found.append(Area(mapping))
        elif not found:
            continue
        elif name == b"Rss":
            found[-1].resident = int(number) * 1024
        elif name == b"Anonymous":
            found[-1].anonymous = int(number) * 1024
        elif name == b"Swap":
            found[-1].swapped = int(number) * 1024
        else:
            found[-1].flags = frozenset(flags.split())
    return found


def used_pages(pagemap: int, area: Area) -> Iterator[tuple[int, int]]:
    """Yield the parts of what is kept, start and end, that may hold more than zeros.

    Args:
        pagemap: the open /proc/PID/pagemap.
        area: one of its mappings.
    """
    start, end = area.mapping.start, area.mapping.start + area.kept
    if not area.may_have_holes:
        if start < end:
            yield start, end
        return
    if not area.resident and not area.swapped:
        return
    for first in range(start // PAGE, end // PAGE, CHUNK):
        count = min(CHUNK, end // PAGE - first)
        entries = os.pread(pagemap, count * 8, first * 8)
        # The highest byte of each entry has all that matters.
        for run in _USED.finditer(entries[7::8]):
            yield (first + run.start()) * PAGE, (first + run.end()) * PAGE
