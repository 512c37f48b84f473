"""From memory to facts: executors, tasks, logical stacks, waits."""

from __future__ import annotations
