"""Why a file is no core that can be opened, said so that a person knows what to type."""

from __future__ import annotations

import codecs
import errno
import mmap
import struct
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from adp_tui.backends.elf_image import (
    CORE,
    DYN,
    DYNAMIC,
    EXEC,
    INTERP,
    ElfImage,
    parse_header,
    read_image,
)
from adp_tui.backends.files import ElfOnDisk, map_file, open_elf, reader_of
from adp_tui.backends.modules import Places
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import FaultError, OpenError

if TYPE_CHECKING:
    from adp_tui.backends.debuginfod import Debuginfod

__all__ = ["check_header", "map_core", "named_places", "open_executable"]

_COMPRESSED = (
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d {path} -o {plain}"),
    (b"\x1f\x8b", "gzip", "gzip -dk {path}"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d {path} {plain}"),
    (b"\xfd7zXZ\x00", "xz", "xz -dk {path}"),
    (b"BZh", "bzip2", "bzip2 -dk {path}"),
)

_SNAPSHOT = b"adp-tui snapshot "
"""How ``engine/saved/file.py`` begins a snapshot."""
_OTHER_FILES = (
    (b"MDMP", "a minidump, which is not supported yet"),
    (b"KDUMP   ", "a dump of a whole kernel, not of a process"),
    (b"!<arch>\n", "a static library, not a core"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file, not an ELF core"),
    (b"MZ", "a Windows file, not an ELF core"),
    (b"#!", "a script, not a core"),
)

# elf.h: e_machine.
_MACHINES = {
    3: "i386", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "s390x", 40: "32-bit ARM",
    62: "x86-64", 183: "aarch64", 243: "RISC-V", 247: "eBPF", 258: "LoongArch",
}  # fmt: skip

# elf.h: e_ident[EI_OSABI] of systems whose cores have other notes.
_SYSTEMS = {2: "NetBSD", 6: "illumos or Solaris", 9: "FreeBSD", 12: "OpenBSD"}

# elf.h.
DT_SONAME, DT_FLAGS_1, DF_1_PIE = 14, 0x6FFFFFFB, 0x08000000
MAX_DYNAMIC = 4096
"""Bytes; a program has some thirty entries of 16."""

_SUPPORTED = "adp-tui opens ELF cores of 64-bit Linux processes on x86-64"
_WHERE = "cores are written as /proc/sys/kernel/core_pattern says, or kept by coredumpctl"


def map_core(path: Path) -> mmap.mmap:
    """Map a file that may be a core.

    Raises:
        OpenError: it is missing, not readable, empty or no regular file.
    """
    try:
        pages = map_file(path)
    except FileNotFoundError:
        raise OpenError(f"{path} does not exist", help=_WHERE) from None
    except PermissionError:
        raise OpenError(
            f"{path} may not be read by this user",
            help=f"cores belong to the user of the process: sudo chown $USER {quote(str(path))}",
        ) from None
    except (OSError, ValueError) as error:
        if path.is_dir():
            raise OpenError(
                f"{path} is a folder, not a core", help="name the core file in it"
            ) from None
        if isinstance(error, OSError) and not error.errno:
            raise OpenError(
                f"{path} is not a regular file",
                help="a core is read at many places: write it to a file first",
            ) from None
        raise OpenError(f"{path} cannot be opened: {_reason(error)}", help=_WHERE) from None
    if isinstance(pages, bytes):
        raise OpenError(
            f"{path} is empty",
            help="the disk was full, or the limit was 0 when the core was written: "
            "ulimit -c unlimited",
        )
    return pages


def check_header(path: Path, pages: mmap.mmap) -> None:
    """Pass a 64-bit little-endian x86-64 core of Linux.

    Raises:
        OpenError: it is anything else; the message says what.
    """
    head = pages[:64]
    if head[:4] != b"\x7fELF":
        _refuse_foreign(path, head)
    if len(head) < 64:
        raise OpenError(
            f"{path} is cut off within its first {len(head)} bytes",
            help="write the core again; is the disk full?",
        )
    if head[4] != 2:
        raise OpenError(f"{path}: 32-bit cores are not supported yet", help=_SUPPORTED)
    if head[5] != 1:
        raise OpenError(f"{path}: big-endian cores are not supported yet", help=_SUPPORTED)
    header = parse_header(head)
    if header is None:
        raise OpenError(f"{path} has a damaged ELF header", help="write the core again")
    if header.type != CORE:
        _refuse_elf(path, pages, header.type)
    if header.machine != X86_64.machine:
        name = _MACHINES.get(header.machine, f"machine {header.machine}")
        raise OpenError(f"{path}: cores of {name} are not supported yet", help=_SUPPORTED)
    if header.ident[7] in _SYSTEMS:
        system = _SYSTEMS[header.ident[7]]
        raise OpenError(f"{path}: cores of {system} are not supported yet", help=_SUPPORTED)


def named_places(
    executable: Path | None, sysroot: Path | None, command: str, servers: Debuginfod | None = None
) -> Places:
    """Return where the files of a target are, if what the user named can be used.

    Args:
        executable: the program.
        sysroot: a folder with the files of the machine that the target comes from.
        command: what the user would type again, with an option added.
        servers: asked for what is missing.

    Raises:
        OpenError: it cannot.
    """
    if sysroot is not None and not sysroot.is_dir():
        raise OpenError(
            f"--sysroot {sysroot} is not a folder",
            help="pass the folder under which the files of that machine are: --sysroot DIR",
        )
    program = None if executable is None else open_executable(executable)
    return Places(executable=program, sysroot=sysroot, command=command, servers=servers)


def open_executable(path: Path, option: str = "--exe") -> ElfOnDisk:
    """Open the program that the user named.

    Raises:
        OpenError: it is no x86-64 program, or holds separate debug information only.
    """
    try:
        disk = open_elf(path)
    except (OSError, ValueError) as error:
        raise OpenError(
            f"{option} {path} cannot be opened: {_reason(error)}",
            help=f"pass the program that ran: {option} EXE",
        ) from None
    if disk is None or disk.image.header.type not in (EXEC, DYN):
        is_core = disk is not None and disk.image.header.type == CORE
        what = "a core" if is_core else "no 64-bit ELF program"
        raise OpenError(
            f"{option} {path} is {what}", help=f"pass the program that ran: {option} EXE"
        )
    if disk.image.header.machine != X86_64.machine:
        name = _MACHINES.get(disk.image.header.machine, "another machine")
        raise OpenError(f"{option} {path} is a program for {name}", help=_SUPPORTED)
    if disk.debug_only:
        raise OpenError(
            f"{option} {path} holds separate debug information, not the program",
            help=f"pass both: {option} EXE --debug-file {quote(str(path))}",
        )
    return disk


def _refuse_foreign(path: Path, head: bytes) -> None:
    for magic, name, command in _COMPRESSED:
        if head.startswith(magic):
            plain = path.with_suffix("") if path.suffix else path.with_name(path.name + ".core")
            typed = command.format(path=quote(str(path)), plain=quote(str(plain)))
            raise OpenError(f"{path} is compressed with {name}", help=f"unpack it first: {typed}")
    if head.startswith(_SNAPSHOT):
        raise OpenError(
            f"{path} is a snapshot that was saved, not a core",
            help=f"open it: adp-tui open {quote(str(path))}",
        )
    for magic, what in _OTHER_FILES:
        if head.startswith(magic):
            raise OpenError(f"{path} is {what}", help=_SUPPORTED)
    if b"\x7fELF".startswith(head):
        raise OpenError(f"{path} is cut off within its first {len(head)} bytes", help=_WHERE)
    if not head.strip(b"\0"):
        raise OpenError(
            f"{path} is no core: it begins with zeros",
            help="the machine may have stopped while it was written; is there another one?",
        )
    kind = "a text file, not a core" if _is_text(head) else "no core: it is not an ELF file"
    raise OpenError(f"{path} is {kind}", help=_WHERE)


def _refuse_elf(path: Path, pages: mmap.mmap, kind: int) -> None:
    command = f"adp-tui core CORE --exe {quote(str(path))}"
    if kind == EXEC or (kind == DYN and _is_program(pages)):
        raise OpenError(
            f"{path} is an executable, not a core",
            help=f"give the core first and the executable as an option: {command}",
        )
    what = {1: "an object file", DYN: "a shared library"}.get(kind, "an ELF file of another kind")
    raise OpenError(f"{path} is {what}, not a core", help=_WHERE)


def _is_program(pages: mmap.mmap) -> bool:
    """Tell a position-independent program from a shared library."""
    try:
        image = read_image(reader_of(pages))
    except FaultError:
        return False
    if image is None:
        return False
    tags = _dynamic_tags(pages, image)
    if tags.get(DT_FLAGS_1, 0) & DF_1_PIE:
        return True
    # Linkers before binutils 2.26 set no flag. libc.so.6 has an interpreter, and a name.
    return image.first(INTERP) is not None and DT_SONAME not in tags


def _dynamic_tags(pages: mmap.mmap, image: ElfImage) -> dict[int, int]:
    dynamic = image.first(DYNAMIC)
    if dynamic is None:
        return {}
    size = min(dynamic.filesz, MAX_DYNAMIC) & -16
    table = pages[dynamic.offset : dynamic.offset + size]
    return dict(struct.iter_unpack("<QQ", table[: len(table) & -16]))


def _is_text(head: bytes) -> bool:
    try:
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(each.isprintable() or each in "\t\n\r\f" for each in text)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return error.strerror or errno.errorcode.get(error.errno, str(error.errno))
    return str(error) or "it is no path"
