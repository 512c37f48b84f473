"""The symbol table of an ELF file, read in bulk when first asked."""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import chain, islice

from adp_tui.engine.answers import Answers
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.file import Blob, ElfFile

__all__ = ["Symbol", "SymbolTable"]

STT_OBJECT, STT_FUNC, STT_TLS, STT_IFUNC = 1, 2, 6, 10
_PLACED = frozenset({STT_FUNC, STT_OBJECT, STT_IFUNC, 0})
"""Kinds of symbols that stand at an address."""
_IS_PLACED = bytes(info & 15 in _PLACED for info in range(256))
"""Whether a symbol is of one, by the byte that has its kind."""
_ENTRY = struct.Struct("<IBBHQQ")
MAX_SYMBOLS = 10_000_000
_MAX_START = 0xFFFF_FFFF
"""Where a name begins: a symbol has four bytes for it."""
MAX_NAME = 8192
MAX_CLOSURES = 1_000_000
MAX_ALIKE = 4096
"""Symbols at one address among which the longest is chosen: a linker that folds equal code makes
hundreds.
"""
MAX_HOLDING = 64
"""Symbols whose names hold what is asked for."""
_TAIL = 40
"""Bytes by which closures are told apart at first: what ends all of them, and some of a name."""
_CLOSURE = re.compile(rb"28_\$u7b\$\$u7b\$closure\$u7d\$\$u7d\$17h")
"""How a closure's legacy name ends before its hash; coroutines are closures there."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol: its raw name, its address, its size, and how far into it a look-up fell."""

    name: str
    address: int
    size: int
    offset: int = 0


