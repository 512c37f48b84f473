"""Where the files that a process has mapped can be read, whatever happened to their names.

A process may run in another mount namespace, and its files may have been deleted or replaced. The
kernel keeps them open: /proc/PID/exe is the program, /proc/PID/map_files has each mapped file
(which only a privileged user may open), /proc/PID/root is the process's own file system.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from adp_tui.backends.procfs import GoneError, Mapping, Procfs

__all__ = ["ProcessFiles"]


class ProcessFiles:
    """Paths to the files of a process, those that are surely the same first."""

    def __init__(self, procfs: Procfs, mappings: Sequence[Mapping]) -> None:
        self._folder = os.fsencode(procfs.memory_folder)
        self._by_path: dict[bytes, Mapping] = {}
        for each in mappings:
            if each.is_file:
                self._by_path.setdefault(each.path, each)
        try:
            self._executable = procfs.executable()
        except (GoneError, OSError):
            self._executable = b""

    def __repr__(self) -> str:
        return f"<ProcessFiles {os.fsdecode(self._folder)}>"

    def candidates(self, path: bytes, plain: bytes) -> Iterator[bytes]:
        """Yield where a mapped file may be read.

        Args:
            path: as the kernel names it, with its mark for a deleted file.
            plain: without that mark.
        """
        mapping = self._by_path.get(path)
        for name in (plain, self._folder + b"/root" + plain):
            if mapping is None or self._is_same(name, mapping):
                yield name
        if path == self._executable:
            yield self._folder + b"/exe"
        if mapping is not None:
            yield b"%s/map_files/%x-%x" % (self._folder, mapping.start, mapping.end)

    @staticmethod
    def _is_same(name: bytes, mapping: Mapping) -> bool:
        """Tell whether a path leads to the file that is mapped, and not to one that replaced it.

        Overlay file systems show another device number in /proc/PID/maps than stat(2) does.
        """
        try:
            return os.stat(name).st_ino == mapping.inode
        except (OSError, ValueError):
            return False
