"""What native frames tell of a task that is being polled."""

from __future__ import annotations

from adp_tui.engine.analysis.polled import polled
from adp_tui.engine.model import Branch, Frame, NativeFrame


def coroutine(function: str, line: int) -> Frame:
    return Frame(function, "async_fn", "suspended", f"T<{function}>", "src/a.rs", "/a", line)


def future(function: str, *branches: Branch) -> Frame:
    return Frame(function, "future", "suspended", function, branches=branches)


def native(function: str, line: int) -> tuple[str, NativeFrame]:
    return function, NativeFrame(
        function, "src/a.rs", "/a", line, 3, "a", 0x1000 + line, False, "cfi"
    )


def test_below_a_polled_coroutine_stands_a_past_await() -> None:
    # GIVEN a chain whose second function runs, past its await
    frames = (coroutine("a::top", 1), coroutine("a::middle", 2), coroutine("a::leaf", 3))
    # WHEN the native frames are asked
    found = polled(frames, dict([native("a::top", 11), native("a::middle", 12)]))
    # THEN its own await is left out, and the lines are those that run
    assert [(f.function, f.state, f.line, f.column) for f in found] == [
        ("a::top", "polled", 11, 3),
        ("a::middle", "polled", 12, 3),
    ]


def test_a_function_that_was_inlined_away_keeps_its_await() -> None:
    frames = (coroutine("a::top", 1), coroutine("a::leaf", 2))
    found = polled(frames, dict([native("a::leaf", 12)]))
    assert [(f.state, f.line) for f in found] == [("polled", 1), ("polled", 12)]


def test_what_a_polled_future_holds_stands_where_it_was() -> None:
    # GIVEN a select! one of whose branches is being polled
    waiting = Branch("0", "pending", (coroutine("a::naps", 5), future("tokio::Sleep")))
    running = Branch("1", "pending", (coroutine("a::works", 6), coroutine("a::past", 7)))
    frames = (coroutine("a::selects", 1), future("core::future::poll_fn::PollFn", waiting, running))
    poll = "<core::future::poll_fn::PollFn as core::future::future::Future>::poll"
    # WHEN native frames poll the second one
    found = polled(frames, dict([native("a::selects", 2), native(poll, 9), native("a::works", 66)]))
    # THEN the first branch is as it was, the second is being polled
    assert [f.state for f in found] == ["polled", "polled"]
    assert found[1].branches[0] == waiting
    assert found[1].branches[1].state == "polling"
    assert [(f.function, f.line) for f in found[1].branches[1].frames] == [("a::works", 66)]


def test_a_future_in_a_polled_future_is_shown() -> None:
    frames = (future("tokio::RunUntil"), coroutine("a::guard", 37), future("tokio::JoinHandle"))
    found = polled(
        frames, dict([native("<tokio::RunUntil as core::future::future::Future>::poll", 1)])
    )
    assert [f.state for f in found] == ["polled", "suspended", "suspended"]


def test_without_native_frames_all_are_polled_somehow() -> None:
    frames = (coroutine("a::top", 1), coroutine("a::leaf", 2))
    assert [(f.state, f.line) for f in polled(frames, {})] == [("polled", 1), ("polled", 2)]
