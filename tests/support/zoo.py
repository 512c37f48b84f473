"""What the sources of ``tests/programs/zoo`` imply for each of its tasks.

``stack`` has a line for each frame, outermost first: a function of the program with the marker
of the line at which it stands (``@fn``: where the function begins), or the first library
function below one. Branches of select!, join! and the like are indented.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from support.build import is_old

__all__ = ["TASKS", "Expected", "tasks_with"]


@dataclass(frozen=True, slots=True)
class Expected:
    """A task by the name that the program prints."""

    name: str
    stack: str = ""
    waits: tuple[str, ...] = ()
    kind: str = "spawned"
    state: str = "idle"
    executor: str = "main"
    parent: str | None = None
    thread: str | None = None
    cancelled: bool = False
    newer: bool = False
    """It uses what tokio lacks before 1.37: it is not in the program built for those."""

    @property
    def lines(self) -> str:
        return dedent(self.stack).strip()

    def __str__(self) -> str:
        return self.name


COMPOSED = (
    Expected(
        "chain",
        """
        zoo::compose::chain_outer @chain.outer
        zoo::compose::chain_middle @chain.middle
        zoo::compose::chain_leaf @chain.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "boxed",
        """
        zoo::compose::boxed_root @boxed.root
        zoo::compose::descends::{async_block#0} @boxed.step
        zoo::compose::descends::{async_block#0} @boxed.step
        zoo::compose::descends::{async_block#0} @boxed.bottom
        zoo::compose::descent_leaf @boxed.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "trait",
        """
        zoo::compose::uses_trait @trait.root
        <zoo::compose::Shelf as zoo::compose::Store>::fetch::{async_block#0} @trait.fetch
        tokio::sync::notify::Notified
        """,
        ("notify",),
    ),
    Expected(
        "timeout",
        """
        zoo::compose::times_out @timeout.root
        tokio::time::timeout::Timeout
          value pending
            zoo::compose::timed_leaf @timeout.leaf
            tokio::sync::notify::Notified
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[value] notify", "[deadline] timer"),
    ),
    Expected(
        "span",
        """
        zoo::compose::is_instrumented @span.root
        tracing::instrument::Instrumented 'checkout'
        zoo::compose::span_leaf @span.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "combinator",
        """
        zoo::compose::uses_combinator @combinator.root
        zoo::compose::Labelled
        zoo::compose::combined_leaf @combinator.leaf
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "generic",
        """
        zoo::compose::generic @generic.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "closure",
        """
        zoo::compose::uses_closure @closure.root
        zoo::compose::uses_closure::{closure#0}::{async_closure#0} @closure.body
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "block",
        """
        zoo::compose::start_all::{async_block#0} @block.notified
        tokio::sync::notify::Notified
        """,
        ("notify",),
    ),
)

