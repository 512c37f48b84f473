"""Which version of a runtime a program was built with, where crate paths tell it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from adp_tui.engine.analysis.rules import Applied
from adp_tui.engine.model import RuntimeFacts
from adp_tui.engine.program import Program

__all__ = ["crate_version", "runtime_facts"]

MAX_CRATES = 4096
_ASKED = ""
"""No crate's name: it stands in the table once a program was asked, even if it has none."""
_MAX_PATH = 160
"""Bytes of a crate's name and version, and what stands around it."""
_CRATE = re.compile(
    rb"/([A-Za-z][\w-]{0,63}?)-(\d{1,5}\.\d{1,5}\.\d{1,5}(?:[-+][0-9A-Za-z.]{1,32})?)(?=[/\\])"
)


def crate_version(program: Program, crate: str) -> str | None:
    """Return the version in the paths of a crate's source files, or None.

    Cargo keeps a registry crate in ``…/tokio-1.38.2/src/…``; a vendored or renamed copy has
    no version in its path. Two different versions in one program give None.
    """
    found: set[str] = set()
    for image in program.images:
        # In this order: what libraries say of themselves need not be read.
        if not image.module.is_executable or image.debug is None:
            continue
        known = image.answers.table("crate versions")
        if not known:
            known[_ASKED] = ()
            known.update(_versions(image.debug.in_paths(_CRATE, _MAX_PATH)))
        found.update(known.get(crate, ()))
    return found.pop() if len(found) == 1 else None


def _versions(paths: Iterable[re.Match[bytes]]) -> dict[str, tuple[str, ...]]:
    """Return all versions that stand in paths, by crate."""
    found: dict[str, set[str]] = defaultdict(set)
    for match in paths:
        if len(found) >= MAX_CRATES:
            break
        found[match[1].decode("ascii", "replace")].add(match[2].decode("ascii"))
    return {crate: tuple(sorted(versions)) for crate, versions in found.items()}


def runtime_facts(program: Program, applied: Sequence[Applied]) -> tuple[RuntimeFacts, ...]:
    """Return the runtimes that were recognised: descriptors that know executors or tasks."""
    facts = []
    for entry in applied:
        descriptor = entry.descriptor
        if not descriptor.is_runtime:
            continue
        version = None
        for crate in descriptor.for_[:1]:
            version = crate_version(program, crate.crate)
        facts.append(
            RuntimeFacts(
                name=descriptor.id,
                version=version,
                descriptor=descriptor.source,
                tested=version is not None and version in descriptor.tested,
            )
        )
    return tuple(facts)
