"""Call frame information: how to get from a frame to the one that called it."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.elf.file import Blob, ElfFile
from adp_tui.engine.errors import AdpError
from adp_tui.engine.unwind.cfi_program import CfiProgram, Rule, Rules

__all__ = ["CfiError", "CfiTable", "Row", "open_tables"]

MAX_ENTRIES = 4_000_000
PT_GNU_EH_FRAME = 0x6474E550
_I32 = struct.Struct("<i").unpack_from


class CfiError(AdpError):
    """Call frame information that makes no sense."""


@dataclass(frozen=True, slots=True)
class Row:
    """The rules that hold at one pc: for the CFA (a register and an offset, or an
    expression) and for each register; ``signal`` marks the frame of a signal handler's caller.
    """

    cfa: Rule
    registers: dict[int, Rule]
    return_column: int
    signal: bool


@dataclass(slots=True)
class _Cie:
    code_align: int
    data_align: int
    return_column: int
    encoding: int = 0
    signal: bool = False
    augmented: bool = False
    initial: Rules | None = None
    """The rules that its own instructions set up for each of its functions."""


@dataclass(frozen=True, slots=True)
class _Fde:
    cie: _Cie
    start: int
    end: int
    instructions: tuple[int, int]


def open_tables(elf: ElfFile | None, debug: ElfFile | None) -> list[tuple[str, CfiTable]]:
    """Return a module's tables with the origin each one gives to frames, in order of trust."""
    tables: list[tuple[str, CfiTable]] = []
    if elf is not None:
        eh = _eh_frame(elf)
        if eh is not None:
            tables.append(("cfi", eh))
    for file in (elf, debug):
        if file is not None and file.has(".debug_frame"):
            tables.append(("debug_frame", CfiTable(file.blob(".debug_frame"), 0, eh=False)))
            break
    return tables


def _eh_frame(elf: ElfFile) -> CfiTable | None:
    """Find ``.eh_frame`` by its section, else through ``PT_GNU_EH_FRAME`` (the vdso)."""
    section = elf.sections.get(".eh_frame")
    header = next((s for s in elf.segments if s.type == PT_GNU_EH_FRAME), None)
    index = None
    if header is not None and header.offset < len(elf.buffer):
        index = (Blob(elf.buffer, header.offset, min(
            header.file_size, len(elf.buffer) - header.offset)), header.address)  # fmt: skip
    if section is not None and elf.has(".eh_frame"):
        return CfiTable(elf.blob(".eh_frame"), section.address, eh=True, index=index)
    if index is None:
        return None
    blob, address = index
    if blob.size < 12 or blob.number(1, 1) != 0x1B:
        return None
    start = address + 4 + _I32(blob.slice(4, 8), 0)[0]
    at = elf.offset_of(start)
    if at is None:
        return None
    return CfiTable(Blob(elf.buffer, at), start, eh=True, index=index)


