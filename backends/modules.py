"""Which ELF files a target has mapped, and which files of this machine hold them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from adp_tui.backends.elf_image import EXEC, INTERP, PAGE, ElfImage, Segment, read_image
from adp_tui.backends.files import ElfOnDisk, clean, open_elf
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import FaultError, OpenError
from adp_tui.engine.target import FileMapping, Memory, Module

if TYPE_CHECKING:
    # It brings http.client and ssl, which take longer to import than all the rest.
    from adp_tui.backends.debuginfod import Debuginfod

    # What a core has no need of.
    from adp_tui.backends.process_files import ProcessFiles

__all__ = ["FoundModule", "MappedFile", "Places", "find_modules"]

# getauxval(3).
AT_PHDR, AT_ENTRY, AT_SYSINFO_EHDR = 3, 9, 33

MAX_MODULES = 16384
"""Files opened for one target; a large program has some hundred libraries."""
MAX_VDSO = 64 << 10
"""The vdso of x86-64 has two pages."""

_DELETED = b" (deleted)"


class MappedFile(NamedTuple):
    """A mapped range of a file. ``executable`` is None where the target does not say."""

    start: int
    end: int
    offset: int
    path: bytes
    executable: bool | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the user says the files are."""

    executable: ElfOnDisk | None = None
    sysroot: Path | None = None
    command: str = "adp-tui core CORE"
    """What the user would type again, with an option added."""
    servers: Debuginfod | None = None
    """Asked for a program or library that is not here; None where the user does not want that."""
    process: ProcessFiles | None = None
    """The live process itself, through which its files can be read; None for a core."""

    def segments_of(self, path: bytes) -> tuple[Segment, ...]:
        """Return the program headers of a file by its path on the target; empty without one."""
        named = self.executable
        if named is not None and named.path.name == os.path.basename(os.fsdecode(path)):
            return named.image.segments
        for candidate, _ in _candidates(path, False, self, False):
            try:
                disk = open_elf(candidate)
            except (OSError, ValueError):
                continue
            if disk is not None:
                return disk.image.segments
        return ()


@dataclass(frozen=True, slots=True)
class FoundModule:
    """A module, with the headers of its file and of its image in memory where they are known."""

    module: Module
    disk: ElfOnDisk | None
    image: ElfImage | None

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The program headers, from memory or else from the file."""
        known = self.image.segments if self.image else ()
        return known or (self.disk.image.segments if self.disk else ())


@dataclass(frozen=True, slots=True)
class _Group:
    """The mappings of one loaded copy of a file."""

    path: bytes
    ranges: tuple[MappedFile, ...]
    image: ElfImage | None
    """As memory has it; None when no header page is there."""

    def holds(self, address: int | None) -> bool:
        return address is not None and any(r.start <= address < r.end for r in self.ranges)


def find_modules(
    mapped: Sequence[MappedFile], memory: Memory, auxv: Mapping[int, int], places: Places
) -> list[FoundModule]:
    """Return every mapped ELF file, sorted by address; the vdso included.

    Raises:
        OpenError: the executable that the user named is another build than the target's.
    """
    groups = [group for group in _groups(mapped, memory) if group is not None]
    executable = _executable(groups, auxv)
    found = [_resolve(group, group is executable, places) for group in groups[:MAX_MODULES]]
    vdso = _vdso(memory, auxv.get(AT_SYSINFO_EHDR))
    kept = [each for each in (*found, vdso) if each is not None]
    return sorted(kept, key=lambda each: each.module.start)


def _groups(mapped: Sequence[MappedFile], memory: Memory) -> Iterator[_Group | None]:
    """Bring together the mappings of each loaded copy of a file.

    The parts of a copy follow each other in memory with rising offsets, and nothing else of a
    file lies between. A file that is mapped twice, as a program and as data, gives two copies.
    """
    current: list[MappedFile] = []
    for each in sorted(mapped):
        if current:
            last = current[-1]
            if each.path == last.path and each.offset and each.offset >= last.offset:
                current.append(each)
                continue
            yield _group(current, memory)
        current = [each]
    if current:
        yield _group(current, memory)


def _group(ranges: list[MappedFile], memory: Memory) -> _Group | None:
    """Return the copy; None when it is no program: data, or a program mapped as data."""
    if not any(each.executable is not False for each in ranges):
        return None
    image = None
    if not ranges[0].offset:
        try:
            image = read_image(memory.read, ranges[0].start)
        except FaultError:
            pass
        else:
            if image is None:
                return None
    return _Group(ranges[0].path, tuple(ranges), image)


def _executable(groups: Sequence[_Group], auxv: Mapping[int, int]) -> _Group | None:
    """Return the program itself: the kernel told it where its program headers are."""
    for key in (AT_PHDR, AT_ENTRY):
        for group in groups:
            if group.holds(auxv.get(key)):
                return group
    if AT_PHDR in auxv:
        return None
    for group in groups:
        # Libraries lie above the program. libc.so.6 has an interpreter too, but comes later.
        if group.image and (group.image.header.type == EXEC or group.image.first(INTERP)):
            return group
    return None


def _resolve(group: _Group, is_executable: bool, places: Places) -> FoundModule | None:
    """Find the file of a module; None when the file there is no ELF file at all."""
    name, deleted = _name(group.path)
    disk: ElfOnDisk | None
    if is_executable and places.executable is not None:
        disk = places.executable
        _check_executable(group, disk, places)
    else:
        disk, other = _search(group, is_executable, places, deleted)
        disk = disk or _fetched(group, name, places)
        if disk is None:
            if group.image is None and _is_other_file(group.path):
                return None
            problem = _problem(group, name, is_executable, deleted, other)
            if places.servers is None and group.image is not None and group.image.build_id:
                problem += "; or --debuginfod, which asks servers for it"
            disk_id = other.image.build_id if other else None
            module = _module(group, name, is_executable, None, disk_id, problem)
            return FoundModule(module, None, group.image)
    module = _module(group, name, is_executable, disk.path, disk.image.build_id, None)
    return FoundModule(module, disk, group.image)


def _fetched(group: _Group, name: str, places: Places) -> ElfOnDisk | None:
    """Return a file that a server has; one that memory has no build-id of is not asked for."""
    build_id = group.image.build_id if group.image else None
    if places.servers is None or build_id is None:
        return None
    path = places.servers.fetch(build_id, "executable", name.rsplit("/", 1)[-1])
    try:
        return None if path is None else open_elf(path)
    except (OSError, ValueError):
        return None


def _module(
    group: _Group,
    name: str,
    is_executable: bool,
    file: Path | None,
    file_build_id: str | None,
    problem: str | None,
) -> Module:
    build_id = group.image.build_id if group.image else None
    return Module(
        path=name,
        mappings=tuple(FileMapping(each.start, each.end, each.offset) for each in group.ranges),
        file=file,
        build_id=build_id,
        file_build_id=file_build_id,
        verified=file is not None and build_id is not None and build_id == file_build_id,
        is_executable=is_executable,
        problem=problem,
    )


def _name(path: bytes) -> tuple[str, bool]:
    """Return the path without the kernel's mark for a deleted file, and whether it had one."""
    deleted = path.endswith(_DELETED)
    return clean(path.removesuffix(_DELETED)), deleted


