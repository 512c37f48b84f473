"""``compose.rs``: futures inside futures."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["COMPOSED"]

COMPOSED = (
    Expected(
        "chain",
        """
        zoo::compose::chain_outer @chain.outer
        zoo::compose::chain_middle @chain.middle
        zoo::compose::chain_leaf @chain.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "boxed",
        """
        zoo::compose::boxed_root @boxed.root
        zoo::compose::descends::{async_block#0} @boxed.step
        zoo::compose::descends::{async_block#0} @boxed.step
        zoo::compose::descends::{async_block#0} @boxed.bottom
        zoo::compose::descent_leaf @boxed.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "trait",
        """
        zoo::compose::uses_trait @trait.root
        <zoo::compose::Shelf as zoo::compose::Store>::fetch::{async_block#0} @trait.fetch
        tokio::sync::notify::Notified
        """,
        ("notify",),
    ),
    Expected(
        "timeout",
        """
        zoo::compose::times_out @timeout.root
        tokio::time::timeout::Timeout
          value pending
            zoo::compose::timed_leaf @timeout.leaf
            tokio::sync::notify::Notified
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[value] notify", "[deadline] timer"),
    ),
    Expected(
        "span",
        """
        zoo::compose::is_instrumented @span.root
        tracing::instrument::Instrumented 'checkout'
        zoo::compose::span_leaf @span.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "combinator",
        """
        zoo::compose::uses_combinator @combinator.root
        zoo::compose::Labelled
        zoo::compose::combined_leaf @combinator.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "generic",
        """
        zoo::compose::generic @generic.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "closure",
        """
        zoo::compose::uses_closure @closure.root
        zoo::compose::uses_closure::{closure#0}::{async_closure#0} @closure.body
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "block",
        """
        zoo::compose::start_all::{async_block#0} @block.notified
        tokio::sync::notify::Notified
        """,
        ("notify",),
    ),
)
