"""Names of futures, from their types."""

from __future__ import annotations

import pytest

from adp_tui.engine.rust.names import future_name


@pytest.mark.parametrize(
    ("type_name", "name"),
    [
        ("bank::audit::{async_fn_env#0}", "bank::audit"),
        ("bank::audit::{async_fn_env#0}<alloc::vec::Vec<fn(u8) -> u8>>", "bank::audit"),
        ("bank::main::{async_block_env#2}<u8>", "bank::main::{async_block#2}"),
        ("tracing::Span<bank::a::{async_fn_env#0}<u8>>", "tracing::Span<bank::a<u8>>"),
        ("futures::Map<bank::a::{async_block_env#1}>", "futures::Map<bank::a::{async_block#1}>"),
        ("bank::{impl#0}::get::{async_fn_env#0}", "bank::{impl#0}::get"),
        ("tokio::time::Sleep", "tokio::time::Sleep"),
    ],
)  # fmt: skip
def test_names_of_futures(type_name: str, name: str) -> None:
    assert future_name(type_name) == name
