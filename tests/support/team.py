"""The example team: a folder with descriptors and macros for the programs of the tests."""

from __future__ import annotations

from pathlib import Path

__all__ = ["EXAMPLE"]

EXAMPLE = Path(__file__).parents[1] / "macros" / "example" / ".adp"
