"""Where the strings of a large section begin, sorted by how they begin.

numpy is imported with this module: it costs a tenth of a second, so only sections in which each
pass of another kind takes longer are read by it.
"""

from __future__ import annotations

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
_WINDOW = 1 << 18
_HEAD = 4
"""Bytes at the beginning of a string by which it is sorted."""
_NUMBER = 0xFFFFFFFF
"""The lower half of an entry: the string's number; its head is the upper one."""

_Offsets: TypeAlias = NDArray[np.uint32]
_Order: TypeAlias = NDArray[np.uint64]


class StringTable:
    """Answers by exact text and by beginning, from one pass of the section."""

    def __init__(self, strings: Blob) -> None:
        """Read a section of less than 4 GB: longer ones have offsets that DWARF32 cannot say."""
        self._strings = strings
        begins: list[NDArray[Any]] = [np.zeros(1, np.uint32)]
        heads: list[NDArray[Any]] = [_heads(strings.slice(0, _HEAD), np.zeros(1, np.int64))]
        count = 0
        for at, end, data in strings.pieces(_WINDOW, _HEAD):
            ends = np.flatnonzero(np.frombuffer(data, np.uint8, end - at) == 0)
            begins.append((ends + (at + 1)).astype(np.uint32))
            heads.append(_heads(data, ends + 1))
            count += len(ends)
            if count > MAX_STRINGS:
                break
        self.is_complete = count <= MAX_STRINGS and strings.size <= _NUMBER
        """Whether all strings were noted; what is not found is not there then."""
        # What follows the last NUL is no string: its beginning is where the one before ends.
        self._begins: _Offsets = np.concatenate(begins)
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
            at, end = int(self._begins[number]), int(self._begins[number + 1]) - 1
            if self._strings.slice(at, at + len(text)) == text:
                yield at, self._strings.slice(at, end)

    def ending(self, head: bytes, text: bytes, after: int) -> Iterator[tuple[int, bytes]]:
        """Yield the strings with a head that have ``text``, of 8 bytes, so far before their end;
        with their offsets.

        All of them are looked at in one pass: of a head that half of the strings have, say.
        """
        numbers = np.sort(self._beginning(head))
        places = self._begins[numbers + 1].astype(np.int64) - (1 + after + len(text))
        wanted = int.from_bytes(text, "little")
        for at, end, data in self._strings.pieces(_WINDOW, len(text)):
            first, last = np.searchsorted(places, (at, end))
            words = np.ndarray(max(len(data) - 7, 0), "<u8", data, strides=(1,))
            inside = places[first:last] - at
            for hit in np.flatnonzero(words[inside[inside < len(words)]] == wanted).tolist():
                number = int(numbers[first + hit])
                begin, stop = int(self._begins[number]), int(self._begins[number + 1]) - 1
                if begin <= places[first + hit]:
                    yield begin, self._strings.slice(begin, stop)

    def count(self, head: bytes) -> int:
        """Return how many strings begin with a head of at most four bytes."""
        return len(self._beginning(head))

    def _beginning(self, text: bytes) -> NDArray[np.int64]:
        """Return the numbers of the strings that have the same head."""
        head = text[:_HEAD]
        low = int.from_bytes(head.ljust(_HEAD, b"\0"), "big") << 32
        high = int.from_bytes(head.ljust(_HEAD, b"\xff"), "big") << 32 | _NUMBER
        first = np.searchsorted(self._order, np.uint64(low), "left")
        last = np.searchsorted(self._order, np.uint64(high), "right")
        return (self._order[first:last] & np.uint64(_NUMBER)).astype(np.int64)


def _heads(data: bytes, places: NDArray[np.int64]) -> NDArray[Any]:
    """Return the four bytes at each place, as a number that sorts as they do."""
    padded = data.ljust(len(data) + _HEAD, b"\0")
    words = np.ndarray(len(data) + 1, ">u4", padded, strides=(1,))
    return words[places]
