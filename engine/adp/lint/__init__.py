"""Checks of a descriptor against a program's types; no process is needed."""

from __future__ import annotations

from adp_tui.engine.adp.lint.check import Complaint, Severity, lint

__all__ = ["Complaint", "Severity", "lint"]
