"""What is replayed is what the long way gives, for every task of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.build import Dump

import adp_tui.engine.analysis.cohorts as cohorts
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


def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let functions be traced from the second value of each kind on."""
    for name, number in {"SMALL": 0, "HOT": 1, "MANY": 1, "MANY_LEFT": 1}.items():
        monkeypatch.setattr(replay, name, number)


@pytest.mark.parametrize("profile", ["debug", "release"])
@pytest.mark.parametrize("program", ["zoo", "service"])
def test_nothing_changes_one_by_one(
    dump: Callable[..., Dump], program: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a program with few tasks of many kinds, which is never replayed
    made = dump(program, tokio="1.54.1" if program == "zoo" else None, profile=profile)
    plain = report(made)
    # WHEN it is traced as early as can be, and values are asked about one by one
    traced(monkeypatch)
    monkeypatch.setattr(replay, "MANY_LEFT", 1 << 30)
    replayed: list[object] = []
    follow = replay.replay

    def counted(*arguments: object) -> tuple[object, ...] | None:
        found = follow(*arguments)  # type: ignore[arg-type]
        if found is not None:
            replayed.append(found)
        return found

    monkeypatch.setattr(replay, "replay", counted)
    # THEN a good part is replayed, and the report is the same
    assert report(made) == plain
    assert len(replayed) > 50


@pytest.mark.parametrize("profile", ["debug", "release"])
@pytest.mark.parametrize("program", ["zoo", "service"])
def test_nothing_changes_in_columns(
    dump: Callable[..., Dump], program: str, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a program with few tasks of many kinds, which is never read in columns
    made = dump(program, tokio="1.54.1" if program == "zoo" else None, profile=profile)
    plain = report(made)
    # WHEN it is read in columns as if it were a crowd
    traced(monkeypatch)
    rows: list[int] = []
    follow = cohorts.follow

    def counted(*arguments: object) -> Iterator[cohorts.Cohort]:
        for cohort in follow(*arguments):  # type: ignore[arg-type]
            rows.append(len(cohort))
            yield cohort

    monkeypatch.setattr(cohorts, "follow", counted)
    # THEN a good part is found so, and the report is the same
    assert report(made) == plain
    assert sum(rows) > 50
