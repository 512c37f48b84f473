"""The comments in the demo's sources that say where tasks wait, threads block and one crashes."""

from __future__ import annotations

import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "demo" / "bank" / "src"
_MARKER = re.compile(r"^(?P<code>.*?)// (?P<what>waits|blocks|crashes)(?:: (?P<kinds>[a-z_ ]+))?$")

Place = tuple[str, int]
"""File as the debug information names it (``src/post.rs``) and line."""


def marked(what: str) -> dict[Place, tuple[str, ...]]:
    """Return each place with that marker, with the kinds of waits that it names.

    A marker stands at the end of a line, or alone above it.
    """
    found = {}
    for path in sorted(SOURCES.glob("*.rs")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = _MARKER.match(line)
            if match is not None and match["what"] == what:
                above = not match["code"].strip()
                place = f"src/{path.name}", number + above
                found[place] = tuple(sorted((match["kinds"] or "").split()))
    return found
