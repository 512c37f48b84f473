"""What pyelftools says of a file."""

from __future__ import annotations

from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

__all__ = ["build_id"]


def build_id(path: Path) -> str:
    """Return a file's build-id, read by pyelftools."""
    with path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".note.gnu.build-id")
        assert isinstance(section, NoteSection), path
        (note,) = section.iter_notes()
        return str(note["n_desc"])
