"""What the sources of ``tests/programs/pond`` imply for each of its tasks and executors.

Tasks say what their waker's data is, which for most executors is the address of their header.
``stack`` is written as in ``support.zoo``, without the frames of what executors put around tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from textwrap import dedent

from adp_tui.backends.core import open_core
from adp_tui.engine.model import Task
from support.reading import Reading

__all__ = ["EXECUTORS", "RESOURCES", "TASKS", "ExpectedExecutor", "ExpectedTask", "Pond"]

AROUND = (
    "async_executor::AsyncCallOnDrop",
    "async_executor::Executor::spawn::{async_block#0}",
    "async_executor::LocalExecutor::spawn::{async_block#0}",
    "async_std::task::builder::SupportTaskLocals",
)
"""What async-executor and async-std put around a future that is spawned."""


class Pond(Reading):
    """A core of the pond, in the words of its source."""

    def task_name(self, task: Task) -> str:
        """Return what the program calls the task; a library's own is named by its function."""
        if task.kind == "block_on":
            return f"{self.named('tid', task.thread)}_root"
        name = self.named("task", task.address)
        if name is None and task.runtime == "tokio":
            name = self.named("id", task.id)
        return name or task.future.partition("::{")[0]

    @property
    def is_older(self) -> bool:
        """Whether it was built with older versions of what smol and async-std are made of."""
        return self.dump.tokio is not None

    @property
    def expected_tasks(self) -> tuple[ExpectedTask, ...]:
        """The tasks that the sources imply."""
        return tuple(each for each in TASKS if not (each.newer and self.is_older))

    @cached_property
    def pointers(self) -> dict[str, int]:
        """What stands at the address that each fact ``at_NAME`` tells."""
        target = open_core(self.dump.core, executable=self.dump.exe)
        facts = {name: at for name, at in self.dump.facts.items() if name.startswith("at_")}
        try:
            return {
                name: int.from_bytes(target.memory.read(address, 8), "little")
                for name, address in facts.items()
            }
        finally:
            target.close()

    def stack_text(self, task: Task) -> str:
        """Leave out what executors put around tasks: the same for each of them."""
        text = super().stack_text(task)
        kept = [line for line in text.split("\n") if line.removesuffix(" (polled)") not in AROUND]
        return "\n".join(kept)


@dataclass(frozen=True, slots=True)
class ExpectedExecutor:
    """An executor, by what leads to it: a thread, or a fact with the address of its owner."""

    name: str
    kind: str
    threads: tuple[str, ...] = ()
    """Names of the threads that poll its tasks."""
    pool: tuple[str, ...] = ()
    """Names of the threads that run its blocking jobs."""
    label: str | None = None
    """Its name in the report."""
    thread: str | None = None
    """A thread, as the program calls it, that works for it."""
    fact: str | None = None
    """The fact with the address of the ``async_executor::Executor`` that points to it."""

    def __str__(self) -> str:
        return self.name


EXECUTORS = (
    ExpectedExecutor("smol", "async-executor", ("smol-1", "smol-2"), label="smol", thread="crash"),
    ExpectedExecutor("leaked", "async-executor", ("leaked-thread",), fact="at_leaked"),
    ExpectedExecutor("stranded", "async-executor", fact="at_stranded"),
    ExpectedExecutor("local", "async-executor", ("local-thread",), thread="local"),
    ExpectedExecutor(
        "std", "async-executor", ("async-std/runtime",), label="async-global-executor"
    ),
    ExpectedExecutor(
        "std_local",
        "async-executor",
        ("std-thread",),
        label="async-global-executor local",
        thread="std",
    ),
    ExpectedExecutor("blocking", "blocking", pool=("blocking-1",), thread="blocking"),
    ExpectedExecutor("local_pool", "futures.local_pool", ("pool-thread",), thread="pool"),
    ExpectedExecutor("thread_pool", "futures.thread_pool", ("pond-pool-0", "pond-pool-1")),
    ExpectedExecutor("tokio", "tokio.multi_thread", ("tokio-rt-worker",), thread="tokio"),
)
"""async-std's runtime thread has an executor for local tasks as well, which has none."""


