"""ELF cores of 64-bit Linux processes on x86-64: written by the kernel, gcore or systemd."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from adp_tui.backends.compressed import Tell, Unpacked, codec_of, unpack, unpack_beginning
from adp_tui.backends.core_memory import (
    CoreSegments,
    core_memory,
    file_pieces,
    has_all_writable,
    read_segments,
    saved_pieces,
)
from adp_tui.backends.core_notes import CoreNotes, RawThread, read_notes
from adp_tui.backends.core_refusals import check_header, map_core, named_places
from adp_tui.backends.elf_image import PF_X, parse_header
from adp_tui.backends.files import FilePages, reader_of
from adp_tui.backends.link_map import mapped_files
from adp_tui.backends.modules import (
    AT_ENTRY,
    FoundModule,
    MappedFile,
    Places,
    find_modules,
)
from adp_tui.backends.registers import syscall_of
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import OpenError
from adp_tui.engine.memory import Piece, SplicedMemory
from adp_tui.engine.target import Facts, Module, ThreadState

if TYPE_CHECKING:
    # It brings http.client and ssl, which take longer to import than all the rest.
    from adp_tui.backends.debuginfod import Debuginfod

__all__ = ["CoreTarget", "is_compressed", "open_beginning", "open_core"]

_NO_STACKS = (
    "the core was written without private memory (stacks and heap), so neither callers nor tasks "
    "can be read: its coredump_filter left it out; `echo 0x33 > /proc/PID/coredump_filter` before "
    "the crash keeps it"
)


def open_core(
    path: Path,
    *,
    executable: Path | None = None,
    sysroot: Path | None = None,
    tell: Tell | None = None,
    servers: Debuginfod | None = None,
) -> CoreTarget:
    """Open a core. One that is compressed with zstd, lz4 or xz is unpacked first.

    Args:
        path: the core.
        executable: the program, where it is not at the path that the core names.
        sysroot: a folder with the files of the machine that the core comes from.
        tell: is told how far the unpacking is; what it raises ends it.
        servers: asked for programs and libraries that are not here; None asks nobody.

    Raises:
        OpenError: the file is no core that can be opened, or ``executable`` is another
            build than the program of the core.
    """
    pages = map_core(path)
    codec = codec_of(pages)
    if codec is None:
        return _open(path, Unpacked(pages, ()), executable, sysroot, servers)
    with pages:
        # Refused before it is unpacked, which may take minutes.
        open_beginning(path, executable=executable, sysroot=sysroot).close()
        unpacked = unpack(path, pages, codec, tell)
    return _open(path, unpacked, executable, sysroot, servers)


def is_compressed(path: Path) -> bool:
    """Return whether a core must be unpacked, which takes time.

    Raises:
        OpenError: the file cannot be read.
    """
    with map_core(path) as pages:
        return codec_of(pages) is not None


def open_beginning(
    path: Path, *, executable: Path | None = None, sysroot: Path | None = None
) -> CoreTarget:
    """Open as much of a compressed core as names its program, and most often its threads.

    Raises:
        OpenError: as ``open_core``, for what can be known so early.
    """
    with map_core(path) as pages:
        codec = codec_of(pages)
        assert codec is not None
        beginning = unpack_beginning(path, pages, codec)
    try:
        return _open(path, beginning, executable, sysroot)
    except OpenError as error:
        raise OpenError(f"unpacked, {error.message}", help=error.help) from None


def _open(
    path: Path,
    core: Unpacked,
    executable: Path | None,
    sysroot: Path | None,
    servers: Debuginfod | None = None,
) -> CoreTarget:
    try:
        check_header(path, core.pages)
        command = f"adp-tui core {quote(str(path))}"
        places = named_places(executable, sysroot, command, servers)
        return CoreTarget(path, core.pages, places, core.problems)
    except BaseException:
        _unmap(core.pages)
        raise


class CoreTarget:
    """A process as its core has it. Any thread may use it; ``close`` ends all use."""

    def __init__(
        self, path: Path, pages: mmap.mmap, places: Places, problems: Sequence[str] = ()
    ) -> None:
        header = parse_header(pages[:64])
        assert header is not None
        self._pages = pages
        segments = read_segments(pages, header)
        notes = read_notes(reader_of(pages), segments.notes)
        _check_notes(path, segments, notes)
        pieces = saved_pieces(segments, pages)
        saved = SplicedMemory(pieces)
        noted = [*problems, *segments.problems]
        mapped = _mapped(segments, notes, saved, places, noted)
        found = find_modules(mapped, saved, notes.auxv, places)
        self._modules = tuple(each.module for each in found)
        anonymous_saved = _anonymous_saved(segments, notes)
        if anonymous_saved is False:
            noted.append(_NO_STACKS)
        self._files, more = _splice(found, anonymous_saved is True)
        self._memory = core_memory(segments, pieces, more)
        self._threads = tuple(
            self._thread(raw, index, notes) for index, raw in enumerate(notes.threads)
        )
        if not notes.threads:
            noted.append("the core names no threads: its notes are missing or damaged")
        program = next((each for each in self._modules if each.is_executable), None)
        if program is None and places.executable is not None:
            noted.append(
                f"the core does not say where the program is mapped: {places.executable.path} "
                "is not used"
            )
        self._facts = Facts(
            kind="core",
            arch=X86_64,
            pid=notes.pid,
            path=str(path),
            executable=program.path if program else None,
            command=notes.command,
            signal=notes.signal,
            taken_at=_written_at(path),
            entry=notes.auxv.get(AT_ENTRY),
            problems=tuple(noted),
            whole=True,
            complete=not problems
            and anonymous_saved is True
            and bool(notes.files)
            and has_all_writable(segments, self._memory, mapped),
        )

    @property
    def facts(self) -> Facts:
        """What is known of the process as a whole."""
        return self._facts

    def note(self, problem: str) -> None:
        """Add to the facts something that was tried for this target and failed."""
        self._facts = replace(self._facts, problems=(*self._facts.problems, problem))

    @property
    def memory(self) -> SplicedMemory:
        """What the core saved, spliced over the files that were mapped."""
        return self._memory

    def threads(self) -> Sequence[ThreadState]:
        """Return every thread, in the order of the core: first the one that got the signal."""
        return self._threads

    def modules(self) -> Sequence[Module]:
        """Return every mapped ELF file, sorted by address; the vdso included."""
        return self._modules

    def close(self) -> None:
        """Unmap the core and the files. Regions that are still held keep their pages."""
        for pages in self._files:
            pages.close()
        _unmap(self._pages)

    def _thread(self, raw: RawThread, index: int, notes: CoreNotes) -> ThreadState:
        return ThreadState(
            tid=raw.tid,
            registers=raw.registers,
            thread_pointer=raw.fs_base,
            syscall=syscall_of(self._memory, raw.registers, raw.orig_rax),
            signalled=index == 0 and notes.signal is not None,
            name=notes.command if raw.tid == notes.pid else None,
        )


def _check_notes(path: Path, segments: CoreSegments, notes: CoreNotes) -> None:
    if notes.is_kernel_dump:
        raise OpenError(
            f"{path} is a dump of a whole kernel, not of a process",
            help="the crash utility reads it; adp-tui needs the core of one process",
        )
    if not segments.loads and not notes.threads:
        raise OpenError(
            f"{path} is a core without threads and memory: it is damaged or cut off in its headers",
            help="write the core again; was the disk full, or a limit reached (ulimit -c)?",
        )


def _mapped(
    segments: CoreSegments,
    notes: CoreNotes,
    saved: SplicedMemory,
    places: Places,
    problems: list[str],
) -> list[MappedFile]:
    if not notes.files:
        problems.append(
            "the core has no list of mapped files (NT_FILE): its libraries are those that "
            "the program's own link map names"
        )
        return mapped_files(saved, notes.auxv, places.segments_of)
    mapped = []
    for each in notes.files:
        load = segments.load_at(each.start)
        executable = None if load is None else bool(load.flags & PF_X)
        mapped.append(MappedFile(*each, executable))
    return mapped


def _anonymous_saved(segments: CoreSegments, notes: CoreNotes) -> bool | None:
    """Return whether the core was to have private anonymous memory: the stacks tell."""
    saved = None
    for thread in notes.threads:
        load = segments.load_at(thread.registers[X86_64.sp])
        if load is not None and load.filesz:
            return True
        if load is not None:
            saved = False
    return saved


def _splice(
    found: Sequence[FoundModule], anonymous_saved: bool
) -> tuple[tuple[FilePages, ...], list[Piece]]:
    files: list[FilePages] = []
    pieces: list[Piece] = []
    for each in found:
        if each.disk is not None:
            pages = FilePages(each.disk.path)
            files.append(pages)
            pieces += file_pieces(each, pages, anonymous_saved)
    return tuple(files), pieces


def _written_at(path: Path) -> str | None:
    try:
        written = path.stat().st_mtime
        return datetime.fromtimestamp(written, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OSError, OverflowError, ValueError):
        return None


def _unmap(pages: mmap.mmap) -> None:
    try:
        pages.close()
    except BufferError:
        # A view of a region is still held; the last one to go unmaps the core.
        return
