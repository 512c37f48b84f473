"""Call frame information: how to get from a frame to the one that called it."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.elf.file import Blob, ElfFile
from adp_tui.engine.errors import AdpError

__all__ = ["CfiError", "CfiTable", "Row", "Rule", "open_tables"]

MAX_INSTRUCTIONS = 20_000
MAX_ENTRIES = 4_000_000
PT_GNU_EH_FRAME = 0x6474E550
_SP = 7
"""rsp on x86-64."""
_I32 = struct.Struct("<i").unpack_from


class CfiError(AdpError):
    """Call frame information that makes no sense."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a register of the caller is found.

    ``kind`` is ``offset`` (saved at CFA + number), ``value`` (is CFA + number), ``register``
    (is in ``register``; for the CFA: that register + number), ``expression`` (saved at),
    ``value_expression`` (is), or ``undefined``.
    """

    kind: str
    number: int = 0
    code: bytes = b""
    register: int = _SP


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
    encoding: int
    signal: bool
    augmented: bool
    instructions: tuple[int, int]
    address_size: int = 8
    initial: dict[int, Rule] = field(default_factory=dict)
    cfa: Rule = field(default_factory=lambda: Rule("register"))


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
            offset = self._by_header(pc)
            if offset is not None:
                fde = self._entry(offset)
                if fde is not None and fde.start <= pc < fde.end:
                    return fde
                return None
        starts, offsets = self._all()
        at = bisect_right(starts, pc) - 1
        if at < 0:
            return None
        fde = self._entry(offsets[at])
        return fde if fde is not None and fde.start <= pc < fde.end else None

    def _by_header(self, pc: int) -> int | None:
        """Search the sorted table of ``.eh_frame_hdr``; None where it has no such table."""
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
            return self._blob.size
        entry: int = _I32(buffer, base + 8 * (low - 1) + 4)[0] + address
        return entry - self._address

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
        cie = _Cie(code_align, data_align, column, 0, False, False, (0, 0))
        if augmentation.startswith("z"):
            cie.augmented = True
            size, at = self._uleb(at)
            self._augment(cie, augmentation[1:], at)
            at += size
        cie.instructions = (at, end)
        state = _State(cie)
        self._execute(state, at, end, None, 0)
        cie.initial, cie.cfa = state.registers, state.cfa
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
        state = _State(cie)
        state.registers, state.cfa = dict(cie.initial), cie.cfa
        self._execute(state, *fde.instructions, pc, fde.start)
        return Row(state.cfa, state.registers, cie.return_column, cie.signal)

    def _execute(self, state: _State, at: int, end: int, pc: int | None, location: int) -> None:
        """Run instructions up to the row of ``pc`` (all of them for a CIE)."""
        cie, blob = state.cie, self._blob
        for _ in range(MAX_INSTRUCTIONS):
            if at >= end:
                return
            op = blob.number(at, 1)
            at += 1
            high, low = op & 0xC0, op & 0x3F
            if high == 0x40 or op in _ADVANCES:
                if high == 0x40:
                    delta = low
                else:
                    size = _ADVANCES[op]
                    delta, at = blob.number(at, size), at + size
                location += delta * cie.code_align
                if pc is not None and location > pc:
                    return
            elif op == 0x01:
                location, at = self._encoded(cie.encoding, at)
                if pc is not None and location > pc:
                    return
            elif high == 0x80:
                value, at = self._uleb(at)
                state.registers[low] = Rule("offset", value * cie.data_align)
            elif high == 0xC0:
                state.restore(low)
            else:
                at = self._instruction(state, op, at)
        raise ValueError("too many instructions")

    def _instruction(self, state: _State, op: int, at: int) -> int:
        cie, registers = state.cie, state.registers
        if op in (0x00, 0x2D):
            return at
        if op == 0x0A:
            if len(state.saved) > 64:
                raise ValueError(op)
            state.saved.append((dict(registers), state.cfa))
            return at
        if op == 0x0B:
            saved, state.cfa = state.saved.pop()
            state.registers = saved
            return at
        if op == 0x0F:
            code, at = self._block(at)
            state.cfa = Rule("expression", code=code)
            return at
        if op == 0x13:
            signed, at = self._sleb(at)
            state.cfa = Rule("register", signed * cie.data_align, register=state.cfa.register)
            return at
        number, at = self._uleb(at)
        if op == 0x0C:
            offset, at = self._uleb(at)
            state.cfa = Rule("register", offset, register=number)
        elif op == 0x12:
            offset, at = self._sleb(at)
            state.cfa = Rule("register", offset * cie.data_align, register=number)
        elif op == 0x0D:
            state.cfa = Rule("register", state.cfa.number, register=number)
        elif op == 0x0E:
            state.cfa = Rule("register", number, register=state.cfa.register)
        elif op == 0x06:
            state.restore(number)
        elif op == 0x07:
            registers[number] = Rule("undefined")
        elif op == 0x08:
            registers.pop(number, None)
        elif op == 0x09:
            other, at = self._uleb(at)
            registers[number] = Rule("register", register=other)
        elif op in (0x05, 0x11, 0x14, 0x15, 0x2F):
            offset, at = self._sleb(at) if op in (0x11, 0x15) else self._uleb(at)
            if op == 0x2F:
                offset = -offset
            kind = "value" if op in (0x14, 0x15) else "offset"
            registers[number] = Rule(kind, offset * cie.data_align)
        elif op in (0x10, 0x16):
            code, at = self._block(at)
            registers[number] = Rule("expression" if op == 0x10 else "value_expression", 0, code)
        elif op != 0x2E:
            raise ValueError(op)
        return at

    def _block(self, at: int) -> tuple[bytes, int]:
        size, at = self._uleb(at)
        if at + size > self._blob.size:
            raise IndexError(at)
        return self._blob.slice(at, at + size), at + size


_ADVANCES = {0x02: 1, 0x03: 2, 0x04: 4}


class _State:
    """Rules while instructions run."""

    def __init__(self, cie: _Cie) -> None:
        self.cie = cie
        self.registers: dict[int, Rule] = {}
        self.cfa = Rule("register")
        self.saved: list[tuple[dict[int, Rule], Rule]] = []

    def restore(self, register: int) -> None:
        """Return a register to its rule at the function's beginning."""
        initial = self.cie.initial.get(register)
        if initial is None:
            self.registers.pop(register, None)
        else:
            self.registers[register] = initial