@dataclass(frozen=True, slots=True)
class ExpectedTask:
    """A task by the name that the program prints."""

    name: str
    stack: str = ""
    waits: tuple[str, ...] = ()
    kind: str = "spawned"
    state: str = "idle"
    executor: str | None = "smol"
    parent: str | None = None
    thread: str | None = None
    runtime: str = "async-task"
    newer: bool = False
    """It is not in the program built with the older versions."""

    @property
    def lines(self) -> str:
        return dedent(self.stack).strip()

    def __str__(self) -> str:
        return self.name


def _smol(
    name: str,
    function: str,
    leaf: str,
    *waits: str,
    executor: str = "smol",
    parent: str | None = None,
    runtime: str = "async-task",
) -> ExpectedTask:
    """Return a task that stands at one await: ``function @marker``, then ``leaf``."""
    stack = f"pond::{function}\n{leaf}"
    return ExpectedTask(name, stack, waits, executor=executor, parent=parent, runtime=runtime)


TIMER = "async_io::Timer"
ONESHOT = "futures_channel::oneshot::Receiver"
PENDING = "core::future::pending::Pending"
NAPS = f"pond::combine::naps @naps.after\n{TIMER}"

_TWO = """
{function}
{combinator}
  0 pending
    pond::combine::naps @naps.after
    async_io::Timer
  1 pending
    pond::combine::rings @rings.recv
    futures_channel::oneshot::Receiver
"""

