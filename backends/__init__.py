"""Where memory, registers, threads and modules come from; nothing about Rust."""

from __future__ import annotations
