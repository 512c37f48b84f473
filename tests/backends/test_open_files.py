"""What file descriptors lead to: of this very process, which knows what it opened, and of fakes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from support.alive import alive, stayed, until
from support.build import NEWEST, Dump

from adp_tui.backends.live import LiveProcess
from adp_tui.backends.open_files import describe_files
from adp_tui.engine.session import Session

SELF = Path("/proc/self")
LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def told(fd: int) -> str:
    return describe_files(SELF, [fd])[fd]


def tcp_pair(opened: ExitStack, family: int, host: str) -> tuple[socket.socket, ...]:
    """Return a listening socket, a client's and the server's end."""
    listener = opened.enter_context(socket.socket(family))
    listener.bind((host, 0))
    listener.listen()
    client = opened.enter_context(socket.socket(family))
    client.connect(listener.getsockname())
    return listener, client, opened.enter_context(listener.accept()[0])


def says(one: socket.socket, expected: str) -> None:
    """Wait until this is told of a socket: the kernel may deliver what was sent later."""
    until(lambda: told(one.fileno()) == expected, f"{expected!r}, not {told(one.fileno())!r}")


def test_tcp(opened: ExitStack) -> None:
    listener, client, server = tcp_pair(opened, socket.AF_INET, "127.0.0.1")
    here, there = listener.getsockname()[1], client.getsockname()[1]
    assert told(listener.fileno()) == f"tcp 127.0.0.1:{here} LISTEN"
    assert told(client.fileno()) == f"tcp 127.0.0.1:{there} → 127.0.0.1:{here} ESTABLISHED"
    # WHEN something was sent, THEN it can be read
    client.send(b"hello")
    ends = f"tcp 127.0.0.1:{here} → 127.0.0.1:{there}"
    says(server, f"{ends} ESTABLISHED, 5 bytes to read")
    # WHEN the client has closed, THEN the server's end is half closed
    client.close()
    until(lambda: "CLOSE_WAIT" in told(server.fileno()), "the end")
    # AND a client that was not accepted waits in the queue
    opened.enter_context(socket.create_connection(listener.getsockname()))
    says(listener, f"tcp 127.0.0.1:{here} LISTEN, 1 to accept")
    # One that is neither bound nor connected is in no table; the kernel names its protocol.
    assert told(opened.enter_context(socket.socket()).fileno()) == "tcp socket"


def test_tcp_of_ipv6(opened: ExitStack) -> None:
    try:
        listener, client, _ = tcp_pair(opened, socket.AF_INET6, "::1")
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    here, there = listener.getsockname()[1], client.getsockname()[1]
    assert told(client.fileno()) == f"tcp [::1]:{there} → [::1]:{here} ESTABLISHED"


def test_udp(opened: ExitStack) -> None:
    one, other = (opened.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(2))
    for each in (one, other):
        each.bind(("127.0.0.1", 0))
    here, there = one.getsockname()[1], other.getsockname()[1]
    assert told(one.fileno()) == f"udp 127.0.0.1:{here}"
    one.connect(other.getsockname())
    assert told(one.fileno()) == f"udp 127.0.0.1:{here} → 127.0.0.1:{there}"
    one.send(b"x")
    says(other, f"udp 127.0.0.1:{there}, datagrams to read")


def test_unix_sockets(opened: ExitStack, tmp_path: Path) -> None:
    folder = Path(opened.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
    listener = opened.enter_context(socket.socket(socket.AF_UNIX))
    assert told(listener.fileno()) == "unix stream UNCONNECTED"
    listener.bind(str(folder / "a socket"))
    listener.listen()
    assert told(listener.fileno()) == f"unix stream {folder}/a socket LISTEN"
    near, far = socket.socketpair(type=socket.SOCK_SEQPACKET)
    opened.push(near)
    opened.push(far)
    assert told(near.fileno()) == "unix seqpacket CONNECTED"


def test_a_path_cannot_forge_what_another_socket_is(opened: ExitStack) -> None:
    # GIVEN a socket, and another one whose path looks like a line of the table about it
    real, _ = pair = socket.socketpair()
    for each in pair:
        opened.push(each)
    inode = os.fstat(real.fileno()).st_ino
    assert told(real.fileno()) == "unix stream CONNECTED"
    forger = opened.enter_context(socket.socket(socket.AF_UNIX))
    forger.bind(f"\0x\n0000000000000000: 00000002 00000000 00010000 0001 01 {inode} /a")
    # THEN nothing is believed of either
    assert told(real.fileno()) in ("unix-stream socket", "unix socket")


def test_what_is_no_socket(opened: ExitStack, tmp_path: Path) -> None:
    path = tmp_path / "a \x1b[2J file"
    file = opened.enter_context(path.open("w"))
    assert told(file.fileno()) == f"{tmp_path}/a [2J file"
    path.unlink()
    assert told(file.fileno()) == f"{tmp_path}/a [2J file (deleted)"
    read, write = os.pipe()
    opened.callback(os.close, read)
    opened.callback(os.close, write)
    assert (told(read), told(write)) == ("pipe, read end", "pipe, write end")
    epoll = opened.enter_context(contextlib.closing(select.epoll()))
    assert told(epoll.fileno()) == "epoll, watches 0"
    epoll.register(read)
    epoll.register(write)
    assert told(epoll.fileno()) == "epoll, watches 2"
    closed = os.dup(read)
    os.close(closed)
    assert told(closed) == "not open"


class Timer(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "s", "ns"))


def test_timers_and_events(opened: ExitStack) -> None:
    def made(fd: int) -> int:
        assert fd >= 0
        opened.callback(os.close, fd)
        return fd

    assert told(made(LIBC.eventfd(3, 0))) == "eventfd, count 3"
    timer = made(LIBC.timerfd_create(1, 0))
    assert told(timer) == "timerfd, not set"
    LIBC.timerfd_settime(timer, 0, ctypes.byref(Timer(2, 500_000_000, 90_000, 0)), None)
    left = told(timer).removeprefix("timerfd, ").removesuffix(" s left, every 2.500 s")
    assert 0 < float(left) <= 90_000
    LIBC.timerfd_settime(timer, 0, ctypes.byref(Timer(0, 0, 0, 1)), None)
    until(lambda: told(timer) == "timerfd, has run out", "the timer")
    inotify = made(LIBC.inotify_init())
    LIBC.inotify_add_watch(inotify, b"/tmp", 2)
    assert told(inotify) == "inotify, watches 1"
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        pidfd = made(os.pidfd_open(child.pid))
        assert told(pidfd) == f"pidfd of process {child.pid}"
    assert told(pidfd) == "pidfd of a process that has ended"


def fake(folder: Path, link: str, info: bytes = b"", **tables: bytes) -> str:
    """Return what is told of fd 3 of a made-up process."""
    for name in ("fd", "fdinfo", "net"):
        (folder / name).mkdir(parents=True)
    (folder / "fd" / "3").symlink_to(link)
    (folder / "fdinfo" / "3").write_bytes(info)
    for name, lines in tables.items():
        (folder / "net" / name).write_bytes(b"head\n" + lines)
    return describe_files(folder, [3])[3]


TCP6 = (
    b"   0: 0000000000000000FFFF00000100007F:0050 B80D01200000000067452301EFCDAB89:1F90 0E "
    b"00000007:00000000 00:00000000 00000000     0        0 5 1 0 20 0 0 10 -1\n"
)


@pytest.mark.parametrize(
    ("link", "given", "text"),
    [
        ("socket:[5]", {}, "socket"),
        ("socket:[5]", {"tcp": b"\xff\n\n0: 1 2 3 4 5 6 7 8 5\n" + b"0 " * 20 + b"\n"}, "socket"),
        ("socket:[5]", {"tcp": b"0: xx:yy 00:0 01 0:0 00:0 0 0 0 5 1 0\n"}, "socket"),
        ("socket:[5]", {"unix": b"0: 2 0 10000 0001 01 55 /x\n"}, "socket"),
        (
            # A state and a port that no kernel has yet; an address of IPv4 in one of IPv6.
            "socket:[5]", {"tcp6": TCP6},
            "tcp [::ffff:127.0.0.1]:80 → [2001:db8::123:4567:89ab:cdef]:8080 state 14"
            ", 7 bytes not acknowledged",
        ),
        ("pipe:[1]", {}, "pipe"),
        ("anon_inode:[eventfd]", {"info": b"eventfd-count: zz\n"}, "eventfd"),
        ("anon_inode:[timerfd]", {"info": b"\nit_value: (1,\nit_interval: ()\n"}, "timerfd"),
        ("anon_inode:[pidfd]", {"info": b"Pid:\t0\n"}, "pidfd"),
        ("anon_inode:[io_uring]", {}, "io_uring"),
        ("anon_inode:inotify", {}, "inotify, watches 0"),
        ("socket:[99999999999999999999999]", {}, "socket:[99999999999999999999999]"),
    ],
)  # fmt: skip
def test_lines_that_no_kernel_writes(
    link: str, given: dict[str, bytes], text: str, tmp_path: Path
) -> None:
    assert fake(tmp_path, link, **given) == text


def test_what_may_not_be_known(tmp_path: Path) -> None:
    (tmp_path / "fd").mkdir()
    (tmp_path / "fd" / "3").write_text("no link")
    assert describe_files(tmp_path, [3]) == {3: "not known: Invalid argument"}
    assert describe_files(tmp_path, []) == {}


LISTENS = """
import socket, time
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print("fd", listener.fileno(), "port", listener.getsockname()[1], "ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes such namespaces")
def test_another_network_namespace() -> None:
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        pytest.skip("namespaces cannot be made here")
    with alive(["unshare", "--net", sys.executable, "-c", LISTENS]) as program:
        program.wait_for("ready")
        _, fd, _, port, _ = program.printed().split()
        found = describe_files(Path(f"/proc/{program.pid}"), [int(fd)])
    assert found == {int(fd): f"tcp 127.0.0.1:{port} LISTEN"}


