"""What the file descriptors of a process lead to, as /proc tells it (proc(5))."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from adp_tui.backends.files import clean
from adp_tui.backends.sockets import describe_sockets

__all__ = ["describe_files"]

MAX_FILES = 1 << 16
"""Of one snapshot: each takes some microseconds."""
MAX_INFO = 16 << 20
"""Bytes of fdinfo: it has a line for each file that an epoll watches."""
_SOCKET = re.compile(rb"socket:\[(\d{1,20})\]")
_ANONYMOUS = re.compile(rb"anon_inode:\[?([^\]]*)\]?")
_PAIR = re.compile(rb"\((\d+), (\d+)\)")


def describe_files(folder: Path, fds: Collection[int]) -> dict[int, str]:
    """Return what file descriptors lead to, each in a few words: a socket's addresses, a path.

    Args:
        folder: of the process, or of a thread of it, under /proc.
        fds: of which it is asked.
    """
    found: dict[int, str] = {}
    sockets: dict[int, int] = {}
    for fd in sorted(fds)[:MAX_FILES]:
        try:
            link = os.readlink(b"%b/fd/%d" % (os.fsencode(folder), fd))
        except FileNotFoundError:
            found[fd] = "not open"
            continue
        except OSError as error:
            found[fd] = f"not known: {error.strerror}"
            continue
        inode = _SOCKET.fullmatch(link)
        if inode is not None:
            sockets[fd] = int(inode[1])
        else:
            found[fd] = _file(folder, fd, link)
    return found | describe_sockets(folder, sockets)


def _file(folder: Path, fd: int, link: bytes) -> str:
    if link.startswith(b"pipe:["):
        flags = _number(_info(folder, fd), b"flags", 8)
        return "pipe" if flags is None else f"pipe, {'write' if flags & 3 else 'read'} end"
    anonymous = _ANONYMOUS.fullmatch(link)
    if anonymous is None:
        return clean(link)
    name = clean(anonymous[1])
    info = _info(folder, fd)
    match name:
        case "eventpoll":
            watched = info.count(b"\ntfd:")
            return f"epoll, watches {watched:,}"
        case "inotify":
            watched = info.count(b"\ninotify ")
            return f"inotify, watches {watched:,}"
        case "eventfd":
            count = _number(info, b"eventfd-count", 16)
            return name if count is None else f"eventfd, count {count:,}"
        case "timerfd":
            return _timer(info)
        case "pidfd":
            pid = _number(info, b"Pid", 10)
            if pid is None or pid == 0:
                return name
            return f"pidfd of {f'process {pid}' if pid > 0 else 'a process that has ended'}"
        case _:
            return name


def _timer(info: bytes) -> str:
    left = _PAIR.search(info, max(info.find(b"\nit_value:"), 0))
    every = _PAIR.search(info, max(info.find(b"\nit_interval:"), 0))
    if left is None or every is None:
        return "timerfd"
    seconds, interval = (int(each[1]) + int(each[2]) / 1e9 for each in (left, every))
    if _number(info, b"ticks", 10):
        text = "timerfd, has run out"
    elif not seconds:
        return "timerfd, not set"
    else:
        text = f"timerfd, {seconds:.3f} s left"
    return f"{text}, every {interval:.3f} s" if interval else text


def _info(folder: Path, fd: int) -> bytes:
    """Return the lines that the kernel has on a file descriptor; none where it refuses."""
    try:
        with open(folder / "fdinfo" / str(fd), "rb") as file:
            return file.read(MAX_INFO)
    except OSError:
        return b""


def _number(info: bytes, name: bytes, base: int) -> int | None:
    found = re.search(rb"^" + name + rb":\s*(-?[0-9a-fA-F]+)$", info, re.MULTILINE)
    try:
        return None if found is None else int(found[1], base)
    except ValueError:
        return None
