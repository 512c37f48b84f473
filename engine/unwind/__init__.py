"""Native stacks: call frame information, inline chains, variables of frames."""

from __future__ import annotations
