"""``sockets.rs``: sockets on which nothing comes."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["SOCKETS"]

SOCKETS = (
    Expected(
        "lines",
        """
        zoo::sockets::reads_lines @lines.next
        tokio::time::timeout::Timeout
          value pending
            tokio::io::util::lines::Lines::next_line
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[deadline] timer", "[value] io readable fd=lines"),
    ),
    Expected(
        "write",
        """
        zoo::sockets::writes_to_full @write.write_all
        tokio::io::util::write_all::WriteAll
        """,
        ("io writable fd=write",),
    ),
    Expected(
        "proxy",
        """
        zoo::sockets::forwards @proxy.copy
        tokio::io::util::copy_bidirectional::copy_bidirectional
        """,
        ("io readable fd=front", "io readable fd=back"),
        since=(1, 5),
    ),
    Expected(
        "unix",
        """
        zoo::sockets::awaits_readable @unix.readable
        tokio::net::unix::stream::UnixStream::readable
        """,
        ("io readable fd=unix",),
    ),
    Expected(
        "accept",
        """
        zoo::sockets::accepts @accept.accept
        tokio::net::tcp::listener::TcpListener::accept
        """,
        ("io readable fd=accept",),
    ),
    Expected(
        "read",
        """
        zoo::sockets::reads_idle @read.read
        tokio::io::util::read::Read
        """,
        ("io readable fd=read",),
    ),
    Expected(
        "udp",
        """
        zoo::sockets::receives_datagram @udp.recv
        tokio::net::udp::UdpSocket::recv
        """,
        ("io readable fd=udp",),
    ),
)
