"""The command line, the application, its screens and keys."""

from __future__ import annotations
