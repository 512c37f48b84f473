"""Rows for each pane: pure functions from a snapshot to text cells."""

from __future__ import annotations
