"""What the sources of ``tests/programs/service`` imply for each of its tasks.

Tasks that libraries spawn have no name of the program: a connection is known by its socket,
others by their future. Stacks are written as in ``support.zoo``.
"""

from __future__ import annotations

from textwrap import dedent

from support.zoo import Expected

__all__ = ["CONNECTIONS", "IDLE", "LIBRARIES", "SPAWNED"]

IDLE = tuple(f"idle{number}" for number in range(50))
NEVER = """
        service::never @never.gate
        tokio::sync::oneshot::Receiver"""

SPAWNED = (
    Expected(
        "serves",
        """
        service::web::serves @serves.accept
        axum::serve::private::ServeFuture
        """,
        ("io readable fd=serves",),
    ),
    Expected(
        "silent",
        f"""
        service::calls::silent @silent.never{NEVER}
        """,
        ("oneshot recv",),
    ),
    # The answer comes by a oneshot of hyper: its connection is a task of its own.
    Expected(
        "calls",
        """
        service::calls::calls @calls.send
        reqwest::async_impl::client::Pending
        """,
        ("oneshot recv",),
    ),
    Expected(
        "serves_stock",
        """
        service::remote::serves_stock @stock.serve
        tonic::transport::server::Router::serve_with_incoming
        PollFn
          0 pending
            tonic::transport::server::Fuse
          1 pending
            tokio_stream::stream_ext::next::Next
        """,
        ("[1] io readable fd=serves_stock",),
    ),
    Expected(
        "asks_stock",
        """
        service::remote::asks_stock @asks.unary
        tonic::client::grpc::Grpc::unary
        """,
        ("oneshot recv",),
    ),
    Expected(
        "loads",
        f"""
        service::work::loads @loads.load
        <service::work::Disk as service::work::Store>::load::{{async_block#0}} @load.never{NEVER}
        """,
        ("oneshot recv",),
    ),
    Expected(
        "checks_out",
        f"""
        service::work::checks_out @checkout.instrument
        tracing::instrument::Instrumented 'checkout'
        service::work::pays @pays.span
        tracing::instrument::Instrumented 'pays'
        service::work::pays::{{async_block#0}} @pays.never{NEVER}
        """,
        ("oneshot recv",),
    ),
    Expected(
        "fetches_many",
        """
        service::work::fetches_many @many.collect
        futures_util::stream::stream::collect::Collect
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            service::work::fetches @fetches.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
          1 pending
            service::work::fetches @fetches.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
          2 pending
            service::work::fetches @fetches.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
        """,
        ("[0] oneshot recv", "[1] oneshot recv", "[2] oneshot recv"),
    ),
    Expected(
        "times_out",
        """
        service::work::times_out @times_out.call
        tower::timeout::future::ResponseFuture
          response pending
            service::work::handles @handles.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
          sleep pending
            tokio::time::sleep::Sleep
        """,
        ("[response] oneshot recv", "[sleep] timer"),
    ),
    Expected(
        "awaits_turn",
        """
        service::work::awaits_turn @turn.ready
        tower::util::ready::Ready
        """,
        ("semaphore",),
    ),
    Expected(
        "reads_frames",
        """
        service::codecs::reads_frames @frames.next
        futures_util::stream::stream::next::Next
        """,
        ("io readable fd=reads_frames",),
    ),
    Expected(
        "sends_frames",
        """
        service::codecs::sends_frames @frames.send
        futures_util::sink::send::Send
        """,
        ("io writable fd=sends_frames",),
    ),
    Expected(
        "reads_half",
        """
        service::codecs::reads_half @half.next
        futures_util::stream::stream::next::Next
        """,
        ("io readable fd=reads_half",),
    ),
    Expected(
        "main_root",
        f"""
        service::main_root @main.root{NEVER}
        """,
        ("oneshot recv",),
    ),
)


def _served(name: str, handler: str, *waits: str) -> Expected:
    """Return what a connection of axum is: hyper's half, and the half that hears of the end."""
    stack = [
        "axum::serve::handle_connection::{async_block#3}",
        "PollFn",
        "  0 pending",
        "    hyper_util::server::conn::auto::UpgradeableConnection",
        *(f"    {line}" for line in dedent(handler).strip().split("\n") if line),
        "  1 pending",
        "    futures_util::future::future::fuse::Fuse",
    ]
    return Expected(name, "\n".join(stack), (*waits, "[1] watch closed"))


CONNECTIONS = (
    *(_served(name, "", f"[0] io readable fd={name}") for name in IDLE),
    _served(
        "stuck",
        """
        tower_http::timeout::service::ResponseFuture
          inner pending
            axum::routing::route::RouteFuture
            service::web::stuck @stuck.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
          sleep pending
            tokio::time::sleep::Sleep
        """,
        "[0.inner] oneshot recv",
        "[0.sleep] timer",
        "io readable fd=stuck",
    ),
    _served(
        "late",
        """
        tower::timeout::future::ResponseFuture
          response pending
            axum::routing::route::RouteFuture
            service::web::late @late.never
            service::never @never.gate
            tokio::sync::oneshot::Receiver
          sleep pending
            tokio::time::sleep::Sleep
        """,
        "[0.response] oneshot recv",
        "[0.sleep] timer",
        "io readable fd=late",
    ),
    _served(
        "price",
        """
        service::web::price @price.root
        <service::web::Ledger as service::web::Prices>::price::{async_block#0} @price.notified
        tokio::sync::notify::Notified
        """,
        "[0] notify",
        "io readable fd=price",
    ),
    _served(
        "mended",
        f"""
        service::web::mended @mended.span
        tracing::instrument::Instrumented 'mended'
        service::web::mended::{{async_block#0}} @mended.never{NEVER}
        """,
        "[0] oneshot recv",
        "io readable fd=mended",
    ),
    Expected("calls", "futures_util::future::future::Map", ("io readable fd=calls",)),
    Expected(
        "serves_call",
        """
        tonic::transport::server::serve_connection::{async_block#0}
        PollFn
          0 pending
            hyper_util::server::conn::auto::Connection
          1 pending
            tonic::transport::server::Fuse
          2 pending
            tonic::transport::server::Fuse
        """,
        ("[0] io readable fd=serves_call",),
    ),
    # It also hears when its last request is dropped.
    Expected(
        "asks_stock",
        "hyper::proto::h2::client::H2ClientFuture",
        ("io readable fd=asks_stock", "mpsc recv"),
    ),
)
"""What serves or drives a socket, by the name of its descriptor."""

_CONNECTION = "tonic::transport::channel::service::connection"

LIBRARIES = (
    # It takes requests for a connection, and hears when that ends.
    Expected(
        f"<{_CONNECTION}::MakeSendRequestService as tower_service::Service>::call",
        f"<{_CONNECTION}::MakeSendRequestService as tower_service::Service>::call::"
        "{async_block#0}::{async_block#0}",
        ("mpsc recv", "oneshot recv"),
    ),
    Expected("tower::buffer::worker", "tower::buffer::worker::Worker", ("mpsc recv",)),
    Expected(
        "hyper::proto::h2::client", "hyper::proto::h2::client::H2ClientFuture", ("http2 recv",)
    ),
    Expected(
        "hyper::proto::h2::server",
        f"""
        hyper::proto::h2::server::H2Stream
        <service::remote::Stock as tower_service::Service>::call::{{async_block#0}} @stock.unary
        tonic::server::grpc::Grpc::unary
        service::remote::counts @counts.never{NEVER}
        """,
        ("oneshot recv",),
    ),
)
"""Tasks of libraries without a socket of theirs, by what their future's name begins with."""
