"""From memory to facts: executors, tasks, logical stacks, waits."""

from __future__ import annotations

from adp_tui.engine.analysis.analysis import Analysis, analyse

__all__ = ["Analysis", "analyse"]
