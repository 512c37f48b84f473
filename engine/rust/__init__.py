"""What Rust itself lays down: coroutines, vtables, names, standard types."""

from __future__ import annotations