TASKS = (
    _smol("timer", "sleeps @timer.after", TIMER, "timer"),
    _smol("detached", "is_detached @detached.pending", PENDING, "unknown"),
    ExpectedTask("finished", state="complete", parent="main_root"),
    ExpectedTask("crash", "pond::crashes @crash.panic (polled)", state="running", thread="crash"),
    # Locks.
    _smol("keeper", "locks::keeper @keeper.after", TIMER, "timer"),
    _smol("mutex", "locks::locks_mutex @mutex.lock", "async_lock::mutex::Lock", "mutex"),
    _smol("mutex_arc", "locks::locks_owned @mutex.lock_arc", "async_lock::mutex::LockArc", "mutex"),
    _smol(
        "rwlock_read",
        "locks::reads @rwlock.read",
        "async_lock::rwlock::futures::Read",
        "rwlock read",
    ),
    _smol(
        "rwlock_write",
        "locks::writes @rwlock.write",
        "async_lock::rwlock::futures::Write",
        "rwlock write",
    ),
    _smol(
        "semaphore",
        "locks::takes_permit @semaphore.acquire",
        "async_lock::semaphore::Acquire",
        "semaphore",
    ),
    _smol(
        "semaphore_arc",
        "locks::takes_owned_permit @semaphore.acquire_arc",
        "async_lock::semaphore::AcquireArc",
        "semaphore",
    ),
    _smol("barrier", "locks::meets @barrier.wait", "async_lock::barrier::BarrierWait", "barrier"),
    _smol(
        "once_cell_first",
        "locks::initialises @once_cell.first",
        "async_lock::once_cell::OnceCell::get_or_init\n"
        f"pond::locks::slow_value @once_cell.init\n{TIMER}",
        "timer",
    ),
    _smol(
        "once_cell_second",
        "locks::wants_value @once_cell.second",
        "async_lock::once_cell::OnceCell::get_or_init",
        "once_cell",
    ),
    # Channels.
    _smol("chan_recv", "channels::receives @chan.recv", "async_channel::Recv", "channel recv"),
    _smol(
        "chan_stream",
        "channels::streams @chan.stream",
        "futures_util::stream::stream::next::Next",
        "channel recv",
    ),
    _smol("chan_send", "channels::sends @chan.send", "async_channel::Send", "channel send"),
    _smol("owner", "channels::owner @owner.pending", PENDING, "unknown"),
    _smol("event", "channels::listens @event.listen", "event_listener::EventListener", "event"),
    _smol("oneshot", "channels::awaits_oneshot @oneshot.recv", ONESHOT, "oneshot recv"),
    _smol(
        "mpsc_recv",
        "channels::receives_mpsc @mpsc.next",
        "futures_util::stream::stream::next::Next",
        "mpsc recv",
    ),
    _smol(
        "mpsc_unbounded",
        "channels::receives_unbounded @mpsc.unbounded",
        "futures_util::stream::stream::next::Next",
        "mpsc recv",
    ),
    _smol("feeder", "channels::feeder @feeder.pending", PENDING, "unknown"),
    # Futures that poll others.
    _smol("awaited", "combine::awaited @awaited.naps", NAPS, "timer", parent="join"),
    _smol(
        "join", "combine::awaits_task @join.await", "async_task::task::Task", "join task=awaited"
    ),
    ExpectedTask(
        "or",
        _TWO.format(
            function="pond::combine::races @or.await", combinator="futures_lite::future::Or"
        ),
        ("[0] timer", "[1] oneshot recv"),
    ),
    ExpectedTask(
        "zip",
        _TWO.format(
            function="pond::combine::zips @zip.await", combinator="futures_lite::future::Zip"
        ),
        ("[0] timer", "[1] oneshot recv"),
    ),
    ExpectedTask(
        "select",
        _TWO.format(
            function="pond::combine::selects @select.await",
            combinator="futures_util::future::select::Select",
        ),
        ("[0] timer", "[1] oneshot recv"),
    ),
    ExpectedTask(
        "unordered",
        """
        pond::combine::unordered @unordered.next
        futures_util::stream::stream::next::Next
        futures_util::stream::futures_unordered::FuturesUnordered
          0 pending
            pond::combine::naps @naps.after
            async_io::Timer
          1 pending
            pond::combine::naps @naps.after
            async_io::Timer
        """,
        ("[0] timer", "[1] timer"),
    ),
    _smol(
        "unblock",
        "combine::unblocks @unblock.await",
        "async_task::task::Task",
        "join task=pond::combine::unblocks",
    ),
    ExpectedTask(
        "pond::combine::unblocks",
        kind="blocking",
        state="running",
        executor="blocking",
        parent="unblock",
        thread="blocking",
    ),
    _smol("futures_keeper", "combine::futures_keeper @futures_keeper.naps", NAPS, "timer"),
    _smol(
        "futures_waiter",
        "combine::futures_waiter @futures_waiter.lock",
        "futures_util::lock::mutex::MutexLockFuture",
        "mutex",
    ),
    _smol(
        "stranded_joiner",
        "combine::awaits_stranded @stranded.await",
        "async_task::task::Task",
        "join task=pond::combine::never_polled",
    ),
    ExpectedTask(
        "pond::combine::never_polled",
        "pond::combine::never_polled @fn (unresumed)",
        state="scheduled",
        executor="stranded",
        parent="stranded_joiner",
    ),
    # Sockets.
    _smol(
        "read", "sockets::reads @read.read", "futures_lite::io::ReadFuture", "io readable fd=read"
    ),
    _smol(
        "readable",
        "sockets::readable @readable.readable",
        "async_io::reactor::Readable",
        "io readable fd=readable",
    ),
    _smol(
        "accept",
        "sockets::accepts @accept.accept",
        "async_net::tcp::TcpListener::accept",
        "io readable fd=accept",
    ),
    # smol starts this one itself, for child processes.
    ExpectedTask("async_process::driver", "", ("channel recv",), newer=True),
    # Executors that no static leads to.
    _smol("leaked", "executors::leaked_task @leaked.after", TIMER, "timer", executor="leaked"),
    _smol(
        "leaked_pending",
        "executors::leaked_pending @leaked.pending",
        PENDING,
        "unknown",
        executor="leaked",
    ),
    _smol("local", "executors::local_task @local.task", ONESHOT, "oneshot recv", executor="local"),
    # async-std.
    ExpectedTask(
        "std_sleep",
        """
        pond::executors::std_sleeper @std.sleep
        async_std::task::sleep::sleep
        async_std::io::timeout::Timeout
          future pending
            async_std::future::pending::pending
          timeout pending
            async_io::Timer
        """,
        ("[future] unknown", "[timeout] timer"),
        executor="std",
        parent="std_root",
    ),
    _smol(
        "std_join",
        "executors::std_joiner @std.join",
        "async_std::task::join_handle::JoinHandle",
        "join task=std_joined",
        executor="std",
    ),
    _smol(
        "std_joined",
        "executors::std_joined @std.recv",
        "async_channel::Recv",
        "channel recv",
        executor="std",
        parent="std_join",
    ),
    # futures.
    *(
        _smol(
            name,
            f"futures_rs::{function}",
            ONESHOT,
            "oneshot recv",
            executor=executor,
            runtime="futures-executor",
        )
        for name, function, executor in (
            ("local_pool1", "local_pool_task @local_pool.task", "local_pool"),
            ("local_pool2", "local_pool_task @local_pool.task", "local_pool"),
            ("pooled1", "pooled @pooled.recv", "thread_pool"),
            ("pooled2", "pooled @pooled.recv", "thread_pool"),
        )
    ),
    # tokio.
    ExpectedTask(
        "tokio",
        "pond::executors::tokio_task @tokio.sleep\ntokio::time::sleep::Sleep",
        ("timer",),
        executor="tokio",
        parent="tokio_root",
        runtime="tokio",
    ),
    # Nobody described its executor.
    *(
        ExpectedTask(
            name,
            f"pond::own::own_task @own.task\n{ONESHOT}",
            ("oneshot recv",),
            state="unknown",
            executor=None,
            runtime="wake",
        )
        for name in ("own1", "own2")
    ),
    # What threads block on.
    *(
        ExpectedTask(
            f"{thread}_root",
            stack,
            waits,
            kind="block_on",
            executor=executor,
            thread=thread,
            runtime=runtime,
        )
        for thread, stack, waits, executor, runtime in (
            (
                "main",
                f"pond::main_root @main.root\npond::main_leaf @main.leaf\n{TIMER}",
                ("timer",),
                None,
                "async-io",
            ),
            (
                "leaked",
                "async_executor::Executor::run\n"
                f"pond::executors::leaked_root @leaked.root\n{TIMER}",
                ("timer",),
                "leaked",
                "async-io",
            ),
            (
                "local",
                "async_executor::LocalExecutor::run\n"
                f"pond::executors::local_root @local.root\n{ONESHOT}",
                ("oneshot recv",),
                "local",
                "futures-lite",
            ),
            (
                "std",
                "async_executor::LocalExecutor::run\npond::executors::std_root @std.root\n"
                "async_std::task::join_handle::JoinHandle",
                ("join task=std_sleep",),
                "std_local",
                "async-io",
            ),
            (
                "pool",
                f"pond::futures_rs::local_pool_root @local_pool.root\n{ONESHOT}",
                ("oneshot recv",),
                "local_pool",
                "futures-executor",
            ),
            (
                "block",
                "pond::futures_rs::block_root @block.root\n"
                f"pond::futures_rs::block_leaf @block.leaf\n{ONESHOT}",
                ("oneshot recv",),
                None,
                "futures-executor",
            ),
            (
                "tokio",
                "pond::executors::tokio_root @tokio.root\ntokio::runtime::task::join::JoinHandle",
                ("join task=tokio",),
                "tokio",
                "tokio",
            ),
        )
    ),
)