def _is_other_file(path: bytes) -> bool:
    """Return whether the file is here and is no ELF file; False when it is not here."""
    try:
        return open_elf(path) is None
    except (OSError, ValueError):
        return False


def _same_build(image: ElfImage | None, disk: ElfOnDisk) -> bool | None:
    """Return whether a file is what memory shows; None when that cannot be told."""
    if image is None:
        return None
    if image.build_id is not None:
        return image.build_id == disk.image.build_id
    if image.segments and image.layout != disk.image.layout:
        return False
    return None


def _check_executable(group: _Group, disk: ElfOnDisk, places: Places) -> None:
    if _same_build(group.image, disk) is not False:
        return
    assert group.image is not None
    name, _ = _name(group.path)
    wanted = group.image.build_id
    if wanted is None:
        difference = "its program headers differ from those in memory"
    else:
        found = disk.image.build_id or "missing"
        difference = f"its build-id is {found}, the program's is {wanted}"
    raise OpenError(
        f"{disk.path} is not the program of this target, {name}: {difference}",
        help=f"pass the file that ran, as it was built then: {places.command} --exe EXE",
    )


def _search(
    group: _Group, is_executable: bool, places: Places, deleted: bool
) -> tuple[ElfOnDisk | None, ElfOnDisk | None]:
    """Return the file to use, or else one that was looked at and is another build."""
    other: ElfOnDisk | None = None
    for path, sure_only in _candidates(group.path, is_executable, places, deleted):
        try:
            disk = open_elf(path)
        except (OSError, ValueError):
            continue
        if disk is None or disk.debug_only:
            continue
        same = _same_build(group.image, disk)
        if same or (same is None and not sure_only):
            return disk, None
        other = other or disk
    return None, other


def _candidates(
    path: bytes, is_executable: bool, places: Places, deleted: bool
) -> Iterator[tuple[bytes, bool]]:
    """Yield paths to look at, and whether each must be proved to be the same build."""
    plain = path.removesuffix(_DELETED)
    names = dict.fromkeys((path, plain) if deleted else (path,))
    if places.sysroot is not None:
        root = os.fsencode(places.sysroot)
        for name in names:
            # Normalised from /, so that no path of a target leads out of the folder.
            yield root + os.path.normpath(b"/" + name.lstrip(b"/")), deleted
        if is_executable:
            yield os.path.join(root, os.path.basename(plain)), deleted
    if places.process is not None:
        for name in places.process.candidates(path, plain):
            yield name, False
    for name in names:
        if name.startswith(b"/"):
            proved = deleted or places.sysroot is not None or places.process is not None
            yield name, proved


def _problem(
    group: _Group, name: str, is_executable: bool, deleted: bool, other: ElfOnDisk | None
) -> str:
    wanted = group.image.build_id if group.image else None
    which = f"build-id {wanted}" if wanted else "build-id unknown"
    option = "--exe EXE" if is_executable else "--sysroot DIR"
    what = "the file that ran" if is_executable else f"a folder with the right file as DIR{name}"
    if other is not None:
        has = f"build-id {other.image.build_id}" if other.image.build_id else "no build-id"
        return f"{name} ({which}): {other.path} is another build ({has}); pass {option}, {what}"
    gone = "was deleted while the program ran" if deleted else "is not on this machine"
    return f"{name} ({which}) {gone}; pass {option}, {what}"


def _vdso(memory: Memory, base: int | None) -> FoundModule | None:
    """Return the vdso, whose file is its own image in memory."""
    if not base:
        return None
    try:
        image = read_image(memory.read, base)
    except FaultError:
        return None
    if image is None:
        return None
    header = image.header
    ends = [each.offset + each.filesz for each in image.loads]
    size = min(max([PAGE, header.shoff + header.shnum * header.shentsize, *ends]), MAX_VDSO)
    data = bytearray()
    try:
        while len(data) < size:
            data += memory.read(base + len(data), PAGE)
    except FaultError:
        if not data:
            return None
    module = Module(
        path="[vdso]",
        mappings=(FileMapping(base, base + len(data), 0),),
        file=None,
        image=bytes(data),
        build_id=image.build_id,
        file_build_id=image.build_id,
        verified=image.build_id is not None,
    )
    return FoundModule(module, None, image)