class CfiTable:
    """One ``.eh_frame`` or ``.debug_frame``. Addresses are those of the file."""

    def __init__(
        self, blob: Blob, address: int, *, eh: bool, index: tuple[Blob, int] | None = None
    ) -> None:
        self._blob = blob
        self._address = address
        self._eh = eh
        self._index = index
        self._cies: dict[int, _Cie] = {}
        self._rows: dict[int, Row | None] = {}
        self._sorted: tuple[list[int], list[int]] | None = None

    def row(self, pc: int) -> Row | None:
        """Return the rules at a pc; None where no entry covers it.

        Raises:
            CfiError: the entry that covers it makes no sense.
        """
        if pc not in self._rows:
            try:
                fde = self._find(pc)
                self._rows[pc] = None if fde is None else self._run(fde, pc)
            except (IndexError, struct.error, ValueError) as error:
                raise CfiError(f"the call frame information of {pc:#x} is malformed") from error
        return self._rows[pc]

    def _find(self, pc: int) -> _Fde | None:
        if self._index is not None:
            listed = self._by_header(pc)
            if listed is not None:
                start, offset = listed
                if offset is None:
                    return None
                fde = self._entry(offset)
                if fde is None or fde.start != start:
                    raise ValueError(offset)
                return fde if pc < fde.end else None
        starts, offsets = self._all()
        at = bisect_right(starts, pc) - 1
        if at < 0:
            return None
        fde = self._entry(offsets[at])
        return fde if fde is not None and fde.start <= pc < fde.end else None

    def _by_header(self, pc: int) -> tuple[int, int | None] | None:
        """Search the sorted table of ``.eh_frame_hdr``; None where it has no such table.

        Return the start of the last function that begins at the pc or before it, and the offset
        of its entry, or None where no function does.
        """
        assert self._index is not None
        blob, address = self._index
        head = blob.slice(0, 16)
        if len(head) < 12 or head[0] != 1 or head[2] != 3 or head[3] != 0x3B:
            return None
        start = 8 if head[1] in (0x1B, 0x03, 0x0B) else 4
        if head[1] not in (0x1B, 0x03, 0x0B, 0xFF):
            return None
        count = blob.number(start, 4)
        table = start + 4
        count = min(count, (blob.size - table) // 8)
        wanted, low, high = pc - address, 0, count
        buffer, base = blob.buffer, blob.base + table
        while low < high:
            middle = (low + high) // 2
            if _I32(buffer, base + 8 * middle)[0] <= wanted:
                low = middle + 1
            else:
                high = middle
        if not low:
            return 0, None
        start, entry = (_I32(buffer, base + 8 * (low - 1) + at)[0] + address for at in (0, 4))
        return start, entry - self._address

    def _all(self) -> tuple[list[int], list[int]]:
        """Read every entry's start, sorted: where there is no table to search."""
        if self._sorted is None:
            found = sorted(self._entries())
            self._sorted = [start for start, _ in found], [offset for _, offset in found]
        return self._sorted

    def _entries(self) -> Iterator[tuple[int, int]]:
        offset = 0
        for _ in range(MAX_ENTRIES):
            if offset + 8 > self._blob.size:
                return
            length = self._blob.number(offset, 4)
            if length in (0, 0xFFFFFFFF):
                return
            try:
                fde = self._entry(offset)
            except (IndexError, ValueError, CfiError):
                fde = None
            if fde is not None:
                yield fde.start, offset
            offset += 4 + length

    def _entry(self, offset: int) -> _Fde | None:
        """Read the FDE at an offset; None for a CIE."""
        blob = self._blob
        if not 0 <= offset <= blob.size - 8:
            return None
        length, pointer = blob.number(offset, 4), blob.number(offset + 4, 4)
        end = offset + 4 + length
        if length in (0, 0xFFFFFFFF) or end > blob.size:
            return None
        if pointer == (0 if self._eh else 0xFFFFFFFF):
            return None
        cie = self._cie(offset + 4 - pointer if self._eh else pointer)
        start, at = self._encoded(cie.encoding, offset + 8)
        size, at = self._encoded(cie.encoding & 0x0F, at)
        if cie.augmented:
            skip, at = self._uleb(at)
            at += skip
        return _Fde(cie, start, start + size, (at, end))

    def _uleb(self, offset: int) -> tuple[int, int]:
        value, at = uleb(self._blob.buffer, self._blob.base + offset)
        return value, at - self._blob.base

    def _sleb(self, offset: int) -> tuple[int, int]:
        value, at = sleb(self._blob.buffer, self._blob.base + offset)
        return value, at - self._blob.base

    def _encoded(self, encoding: int, offset: int) -> tuple[int, int]:
        """Read a pointer in one of the DW_EH_PE encodings."""
        kind = encoding & 0x0F
        sizes = {0x00: 8, 0x02: 2, 0x03: 4, 0x04: 8, 0x0A: 2, 0x0B: 4, 0x0C: 8}
        if kind == 0x01:
            value, at = self._uleb(offset)
        elif kind == 0x09:
            value, at = self._sleb(offset)
        elif kind in sizes:
            size = sizes[kind]
            value, at = self._blob.number(offset, size), offset + size
            if kind & 8 and value >= 1 << (8 * size - 1):
                value -= 1 << 8 * size
        else:
            raise ValueError(encoding)
        base = encoding & 0x70
        if base == 0x10:
            value += self._address + offset
        elif base not in (0x00, 0x50):
            raise ValueError(encoding)
        return value & ((1 << 64) - 1), at

    def _cie(self, offset: int) -> _Cie:
        known = self._cies.get(offset)
        if known is None:
            known = self._cies[offset] = self._read_cie(offset)
        return known

    def _read_cie(self, offset: int) -> _Cie:
        blob = self._blob
        length = blob.number(offset, 4)
        end = offset + 4 + length
        if end > blob.size or length < 8:
            raise ValueError(offset)
        version = blob.number(offset + 8, 1)
        augmentation = blob.text(offset + 9, 32)
        at = offset + 10 + len(augmentation)
        if version >= 4:
            at += 2
        if augmentation == "eh":
            at += 8
        code_align, at = self._uleb(at)
        data_align, at = self._sleb(at)
        if version == 1:
            column, at = blob.number(at, 1), at + 1
        else:
            column, at = self._uleb(at)
        cie = _Cie(code_align, data_align, column)
        if augmentation.startswith("z"):
            cie.augmented = True
            size, at = self._uleb(at)
            self._augment(cie, augmentation[1:], at)
            at += size
        cie.initial = CfiProgram(blob, code_align, data_align, None).run(at, end, None)
        return cie

    def _augment(self, cie: _Cie, letters: str, at: int) -> None:
        for letter in letters:
            if letter == "R":
                cie.encoding, at = self._blob.number(at, 1), at + 1
            elif letter == "L":
                at += 1
            elif letter == "P":
                encoding, at = self._blob.number(at, 1), at + 1
                _, at = self._encoded(encoding & 0x0F, at)
            elif letter == "S":
                cie.signal = True
            elif letter != "B":
                return

    def _run(self, fde: _Fde, pc: int) -> Row:
        cie = fde.cie
        program = CfiProgram(self._blob, cie.code_align, cie.data_align, cie.initial)
        rules = program.run(*fde.instructions, pc - fde.start)
        return Row(rules.cfa, rules.registers, cie.return_column, cie.signal)
