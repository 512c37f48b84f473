"""``combine.rs``: several futures at once, and tasks that wait for tasks."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["COMBINED"]

COMBINED = (
    Expected(
        "select",
        """
        zoo::combine::selects @select.root
        PollFn
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::rings @rings.notified
            tokio::sync::notify::Notified
          2 disabled
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "join",
        """
        zoo::combine::joins @join.root
        PollFn
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::rings @rings.notified
            tokio::sync::notify::Notified
          2 done
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "join_all",
        """
        zoo::combine::joins_all @join_all.root
        futures_util::future::join_all::JoinAll
          0 pending
            zoo::combine::joins_all::{closure#0}::{async_block#0} @join_all.branch
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 done
          2 pending
            zoo::combine::joins_all::{closure#0}::{async_block#0} @join_all.branch
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[2] timer"),
    ),
    Expected(
        "unordered",
        """
        zoo::combine::unordered @unordered.next
        futures_util::stream::stream::next::Next
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          2 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer", "[2] timer"),
    ),
    Expected(
        "buffered",
        """
        zoo::combine::buffered @buffered.collect
        futures_util::stream::stream::collect::Collect
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer"),
    ),
    Expected(
        "handle",
        """
        zoo::combine::awaits_handle @handle.await
        tokio::runtime::task::join::JoinHandle
        """,
        ("join task=joined",),
    ),
    Expected(
        "joined",
        """
        zoo::combine::joined @joined.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        parent="handle",
    ),
    Expected(
        "set",
        """
        zoo::combine::awaits_set @set.join_next
        tokio::task::join_set::JoinSet::join_next
        """,
        ("join any",),
        since=(1, 21),
    ),
    *(
        Expected(
            f"member{number}",
            """
            zoo::combine::member @member.sleep
            tokio::time::sleep::Sleep
            """,
            ("timer",),
            parent="set",
            since=(1, 21),
        )
        for number in (1, 2)
    ),
    Expected(
        "blocking_joiner",
        """
        zoo::combine::awaits_blocking @blocking.await
        tokio::runtime::task::join::JoinHandle
        """,
        ("join task=job9",),
    ),
)
