"""``main.rs`` and ``busy.rs``: tasks in each state, and blocking jobs."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["STATES"]

STATES = (
    Expected("finished", state="complete", parent="main_root"),
    Expected(
        "crash",
        "zoo::crashes @crash.panic (polled)",
        state="running",
        thread="crash",
    ),
    Expected(
        "busy",
        "zoo::busy::keeps_busy @busy.park (polled)",
        state="running",
        executor="busy",
        thread="busy",
    ),
    Expected(
        "woken",
        """
        zoo::busy::woken @busy.woken
        tokio::sync::notify::Notified
        """,
        ("notify",),
        state="scheduled",
        executor="busy",
    ),
    *(
        Expected(
            name,
            "zoo::busy::queued @fn (unresumed)",
            state="scheduled",
            executor="busy",
            cancelled=name == "aborted",
            since=(1, 5) if name == "aborted" else (1, 0),
        )
        for name in ("queued1", "queued2", "queued3", "aborted")
    ),
    # Before 1.5.1 whoever aborts a task that nobody polls drops its future there and then; it
    # stays in its queue.
    Expected("aborted", state="complete", executor="busy", cancelled=True, before=(1, 5)),
    Expected("bridge", kind="blocking", state="running", thread="bridge"),
    Expected("job0", kind="blocking", state="running", thread="blocking"),
    Expected("job1", kind="blocking", state="scheduled"),
    Expected("job2", kind="blocking", state="scheduled"),
    Expected("job9", kind="blocking", state="scheduled", parent="blocking_joiner"),
)
