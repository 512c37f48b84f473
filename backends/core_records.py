"""The headers and notes of a core as bytes: what ``core_notes`` and ``core_memory`` read.

Laid out as the kernel does it (fs/binfmt_elf.c, elf_core_dump): the thread that comes first has
behind its status what there is of the process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adp_tui.backends.areas import Area
from adp_tui.backends.core_notes import (
    FILE_ENTRY,
    NT_AUXV,
    NT_FILE,
    NT_PRFPREG,
    NT_PRPSINFO,
    NT_PRSTATUS,
    NT_SIGINFO,
    NT_X86_XSTATE,
)
from adp_tui.backends.elf_image import (
    CORE,
    HEADER_LAYOUT,
    LOAD,
    NOTE,
    NOTE_LAYOUT,
    PAGE,
    PF_W,
    PF_X,
    PN_XNUM,
    SECTION_LAYOUT,
    SEGMENT_LAYOUT,
)
from adp_tui.engine.arch import X86_64

__all__ = ["ProcessRecord", "ThreadRecord", "core_head"]

PF_R = 4


# struct elf_prstatus (linux/elfcore.h): signal, pr_cursig, pr_pid, pr_reg, pr_fpvalid.
_PRSTATUS = struct.Struct("<iiih2xQQiiii64x216si4x")
# struct elf_prpsinfo: state, flags, ids, pr_fname, pr_psargs.
_PRPSINFO = struct.Struct("<bcbb4xQIIiiii16s80s")
_STATES = b"RSDTZW"
"""In the order of pr_state."""


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    """The registers of a thread while it stands, as the kernel has them."""

    tid: int
    registers: bytes
    """struct user_regs_struct."""
    floating: bytes
    extended: bytes
    """The XSAVE area; empty on a processor without."""
    siginfo: bytes
    """siginfo_t of the signal that it was about to get; empty for none."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """What a core says of the process as a whole."""

    pid: int
    parent: int
    group: int
    session: int
    user: int
    group_id: int
    state: bytes
    nice: int
    flags: int
    name: bytes
    command: Sequence[bytes]
    auxv: bytes


def core_head(
    process: ProcessRecord, threads: Sequence[ThreadRecord], areas: Sequence[Area]
) -> tuple[bytes, list[int]]:
    """Return what stands before the memory in a core, and where the memory of each area stands.

    Args:
        process: what is known of it.
        threads: all threads; debuggers take the first for the one that matters.
        areas: what is mapped; only those that are listed.
    """
    notes = b"".join(_notes(process, threads, areas))
    count = len(areas) + 1
    many = count >= PN_XNUM
    segments_at = HEADER_LAYOUT.size
    notes_at = segments_at + count * SEGMENT_LAYOUT.size + (SECTION_LAYOUT.size if many else 0)
    offsets = []
    at = -(-(notes_at + len(notes)) // PAGE) * PAGE
    for area in areas:
        offsets.append(at)
        at += area.kept
    section_at = notes_at - SECTION_LAYOUT.size if many else 0
    header = HEADER_LAYOUT.pack(
        b"\x7fELF\x02\x01\x01", CORE, X86_64.machine, 1, 0, segments_at, section_at, 0,
        HEADER_LAYOUT.size, SEGMENT_LAYOUT.size, PN_XNUM if many else count,
        SECTION_LAYOUT.size if many else 0, int(many), 0,
    )  # fmt: skip
    parts = [header, SEGMENT_LAYOUT.pack(NOTE, 0, notes_at, 0, 0, len(notes), 0, 4)]
    parts += map(_load, areas, offsets)
    if many:
        parts.append(SECTION_LAYOUT.pack(0, 0, 0, 0, 0, 1, 0, count, 0, 0))
    return b"".join([*parts, notes]), offsets


def _load(area: Area, offset: int) -> bytes:
    mapping = area.mapping
    flags = PF_R * mapping.readable | PF_W * mapping.writable | PF_X * mapping.executable
    return SEGMENT_LAYOUT.pack(LOAD, flags, offset, mapping.start, 0, area.kept, area.size, PAGE)


def _notes(
    process: ProcessRecord, threads: Sequence[ThreadRecord], areas: Sequence[Area]
) -> Iterable[bytes]:
    for index, thread in enumerate(threads):
        yield _note(b"CORE", NT_PRSTATUS, _status(process, thread))
        if index == 0:
            yield _note(b"CORE", NT_PRPSINFO, _info(process))
        if thread.siginfo:
            yield _note(b"CORE", NT_SIGINFO, thread.siginfo)
        if index == 0:
            yield _note(b"CORE", NT_AUXV, process.auxv)
            yield _note(b"CORE", NT_FILE, _files(areas))
        if thread.floating:
            yield _note(b"CORE", NT_PRFPREG, thread.floating)
        if thread.extended:
            yield _note(b"LINUX", NT_X86_XSTATE, thread.extended)


def _note(owner: bytes, kind: int, contents: bytes) -> bytes:
    name = owner + b"\0"
    head = NOTE_LAYOUT.pack(len(name), len(contents), kind) + name + bytes(-len(name) % 4)
    return head + contents + bytes(-len(contents) % 4)


def _status(process: ProcessRecord, thread: ThreadRecord) -> bytes:
    number, errno, code = struct.unpack_from("<iii", thread.siginfo or bytes(12))
    return _PRSTATUS.pack(
        number, code, errno, number, 0, 0,
        thread.tid, process.parent, process.group, process.session,
        thread.registers, bool(thread.floating),
    )  # fmt: skip


def _info(process: ProcessRecord) -> bytes:
    state = max(_STATES.find(process.state), 0)
    return _PRPSINFO.pack(
        state, process.state, process.state == b"Z", process.nice, process.flags,
        process.user, process.group_id, process.pid, process.parent, process.group,
        process.session, process.name[:15], b" ".join(process.command)[:79],
    )  # fmt: skip


def _files(areas: Sequence[Area]) -> bytes:
    """Return NT_FILE: count, page size, (start, end, offset in pages)…, then the names."""
    mapped = [each.mapping for each in areas if each.mapping.is_file]
    table = b"".join(FILE_ENTRY.pack(m.start, m.end, m.offset // PAGE) for m in mapped)
    names = b"".join(m.path + b"\0" for m in mapped)
    return struct.pack("<QQ", len(mapped), PAGE) + table + names
