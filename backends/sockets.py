"""What the sockets of a process are, as the tables of its network namespace tell it (proc(5))."""

from __future__ import annotations

import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from adp_tui.backends.files import clean

__all__ = ["describe_sockets"]

MAX_LINES = 1 << 18
"""Of one table: so many sockets in one network namespace are read in some tenths of a second."""
_LISTENS = 0x10000
"""__SO_ACCEPTCON (linux/net.h)."""

# include/net/tcp_states.h, include/uapi/linux/net.h.
_TCP_STATES = {
    0x1: "ESTABLISHED", 0x2: "SYN_SENT", 0x3: "SYN_RECV", 0x4: "FIN_WAIT1", 0x5: "FIN_WAIT2",
    0x6: "TIME_WAIT", 0x7: "CLOSE", 0x8: "CLOSE_WAIT", 0x9: "LAST_ACK", 0xA: "LISTEN",
    0xB: "CLOSING", 0xC: "SYN_RECV",
}  # fmt: skip
_UNIX_STATES = {1: "UNCONNECTED", 2: "CONNECTING", 3: "CONNECTED", 4: "DISCONNECTING"}
_UNIX_TYPES = {1: "stream", 2: "dgram", 5: "seqpacket"}
_UNIX = re.compile(rb"[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) ([0-9A-F]+) ([0-9A-F]+) +\d+")


def describe_sockets(folder: Path, sockets: Mapping[int, int]) -> dict[int, str]:
    """Return what sockets are: ``tcp 127.0.0.1:80 → 10.0.0.1:5555 ESTABLISHED``.

    Args:
        folder: of the process, or of a thread of it, under /proc.
        sockets: inode by file descriptor.
    """
    protocols = {fd: _protocol(folder, fd) for fd in sockets}
    texts: dict[int, str] = {}
    for name, (members, column, read) in _TABLES.items():
        likely = (fd for fd, its in protocols.items() if its is None or its in members)
        wanted = {sockets[fd] for fd in likely} - texts.keys()
        if wanted:
            texts |= _table(folder / "net" / name, wanted, column, read)
    return {
        fd: texts.get(inode) or f"{protocols[fd] or ''} socket".strip()
        for fd, inode in sockets.items()
    }


def _protocol(folder: Path, fd: int) -> str | None:
    """Return the kernel's name of a socket's protocol; None where it does not tell."""
    try:
        name = os.getxattr(f"{folder}/fd/{fd}", "system.sockprotoname")
    except OSError:
        return None
    return clean(name.rstrip(b"\0")).lower()


def _table(
    path: Path, wanted: set[int], column: int, read: Callable[[bytes], str]
) -> dict[int, str]:
    """Return what a table says of the sockets with these inodes, which stand in a column of it."""
    found: dict[int, str] = {}
    times: Counter[int] = Counter()
    for line in _lines(path):
        try:
            inode = int(line.split(None, column + 1)[column])
            if inode in wanted:
                times[inode] += 1
                found[inode] = read(line)
        except (ValueError, IndexError):
            continue
    # The path of a socket may hold line ends, and forge what is said of another one.
    return {inode: text for inode, text in found.items() if times[inode] == 1}


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from islice(file, 1, MAX_LINES)
    except OSError:
        return


def _internet(line: bytes, kind: str) -> str:
    """Return what a line of net/tcp, net/udp or their like for IPv6 says.

    Raises:
        ValueError, IndexError: it is none.
    """
    _, local, peer, code, queues, *_ = line.split()
    state = int(code, 16)
    unsent, unread = (int(each, 16) for each in queues.split(b":"))
    words = [kind, _address(local)]
    if int(peer.rpartition(b":")[2], 16):
        words += ["→", _address(peer)]
    more = ""
    if kind == "tcp":
        words.append(_TCP_STATES.get(state, f"state {state}"))
        unit = "to accept" if words[-1] == "LISTEN" else "bytes to read"
        more = f", {unread:,} {unit}" if unread else ""
        more += f", {unsent:,} bytes not acknowledged" if unsent else ""
    elif unread:
        # The kernel counts the memory that they take.
        more = ", datagrams to read"
    return " ".join(words) + more


def _tcp(line: bytes) -> str:
    return _internet(line, "tcp")


def _udp(line: bytes) -> str:
    return _internet(line, "udp")


def _address(text: bytes) -> str:
    """Return address and port; the kernel writes an address as words of this machine's order.

    Raises:
        ValueError: it is none.
    """
    address, _, port = text.decode("ascii").partition(":")
    raw = bytes.fromhex(address)
    raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    if len(raw) == 4:
        return f"{socket.inet_ntop(socket.AF_INET, raw)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:{int(port, 16)}"


def _unix(line: bytes) -> str:
    """Return what a line of net/unix says.

    Raises:
        ValueError: it is none.
    """
    parts = _UNIX.match(line)
    if parts is None:
        raise ValueError("no line of a socket")
    flags, type_, state = (int(each, 16) for each in parts.groups())
    listens = flags & _LISTENS
    words = (
        "unix",
        _UNIX_TYPES.get(type_, f"type {type_}"),
        clean(line[parts.end() + 1 :].rstrip(b"\n")),
        "LISTEN" if listens else _UNIX_STATES.get(state, f"state {state}"),
    )
    return " ".join(word for word in words if word)


_TABLES: Mapping[str, tuple[tuple[str, ...], int, Callable[[bytes], str]]] = {
    "tcp": (("tcp",), 9, _tcp),
    "tcp6": (("tcpv6",), 9, _tcp),
    "udp": (("udp",), 9, _udp),
    "udp6": (("udpv6",), 9, _udp),
    "unix": (("unix", "unix-stream"), 6, _unix),
}
"""Tables by name: the protocols whose sockets are in it, the column of inodes, who reads a line."""
