"""The strings of a large section, sorted by how they begin.

numpy is imported with this module: it costs a tenth of a second, so only sections in which each
pass of another kind takes longer are read by it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from adp_tui.engine.elf.file import Blob

__all__ = ["StringTable"]

MAX_STRINGS = 32 << 20
"""Strings that are noted, in 12 bytes each; a section of 300 MB has two million."""
MAX_ALIKE = 100_000
"""Strings of one length that begin alike and are compared."""
MAX_SLASHES = 4 << 20
"""Slashes that are noted; a section of 300 MB has fifteen thousand."""
_WINDOW = 1 << 18
_HEAD = 4
"""Bytes at the beginning of a string by which it is sorted."""
_POLL = b"4poll17h"
_POLL_END = len(_POLL) + 17
"""Bytes from there on in a legacy linkage name: sixteen digits of a hash and an E are the last."""
_POLL_NUMBER = int.from_bytes(_POLL, "little")
_MORE = 32
"""Bytes of the next piece that are seen with one: enough for both."""
_NUMBER = 0xFFFFFFFF
"""The lower half of an entry: the string's number; its head is the upper one."""

_Offsets: TypeAlias = NDArray[np.uint32]
_Order: TypeAlias = NDArray[np.uint64]


class StringTable:
    """Answers by exact text and by beginning, from one pass of the section.

    In the same pass is noted what each program is asked for: which strings are the legacy linkage
    names of methods called ``poll``, and where slashes stand, as they do in paths only.
    """

    def __init__(self, strings: Blob) -> None:
        """Read a section of less than 4 GB."""
        self._strings = strings
        begins: list[NDArray[Any]] = [np.zeros(1, np.uint32)]
        heads: list[NDArray[Any]] = [
            _numbers(strings.slice(0, _HEAD).ljust(_HEAD, b"\0"), ">u4")[:1]
        ]
        polls: list[NDArray[Any]] = []
        slashes: list[int] = []
        count = 0
        for at, end, data in strings.pieces(_WINDOW, _MORE):
            ends = (np.frombuffer(data, np.uint8) == 0).nonzero()[0]
            data = data.ljust(end - at + _MORE, b"\0")
            places = ends - _POLL_END
            places = places[(places >= 0) & (places < end - at)]
            polls.append(places[_numbers(data, "<u8")[places] == _POLL_NUMBER] + at)
            ends = ends[: np.searchsorted(ends, end - at)]
            begins.append((ends + (at + 1)).astype(np.uint32))
            heads.append(_numbers(data, ">u4")[ends + 1])
            count += len(ends)
            slash = data.find(b"/", 0, end - at)
            while slash >= 0:
                slashes.append(at + slash)
                slash = data.find(b"/", slash + 1, end - at)
            if count > MAX_STRINGS or len(slashes) > MAX_SLASHES:
                break
        self.is_complete = count <= MAX_STRINGS and len(slashes) <= MAX_SLASHES
        """Whether all strings were noted; what is not found is not there then."""
        self.slashes = array("I", slashes)
        """The offsets of all slashes."""
        # What follows the last NUL is no string: its beginning is where the one before ends.
        self._begins: _Offsets = np.concatenate(begins)
        self._polls = np.concatenate([np.zeros(0, np.int64), *polls])
        order: _Order = np.concatenate(heads)[:-1].astype(np.uint64)
        order <<= np.uint64(32)
        order |= np.arange(len(order), dtype=np.uint64)
        order.sort()
        self._order = order

    def find(self, text: bytes) -> int:
        """Return the offset of the last string that is exactly ``text``, or -1."""
        whole = text + b"\0"
        numbers = self._beginning(whole)
        sizes = self._begins[numbers + 1] - self._begins[numbers]
        for number in numbers[sizes == len(whole)][: -MAX_ALIKE - 1 : -1].tolist():
            at = int(self._begins[number])
            if self._strings.slice(at, at + len(whole)) == whole:
                return at
        return -1

    def beginning(self, text: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the strings that begin with ``text``, with their offsets."""
        for number in self._beginning(text).tolist():
            at, string = self._string(number)
            if string.startswith(text):
                yield at, string

    def polls(self) -> Iterator[tuple[int, bytes]]:
        """Yield the legacy linkage names of methods called ``poll``, with their offsets."""
        numbers = np.searchsorted(self._begins, self._polls, "right") - 1
        for number in numbers.tolist():
            at, name = self._string(number)
            if name.startswith(b"_ZN"):
                yield at, name

    def count(self, head: bytes) -> int:
        """Return how many strings begin with a head of at most four bytes."""
        return len(self._beginning(head))

    def _string(self, number: int) -> tuple[int, bytes]:
        """Return the offset of the string with a number, and the string."""
        at, end = self._begins[number : number + 2].tolist()
        return at, self._strings.slice(at, end - 1)

    def _beginning(self, text: bytes) -> NDArray[np.int64]:
        """Return the numbers of the strings that have the same head."""
        head = text[:_HEAD]
        low = int.from_bytes(head.ljust(_HEAD, b"\0"), "big") << 32
        high = int.from_bytes(head.ljust(_HEAD, b"\xff"), "big") << 32 | _NUMBER
        first = np.searchsorted(self._order, np.uint64(low), "left")
        last = np.searchsorted(self._order, np.uint64(high), "right")
        return (self._order[first:last] & np.uint64(_NUMBER)).astype(np.int64)


def _numbers(data: bytes, kind: str) -> NDArray[Any]:
    """Return the number that stands at each place."""
    return np.ndarray(len(data) + 1 - np.dtype(kind).itemsize, kind, data, strides=(1,))
