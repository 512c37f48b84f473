"""Descriptors that a binary carries itself: the ELF note ``.note.adp`` (docs/adp.md, Carrier)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.elf.notes import notes
from adp_tui.engine.errors import AdpError, LayoutError, NoDebugInfoError
from adp_tui.engine.image import Image

__all__ = ["MAX_BYTES", "SECTION", "noted_texts"]

SECTION = ".note.adp"
OWNER = b"ADP"
JSON, PACKED = 0x41445001, 0x41445003
"""Types of notes: UTF-8 JSON, padded with spaces, and the same compressed by zlib. Others are
passed over."""
MAX_BYTES = 1 << 20
"""Bytes of all descriptors of a module together, unpacked."""
_TABLE = "notes"


def noted_texts(image: Image) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the JSON of each descriptor that a module's file carries, and what is wrong there.

    The file is asked first, then its separate debug file: both halves of a stripped program
    have the note. What was found is kept with the other answers about the files.
    """
    known = image.answers.table(_TABLE)
    if SECTION not in known:
        found: tuple[tuple[bytes, ...], tuple[str, ...]] = ((), ())
        for elf in (image.elf, image.debug_file):
            if elf is not None and not any(found):
                try:
                    found = _read(elf)
                except NoDebugInfoError:
                    # A file of which a saved snapshot has only the headers.
                    return (), ()
        known[SECTION] = found
    texts, problems = known[SECTION]
    return tuple(text.decode("utf-8", "replace") for text in texts), problems


def _read(elf: ElfFile) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    texts: list[bytes] = []
    problems: list[str] = []
    left = MAX_BYTES
    try:
        for number, data in _descriptors(elf):
            try:
                text = _text(data, left)
                left -= len(text)
                texts.append(text.strip(b" \0"))
            except LayoutError as error:
                problems.append(f"descriptor {number}: {error}")
    except NoDebugInfoError:
        raise
    except AdpError as error:
        problems.append(str(error))
    return tuple(texts), tuple(problems)


def _descriptors(elf: ElfFile) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yield number, type and bytes of each note that holds a descriptor."""
    number = 0
    # Heads and names of the records come on top of what they hold.
    for note in notes(elf, SECTION, MAX_BYTES + (MAX_BYTES >> 4)):
        if note.owner == OWNER and note.type in (JSON, PACKED):
            number += 1
            yield number, (note.type, note.data)


def _text(note: tuple[int, bytes], left: int) -> bytes:
    """Return the JSON of a note, of at most ``left`` bytes.

    Raises:
        LayoutError: it is too long, or damaged.
    """
    kind, data = note
    if kind == PACKED:
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(data, left + 1)
        except zlib.error as error:
            raise LayoutError(f"it cannot be unpacked: {error}") from None
        if len(unpacked) <= left and not unpacker.eof:
            raise LayoutError("it cannot be unpacked: it is cut off")
        data = unpacked
    if len(data) > left:
        raise LayoutError(f"the descriptors of one module have more than {MAX_BYTES} bytes")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LayoutError(f"it is no UTF-8: {error.reason}") from None
    return data
