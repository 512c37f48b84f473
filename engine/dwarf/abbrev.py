"""Abbreviation tables: each distinct declaration is compiled once for the whole file."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Sequence
from typing import Final

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import FORM
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.elf.file import Blob
from adp_tui.engine.errors import NoDebugInfoError
from adp_tui.engine.text import clean

__all__ = ["FIXED_SIZE", "Abbreviations", "Declaration", "Raw", "Read", "Skip"]

Raw = int | bytes | str
"""A value as it is stored: a number (an index, an offset), a block, or an inline string."""
Skip = Callable[[bytes | mmap.mmap, int], int]
Read = Callable[[bytes | mmap.mmap, int], tuple[Sequence[Raw], int]]

FIXED_SIZE: dict[int, int] = {
    FORM.ADDR: 8, FORM.DATA1: 1, FORM.DATA2: 2, FORM.DATA4: 4, FORM.DATA8: 8, FORM.DATA16: 16,
    FORM.FLAG: 1, FORM.FLAG_PRESENT: 0, FORM.IMPLICIT_CONST: 0, FORM.STRP: 4,
    FORM.LINE_STRP: 4, FORM.STRP_SUP: 4, FORM.REF_ADDR: 4, FORM.REF1: 1, FORM.REF2: 2,
    FORM.REF4: 4, FORM.REF8: 8, FORM.REF_SIG8: 8, FORM.REF_SUP4: 4, FORM.SEC_OFFSET: 4,
    FORM.STRX1: 1, FORM.STRX2: 2, FORM.STRX3: 3, FORM.STRX4: 4,
    FORM.ADDRX1: 1, FORM.ADDRX2: 2, FORM.ADDRX3: 3, FORM.ADDRX4: 4,
    FORM.GNU_REF_ALT: 4, FORM.GNU_STRP_ALT: 4,
}  # fmt: skip
"""Bytes of each form with a fixed size, in 32-bit DWARF with 8-byte addresses."""

_LEB = frozenset(
    {FORM.SDATA, FORM.UDATA, FORM.REF_UDATA, FORM.STRX, FORM.ADDRX, FORM.LOCLISTX, FORM.RNGLISTX}
)
_BLOCKS = {FORM.BLOCK1: 1, FORM.BLOCK2: 2, FORM.BLOCK4: 4}
_NUMBERS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_BLOCK: Final = -1
_SLEB: Final = -2
_ULEB: Final = -3
_STRING: Final = -4


class WAY:
    """How values are stepped over: what varies in size among them."""

    FIXED: Final = 0
    LEB: Final = 1
    BLOCK: Final = 2
    OTHER: Final = 3


MAX_TABLE = 100_000
MAX_STRING: Final = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Declaration:
    """What DIEs with one abbreviation code look like.

    Attributes:
        tag: DW_TAG_*.
        children: whether such a DIE has children.
        attributes: (attribute, form, implicit constant) in the order of their values.
        size: bytes of all values, or -1 where that differs from DIE to DIE.
        skip: from the offset of the first value to the offset after the last.
        fixed: attribute → (offset from the first value, form), up to the first value
            without a fixed size.
        read: from the offset of the first value to all values and the offset after the last.
        slots: attribute → (place among the values that ``read`` gives, form).
        way: the WAY that ``skip`` goes, and the bytes before and after what varies.
    """

    tag: int
    children: bool
    attributes: tuple[tuple[int, int, int], ...]
    size: int
    skip: Skip
    fixed: dict[int, tuple[int, int]]
    read: Read
    slots: dict[int, tuple[int, int]]
    way: tuple[int, int, int]


class Abbreviations:
    """The tables of ``.debug_abbrev``: lists of declarations by code."""

    def __init__(self, blob: Blob) -> None:
        self._data = blob.slice(0, blob.size)
        self._tables: dict[int, dict[int, Declaration]] = {}
        self._known: dict[bytes, Declaration] = {}
        self._skips: dict[_Shape, Skip] = {}

    def table(self, offset: int) -> dict[int, Declaration]:
        """Return the table that begins at an offset, by abbreviation code.

        Raises:
            NoDebugInfoError: it is cut off or holds a form that nobody knows.
        """
        found = self._tables.get(offset)
        if found is None:
            try:
                found = self._parse(offset)
            except IndexError as error:
                raise NoDebugInfoError(f".debug_abbrev is cut off at {offset:#x}") from error
            self._tables[offset] = found
        return found

    def _parse(self, offset: int) -> dict[int, Declaration]:
        data, known = self._data, self._known
        table: dict[int, Declaration] = {}
        while data[offset] and len(table) < MAX_TABLE:
            code, start = uleb(data, offset)
            # Most declarations end with the first two zeros, and most are known by their bytes.
            offset = data.find(b"\0\0", start + 2) + 2
            declaration = known.get(data[start:offset]) if offset > start else None
            if declaration is not None:
                table[code] = declaration
                continue
            _, offset = uleb(data, start)
            offset += 1
            while True:
                attribute, offset = uleb(data, offset)
                form, offset = uleb(data, offset)
                if form == FORM.IMPLICIT_CONST:
                    _, offset = sleb(data, offset)
                if not attribute and not form:
                    break
            body = data[start:offset]
            declaration = known.get(body)
            if declaration is None:
                declaration = known[body] = self._declare(body)
            table[code] = declaration
        return table

    def _declare(self, body: bytes) -> Declaration:
        tag, at = uleb(body, 0)
        children, at = bool(body[at]), at + 1
        attributes = []
        while True:
            attribute, at = uleb(body, at)
            form, at = uleb(body, at)
            implicit = 0
            if form == FORM.IMPLICIT_CONST:
                implicit, at = sleb(body, at)
            if not attribute and not form:
                break
            attributes.append((attribute, form, implicit))
        shape, fixed, size = _shape(attributes)
        skip = self._skips.get(shape)
        if skip is None:
            skip = self._skips[shape] = _make_skip(shape)
        read, slots = _make_read(attributes)
        way = _way(shape)
        return Declaration(tag, children, tuple(attributes), size, skip, fixed, read, slots, way)


_Shape = tuple[tuple[str, int], ...]


def _shape(
    attributes: list[tuple[int, int, int]],
) -> tuple[_Shape, dict[int, tuple[int, int]], int]:
    """Return the run of value kinds, the values at fixed offsets, and the size or -1."""
    parts: list[tuple[str, int]] = []
    fixed: dict[int, tuple[int, int]] = {}
    run, known = 0, True
    for attribute, form, _ in attributes:
        if known:
            fixed.setdefault(attribute, (run, form))
        size = FIXED_SIZE.get(form)
        if size is not None:
            run += size
            continue
        known = False
        if run:
            parts.append(("fixed", run))
            run = 0
        if form in _LEB:
            parts.append(("leb", 0))
        elif form in (FORM.EXPRLOC, FORM.BLOCK):
            parts.append(("block", 0))
        elif form in _BLOCKS:
            parts.append(("sized", _BLOCKS[form]))
        elif form == FORM.STRING:
            parts.append(("string", 0))
        else:
            raise NoDebugInfoError(f"the debug information uses the unknown form {form:#x}")
    if run or not parts:
        parts.append(("fixed", run))
    total = parts[0][1] if len(parts) == 1 and parts[0][0] == "fixed" else -1
    return tuple(parts), fixed, total


def _way(shape: _Shape) -> tuple[int, int, int]:
    """Return how to step over values of this shape, and the bytes before and after what varies."""
    kinds = [kind for kind, _ in shape]
    before = shape[0][1] if kinds[0] == "fixed" else 0
    if len(kinds) == 1 and kinds[0] == "fixed":
        return WAY.FIXED, before, 0
    after = shape[-1][1] if kinds[-1] == "fixed" else 0
    varying = [kind for kind in kinds if kind != "fixed"]
    way = {"leb": WAY.LEB, "block": WAY.BLOCK}.get(varying[0], WAY.OTHER)
    return (way, before, after) if len(varying) == 1 else (WAY.OTHER, 0, 0)


def _make_skip(shape: _Shape) -> Skip:
    """Return a function that steps over values of this shape: the common shapes are direct."""
    way, before, after = _way(shape)
    if way == WAY.FIXED:
        return lambda data, offset: offset + before
    if way == WAY.BLOCK:

        def skip_block(data: bytes | mmap.mmap, offset: int) -> int:
            length, offset = uleb(data, offset + before)
            return offset + length + after

        return skip_block
    if way == WAY.LEB:

        def skip_leb(data: bytes | mmap.mmap, offset: int) -> int:
            offset += before
            while data[offset] > 0x7F:
                offset += 1
            return offset + after + 1

        return skip_leb

    def skip(data: bytes | mmap.mmap, offset: int) -> int:
        for kind, number in shape:
            if kind == "fixed":
                offset += number
            elif kind == "leb":
                while data[offset] > 0x7F:
                    offset += 1
                offset += 1
            elif kind == "block":
                length, offset = uleb(data, offset)
                offset += length
            elif kind == "sized":
                length = int.from_bytes(data[offset : offset + number], "little")
                offset += number + length
            else:
                end = data.find(b"\0", offset)
                if end < 0:
                    raise IndexError(offset)
                offset = end + 1
        return offset

    return skip


_NOTHING = struct.Struct("")


def _make_read(
    attributes: list[tuple[int, int, int]],
) -> tuple[Read, dict[int, tuple[int, int]]]:
    """Return a function that reads values of this shape, and where it puts each attribute's.

    A run of numbers is read at once; what the declaration itself says stands at the end.
    """
    steps: list[struct.Struct | int] = []
    slots: dict[int, tuple[int, int]] = {}
    constants: list[tuple[int, int, int]] = []
    run, place = "", 0
    for attribute, form, implicit in attributes:
        size = FIXED_SIZE.get(form)
        if size == 0:
            constants.append((attribute, form, implicit if form == FORM.IMPLICIT_CONST else 1))
            continue
        slots[attribute] = (place, form)
        place += 1
        if size in _NUMBERS:
            run += _NUMBERS[size]
            continue
        if run:
            steps.append(struct.Struct(f"<{run}"))
            run = ""
        steps.append(_step(form, size))
    if run:
        steps.append(struct.Struct(f"<{run}"))
    for number, (attribute, form, _) in enumerate(constants):
        slots[attribute] = (place + number, form)
    implied = tuple(value for _, _, value in constants)
    if len(steps) == 1 and isinstance(steps[0], struct.Struct):
        return _read_numbers(steps[0], implied), slots
    if steps.count(_ULEB) == 1 and all(s == _ULEB or isinstance(s, struct.Struct) for s in steps):
        at = steps.index(_ULEB)
        return _read_leb(steps[:at], steps[at + 1 :], implied), slots
    return _read_steps(steps, implied), slots


def _step(form: int, size: int | None) -> int:
    """Return how a value is read: so many bytes of a number, or what the negative codes say."""
    if size is not None:
        return size
    if form in (FORM.EXPRLOC, FORM.BLOCK):
        return _BLOCK
    if form in _BLOCKS:
        return _BLOCK - 16 * _BLOCKS[form]
    return _STRING if form == FORM.STRING else _SLEB if form == FORM.SDATA else _ULEB


def _read_numbers(numbers: struct.Struct, implied: tuple[int, ...]) -> Read:
    unpack, size = numbers.unpack_from, numbers.size
    if not implied:
        return lambda data, at: (unpack(data, at), at + size)
    return lambda data, at: (unpack(data, at) + implied, at + size)


def _read_leb(
    before: list[struct.Struct | int], after: list[struct.Struct | int], implied: tuple[int, ...]
) -> Read:
    """Read one number of varying size among others: what most members and structures have."""
    first, last = (each[0] if each else _NOTHING for each in (before, after))
    assert isinstance(first, struct.Struct) and isinstance(last, struct.Struct)
    unpack_first, skipped = first.unpack_from, first.size
    unpack_last, size = last.unpack_from, last.size

    def read(data: bytes | mmap.mmap, at: int) -> tuple[Sequence[Raw], int]:
        number, after = uleb(data, at + skipped)
        values = (*unpack_first(data, at), number, *unpack_last(data, after), *implied)
        return values, after + size

    return read


def _read_steps(steps: list[struct.Struct | int], implied: tuple[int, ...]) -> Read:
    def read(data: bytes | mmap.mmap, at: int) -> tuple[Sequence[Raw], int]:
        values: list[Raw] = []
        for step in steps:
            if isinstance(step, struct.Struct):
                values += step.unpack_from(data, at)
                at += step.size
            elif step == _ULEB:
                number, at = uleb(data, at)
                values.append(number)
            elif step > 0:
                values.append(int.from_bytes(data[at : at + step], "little"))
                at += step
            else:
                value, at = _read_other(data, at, step)
                values.append(value)
        values += implied
        return values, at

    return read


def _read_other(data: bytes | mmap.mmap, at: int, step: int) -> tuple[Raw, int]:
    if step == _SLEB:
        return sleb(data, at)
    if step == _STRING:
        end = data.find(b"\0", at)
        if end < 0:
            raise IndexError(at)
        return clean(data[at : min(end, at + MAX_STRING)].decode("utf-8", "replace")), end + 1
    if step == _BLOCK:
        length, at = uleb(data, at)
    else:
        width = (_BLOCK - step) // 16
        length = int.from_bytes(data[at : at + width], "little")
        at += width
    return data[at : at + length], at + length
