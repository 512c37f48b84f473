"""``main.rs`` and ``local.rs``: roots of ``block_on``, and what other executors have."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["OTHERS"]

OTHERS = (
    Expected(
        "main_root",
        """
        zoo::main_root @main.root
        zoo::main_leaf @main.leaf
        tokio::sync::oneshot::Receiver
        """,
        ("oneshot recv",),
        kind="block_on",
        thread="main",
    ),
    Expected(
        "guest_root",
        """
        zoo::daily::guest_root @guest.root
        zoo::daily::guest_leaf @guest.leaf
        tokio::sync::notify::Notified
        """,
        ("notify",),
        kind="block_on",
        thread="guest",
    ),
    Expected(
        "bridge_root",
        """
        zoo::daily::nested_root @bridge.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        thread="bridge",
        since=(1, 5),
    ),
    Expected(
        "side_root",
        """
        zoo::side_root @side.root
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        executor="side",
        thread="side",
    ),
    Expected(
        "side_task",
        """
        zoo::side_task @side.task
        core::future::pending::Pending
        """,
        ("unknown",),
        executor="side",
    ),
    Expected(
        "local_root",
        """
        zoo::local::drives_set @local.run_until
        tokio::task::local::LocalSet::run_until
        zoo::local::local_root @local.root
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        executor="local",
        thread="local",
    ),
    Expected(
        "local",
        """
        zoo::local::local_task @local.task
        zoo::local::local_leaf @local.leaf
        tokio::sync::notify::Notified
        """,
        ("notify",),
        kind="local",
        executor="set",
    ),
    Expected(
        "values",
        """
        zoo::values::holds_values @values.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
)