class SymbolTable:
    """Symbols by address and by name, from ``.symtab`` (else ``.dynsym``)."""

    def __init__(self, *files: ElfFile, answers: Answers | None = None) -> None:
        # One without entries is false, and still the one to write into.
        self._answers = Answers() if answers is None else answers
        self._names, self._sizes = array("Q"), array("Q")
        """Of all symbols; above a name's offset stands the number of its source."""
        self._order: list[int] | None = None
        """The rows of those that stand at an address, sorted by it."""
        self._starts = array("Q")
        """These addresses."""
        self._sources: list[tuple[Blob, Blob]] = []
        for file in files:
            for table, strings in ((".symtab", ".strtab"), (".dynsym", ".dynstr")):
                if file.has(table):
                    self._sources.append((file.blob(table), file.blob(strings)))
                    break
        self._closures: dict[bytes, list[tuple[bytes, int]]] | None = None
        """Names and addresses of closures, by how the names end."""

    def _load(self) -> list[int]:
        """Return the rows of all that stands at an address, sorted by that."""
        if self._order is None:
            addresses: list[int] = []
            kept: list[int] = []
            for number, (table, _) in enumerate(self._sources):
                raw, first = _entries(table), len(addresses)
                words, numbers = array("I", raw), array("Q", raw)
                names, own = words[::6].tolist(), numbers[1::3].tolist()
                self._names += array("Q", [number << 32 | n for n in names] if number else names)
                self._sizes += numbers[2::3]
                addresses += own
                # An entry's section is in the highest two bytes of its second word.
                kinds = raw[4::24].translate(_IS_PLACED)
                rows = enumerate(zip(kinds, words[1::6], names, own, strict=True))
                kept += [
                    first + row
                    for row, (placed, info, name, address) in rows
                    if placed and address and name and info >> 16
                ]
            kept.sort(key=addresses.__getitem__)
            self._starts = array("Q", map(addresses.__getitem__, kept))
            self._order = kept
        return self._order

    def at(self, address: int) -> Symbol | None:
        """Return the symbol whose range holds an address of the file, or None."""
        known = self._answers.table("symbols")
        if address not in known:
            found = self._at(address)
            known[address] = found and (found.name, found.address, found.size, found.offset)
        fields = known[address]
        return None if fields is None else Symbol(*fields)

    def _at(self, address: int) -> Symbol | None:
        order, starts = self._load(), self._starts
        after = bisect_right(starts, address)
        for _ in range(16):
            if not after:
                return None
            start = starts[after - 1]
            first = bisect_left(starts, start, max(after - MAX_ALIKE, 0), after)
            # Of several at one address the longest, and of those the last.
            row = max(reversed(order[first:after]), key=self._sizes.__getitem__)
            size, name = self._sizes[row], self._names[row]
            if address < start + max(size, 1):
                strings = self._sources[name >> 32][1]
                return self._symbol(start, size, name & _MAX_START, strings, address)
            if size:
                return None
            after = first
        return None

    @staticmethod
    def _symbol(start: int, size: int, name: int, strings: Blob, address: int) -> Symbol | None:
        try:
            return Symbol(strings.text(name, 4096), start, size, address - start)
        except IndexError:
            return None

    def starts(self) -> list[int]:
        """Return the addresses of all functions and objects, sorted."""
        self._load()
        return self._starts.tolist()

    def closures(self, ending: bytes) -> Iterator[int]:
        """Yield the addresses of the closures whose raw name ends so, up to its hash."""
        if self._closures is None:
            self._closures = {}
            for name, address in self._find_closures():
                self._closures.setdefault(name[-_TAIL:], []).append((name, address))
        known = self._closures
        whole = len(ending) >= _TAIL
        likely = known.get(ending[-_TAIL:], ()) if whole else chain.from_iterable(known.values())
        return (address for name, address in likely if name.endswith(ending))

    def _find_closures(self) -> Iterator[tuple[bytes, int]]:
        """Yield name and address of each closure: one pass serves all that are asked for."""
        order = self._load()
        for number, (_, strings) in enumerate(self._sources):
            found: dict[int, bytes] = {}
            for match in islice(strings.matches(_CLOSURE, MAX_NAME), MAX_CLOSURES):
                at, end = match.start() - strings.base, match.end() - strings.base
                start = strings.rfind(b"\0", max(at - MAX_NAME, 0), at) + 1
                found[number << 32 | start] = strings.slice(start, end)
            names = zip(map(self._names.__getitem__, order), self._starts, strict=True)
            addresses = {name: address for name, address in names if name in found}
            yield from ((name, addresses[at]) for at, name in found.items() if at in addresses)

    def holding(self, part: str) -> tuple[int, ...]:
        """Return the addresses of the functions and objects whose raw name has this in it."""
        known = self._answers.table("symbols by part")
        if part not in known:
            known[part] = tuple(dict.fromkeys(self._find_holding(part.encode())))
        addresses: tuple[int, ...] = known[part]
        return addresses

    def _find_holding(self, part: bytes) -> Iterator[int]:
        for table, strings in self._sources:
            for at in islice(strings.occurrences(part), MAX_HOLDING):
                start = strings.rfind(b"\0", max(at - MAX_NAME, 0), at) + 1
                if start > _MAX_START:
                    return
                for entry in table.occurrences(start.to_bytes(4, "little")):
                    if entry % _ENTRY.size or entry + _ENTRY.size > table.size:
                        continue
                    fields = _ENTRY.unpack(table.slice(entry, entry + _ENTRY.size))
                    _, info, _, section, address, _ = fields
                    if info & 15 in _PLACED and section and address:
                        yield address

    def names_hold(self, part: bytes) -> bool:
        """Tell whether some raw name has this in it."""
        known = self._answers.table("symbol names")
        if part not in known:
            known[part] = any(strings.find(part) >= 0 for _, strings in self._sources)
        return bool(known[part])

    def thread_locals(self) -> dict[str, int]:
        """Return the offset of each thread-local symbol in the TLS block, by raw name."""
        known = self._answers.table("thread-local symbols")
        if "offsets" not in known:
            known["offsets"] = dict(self._read_thread_locals())
        offsets: dict[str, int] = known["offsets"]
        return offsets

    def _read_thread_locals(self) -> Iterator[tuple[str, int]]:
        for table, strings in self._sources:
            raw = _entries(table)
            for row, info in enumerate(raw[4::24]):
                if info & 15 == STT_TLS:
                    name, _, _, section, value, _ = _ENTRY.unpack_from(raw, row * _ENTRY.size)
                    if section:
                        try:
                            yield strings.text(name, 4096), value
                        except IndexError:
                            continue


def _entries(table: Blob) -> bytes:
    """Return the bytes of a table's whole entries, as many as are read."""
    return table.slice(0, min(table.size // _ENTRY.size, MAX_SYMBOLS) * _ENTRY.size)
