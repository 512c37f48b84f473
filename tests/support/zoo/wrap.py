"""``wrap.rs``: wrappers that libraries and macros put around futures."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["WRAPPED"]

WRAPPED = (
    Expected(
        "scope",
        """
        zoo::wrap::scopes @scope.root
        tokio::task::task_local::TaskLocalFuture
        zoo::wrap::wrapped @wrapped.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "unconstrained",
        """
        zoo::wrap::unconstrains @unconstrained.root
        Unconstrained
        zoo::wrap::wrapped @wrapped.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        since=(1, 5),
    ),
    Expected(
        "traced",
        """
        zoo::wrap::calls_traced @traced.root
        zoo::wrap::traced @traced.attribute
        tracing::instrument::Instrumented 'traced'
        zoo::wrap::traced::{async_block#0} @traced.inner
        zoo::wrap::wrapped @wrapped.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "poll_fn",
        """
        zoo::wrap::polls_by_closure @poll_fn.root
        PollFn
        zoo::wrap::wrapped @wrapped.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "for_each",
        """
        zoo::wrap::for_each @each.root
        futures_util::stream::stream::for_each_concurrent::ForEachConcurrent
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            zoo::wrap::for_each::{closure#0}::{async_block#0} @each.inner
            zoo::wrap::wrapped @wrapped.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::wrap::for_each::{closure#0}::{async_block#0} @each.inner
            zoo::wrap::wrapped @wrapped.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer"),
    ),
    Expected(
        "ordered",
        """
        zoo::wrap::ordered @ordered.collect
        futures_util::stream::stream::collect::Collect
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            futures_util::stream::futures_ordered::OrderWrapper
            zoo::wrap::wrapped @wrapped.sleep
            tokio::time::sleep::Sleep
          1 pending
            futures_util::stream::futures_ordered::OrderWrapper
            zoo::wrap::wrapped @wrapped.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer"),
    ),
    Expected(
        "handles",
        """
        zoo::wrap::awaits_handles @handles.join_all
        futures_util::future::join_all::JoinAll
          0 pending
            tokio::runtime::task::join::JoinHandle
          1 pending
            tokio::runtime::task::join::JoinHandle
        """,
        ("[0] join task=crew1", "[1] join task=crew2"),
    ),
    Expected(
        "select_handle",
        """
        zoo::wrap::selects_handle @handle.select
        PollFn
          0 pending
            tokio::runtime::task::join::JoinHandle
          1 pending
            tokio::time::sleep::Sleep
        """,
        ("[0] join task=crew3", "[1] timer"),
    ),
    *(
        Expected(
            name,
            """
            zoo::wrap::crew @crew.sleep
            tokio::time::sleep::Sleep
            """,
            ("timer",),
            parent=parent,
        )
        for name, parent in (
            ("crew1", "handles"),
            ("crew2", "handles"),
            ("crew3", "select_handle"),
        )
    ),
    Expected(
        "results",
        """
        zoo::wrap::keeps_results @results.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected("done_member", state="complete", parent="results"),
    # Before 1.5.1 it ends before any runtime has it in its lists: its handle alone leads to it.
    Expected("stopped", state="complete", parent="results", cancelled=True, since=(1, 5)),
    Expected(
        "file",
        """
        zoo::wrap::reads_file @file.read
        tokio::fs::read_to_string::read_to_string
        """,
        ("join task=of_file",),
    ),
    Expected("of_file", kind="blocking", state="scheduled", parent="file"),
    Expected(
        "boxed_task",
        """
        zoo::wrap::wrapped @wrapped.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
)
