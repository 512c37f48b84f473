"""Where a stripped file's debug information is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.errors import AdpError, OpenError

__all__ = ["GLOBAL_DEBUG", "find_debug_file"]

GLOBAL_DEBUG = Path("/usr/lib/debug")
_CHUNK = 1 << 20


def find_debug_file(
    elf: ElfFile, path: Path, given: Sequence[Path], sysroot: Path | None
) -> ElfFile | None:
    """Return the file with the debug information of ``elf``, or None.

    Looked at in order: the files that the user gave, by build-id; ``.build-id/xx/….debug``
    below the debug folder of the system (and of ``sysroot``); the name in ``.gnu_debuglink``
    beside the file, in its ``.debug`` folder and below the debug folder.

    Raises:
        OpenError: a file that the user gave cannot be read.
    """
    build_id = elf.build_id
    for candidate in given:
        other = ElfFile.open(candidate)
        if build_id is not None and other.build_id == build_id:
            return other
    roots = [GLOBAL_DEBUG] if sysroot is None else [_below(sysroot, GLOBAL_DEBUG), GLOBAL_DEBUG]
    if build_id is not None and len(build_id) > 2:
        for root in roots:
            found = _open(root / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug")
            if found is not None and found.build_id == build_id:
                return found
    link = elf.debuglink
    if link is None or "/" in link[0]:
        return None
    for candidate in _link_places(path, link[0], roots):
        found = _open(candidate)
        if found is None:
            continue
        same = found.build_id == build_id if build_id else checksum(candidate) == link[1]
        if same and found.has(".debug_info"):
            return found
    return None


def checksum(path: Path) -> int:
    """Return the CRC-32 that ``.gnu_debuglink`` has of a file.

    Raises:
        OpenError: the file cannot be read.
    """
    crc = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                crc = zlib.crc32(chunk, crc)
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error}") from error
    return crc


def _link_places(path: Path, name: str, roots: Sequence[Path]) -> Iterator[Path]:
    folder = path.resolve().parent
    yield folder / name
    yield folder / ".debug" / name
    for root in roots:
        yield _below(root, folder) / name


def _below(root: Path, path: Path) -> Path:
    return root / str(path).lstrip("/")


def _open(path: Path) -> ElfFile | None:
    if not path.is_file():
        return None
    try:
        return ElfFile.open(path)
    except AdpError:
        return None
