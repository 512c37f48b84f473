"""Abbreviation tables: each distinct declaration is compiled once for the whole file."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass

from adp_tui.engine.dwarf.constants import FORM
from adp_tui.engine.dwarf.leb import sleb, uleb
from adp_tui.engine.elf.file import Blob
from adp_tui.engine.errors import NoDebugInfoError

__all__ = ["FIXED_SIZE", "Abbreviations", "Declaration", "Skip"]

Skip = Callable[[bytes | mmap.mmap, int], int]

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
MAX_TABLE = 100_000


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
    """

    tag: int
    children: bool
    attributes: tuple[tuple[int, int, int], ...]
    size: int
    skip: Skip
    fixed: dict[int, tuple[int, int]]


class Abbreviations:
    """The tables of ``.debug_abbrev``: lists of declarations by code."""

    def __init__(self, blob: Blob) -> None:
        self._data = blob.slice(0, blob.size)
        self._tables: dict[int, dict[int, Declaration]] = {}
        self._known: dict[bytes, Declaration] = {}
        self._skips: dict[tuple[tuple[str, int], ...], Skip] = {}

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
        data = self._data
        table: dict[int, Declaration] = {}
        while data[offset] and len(table) < MAX_TABLE:
            code, offset = uleb(data, offset)
            start = offset
            _, offset = uleb(data, offset)
            offset += 1
            while True:
                attribute, offset = uleb(data, offset)
                form, offset = uleb(data, offset)
                if form == FORM.IMPLICIT_CONST:
                    _, offset = sleb(data, offset)
                if not attribute and not form:
                    break
            body = data[start:offset]
            declaration = self._known.get(body)
            if declaration is None:
                declaration = self._known[body] = self._declare(body)
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
        return Declaration(tag, children, tuple(attributes), size, skip, fixed)


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
            parts.append(("sized", _BLOCKS[FORM(form)]))
        elif form == FORM.STRING:
            parts.append(("string", 0))
        else:
            raise NoDebugInfoError(f"the debug information uses the unknown form {form:#x}")
    if run or not parts:
        parts.append(("fixed", run))
    total = parts[0][1] if len(parts) == 1 and parts[0][0] == "fixed" else -1
    return tuple(parts), fixed, total


def _make_skip(shape: _Shape) -> Skip:
    """Return a function that steps over values of this shape: the common shapes are direct."""
    if len(shape) == 1 and shape[0][0] == "fixed":
        total = shape[0][1]
        return lambda data, offset: offset + total
    kinds = [kind for kind, _ in shape]
    if kinds in (["fixed", "block"], ["block"], ["fixed", "block", "fixed"], ["block", "fixed"]):
        before = shape[0][1] if kinds[0] == "fixed" else 0
        after = shape[-1][1] if kinds[-1] == "fixed" else 0

        def skip_block(data: bytes | mmap.mmap, offset: int) -> int:
            length, offset = uleb(data, offset + before)
            return offset + length + after

        return skip_block
    if kinds in (["fixed", "leb"], ["leb"], ["fixed", "leb", "fixed"], ["leb", "fixed"]):
        before = shape[0][1] if kinds[0] == "fixed" else 0
        after = (shape[-1][1] if kinds[-1] == "fixed" else 0) + 1

        def skip_leb(data: bytes | mmap.mmap, offset: int) -> int:
            offset += before
            while data[offset] > 0x7F:
                offset += 1
            return offset + after

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
