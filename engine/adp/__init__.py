"""The Async Debugging Protocol: descriptors and their expression language."""

from __future__ import annotations
