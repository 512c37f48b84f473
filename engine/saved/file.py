"""The file of a saved snapshot: one zstd frame with a line that names it, and its parts.

Each part has a head of 16 bytes (its name, padded; its length, a little-endian number).
``snapshot`` and ``values`` are JSON, ``memory`` is bytes. A file without values has the first part
alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from adp_tui import __version__
from adp_tui.engine.errors import OpenError
from adp_tui.engine.model import Snapshot
from adp_tui.engine.saved.collect import MAX_MEMORY, Collected
from adp_tui.engine.saved.columns import PlainSnapshot, plain_snapshot, snapshot_from
from adp_tui.engine.saved.plain import PlainError, decode, encode
from adp_tui.engine.saved.record import Run, SavedTarget, Values
from adp_tui.engine.saved.tables import tables_from
from adp_tui.engine.text import clean

if TYPE_CHECKING:
    import zstandard

__all__ = ["MAGIC", "check", "read", "write"]

FORMAT = 2
MAGIC = b"adp-tui snapshot "
_HEAD = struct.Struct("<8sQ")
_LEVEL = 9
_CHUNK = 1 << 20
MAX_WINDOW = 128 << 20
MAX_JSON = 1 << 30
_LIMITS = {b"snapshot": MAX_JSON, b"values": MAX_JSON, b"memory": MAX_MEMORY}
_ZSTD = b"\x28\xb5\x2f\xfd"


class Output(Protocol):
    """Where a file goes to."""

    def write(self, data: bytes, /) -> object:
        """Write all of the bytes."""
        ...


def write(output: Output, snapshot: Snapshot, collected: Collected | None) -> None:
    """Write a snapshot, with what leads to its variables unless that is None.

    Raises:
        OSError: it cannot be written.
    """
    import zstandard

    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
    parts = [(b"snapshot", _json(plain_snapshot(snapshot)))]
    if collected is not None:
        parts += [(b"values", _json(collected.values)), (b"memory", collected.memory)]
    facts = {"format": FORMAT, "adp_tui": __version__, "parts": [n.decode() for n, _ in parts]}
    first = MAGIC + json.dumps(facts).encode() + b"\n"
    output.write(compressor.compress(first))
    for name, data in parts:
        output.write(compressor.compress(_HEAD.pack(name, len(data))))
        for at in range(0, len(data), _CHUNK):
            output.write(compressor.compress(data[at : at + _CHUNK]))
    output.write(compressor.flush())


def check(path: Path) -> None:
    """Pass a file that begins as a snapshot of this version does.

    Raises:
        OpenError: it cannot be read, or does not.
    """
    with _opened(path):
        pass


def read(path: Path, progress: Callable[[str], None] = lambda text: None) -> SavedTarget:
    """Read a saved snapshot.

    Raises:
        OpenError: it is none, of another version, cut off, or does not fit together.
    """
    with _opened(path) as (names, stream):
        parts = dict(_parts(path, stream, progress))
        missing = [name for name in names if name.encode() not in parts]
        if missing or len(names) != len(parts):
            raise OpenError(f"{path} is cut off: {', '.join(missing)} is missing")
    progress("putting it together")
    try:
        return _target(path, parts)
    except (PlainError, ValueError, RecursionError) as error:
        raise OpenError(
            f"{path} does not hold what a snapshot of this version holds: {clean(str(error), 200)}",
            help=f"open it with the adp-tui that saved it; this is {__version__}",
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], zstandard.ZstdDecompressionReader]]:
    """Open a file behind its first line, which names its parts."""
    import zstandard

    try:
        with path.open("rb") as file:
            if file.read(4) != _ZSTD:
                raise _no_snapshot(path)
            file.seek(0)
            unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
            with unpacker.stream_reader(file) as stream:
                yield _check_first(path, stream), stream
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror or error}") from None
    except zstandard.ZstdError as error:
        raise OpenError(f"{path} is damaged: {clean(str(error), 200)}") from None


def _json(record: object) -> bytes:
    return json.dumps(encode(record), separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )


def _no_snapshot(path: Path) -> OpenError:
    return OpenError(
        f"{path} is no saved snapshot",
        help=f"a core file is opened by: adp-tui core {path}",
    )


def _check_first(path: Path, stream: zstandard.ZstdDecompressionReader) -> list[str]:
    """Read the first line, which says what the file is, what wrote it, and what is in it."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise _no_snapshot(path)
    line = b""
    while not line.endswith(b"\n") and len(line) < 1000:
        byte = stream.read(1)
        if not byte:
            break
        line += byte
    try:
        facts = json.loads(line)
        number, version, parts = facts["format"], facts["adp_tui"], list(facts.get("parts", ()))
        if not all(isinstance(name, str) for name in parts):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise OpenError(f"{path} is damaged: its first line makes no sense") from None
    if number != FORMAT:
        raise OpenError(
            f"{path} was saved by adp-tui {clean(str(version), 40)} in format "
            f"{clean(str(number), 40)}, and this is {__version__}, which reads format {FORMAT}",
            help="open it with the version that saved it",
        )
    return parts


def _parts(
    path: Path, stream: zstandard.ZstdDecompressionReader, progress: Callable[[str], None]
) -> Iterator[tuple[bytes, bytes]]:
    seen: set[bytes] = set()
    while True:
        head = _read_all(stream, _HEAD.size)
        if not head:
            return
        if len(head) < _HEAD.size:
            raise OpenError(f"{path} is cut off")
        name, size = _HEAD.unpack(head)
        name = name.rstrip(b"\0")
        if name in seen or size > _LIMITS.get(name, -1):
            raise OpenError(f"{path} is damaged: it has a part of {size} bytes that is not known")
        seen.add(name)
        progress(f"reading {name.decode()} ({size / 1e6:,.0f} MB)")
        data = _read_all(stream, size)
        if len(data) < size:
            raise OpenError(f"{path} is cut off: {len(data)} of {size} bytes of {name.decode()}")
        yield name, data


def _read_all(stream: BinaryIO | zstandard.ZstdDecompressionReader, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = stream.read(min(left, _CHUNK))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _target(path: Path, parts: Mapping[bytes, bytes]) -> SavedTarget:
    if b"snapshot" not in parts:
        raise OpenError(f"{path} is cut off: it has no snapshot")
    snapshot = snapshot_from(decode(PlainSnapshot, json.loads(parts[b"snapshot"])))
    if b"values" not in parts:
        return SavedTarget(str(path), snapshot)
    memory = parts.get(b"memory", b"")
    values: Values = decode(Values, json.loads(parts[b"values"]))
    _check_runs(values.runs, len(memory))
    tables = [tables_from(image.tables) for image in values.images]
    return SavedTarget(str(path), snapshot, values, tables, memory)


def _check_runs(runs: tuple[Run, ...], size: int) -> None:
    """Pass runs that are sorted, apart from each other, and as long as the memory.

    Raises:
        PlainError: they are not.
    """
    end = total = 0
    for address, length, _, _ in runs:
        if address < end or length <= 0:
            raise PlainError("runs of memory that overlap")
        end, total = address + length, total + length
    if total != size or end > 1 << 64:
        raise PlainError("runs of memory that are not there")
