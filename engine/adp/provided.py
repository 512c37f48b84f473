"""Every descriptor that may be used for a program, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.adp.catalogue import catalogue_texts, load_catalogue
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.note import SECTION, noted_texts
from adp_tui.engine.adp.schema import Descriptor, Origin
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean

__all__ = ["Provided", "provided"]

MAX_NOTED = 64
"""Descriptors in the notes of all modules: one for each crate that describes itself."""


@dataclass(frozen=True, slots=True)
class Provided:
    """The descriptors, the nearest first, and why some of the program's own are not among them."""

    descriptors: tuple[Descriptor, ...]
    problems: tuple[str, ...] = ()


def provided(program: Program, given: Sequence[Descriptor] = ()) -> Provided:
    """Return those of the project and the user, those in the binary, then adp-tui's own.

    Of one id the first that fits is used.

    Args:
        program: whose modules may carry descriptors.
        given: those of the project and the user, the nearest first.
    """
    noted: list[Descriptor] = []
    problems: list[str] = []
    for image in program.images:
        if image.module.is_executable or (image.elf is not None and image.elf.has(SECTION)):
            for found in _noted(image):
                if isinstance(found, str):
                    problems.append(found)
                elif len(noted) == MAX_NOTED:
                    problems.append(f"{image.name}: more than {MAX_NOTED} descriptors")
                    break
                else:
                    noted.append(found)
    return Provided((*given, *noted, *load_catalogue()), tuple(problems))


def _noted(image: Image) -> Iterator[Descriptor | str]:
    """Yield the descriptors in a module's notes, or why one cannot be used."""
    try:
        texts, problems = noted_texts(image)
    except AdpError as error:
        texts, problems = (), (error.message,)
    origin = Origin("note", clean(image.module.path, 1024))
    for problem in problems:
        yield f"{image.name}: {clean(problem, 512)}"
    for text in texts:
        try:
            yield load(text, catalogue_texts(), origin)
        except AdpError as error:
            yield f"{image.name}: {clean(error.message, 512)}"
