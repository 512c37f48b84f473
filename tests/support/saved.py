"""A core, and the snapshot that was saved of it."""

from __future__ import annotations

from pathlib import Path

from adp_tui.backends.core import open_core
from adp_tui.engine.saved.file import read
from adp_tui.engine.session import Session
from support.build import Dump

__all__ = ["Pair"]


class Pair:
    """A core's session, and that of the snapshot that was saved of it."""

    def __init__(self, dump: Dump, path: Path) -> None:
        self.dump = dump
        self.path = path
        self.core = Session(open_core(dump.core, executable=dump.exe))
        self.saved = self.core.save(str(path))
        self.copy = Session(read(path))
