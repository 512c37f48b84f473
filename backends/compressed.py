"""Cores that were compressed by systemd, or by a user: unpacked to a file while they are read.

The file has no name, so nothing is left behind however the process ends: not by SIGKILL either.
"""

from __future__ import annotations

import lzma
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from shlex import quote
from typing import Protocol, TypeAlias

from adp_tui.backends.core_memory import read_segments
from adp_tui.backends.elf_image import PAGE, parse_header
from adp_tui.backends.sparse import bytes_text, data_runs, write_sparse
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import OpenError

__all__ = ["Codec", "Tell", "Unpacked", "codec_of", "unpack", "unpack_beginning"]

BEGINNING = 4 << 20
"""Bytes that hold the program headers of any core: 65,535 of 56 bytes each."""
SLACK = 64 << 20
"""Bytes unpacked beyond what the headers tell of, up to the checksum at the archive's end."""
BLOCK = 1 << 20
"""Bytes written at a time, at least; a page of zeros in them becomes a hole."""
MEMORY = 2 << 30
"""Bytes that a decompressor may take: ``zstd --long=31`` needs as many, and uses few of them."""

_SECTION_SIZE = 64

Tell: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, and how many of how many bytes of the archive are; may raise."""


class _Decoder(Protocol):
    """What the decompressors of the standard library and lz4 have in common."""

    @property
    def eof(self) -> bool | None: ...
    @property
    def needs_input(self) -> bool | None: ...
    @property
    def unused_data(self) -> bytes | bytearray | None: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to compress."""

    name: str
    magic: bytes
    decoder: Callable[[], _Decoder]
    """Makes what reads one frame: archives may have several, one after the other."""
    errors: tuple[type[Exception], ...]
    """What it raises on damaged data; zstandard's is imported with its decoder."""
    step: int
    """Bytes of the archive that are read at a time."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A core that was unpacked."""

    pages: mmap.mmap
    problems: tuple[str, ...]
    """What is wrong with the archive."""


class _BrokenError(Exception):
    """The archive cannot be read on: the message says why."""


def codec_of(pages: mmap.mmap | bytes) -> Codec | None:
    """Return how a file is compressed by its first bytes; None when it is not, or otherwise."""
    head = pages[:8]
    return next((each for each in _CODECS if head.startswith(each.magic)), None)


def unpack_beginning(path: Path, archive: mmap.mmap, codec: Codec) -> Unpacked:
    """Unpack the first bytes of a core, into memory: its headers, and most often its notes.

    Raises:
        OpenError: there is nothing in the archive, or it is damaged from the start.
    """
    problems: tuple[str, ...] = ()
    content = bytearray()
    try:
        for block in _blocks(_pieces(archive, codec, None, "")):
            content += block
            if len(content) >= BEGINNING:
                break
    except _BrokenError as error:
        problems = (_problem(path, error, len(content)),)
    if not content:
        reason = problems[0] if problems else f"there is nothing in {path}"
        raise OpenError(
            f"{reason}: it is no archive of a core",
            help="copy it again from where it was written, or get it by coredumpctl dump",
        )
    pages = mmap.mmap(-1, len(content))
    pages[:] = bytes(content)
    return Unpacked(pages, problems)


def unpack(path: Path, archive: mmap.mmap, codec: Codec, tell: Tell | None = None) -> Unpacked:
    """Unpack a core into a temporary file without a name, with holes where it is zero.

    What is damaged or cut off is unpacked as far as it goes.

    Raises:
        OpenError: there is no room for it, or it is damaged from the start.
    """
    size = _size_by_headers(path, archive, codec)
    room = _Room(path, codec)
    free = room.free()
    if size > free:
        # Most of it may be zeros, which take no room: stacks, and what was never touched.
        needed = _measure(_pieces(archive, codec, tell, "measuring"), size + SLACK)
        if needed > free:
            raise room.refusal(needed, free)
    with room.file() as file:
        output = _Output(file.fileno(), room)
        problems = []
        try:
            for block in _blocks(_pieces(archive, codec, tell, "unpacking")):
                if output.size > size + SLACK:
                    problems.append(f"{path} goes on after the end of the core: that is not read")
                    break
                output.write(block)
        except _BrokenError as error:
            problems.append(_problem(path, error, output.size))
        output.finish()
        pages = mmap.mmap(file.fileno(), output.size, access=mmap.ACCESS_READ)
    return Unpacked(pages, tuple(problems))


def _size_by_headers(path: Path, archive: mmap.mmap, codec: Codec) -> int:
    """Return how large the core is by its own headers: archives seldom tell it."""
    pages = unpack_beginning(path, archive, codec).pages
    try:
        header = parse_header(pages[:64])
        if header is None:
            return len(pages)
        # Where there are too many segments to count, a section stands at the core's very end.
        end = header.shoff + max(header.shnum, 1) * _SECTION_SIZE if header.shoff else 0
        return max(len(pages), read_segments(pages, header).expected, end)
    finally:
        pages.close()


def _problem(path: Path, error: _BrokenError, size: int) -> str:
    return f"{path} is {error} after {size:,} unpacked bytes"


