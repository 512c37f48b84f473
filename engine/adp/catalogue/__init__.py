"""The descriptors that ship with adp-tui, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.plan import Planner
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program

__all__ = ["SUFFIX", "Chosen", "catalogue_texts", "choose", "load_catalogue", "why_refused"]

SUFFIX = ".adp.json"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The descriptors that fit a program, and why the others do not."""

    applied: tuple[Descriptor, ...]
    refused: tuple[tuple[Descriptor, str], ...]


@cache
def catalogue_texts() -> Mapping[str, str]:
    """Return the JSON of the descriptors that ship with adp-tui, by what others extend them by."""
    return {
        file.name.removesuffix(SUFFIX): file.read_text("utf-8")
        for file in Path(__file__).parent.iterdir()
        if file.name.endswith(SUFFIX)
    }


@cache
def load_catalogue() -> tuple[Descriptor, ...]:
    """Read the descriptors that ship with adp-tui, by file name."""
    texts = catalogue_texts()
    # Few of their expressions are ever used; a test parses all of them.
    return tuple(load(texts[name], texts, checks=False) for name in sorted(texts))


def choose(program: Program, descriptors: Sequence[Descriptor]) -> Chosen:
    """Keep the descriptors whose probes all resolve; of one id the first one that fits."""
    applied: dict[str, Descriptor] = {}
    refused: list[tuple[Descriptor, str]] = []
    for descriptor in descriptors:
        problem = why_refused(program, descriptor)
        if problem is not None:
            refused.append((descriptor, problem))
        elif descriptor.id in applied:
            refused.append((descriptor, f"{applied[descriptor.id].source} fits already"))
        else:
            applied[descriptor.id] = descriptor
    return Chosen(tuple(applied.values()), tuple(refused))


def why_refused(program: Program, descriptor: Descriptor) -> str | None:
    """Return why a descriptor does not fit; None when it does. No memory is read."""
    planner = Planner(descriptor.lenses)
    for probe in descriptor.probe:
        wanted = not probe.startswith("!")
        problem = _resolve(program, planner, descriptor, probe.lstrip("!"))
        if (problem is None) != wanted:
            return problem or f"{probe.lstrip('!')} exists"
    return None


def _resolve(program: Program, planner: Planner, descriptor: Descriptor, probe: str) -> str | None:
    if probe.startswith("#"):
        name, _, path = probe[1:].partition(".")
        full = descriptor.types.get(name, name)
    else:
        full, _, path = probe.partition(".")
    type_: Type | None = program.type_named(full)
    if type_ is None:
        return f"the program has no type {full}"
    try:
        for field in path.split(".") if path else ():
            type_ = planner.field(type_, field).type
    except AdpError as error:
        return str(error)
    return None
