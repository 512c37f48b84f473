"""The notes of a Linux x86-64 core: threads, signal, process, mapped files."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import NamedTuple

from adp_tui.backends.elf_image import Note, Reader, iter_notes
from adp_tui.backends.files import clean
from adp_tui.backends.signals import DUMPS_CORE, HAS_ADDRESS, signal_name
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Signal

__all__ = ["CoreNotes", "FileRange", "RawThread", "read_notes"]

# linux/elf.h, linux/elfcore.h.
NT_PRSTATUS, NT_PRFPREG, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_X86_XSTATE, NT_SIGINFO, NT_FILE = 0x202, 0x53494749, 0x46494C45

# struct elf_prstatus: si_signo; pr_cursig at 12; pr_pid at 32; pr_reg at 112.
_PRSTATUS_SIZE = 328
_INT = struct.Struct("<i")
_SHORT = struct.Struct("<h")
_REGISTERS = struct.Struct("<27Q")
# struct user_regs_struct of x86-64, in its order; None has no use here. Numbers are DWARF's.
_REGISTER_ORDER = (15, 14, 13, 12, 6, 3, 11, 10, 9, 8, 0, 2, 1, 4, 5, None, 16, None, None, 7)
_ORIG_RAX, _FS_BASE = 15, 21

# struct elf_prpsinfo: pr_pid at 24, pr_fname[16] at 40.
_PRPSINFO_SIZE = 136

# siginfo_t: si_signo, si_errno, si_code, and si_addr at 16.
_SIGINFO = struct.Struct("<iii4xQ")
SI_KERNEL = 0x80

_PAIR = struct.Struct("<QQ")
FILE_ENTRY = struct.Struct("<QQQ")

_ALIGN = 4
"""Of core notes, whatever p_align says (fs/binfmt_elf.c, writenote)."""

MAX_NOTES = 1 << 20
"""A thread has four or five notes, and Linux has at most four million threads."""
MAX_AUXV = 512
MAX_FILES = 1 << 20
"""vm.max_map_count, which bounds the mappings of a process, is a million where it is raised."""
MAX_NAMES = 64 << 20
"""Bytes of file names; the kernel itself writes 4 MB at most (fs/binfmt_elf.c, fill_files_note)."""


class RawThread(NamedTuple):
    """A thread as NT_PRSTATUS has it."""

    tid: int
    registers: Mapping[int, int]
    orig_rax: int
    """Signed; negative when the thread did not enter the kernel by a system call."""
    fs_base: int
    signal: int


class FileRange(NamedTuple):
    """A mapped range of a file, as NT_FILE has it."""

    start: int
    end: int
    offset: int
    path: bytes


@dataclass(slots=True)
class CoreNotes:
    """What the notes say, as far as they are there."""

    threads: list[RawThread] = field(default_factory=list)
    signal: Signal | None = None
    pid: int | None = None
    command: str | None = None
    auxv: dict[int, int] = field(default_factory=dict)
    files: list[FileRange] = field(default_factory=list)
    is_kernel_dump: bool = False
    """True for a dump of a whole kernel (kdump), which looks like a core."""
    _siginfo: tuple[int, int, int] | None = None
    _seen: set[int] = field(default_factory=set)


def read_notes(read: Reader, segments: Iterable[tuple[int, int]]) -> CoreNotes:
    """Read all notes.

    Args:
        read: the core by file offset.
        segments: offset and size of each PT_NOTE segment.
    """
    notes = CoreNotes()
    left = MAX_NOTES
    for offset, size in segments:
        for note in iter_notes(read, offset, size, _ALIGN, left):
            left -= 1
            _take(notes, read, note)
    notes.signal = _signal(notes)
    return notes


def _take(notes: CoreNotes, read: Reader, note: Note) -> None:
    if note.owner == b"VMCOREINFO":
        notes.is_kernel_dump = True
    if note.owner != b"CORE":
        return
    try:
        if note.type == NT_PRSTATUS and note.size >= _PRSTATUS_SIZE:
            _take_thread(notes, read(note.start, _PRSTATUS_SIZE))
        elif note.type == NT_PRPSINFO and note.size >= _PRPSINFO_SIZE:
            contents = read(note.start, _PRPSINFO_SIZE)
            notes.pid = _INT.unpack_from(contents, 24)[0]
            notes.command = clean(contents[40:56].split(b"\0")[0]) or None
        elif note.type == NT_SIGINFO and note.size >= _SIGINFO.size and notes._siginfo is None:
            number, _, code, address = _SIGINFO.unpack(read(note.start, _SIGINFO.size))
            notes._siginfo = number, code, address
        elif note.type == NT_AUXV and not notes.auxv:
            size = min(note.size // 16, MAX_AUXV) * 16
            notes.auxv = dict(_PAIR.iter_unpack(read(note.start, size)))
        elif note.type == NT_FILE and not notes.files:
            notes.files = _files(read, note)
    except FaultError:
        # The core is cut off within this note; what it says goes with the losses of the cut.
        return


def _take_thread(notes: CoreNotes, contents: bytes) -> None:
    tid = _INT.unpack_from(contents, 32)[0]
    if tid in notes._seen:
        return
    notes._seen.add(tid)
    values = _REGISTERS.unpack_from(contents, 112)
    registers = {
        number: value
        for number, value in zip(_REGISTER_ORDER, values, strict=False)
        if number is not None
    }
    orig_rax = values[_ORIG_RAX] - ((values[_ORIG_RAX] >> 63) << 64)
    cursig = _SHORT.unpack_from(contents, 12)[0]
    notes.threads.append(RawThread(tid, registers, orig_rax, values[_FS_BASE], cursig))


def _signal(notes: CoreNotes) -> Signal | None:
    """Return the signal that ended the process; None for a copy of a process that ran on."""
    first = notes.threads[0] if notes.threads else None
    number = first.signal if first else 0
    code = address = None
    if notes._siginfo and (not number or notes._siginfo[0] == number):
        number, code, address = notes._siginfo
    if number not in DUMPS_CORE:
        return None
    if code is None or not 0 < code != SI_KERNEL or number not in HAS_ADDRESS:
        # Sent by kill(2), or a general protection fault, which tells no address.
        address = None
    return Signal(signal_name(number), number, code, address, first.tid if first else None)


def _files(read: Reader, note: Note) -> list[FileRange]:
    """Read NT_FILE: count, page size, (start, end, offset in pages)…, then the names."""
    count, page_size = _PAIR.unpack(read(note.start, _PAIR.size))
    table_size = count * FILE_ENTRY.size
    names_at = note.start + _PAIR.size + table_size
    if count > MAX_FILES or names_at > note.start + note.size:
        return []
    table = read(note.start + _PAIR.size, table_size)
    names_size = min(note.start + note.size - names_at, MAX_NAMES)
    names = read(names_at, names_size).split(b"\0", count)
    return [
        FileRange(start, end, offset * page_size, name)
        for (start, end, offset), name in zip(FILE_ENTRY.iter_unpack(table), names, strict=False)
        if start < end and name
    ]
