"""The cargo profile that a program's path names: where `debug = 2` is to be written."""

from __future__ import annotations

import pytest

from adp_tui.engine.analysis.readiness import cargo_profile


@pytest.mark.parametrize(
    ("path", "profile"),
    [
        ("/srv/bank/target/release/bank", "release"),
        ("/srv/bank/target/debug/bank", "dev"),
        ("/srv/bank/target/debug/deps/bank-0123456789abcdef", "dev"),
        ("/srv/bank/target/debug/examples/withdraw", "dev"),
        ("/srv/bank/target/profiling/bank", "profiling"),
        ("/srv/bank/target/x86_64-unknown-linux-musl/release/bank", "release"),
        ("/usr/bin/bank", None),
        ("/opt/target/bank", None),
        ("/opt/release/bank", None),
        ("/opt/target/cores/bank-1/bank", None),
        ("/opt/target/bad name]/bank", None),
        ("bank", None),
        ("", None),
    ],
)
def test_profile(path, profile):
    assert cargo_profile(path) == profile