RESOURCES = {
    # task that waits: kind; who holds it, in which mode, by which variable; who has another end
    "mutex": ("mutex", ["keeper exclusive guard @keeper.mutex"], []),
    "mutex_arc": ("mutex", ["keeper exclusive owned @keeper.owned"], []),
    "rwlock_read": ("rwlock", ["keeper write writing @keeper.write"], []),
    "rwlock_write": ("rwlock", ["keeper read reading @keeper.read"], []),
    "semaphore": ("semaphore", ["keeper permit permit @keeper.permit"], []),
    "semaphore_arc": ("semaphore", ["keeper permit owned_permit @keeper.owned_permit"], []),
    "barrier": ("barrier", [], []),
    "once_cell_second": ("once_cell", ["once_cell_first exclusive _guard"], []),
    "futures_waiter": ("mutex", ["futures_keeper exclusive guard @futures_keeper.lock"], []),
    "chan_recv": ("channel", [], ["owner sender sender"]),
    "chan_stream": ("channel", [], ["owner sender second"]),
    "chan_send": ("channel", [], ["owner receiver receiver"]),
    "event": ("event", [], ["owner notify event"]),
    "oneshot": ("oneshot", [], ["feeder sender one"]),
    "mpsc_recv": ("mpsc", [], ["feeder sender many"]),
    "mpsc_unbounded": ("mpsc", [], ["feeder sender unbounded"]),
}
"""A line of a variable is that of the await whose result it got."""
