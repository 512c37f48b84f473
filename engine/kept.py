"""Files that are kept from one run to the next: where, and how many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["kept_folder", "outgrown"]


def kept_folder(environment: Mapping[str, str]) -> Path | None:
    """Return adp-tui's folder by the XDG base directory specification; None for a user without a
    home.
    """
    base = environment.get("XDG_CACHE_HOME", "")
    try:
        root = Path(base) if base.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        return None
    return root / "adp-tui"


def outgrown(paths: Iterable[Path], limit: int) -> list[Path]:
    """Return the files that were used longest ago, beyond ``limit`` bytes of all."""
    found: list[tuple[os.stat_result, Path]] = []
    for path in paths:
        with suppress(OSError):
            found.append((path.stat(), path))
    total, old = 0, []
    for status, path in sorted(found, key=lambda each: each[0].st_mtime, reverse=True):
        total += status.st_size
        if total > limit:
            old.append(path)
    return old
