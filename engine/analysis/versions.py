"""Which version of a runtime a program was built with, where crate paths tell it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adp_tui.engine.analysis.rules import Applied
from adp_tui.engine.elf.file import Blob
from adp_tui.engine.model import RuntimeFacts
from adp_tui.engine.program import Program

__all__ = ["crate_version", "runtime_facts"]

MAX_VERSION = 64
MAX_HITS = 4096
"""Places of a crate's name looked at: other crates' names begin the same way."""
_VERSION = re.compile(rb"-(\d{1,5}\.\d{1,5}\.\d{1,5}(?:[-+][0-9A-Za-z.]{1,32})?)[/\\]")


def crate_version(program: Program, crate: str) -> str | None:
    """Return the version in the paths of a crate's source files, or None.

    Cargo keeps a registry crate in ``…/tokio-1.38.2/src/…``; a vendored or renamed copy has
    no version in its path. Two different versions in one program give None.
    """
    found: set[str] = set()
    for image in program.images:
        if image.debug is None or not image.module.is_executable:
            continue
        known = image.answers.table("crate versions")
        if crate not in known:
            texts = image.debug.path_sections()
            known[crate] = tuple({v for text in texts for v in _versions(text, f"/{crate}")})
        found.update(known[crate])
    return found.pop() if len(found) == 1 else None


def _versions(text: Blob, crate: str) -> set[str]:
    found: set[str] = set()
    needle = crate.encode()
    at = text.find(needle)
    for _ in range(MAX_HITS):
        if at < 0 or len(found) > 1:
            break
        end = at + len(needle)
        match = _VERSION.match(text.slice(end, end + MAX_VERSION))
        if match is not None:
            found.add(match.group(1).decode("ascii"))
        at = text.find(needle, end)
    return found


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