COMBINED = (
    Expected(
        "select",
        """
        zoo::combine::selects @select.root
        PollFn
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::rings @rings.notified
            tokio::sync::notify::Notified
          2 disabled
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "join",
        """
        zoo::combine::joins @join.root
        PollFn
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::rings @rings.notified
            tokio::sync::notify::Notified
          2 done
        """,
        ("[0] timer", "[1] notify"),
    ),
    Expected(
        "join_all",
        """
        zoo::combine::joins_all @join_all.root
        futures_util::future::join_all::JoinAll
          0 pending
            zoo::combine::joins_all::{closure#0}::{async_block#0} @join_all.branch
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 done
          2 pending
            zoo::combine::joins_all::{closure#0}::{async_block#0} @join_all.branch
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[2] timer"),
    ),
    Expected(
        "unordered",
        """
        zoo::combine::unordered @unordered.next
        futures_util::stream::stream::next::Next
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          2 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer", "[2] timer"),
    ),
    Expected(
        "buffered",
        """
        zoo::combine::buffered @buffered.collect
        futures_util::stream::stream::collect::Collect
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
          1 pending
            zoo::combine::naps @naps.sleep
            tokio::time::sleep::Sleep
        """,
        ("[0] timer", "[1] timer"),
    ),
    Expected(
        "handle",
        """
        zoo::combine::awaits_handle @handle.await
        tokio::runtime::task::join::JoinHandle
        """,
        ("join task=joined",),
    ),
    Expected(
        "joined",
        """
        zoo::combine::joined @joined.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        parent="handle",
    ),
    Expected(
        "set",
        """
        zoo::combine::awaits_set @set.join_next
        tokio::task::join_set::JoinSet::join_next
        """,
        ("join any",),
    ),
    *(
        Expected(
            f"member{number}",
            """
            zoo::combine::member @member.sleep
            tokio::time::sleep::Sleep
            """,
            ("timer",),
            parent="set",
        )
        for number in (1, 2)
    ),
    Expected(
        "blocking_joiner",
        """
        zoo::combine::awaits_blocking @blocking.await
        tokio::runtime::task::join::JoinHandle
        """,
        ("join task=job9",),
    ),
)

LOCKS = (
    Expected(
        "keeper",
        """
        zoo::locks::keeper @keeper.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "mutex",
        """
        zoo::locks::locks_mutex @mutex.lock
        tokio::sync::mutex::Mutex::lock
        """,
        ("mutex",),
    ),
    Expected(
        "rwlock_read",
        """
        zoo::locks::reads @rwlock.read
        tokio::sync::rwlock::RwLock::read
        """,
        ("rwlock read",),
    ),
    Expected(
        "rwlock_write",
        """
        zoo::locks::writes @rwlock.write
        tokio::sync::rwlock::RwLock::write
        """,
        ("rwlock write",),
    ),
    Expected(
        "semaphore",
        """
        zoo::locks::takes_permits @semaphore.acquire
        tokio::sync::semaphore::Semaphore::acquire_many
        """,
        ("semaphore",),
    ),
    Expected(
        "timer",
        """
        zoo::locks::sleeps @timer.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "interval",
        """
        zoo::locks::ticks @timer.tick
        tokio::time::interval::Interval::tick
        """,
        ("timer",),
    ),
    Expected(
        "notify",
        """
        zoo::locks::is_notified @notify.notified
        tokio::sync::notify::Notified
        """,
        ("notify",),
    ),
    Expected(
        "barrier",
        """
        zoo::locks::meets @barrier.wait
        tokio::sync::barrier::Barrier::wait
        """,
        ("barrier",),
    ),
    Expected(
        "once_cell_first",
        """
        zoo::locks::initialises @once_cell.first
        tokio::sync::once_cell::OnceCell::get_or_init
        zoo::locks::slow_value @once_cell.init
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
    Expected(
        "once_cell_second",
        """
        zoo::locks::wants_value @once_cell.second
        tokio::sync::once_cell::OnceCell::get_or_init
        """,
        ("once_cell",),
    ),
    Expected(
        "unknown",
        """
        zoo::locks::waits_forever @unknown.pending
        core::future::pending::Pending
        """,
        ("unknown",),
    ),
)

CHANNELS = (
    Expected(
        "mpsc_recv",
        """
        zoo::channels::receives @mpsc.recv
        tokio::sync::mpsc::bounded::Receiver::recv
        """,
        ("mpsc recv",),
    ),
    Expected(
        "mpsc_unbounded",
        """
        zoo::channels::receives_unbounded @mpsc.unbounded
        tokio::sync::mpsc::unbounded::UnboundedReceiver::recv
        """,
        ("mpsc recv",),
    ),
    Expected(
        "mpsc_send",
        """
        zoo::channels::sends_to_full @mpsc.send
        tokio::sync::mpsc::bounded::Sender::send
        """,
        ("mpsc send",),
    ),
    Expected(
        "oneshot",
        """
        zoo::channels::awaits_oneshot @oneshot.recv
        tokio::sync::oneshot::Receiver
        """,
        ("oneshot recv",),
    ),
    Expected(
        "watch",
        """
        zoo::channels::watches @watch.changed
        tokio::sync::watch::Receiver::changed
        """,
        ("watch changed",),
    ),
    Expected(
        "broadcast",
        """
        zoo::channels::hears_broadcast @broadcast.recv
        tokio::sync::broadcast::Receiver::recv
        """,
        ("broadcast recv",),
    ),
)

SOCKETS = (
    Expected(
        "lines",
        """
        zoo::sockets::reads_lines @lines.next
        tokio::time::timeout::Timeout
          value pending
            tokio::io::util::lines::Lines::next_line
          deadline pending
            tokio::time::sleep::Sleep
        """,
        ("[deadline] timer", "[value] io readable fd=lines"),
    ),
    Expected(
        "write",
        """
        zoo::sockets::writes_to_full @write.write_all
        tokio::io::util::write_all::WriteAll
        """,
        ("io writable fd=write",),
    ),
    Expected(
        "proxy",
        """
        zoo::sockets::forwards @proxy.copy
        tokio::io::util::copy_bidirectional::copy_bidirectional
        """,
        ("io readable fd=front", "io readable fd=back"),
    ),
    Expected(
        "unix",
        """
        zoo::sockets::awaits_readable @unix.readable
        tokio::net::unix::stream::UnixStream::readable
        """,
        ("io readable fd=unix",),
    ),
    Expected(
        "accept",
        """
        zoo::sockets::accepts @accept.accept
        tokio::net::tcp::listener::TcpListener::accept
        """,
        ("io readable fd=accept",),
    ),
    Expected(
        "read",
        """
        zoo::sockets::reads_idle @read.read
        tokio::io::util::read::Read
        """,
        ("io readable fd=read",),
    ),
    Expected(
        "udp",
        """
        zoo::sockets::receives_datagram @udp.recv
        tokio::net::udp::UdpSocket::recv
        """,
        ("io readable fd=udp",),
    ),
)

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
        )
        for name in ("queued1", "queued2", "queued3", "aborted")
    ),
    Expected("bridge", kind="blocking", state="running", thread="bridge"),
    Expected("job0", kind="blocking", state="running", thread="blocking"),
    Expected("job1", kind="blocking", state="scheduled"),
    Expected("job2", kind="blocking", state="scheduled"),
    Expected("job9", kind="blocking", state="scheduled", parent="blocking_joiner"),
)

OTHERS = (
    Expected(
        "main_root",
        """
        zoo::main_root @main.root
        zoo::main_leaf @main.leaf
        tokio::sync::oneshot::Receiver
        """,
        ("oneshot recv",),
        kind="block_on",
        thread="main",
    ),
    Expected(
        "guest_root",
        """
        zoo::daily::guest_root @guest.root
        zoo::daily::guest_leaf @guest.leaf
        tokio::sync::notify::Notified
        """,
        ("notify",),
        kind="block_on",
        thread="guest",
    ),
    Expected(
        "bridge_root",
        """
        zoo::daily::nested_root @bridge.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        thread="bridge",
    ),
    Expected(
        "side_root",
        """
        zoo::side_root @side.root
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        executor="side",
        thread="side",
    ),
    Expected(
        "side_task",
        """
        zoo::side_task @side.task
        core::future::pending::Pending
        """,
        ("unknown",),
        executor="side",
    ),
    Expected(
        "local_root",
        """
        zoo::local::drives_set @local.run_until
        tokio::task::local::LocalSet::run_until
        zoo::local::local_root @local.root
        tokio::time::sleep::Sleep
        """,
        ("timer",),
        kind="block_on",
        executor="local",
        thread="local",
    ),
    Expected(
        "local",
        """
        zoo::local::local_task @local.task
        zoo::local::local_leaf @local.leaf
        tokio::sync::notify::Notified
        """,
        ("notify",),
        kind="local",
        executor="set",
    ),
    Expected(
        "values",
        """
        zoo::values::holds_values @values.sleep
        tokio::time::sleep::Sleep
        """,
        ("timer",),
    ),
)

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
        newer=True,
    ),
    Expected(
        "wait_for",
        """
        zoo::daily::waits_for_value @watch.wait_for
        tokio::sync::watch::Receiver::wait_for
        """,
        ("watch changed",),
        newer=True,
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
    Expected("stopped", state="complete", parent="results", cancelled=True),
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

TASKS = (*COMPOSED, *COMBINED, *LOCKS, *CHANNELS, *SOCKETS, *STATES, *OTHERS, *DAILY, *WRAPPED)


def tasks_with(tokio: str | None) -> tuple[Expected, ...]:
    """Return the tasks of the program that is built for this version of tokio."""
    return tuple(each for each in TASKS if not (each.newer and is_old(tokio)))
