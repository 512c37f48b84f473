"""``channels.rs``: channels, empty and full."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["CHANNELS"]

CHANNELS = (
    Expected(
        "mpsc_recv",
        """
        zoo::channels::receives @mpsc.recv
        tokio::sync::mpsc::bounded::Receiver::recv
        """,
        ("mpsc recv",),
    ),
    Expected(
        "mpsc_unbounded",
        """
        zoo::channels::receives_unbounded @mpsc.unbounded
        tokio::sync::mpsc::unbounded::UnboundedReceiver::recv
        """,
        ("mpsc recv",),
    ),
    Expected(
        "mpsc_send",
        """
        zoo::channels::sends_to_full @mpsc.send
        tokio::sync::mpsc::bounded::Sender::send
        """,
        ("mpsc send",),
    ),
    Expected(
        "oneshot",
        """
        zoo::channels::awaits_oneshot @oneshot.recv
        tokio::sync::oneshot::Receiver
        """,
        ("oneshot recv",),
    ),
    Expected(
        "watch",
        """
        zoo::channels::watches @watch.changed
        tokio::sync::watch::Receiver::changed
        """,
        ("watch changed",),
    ),
    Expected(
        "broadcast",
        """
        zoo::channels::hears_broadcast @broadcast.recv
        tokio::sync::broadcast::Receiver::recv
        """,
        ("broadcast recv",),
    ),
)
