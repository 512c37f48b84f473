"""Where strings stand in ``.debug_str``: names are looked up by it, and there is no index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from adp_tui.engine.elf.file import Blob

if TYPE_CHECKING:
    from adp_tui.engine.dwarf.stringtable import StringTable

__all__ = ["StringFinder"]

MANY = 4
"""Instances of a generic that are looked up one by one before all are gathered, which takes as long
as a few."""
MAX_SUFFIXES = 256
"""Strings that end in a name and are tried where no string is the name itself."""
_MAX_NAME = 65_600
"""Bytes of a name and what stands around it."""
_PIN = b"Pin<&mut "
_PINNED = re.compile(re.escape(_PIN) + rb"([^\0]{1,65536})>\0")
_SHORT = 48
"""Bytes of the names that are gathered: of crates, and of types and statics without arguments."""
_MAX_GATHERED = 1_000_000
_WINDOW = 1 << 18
_MAX_TABLED = 1 << 32
"""Bytes of a section from which on DWARF32 cannot say all of its offsets."""
_PARAMETER = b"T\0"
"""A string of every Rust program, in which many others end as well."""


class StringFinder:
    """Answers where exactly a text is stored; each is looked up once.

    A small section is searched; of a large one, where a search takes a good part of a second, a
    table is made.
    """

    def __init__(self, strings: Blob) -> None:
        self._strings = strings
        self._known: dict[str, list[int]] = {}
        self._instances: dict[str, int] = {}
        """How many instances of each generic were looked up."""
        self._families: dict[str, dict[bytes, int]] = {}
        self._pinned: dict[bytes, int] | None = None
        self._gathered: dict[bytes, int] | None = None
        self._complete = False
        """Whether all short strings were gathered."""
        self._merged: bool | None = None
        self._table: StringTable | None = None
        self._is_tabled = strings.is_large and strings.size < _MAX_TABLED
        """Whether there is a table, or will be when it is needed."""

    def table(self) -> StringTable | None:
        """Return the table of a large section, made when it is first asked for."""
        if self._table is None and self._is_tabled:
            from adp_tui.engine.dwarf.stringtable import StringTable

            self._table = StringTable(self._strings)
            self._is_tabled = self._table.is_complete
        return self._table if self._is_tabled else None

    def offsets(self, text: str) -> list[int]:
        """Return the offsets at which exactly ``text`` is stored.

        A linker that merges tails stores ``Header`` only inside ``TaskHeader``: where no string
        is the text itself, the ends of longer ones are offered.
        """
        known = self._known.get(text)
        if known is None:
            raw = text.encode("utf-8", "replace")
            base, generic, _ = text.partition("<")
            instance = self._family(base, raw) if base and generic else None
            known = self._known[text] = self._find(raw) if instance is None else [instance]
        return known

    def pinned(self, type_name: str) -> int | None:
        """Return where the name of ``Pin<&mut T>`` stands for the type with this full name.

        All such names are gathered in one pass: each future is asked for.
        """
        if self._pinned is None:
            self._pinned = self._gather_pinned()
        return self._pinned.get(type_name.encode("utf-8", "replace"))

    def _gather_pinned(self) -> dict[bytes, int]:
        strings, table = self._strings, self.table()
        if table is not None and not self._has_merged_tails():
            named = islice(table.beginning(_PIN), _MAX_GATHERED)
            return {text[len(_PIN) : -1]: at for at, text in named if text.endswith(b">")}
        # A linker that merges tails stores the name only as the end of a longer one.
        tails: dict[bytes, int] = {}
        whole: dict[bytes, int] = {}
        for match in islice(strings.matches(_PINNED, _MAX_NAME), _MAX_GATHERED):
            at = match.start() - strings.base
            found = whole if not at or not strings.buffer[match.start() - 1] else tails
            found[match[1]] = at
        return tails | whole

    def _family(self, base: str, raw: bytes) -> int | None:
        """Return where a generic's name stands, once several of its instances were asked for.

        All names that begin alike (``Cell<``) are then gathered in one pass.
        """
        self._instances[base] = self._instances.get(base, 0) + 1
        if self._instances[base] < MANY or self.table() is not None:
            return None
        family = self._families.get(base)
        if family is None:
            strings = self._strings
            # What begins with plain bytes is searched twenty times as fast as a lookbehind.
            pattern = re.compile(rb"\0(" + re.escape(f"{base}<".encode()) + rb"[^\0]{1,65536})")
            family = self._families[base] = {
                match[1]: match.start(1) - strings.base
                for match in islice(strings.matches(pattern, _MAX_NAME), _MAX_GATHERED)
            }
        return family.get(raw)

    def _find(self, raw: bytes) -> list[int]:
        at = self._whole(raw)
        if at >= 0:
            return [at]
        if not self._has_merged_tails():
            return []
        found: list[int] = []
        at = self._strings.find(raw + b"\0")
        while at >= 0 and len(found) < MAX_SUFFIXES:
            found.append(at)
            at = self._strings.find(raw + b"\0", at + 1)
        return found

    def _whole(self, raw: bytes) -> int:
        """Return where the string stands that is the text itself, or -1."""
        table = self.table()
        if table is not None:
            return table.find(raw)
        if len(raw) < _SHORT:
            if self._gathered is None:
                self._gathered = dict(self._short())
                self._complete = len(self._gathered) < _MAX_GATHERED
            at = self._gathered.get(raw)
            if at is not None or self._complete:
                return -1 if at is None else at
        strings = self._strings
        if strings.slice(0, len(raw) + 1) == raw + b"\0":
            return 0
        # Backwards: what runtimes and std name tends to stand behind what the program does.
        at = strings.rfind(b"\0" + raw + b"\0", 0, strings.size)
        return at + 1 if at >= 0 else -1

    def _short(self) -> Iterator[tuple[bytes, int]]:
        """Yield the short strings with their offsets, in one pass."""
        count, begun, began = 0, b"", 0
        for at, _, data in self._strings.pieces(_WINDOW):
            first, *strings = data.split(b"\0")
            # Of what stands in several pieces, the beginning tells that it is long.
            begun = (begun + first)[:_SHORT]
            at += len(first) + 1
            for string in strings:
                if len(begun) < _SHORT:
                    yield begun, began
                    count += 1
                begun, began = string, at
                at += len(string) + 1
            if count >= _MAX_GATHERED:
                return

    def _has_merged_tails(self) -> bool:
        """Tell whether the linker may have merged tails: then no string is the end of another."""
        if self._merged is None:
            strings, whole, tail = self._strings, False, False
            for at in strings.occurrences(_PARAMETER):
                alone = not at or strings.slice(at - 1, at) == b"\0"
                whole, tail = whole or alone, tail or not alone
                if whole and tail:
                    break
            self._merged = not (whole and tail)
        return self._merged
