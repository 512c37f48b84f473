"""Draw a view and say what was chosen; nothing about targets."""

from __future__ import annotations
