"""What is replayed is what the long way gives, for every task of every kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.build import Dump

import adp_tui.engine.analysis.replay as replay
from adp_tui.backends.core import open_core
from adp_tui.engine.report import json_report
from adp_tui.engine.session import Session


def report(dump: Dump) -> str:
    session = Session(open_core(dump.core, executable=dump.exe))
    try:
        return "".join(json_report(session.snapshot))
    finally:
        session.close()


@pytest.mark.parametrize("profile", ["debug", "release"])
@pytest.mark.parametrize("program", ["zoo", "service"])
def test_nothing_changes(
    dump: Callable[..., Dump], program: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a program with few tasks of many kinds, which is never replayed
    made = dump(program, tokio="1.54.1" if program == "zoo" else None, profile=profile)
    plain = report(made)
    # WHEN it is traced from the second value of each kind on
    monkeypatch.setattr(replay, "SMALL", 0)
    monkeypatch.setattr(replay, "HOT", 1)
    replayed: list[object] = []
    ask = replay._replay

    def counted(*arguments: object) -> tuple[object, ...] | None:
        found = ask(*arguments)  # type: ignore[arg-type]
        if found is not None:
            replayed.append(found)
        return found

    monkeypatch.setattr(replay, "_replay", counted)
    # THEN a good part is replayed, and the report is the same
    assert report(made) == plain
    assert len(replayed) > 50