def _pieces(archive: mmap.mmap, codec: Codec, tell: Tell | None, doing: str) -> Iterator[bytes]:
    """Yield what is in an archive.

    Raises:
        _BrokenError: when all that can be read was.
    """
    decoder = codec.decoder()
    fresh, at, size = True, 0, len(archive)
    data = b""
    while True:
        if not data and decoder.needs_input:
            if at == size:
                break
            if tell is not None:
                tell(doing, at, size)
            data = archive[at : at + codec.step]
            at += len(data)
        if fresh:
            # Archives are padded with zeros, by xz and by what copies them.
            data = data.lstrip(b"\0")
            if not data:
                continue
        try:
            piece = decoder.decompress(data, BLOCK)
        except codec.errors as error:
            raise _BrokenError(f"damaged ({error})") from None
        data, fresh = b"", False
        if piece:
            yield piece
        if decoder.eof:
            data, fresh = bytes(decoder.unused_data or b""), True
            decoder = codec.decoder()
        elif not piece and not decoder.needs_input:
            raise _BrokenError("damaged (it never ends)")
    if not fresh:
        raise _BrokenError("cut off")


def _blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces joined and cut to whole pages, so that pages of zeros are seen.

    What broke off the pieces is raised when all they gave was yielded.
    """
    waiting: list[bytes] = []
    size = 0
    broken = None
    try:
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= BLOCK:
                block = b"".join(waiting)
                whole = size // PAGE * PAGE
                yield block if whole == size else block[:whole]
                waiting = [block[whole:]]
                size -= whole
    except _BrokenError as error:
        broken = error
    if size:
        yield b"".join(waiting)
    if broken is not None:
        raise broken


def _measure(pieces: Iterator[bytes], limit: int) -> int:
    """Return how much room the content takes, as far as it can be read."""
    size = needed = 0
    try:
        for block in _blocks(pieces):
            needed += sum(end - start for start, end in data_runs(block))
            size += len(block)
            if size > limit:
                break
    except _BrokenError:
        # Said when it is unpacked.
        return needed
    return needed


class _Room:
    """The folder for temporary files, and why it will not do."""

    def __init__(self, path: Path, codec: Codec) -> None:
        self._path = path
        self._codec = codec
        try:
            self._folder = tempfile.gettempdir()
        except OSError as error:
            raise OpenError(
                f"{path} cannot be unpacked: {error.strerror}", help=self._help("a folder")
            ) from None

    def free(self) -> int:
        """Return how many bytes this user may write there."""
        try:
            facts = os.statvfs(self._folder)
        except OSError as error:
            raise self.failure(error, 0) from None
        return facts.f_bavail * facts.f_frsize

    def file(self) -> FileIO:
        """Return a file that only this user can read and that is gone when it is closed."""
        try:
            return tempfile.TemporaryFile(dir=self._folder, buffering=0)
        except OSError as error:
            raise self.failure(error, 0) from None

    def refusal(self, needed: int, free: int) -> OpenError:
        """Return the error for too little room."""
        return OpenError(
            f"there is no room to unpack {self._path} ({self._codec.name}): it needs "
            f"{bytes_text(needed)} in {self._folder}, where {bytes_text(free)} are free",
            help=self._help(f"a folder with {bytes_text(needed)} of room"),
        )

    def failure(self, error: OSError, written: int) -> OpenError:
        """Return the error for a file that cannot be made or written on."""
        after = f" after {bytes_text(written)}" if written else ""
        return OpenError(
            f"{self._path} cannot be unpacked into {self._folder}: {error.strerror}{after}",
            help=self._help("a folder with more room"),
        )

    def _help(self, which: str) -> str:
        return f"name {which}: TMPDIR=DIR adp-tui core {quote(str(self._path))}"


class _Output:
    """Writes to a file, and leaves holes for zeros."""

    def __init__(self, handle: int, room: _Room) -> None:
        self._handle = handle
        self._room = room
        self.size = 0

    def write(self, block: bytes) -> None:
        """Add a block.

        Raises:
            OpenError: there is no room for it.
        """
        try:
            write_sparse(self._handle, block, self.size)
        except OSError as error:
            raise self._room.failure(error, self.size) from None
        self.size += len(block)

    def finish(self) -> None:
        """Make the file as long as what was written, should it end in zeros."""
        try:
            os.ftruncate(self._handle, self.size)
        except OSError as error:
            raise self._room.failure(error, self.size) from None


class _Zstd:
    """The decompressor of ``zstandard``, with the members of the others.

    It knows no limit of what it returns. So it is given little at a time: 2 kB of the densest
    blocks (RFC 8878, 3.1.1.2: 4 bytes that repeat one 128 kB times) hold 64 MB.
    """

    needs_input = True

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor(max_window_size=MEMORY).decompressobj()
        self._error = zstandard.ZstdError

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._frame.decompress(data)
        except self._error as error:
            reason = str(error)
            raise ValueError(reason.partition(" error: ")[2] or reason) from None


def _lz4() -> _Decoder:
    from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]  # it has no stubs

    made: _Decoder = LZ4FrameDecompressor()
    return made


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)


_CODECS = (
    Codec("zstd", b"\x28\xb5\x2f\xfd", _Zstd, (ValueError, MemoryError), 2048),
    Codec("lz4", b"\x04\x22\x4d\x18", _lz4, (RuntimeError, ValueError, MemoryError), 1 << 16),
    Codec("xz", b"\xfd7zXZ\x00", _xz, (lzma.LZMAError, ValueError, MemoryError), 1 << 16),
)
