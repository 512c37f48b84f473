"""The symbol table of an ELF file, read in bulk when first asked."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain, islice

from adp_tui.engine.answers import Answers
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.file import Blob, ElfFile

__all__ = ["Symbol", "SymbolTable"]

STT_OBJECT, STT_FUNC, STT_TLS, STT_IFUNC = 1, 2, 6, 10
_PLACED = frozenset({STT_FUNC, STT_OBJECT, STT_IFUNC, 0})
"""Kinds of symbols that stand at an address."""
_ENTRY = struct.Struct("<IBBHQQ")
MAX_SYMBOLS = 10_000_000
_MAX_START = 0xFFFF_FFFF
"""Where a name begins: a symbol has four bytes for it."""
MAX_NAME = 8192
MAX_CLOSURES = 1_000_000
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
        self._rows: list[tuple[int, int, int, Blob]] | None = None
        self._starts: list[int] = []
        self._sources: list[tuple[Blob, Blob]] = []
        for file in files:
            for table, strings in ((".symtab", ".strtab"), (".dynsym", ".dynstr")):
                if file.has(table):
                    self._sources.append((file.blob(table), file.blob(strings)))
                    break
        self._closures: dict[bytes, list[tuple[bytes, int]]] | None = None
        """Names and addresses of closures, by how the names end."""

    def _entries(self) -> Iterator[tuple[Blob, tuple[int, int, int, int, int, int]]]:
        for table, strings in self._sources:
            size = min(table.size, MAX_SYMBOLS * 24) // 24 * 24
            for entry in _ENTRY.iter_unpack(table.view(0, size)):
                yield strings, entry

    def _load(self) -> list[tuple[int, int, int, Blob]]:
        if self._rows is None:
            rows = [
                (address, size, name, strings)
                for strings, (name, info, _, section, address, size) in self._entries()
                if info & 15 in _PLACED and section and address and name
            ]
            rows.sort(key=lambda row: (row[0], row[1]))
            self._rows = rows
            self._starts = [row[0] for row in rows]
        return self._rows

    def at(self, address: int) -> Symbol | None:
        """Return the symbol whose range holds an address of the file, or None."""
        known = self._answers.table("symbols")
        if address not in known:
            found = self._at(address)
            known[address] = found and (found.name, found.address, found.size, found.offset)
        fields = known[address]
        return None if fields is None else Symbol(*fields)

    def _at(self, address: int) -> Symbol | None:
        rows = self._load()
        index = bisect_right(self._starts, address) - 1
        for _ in range(16):
            if index < 0:
                return None
            start, size, name, strings = rows[index]
            if address < start + max(size, 1):
                return self._symbol(start, size, name, strings, address)
            if size:
                return None
            index -= 1
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
        return self._starts

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
        rows = self._load()
        for _, strings in self._sources:
            found: dict[int, bytes] = {}
            for match in islice(strings.matches(_CLOSURE, MAX_NAME), MAX_CLOSURES):
                at, end = match.start() - strings.base, match.end() - strings.base
                start = strings.rfind(b"\0", max(at - MAX_NAME, 0), at) + 1
                found[start] = strings.slice(start, end)
            addresses = {row[2]: row[0] for row in rows if row[2] in found and row[3] is strings}
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
        for strings, (name, info, _, section, value, _size) in self._entries():
            if info & 15 == STT_TLS and section:
                try:
                    yield strings.text(name, 4096), value
                except IndexError:
                    continue
