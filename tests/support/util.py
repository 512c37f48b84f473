"""What the source of ``tests/programs/util`` implies: tasks are written as in ``support.zoo``, what
they wait for as in ``support.holding``.
"""

from __future__ import annotations

from support.zoo import Expected

__all__ = ["RESOURCES", "TASKS"]

SLEEP = "tokio::time::sleep::Sleep"
RESTS = f"util::rests @rests.sleep\n{SLEEP}"
TOKEN = "tokio_util::sync::cancellation_token"
TASK = "tokio_util::task"

TASKS = (
    Expected("main_root", f"util::root @root.sleep\n{SLEEP}", ("timer",), kind="block_on"),
    Expected("keeper", f"util::keeps_tokens @keeper.sleep\n{SLEEP}", ("timer",)),
    *(
        Expected(
            name,
            f"util::is_cancelled @cancelled.await\n{TOKEN}::WaitForCancellationFuture",
            ("cancellation",),
        )
        for name in ("cancelled", "child")
    ),
    Expected(
        "owned",
        f"util::is_cancelled_owned @owned.await\n{TOKEN}::WaitForCancellationFutureOwned",
        ("cancellation",),
    ),
    Expected(
        "until",
        f"""\
util::runs_until @until.await
{TOKEN}::CancellationToken::run_until_cancelled
{TOKEN}::RunUntilCancelledFuture
  cancellation pending
    {TOKEN}::WaitForCancellationFuture
  future pending
    util::rests @rests.sleep
    {SLEEP}""",
        ("[cancellation] cancellation", "[future] timer"),
    ),
    Expected(
        "guarded",
        f"util::is_guarded @guarded.await\n{TOKEN}::WaitForCancellationFuture",
        ("cancellation",),
    ),
    Expected("guards", f"util::guards @guards.sleep\n{SLEEP}", ("timer",)),
    Expected(
        "tracker",
        f"util::tracks @tracker.wait\n{TASK}::task_tracker::TaskTrackerWaitFuture",
        ("tracker",),
    ),
    Expected("tracked", f"{TASK}::task_tracker::TrackedFuture\n{RESTS}", ("timer",)),
    Expected("permit_keeper", f"util::keeps_permits @permits.sleep\n{SLEEP}", ("timer",)),
    Expected("poll_semaphore", "util::polls_semaphore @semaphore.poll\nPollFn", ("semaphore",)),
    Expected(
        "poll_sender",
        "util::polls_sender @sender.send\nfutures_util::sink::send::Send",
        ("mpsc send",),
    ),
    Expected(
        "delays",
        "util::delays @delays.next\nfutures_util::stream::stream::next::Next",
        ("timer",),
    ),
    Expected(
        "map",
        f"util::joins_map @map.join_next\n{TASK}::join_map::JoinMap::join_next",
        ("join any",),
    ),
    *(
        Expected(name, f"util::member @member.sleep\n{SLEEP}", ("timer",), parent="map")
        for name in ("first", "second")
    ),
    Expected(
        "queue",
        f"""\
util::joins_queue @queue.join_next
{TASK}::join_queue::JoinQueue::join_next
PollFn
  0 pending
    {TASK}::abort_on_drop::AbortOnDropHandle""",
        ("[0] join task=queued",),
    ),
    Expected("queued", RESTS, ("timer",), parent="queue"),
    Expected(
        "abort",
        f"util::aborts_on_drop @abort.await\n{TASK}::abort_on_drop::AbortOnDropHandle",
        ("join task=aborted",),
    ),
    Expected("aborted", RESTS, ("timer",), parent="abort"),
    Expected(
        "stream", "util::reads_stream @stream.read\ntokio::io::util::read::Read", ("mpsc recv",)
    ),
    Expected(
        "reader",
        "util::streams_reader @reader.next\nfutures_util::stream::stream::next::Next",
        ("io readable fd=reader",),
    ),
    Expected("crash", "util::crashes @crash.panic (polled)", state="running", thread="crash"),
)

RESOURCES = """
    cancellation child
      cancelled has notify is_cancelled token.inner.inner.children[0].waker @fn derived
      keeper has notify keeps_tokens one.inner.inner.children[0].waker @fn derived
    cancellation cancelled
      keeper has notify keeps_tokens one.inner.waker @fn derived
    cancellation owned
      keeper has notify keeps_tokens two.inner.waker @fn derived
    cancellation until
      keeper has notify keeps_tokens three.inner.waker @fn derived
    cancellation guarded
      guards has notify guards guard.inner.inner.waker @let derived
    tracker tracker
    semaphore poll_semaphore
      permit_keeper permit 2 keeps_permits held @fn derived
    mpsc poll_sender
      poll_sender has receiver polls_sender receiver @let
    mpsc stream
      stream has sender reads_stream sender.0 @let
    io reader
"""
"""A parent's token cancels its children (``tree_node.rs``, ``children``), a child's no parent."""
