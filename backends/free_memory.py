"""How much memory can be taken without making the kernel kill something.

In a container the kernel kills the largest process when its limit is reached: that would be the
one that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["free_memory"]

_GROUPS = Path("/sys/fs/cgroup")
MAX_DEPTH = 64


def free_memory(groups: Path = _GROUPS, proc: Path = Path("/proc")) -> int:
    """Return the bytes that are free, or can be freed: of the machine and of our control groups.

    Args:
        groups: where control groups of version 2 are mounted; those of version 1 are not looked at.
        proc: where the kernel tells of the machine and of this process.
    """
    free = [_machine(proc / "meminfo")]
    free += _limits(groups, proc / "self/cgroup")
    return max(min(free), 0)


def _machine(meminfo: Path) -> int:
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return 0
    words = next((line.split() for line in lines if line.startswith("MemAvailable:")), [])
    return int(words[1]) * 1024 if len(words) > 1 else 0


def _limits(groups: Path, own: Path) -> Iterator[int]:
    """Yield what each limit leaves, from our own group up to the root."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    path = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    folder = groups / path.lstrip("/")
    for _ in range(MAX_DEPTH):
        try:
            limit = (folder / "memory.max").read_text().strip()
            if limit != "max":
                yield int(limit) - int((folder / "memory.current").read_text())
        except (OSError, ValueError):
            # The root has no limit, and not every group has this controller.
            pass
        if folder in (groups, folder.parent):
            return
        folder = folder.parent
