"""ELF files: headers, build-ids, symbols, separate debug files, notes."""

from __future__ import annotations
