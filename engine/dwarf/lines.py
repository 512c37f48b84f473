"""Line tables: which line of which file an address belongs to."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.files import FileTable, LineHeader, read_header
from adp_tui.engine.dwarf.leb import fixed, sleb, uleb
from adp_tui.engine.dwarf.sections import Sections
from adp_tui.engine.dwarf.types import Place
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["LineTable"]

MAX_ROWS = 2_000_000
"""Rows decoded of one unit at most: a 20 MB unit has about a million."""
MAX_LINE = 1 << 31
MAX_PREFIX = 256
"""Bytes between the beginning of a sequence and its first address."""
_SET_ADDRESS = re.compile(rb"\x00\x09\x02(?=(.{8}))", re.S)
_END_SEQUENCE = b"\x00\x01\x01"
_MASK = (1 << 64) - 1

_Row = tuple[int, int, int, int, bool]
"""Address, file number, line, column, is_stmt."""


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Rows of ascending addresses without a gap, and the first address behind them."""

    rows: list[_Row]
    end: int


class LineTable:
    """The line table of one unit. Addresses are those of the file.

    A linker keeps each function's rows as a sequence of its own: the one that holds an address
    is found by a byte search for the operation that sets its first address, and decoded alone.
    Where that fails, the whole table is decoded.
    """

    def __init__(self, sections: Sections, unit: Unit) -> None:
        """Read the header.

        Raises:
            NoDebugInfoError: the unit has no line table, or it is cut off.
        """
        sections.table(unit)
        self._header = read_header(sections, unit)
        self._files = FileTable(unit, self._header)
        self._data = sections.lines.slice(self._header.program, self._header.end)
        self._starts: list[int] = []
        self._offsets: list[int] = []
        self._known: dict[int, _Sequence | None] = {}
        self._all: list[_Sequence] | None = None
        self._find_starts()

    def _find_starts(self) -> None:
        found = sorted(
            (int.from_bytes(match.group(1), "little"), match.start())
            for match in _SET_ADDRESS.finditer(self._data)
        )
        self._starts = [address for address, _ in found]
        self._offsets = [offset for _, offset in found]

    def place(self, address: int) -> Place | None:
        """Return file, line and column of an address; None where no row covers it.

        Rows with line 0 (code of no line in particular) count to the row before them, as gdb
        has it.

        Raises:
            NoDebugInfoError: the table makes no sense.
        """
        row = self._row(address)
        if row is None:
            return None
        _, number, line, column, _ = row
        file = self._files.file(number)
        if file is None:
            return None
        return Place(file[0], file[1], line, column or None)

    def _row(self, address: int) -> _Row | None:
        sequence = self._sequence(address)
        if sequence is None:
            sequence = self._by_decoding(address)
        if sequence is None:
            return None
        rows = sequence.rows
        index = bisect_right(rows, (address, 1 << 64)) - 1
        if index < 0:
            return None
        # Of several rows at one address the last counts, but a statement before a mere part.
        row = rows[index]
        while index > 0 and not rows[index][4] and rows[index - 1][0] == row[0]:
            index -= 1
        return rows[index] if rows[index][4] else row

    def _sequence(self, address: int) -> _Sequence | None:
        """Return the sequence that holds an address, decoded alone."""
        index = bisect_right(self._starts, address) - 1
        for _ in range(4):
            if index < 0:
                return None
            at = self._offsets[index]
            if at not in self._known:
                self._known[at] = self._decode_around(at)
            sequence = self._known[at]
            if sequence is not None and _holds(sequence, address):
                return sequence
            index -= 1
        return None

    def _decode_around(self, at: int) -> _Sequence | None:
        """Decode the sequence whose first address is set at an offset of the program."""
        before = self._data.rfind(_END_SEQUENCE, max(at - MAX_PREFIX, 0), at)
        if before < 0 and at > MAX_PREFIX:
            return None
        machine = _Machine(self._header, self._data)
        try:
            return machine.sequence(0 if before < 0 else before + 3, first=at)
        except (IndexError, struct.error):
            return None

    def _by_decoding(self, address: int) -> _Sequence | None:
        if self._all is None:
            machine = _Machine(self._header, self._data)
            try:
                self._all = machine.sequences()
            except (IndexError, struct.error) as error:
                raise NoDebugInfoError("the line table is cut off or malformed") from error
        return next((s for s in self._all if _holds(s, address)), None)


def _holds(sequence: _Sequence, address: int) -> bool:
    return bool(sequence.rows) and sequence.rows[0][0] <= address < sequence.end


class _Machine:
    """The state machine of DWARF, section 6.2."""

    def __init__(self, header: LineHeader, data: bytes) -> None:
        self._header = header
        self._data = data
        self._at = 0
        self._left = MAX_ROWS

    def sequences(self) -> list[_Sequence]:
        """Decode the whole program."""
        found: list[_Sequence] = []
        while self._at < len(self._data):
            sequence = self.sequence(self._at)
            if sequence is None:
                break
            # Functions that the linker dropped stand at 0 or 1.
            if sequence.rows and sequence.rows[0][0] > 1:
                found.append(sequence)
        return found

    def sequence(self, start: int, first: int | None = None) -> _Sequence | None:
        """Decode the sequence that begins at an offset; None where its end is not reached.

        ``first`` is where its first address must be set: a start that was guessed is given up
        when the decoder doesn't come by there.
        """
        header, data = self._header, self._data
        at, end = start, len(data)
        base, line_range, opcode_base = header.line_base, header.line_range, header.opcode_base
        step = header.min_instruction
        constant = (255 - opcode_base) // line_range * step
        address, file, line, column, stmt = 0, 1, 1, 0, header.default_is_stmt
        rows: list[_Row] = []
        while at < end:
            op = data[at]
            at += 1
            if op >= opcode_base:
                op -= opcode_base
                address += op // line_range * step
                line += base + op % line_range
                rows.append((address, file, line, column, stmt))
            elif op == 1:
                rows.append((address, file, line, column, stmt))
            elif op == 2:
                delta, at = uleb(data, at)
                address += delta * step
            elif op == 3:
                delta, at = sleb(data, at)
                line += delta
            elif op == 4:
                file, at = uleb(data, at)
            elif op == 5:
                column, at = uleb(data, at)
            elif op == 6:
                stmt = not stmt
            elif op == 8:
                address += constant
            elif op == 9:
                address += data[at] | data[at + 1] << 8
                at += 2
            elif op == 0:
                size, at = uleb(data, at)
                kind = data[at] if size else 0
                if kind == 1:
                    self._at = at + size
                    return _Sequence(self._tidy(rows), address)
                if kind == 2 and size == 9:
                    if first is not None and not rows and at - 2 != first:
                        return None
                    address = fixed(data, at + 1, 8)
                at += size
            else:
                for _ in range(_operands(header, op)):
                    _, at = uleb(data, at)
        self._at = at
        return None

    def _tidy(self, rows: list[_Row]) -> list[_Row]:
        """Leave rows out that name no line, and sort what a hostile table has out of order."""
        self._left -= len(rows)
        if self._left < 0:
            raise IndexError("rows")
        rows = [row for row in rows if 0 < row[2] < MAX_LINE and row[0] <= _MASK]
        if any(rows[i][0] > rows[i + 1][0] for i in range(len(rows) - 1)):
            rows.sort(key=lambda row: row[0])
        return rows


def _operands(header: LineHeader, op: int) -> int:
    """Return how many numbers follow a standard operation that has no meaning here."""
    return header.opcode_lengths[op - 1] if op <= len(header.opcode_lengths) else 0