def test_a_snapshot_says_what_tasks_wait_on(dump: Callable[..., Dump]) -> None:
    # GIVEN a program that says which descriptors its tasks wait on
    with stayed(dump("zoo", tokio=NEWEST, profile="debug")) as program:
        facts = dict(re.findall(r"^fact (fd_\w+) (\d+)$", program.printed(), re.MULTILINE))
        session = Session(LiveProcess(program.pid))
        fds = session.snapshot.fds
        session.close()
        known = {each.fd: each for each in psutil.Process(program.pid).net_connections("all")}
    # THEN each is said to be what another tool says that it is
    names = {
        "accept": "tcp", "read": "tcp", "lines": "tcp", "write": "tcp", "front": "tcp",
        "back": "tcp", "udp": "udp", "unix": "unix",
    }  # fmt: skip
    for name, kind in names.items():
        fd = int(facts[f"fd_{name}"])
        words = fds[fd].partition(",")[0].split()
        assert words[0] == kind, name
        if kind == "unix":
            assert words[1:] == ["stream", "CONNECTED"]
            continue
        laddr, raddr = known[fd].laddr, known[fd].raddr
        assert words[1] == f"{laddr.ip}:{laddr.port}"
        if kind == "tcp":
            assert words[-1] == known[fd].status
        assert words[2:4] == (["→", f"{raddr.ip}:{raddr.port}"] if raddr else words[2:4])
    # AND threads that wait for events wait on an epoll
    assert any(words.startswith("epoll, watches ") for words in fds.values())
