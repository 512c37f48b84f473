"""DWARF read without an index: units, DIEs, types, lines, locations."""

from __future__ import annotations
