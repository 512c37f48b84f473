"""Memory made of pieces: a core's own pages spliced over those of the mapped files."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from adp_tui.engine.errors import FaultError
from adp_tui.engine.target import Region

__all__ = ["MAX_READ", "BytesMemory", "Piece", "SplicedMemory", "overlay"]

MAX_READ = 256 << 20
"""Sizes come from targets: one read never makes more than this; larger data is swept."""

ADDRESS_LIMIT = 1 << 64


class Slices(Protocol):
    """Something that is sliced like bytes and may raise FaultError: pages read when needed."""

    def __len__(self) -> int:
        """Return where it ends."""
        ...

    def __getitem__(self, where: slice, /) -> bytes:
        """Return some of its bytes."""
        ...


Pages: TypeAlias = mmap.mmap | bytes | Slices
Source: TypeAlias = Pages | Callable[[], Pages]

# Start, end, the pages, and what to add to an address for an offset into them.
_Span: TypeAlias = tuple[int, int, Pages, int]
_NOWHERE: _Span = (1, 0, b"", 0)


class Piece(NamedTuple):
    """A range of addresses, and the bytes it has or why it has none."""

    start: int
    end: int
    source: Source | None
    """The bytes, or a function that maps them when they are first read; None for a hole."""
    offset: int = 0
    """Where ``start`` stands in the source."""
    reason: str = ""
    """Why a hole cannot be read."""
    writable: bool = False
    executable: bool = False
    swept: bool = False
    """True for what ``regions`` returns; the source is there already."""

    def clipped(self, start: int, end: int) -> Piece:
        """Return the part of the piece from ``start`` to ``end``, which lie in it."""
        return self._replace(start=start, end=end, offset=self.offset + start - self.start)


def flatten(pieces: Iterable[Piece]) -> list[Piece]:
    """Sort pieces by address, without overlap: the one that starts first wins."""
    result: list[Piece] = []
    reached = 0
    for piece in sorted(pieces, key=lambda each: each[:2]):
        if piece.start >= reached:
            kept = piece
        elif piece.end > reached:
            kept = piece.clipped(reached, piece.end)
        else:
            continue
        if 0 <= kept.start < kept.end <= ADDRESS_LIMIT:
            result.append(kept)
            reached = kept.end
    return result


def overlay(upper: Sequence[Piece], lower: Sequence[Piece]) -> list[Piece]:
    """Fill the gaps of ``upper`` from ``lower``; both are flat, and so is the result."""
    if not upper or not lower:
        return list(upper or lower)
    result: list[Piece] = []
    edges = [0, *(edge for piece in upper for edge in piece[:2]), ADDRESS_LIMIT]
    below = iter(lower)
    current = next(below, None)
    for index in range(0, len(edges), 2):
        gap_start, gap_end = edges[index], edges[index + 1]
        while current is not None and current.start < gap_end:
            start, end = max(current.start, gap_start), min(current.end, gap_end)
            if (start, end) == current[:2]:
                result.append(current)
            elif start < end:
                result.append(current.clipped(start, end))
            if current.end > gap_end:
                break
            current = next(below, None)
        if index // 2 < len(upper):
            result.append(upper[index // 2])
    return result


class SplicedMemory:
    """Memory made of layers of pieces; where layers overlap, the earlier one wins.

    Any thread may read: the only state that changes is replaced as a whole.
    """

    def __init__(self, *layers: Iterable[Piece]) -> None:
        pieces: list[Piece] = []
        for layer in layers:
            pieces = overlay(pieces, flatten(layer))
        self._pieces = pieces
        self._starts = [piece.start for piece in pieces]
        self._spans: dict[int, _Span] = {}
        self._last = _NOWHERE
        self._regions: tuple[Region, ...] | None = None

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes.

        Raises:
            FaultError: any of the bytes cannot be read.
        """
        # The hottest function of the engine: nothing but the piece of the last read is tried.
        start, end, pages, shift = self._last
        if start <= address <= address + size <= end and size <= MAX_READ:
            shift += address
            return pages[shift : shift + size]
        return self._read_slowly(address, size)

    def regions(self) -> Sequence[Region]:
        """Return what can be swept, sorted by address, without overlap."""
        if self._regions is None:
            self._regions = tuple(_region(piece) for piece in self._pieces if piece.swept)
        return self._regions

    def piece_at(self, address: int) -> Piece | None:
        """Return the piece that holds the address; None where nothing is known to be mapped."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self._pieces[index].end:
            return self._pieces[index]
        return None

    def _read_slowly(self, address: int, size: int) -> bytes:
        if size <= 0:
            if size == 0:
                return b""
            raise FaultError(address, size, "a negative size")
        if size > MAX_READ:
            raise FaultError(address, size, f"more than {MAX_READ >> 20} MB in one read")
        index = bisect_right(self._starts, address) - 1
        span = self._span(index, address, address, size)
        if address + size <= span[1]:
            self._last = span
            offset = address + span[3]
            return span[2][offset : offset + size]
        parts: list[bytes] = []
        at, stop = address, address + size
        while True:
            part_end = min(stop, span[1])
            parts.append(span[2][at + span[3] : part_end + span[3]])
            at = part_end
            if at >= stop:
                return b"".join(parts)
            if at >= self._pieces[index].end:
                index += 1
            span = self._span(index, at, address, size)

    def _span(self, index: int, at: int, address: int, size: int) -> _Span:
        """Return the span of piece ``index``, which must hold ``at``; else raise FaultError."""
        span = self._spans.get(index)
        if span is None:
            if not 0 <= index < len(self._pieces):
                raise FaultError(address, size, "not mapped")
            piece = self._pieces[index]
            if not piece.start <= at < piece.end:
                raise FaultError(address, size, "not mapped")
            if piece.source is None:
                raise FaultError(address, size, piece.reason)
            pages = piece.source() if callable(piece.source) else piece.source
            # A file may have shrunk since it was looked at.
            end = min(piece.end, piece.start + max(0, len(pages) - piece.offset))
            span = self._spans[index] = (piece.start, end, pages, piece.offset - piece.start)
        if not span[0] <= at < span[1]:
            beyond = span[0] <= at < self._pieces[index].end
            reason = "beyond the end of its file" if beyond else "not mapped"
            raise FaultError(address, size, reason)
        return span


class BytesMemory(SplicedMemory):
    """Memory given as bytes by address, for tests and for images read in advance."""

    def __init__(
        self, blocks: Mapping[int, bytes], *, writable: bool = True, executable: bool = False
    ) -> None:
        super().__init__(
            Piece(start, start + len(data), data, 0, "", writable, executable, True)
            for start, data in blocks.items()
        )


def _region(piece: Piece) -> Region:
    assert isinstance(piece.source, mmap.mmap | bytes)
    size = piece.end - piece.start
    view = memoryview(piece.source)[piece.offset : piece.offset + size]
    return Region(piece.start, view, piece.writable, piece.executable)
