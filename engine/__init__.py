"""The debugger as a library: reads memory and debug info, knows no screen and no process."""

from __future__ import annotations
