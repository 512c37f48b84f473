"""``daily.rs``: what real programs do all day."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["DAILY"]

REST = """\
zoo::daily::rests @rests.sleep
    tokio::time::sleep::Sleep"""
MANY = "\n".join(
    f"""\
  {number} pending
    futures_util::stream::futures_ordered::OrderWrapper
    {REST}"""
    for number in range(40)
)

DAILY = (
    Expected(
        "pinned",
        """
        zoo::daily::selects_pinned @pinned.select
        PollFn
          0 pending
            tokio::time::sleep::Sleep
          1 pending
            zoo::daily::hears @hears.notified
            tokio::sync::notify::Notified
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "nested",
        """
        zoo::daily::nested_select @nested.select
        PollFn
          0 pending
            zoo::daily::outer_branch @nested.inner
            PollFn
              0 pending
                zoo::daily::hears @hears.notified
                tokio::sync::notify::Notified
              1 pending
                zoo::daily::rests @rests.sleep
                tokio::time::sleep::Sleep
          1 pending
            zoo::daily::rests @rests.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0.0] notify", "[0.1] timer", "[1] timer"),
        since=(1, 5),
    ),
    Expected(
        "try_join",
        """
        zoo::daily::tries_join @try.join
        PollFn
          0 pending
            zoo::daily::fails_later @try.sleep
            tokio::time::sleep::Sleep
          1 done
        """,
        ("[0] timer",),
    ),
    Expected(
        "futures_join",
        """
        zoo::daily::joins_with_futures @futures.join
        futures_util::future::join::Join
          Fut1 pending
            zoo::daily::rests @rests.sleep
            tokio::time::sleep::Sleep
          Fut2 pending
            zoo::daily::rests @rests.sleep
            tokio::time::sleep::Sleep
        """,
        ("[Fut1] timer", "[Fut2] timer"),
    ),
    Expected(
        "futures_select",
        """
        zoo::daily::selects_with_futures @futures.select
        futures_util::future::select::Select
          0 pending
            zoo::daily::rests @rests.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::daily::hears @hears.notified
            tokio::sync::notify::Notified
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "map",
        """
        zoo::daily::maps @map.root
        futures_util::future::future::fuse::Fuse
        zoo::daily::rests @rests.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "field",
        """
        zoo::daily::boxes_in_fields @field.await
        zoo::daily::rests @rests.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "shared",
        """
        zoo::daily::shares @shared.await
        futures_util::future::future::shared::Shared
        zoo::daily::rests @rests.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "many",
        f"""\
zoo::daily::joins_many @many.join_all
futures_util::future::join_all::JoinAll
futures_util::stream::futures_unordered::FuturesUnordered
{MANY}""",
        tuple(f"[{number}] timer" for number in range(40)),
    ),
    Expected(
        "lock_owned",
        """
        zoo::daily::locks_owned @owned.lock
        tokio::time::timeout::Timeout
          value pending
            tokio::sync::mutex::Mutex::lock_owned
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[value] mutex", "[deadline] timer"),
    ),
    Expected(
        "acquire_owned",
        """
        zoo::daily::acquires_owned @owned.permit
        tokio::sync::semaphore::Semaphore::acquire_owned
        """,
        ("semaphore",),
    ),
    Expected(
        "reserve",
        """
        zoo::daily::reserves @reserve.reserve
        tokio::sync::mpsc::bounded::Sender::reserve
        """,
        ("mpsc send",),
    ),
    Expected(
        "recv_many",
        """
        zoo::daily::receives_many @many.recv
        tokio::sync::mpsc::bounded::Receiver::recv_many
        """,
        ("mpsc recv",),
        since=(1, 37),
    ),
    Expected(
        "wait_for",
        """
        zoo::daily::waits_for_value @watch.wait_for
        tokio::sync::watch::Receiver::wait_for
        """,
        ("watch changed",),
        since=(1, 37),
    ),
    Expected(
        "closed",
        """
        zoo::daily::hears_closing @mpsc.closed
        tokio::sync::mpsc::bounded::Sender::closed
        """,
        ("mpsc closed",),
    ),
    Expected(
        "signal",
        """
        zoo::daily::hears_signal @signal.recv
        tokio::signal::unix::Signal::recv
        """,
        ("signal recv",),
    ),
    Expected(
        "timeouts",
        """
        zoo::daily::within_timeouts @timeouts.root
        tokio::time::timeout::Timeout
          value pending
            tokio::time::timeout::Timeout
              value pending
                zoo::daily::rests @rests.sleep
                tokio::time::sleep::Sleep
              deadline pending
                tokio::time::sleep::Sleep
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[value.value] timer", "[value.deadline] timer", "[deadline] timer"),
    ),
)
