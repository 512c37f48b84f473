"""What the sources of ``tests/programs/percore`` imply for each of its tasks and executors.

Tasks say what their waker's data is: in both runtimes the address of their header. ``stack`` is
written as in ``support.zoo``.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

from adp_tui.engine.model import Task
from support.reading import Reading

__all__ = ["EXECUTORS", "RESOURCES", "ROOTS", "SWEPT", "TASKS", "ExpectedTask", "Percore"]

SWEPT = ("ring", "join", "joined")
"""Nothing but a channel leads to them, or to whom they wait for: a core is searched for wakers."""


class Percore(Reading):
    """A core of the program, in the words of its source."""

    @property
    def is_sync(self) -> bool:
        """Whether monoio was built with its feature ``sync``."""
        return self.dump.exe.parent.name.endswith("-sync")

    @property
    def expected_tasks(self) -> tuple[ExpectedTask, ...]:
        """The tasks that the sources imply."""
        return tuple(each for each in TASKS if self.is_sync or not each.sync)

    @property
    def expected_executors(self) -> tuple[str, ...]:
        """The threads that have an executor each."""
        return tuple(name for name in EXECUTORS if self.is_sync or name != "job")

    def task_name(self, task: Task) -> str:
        """Return what the program calls the task; one that was never polled has said nothing."""
        if task.kind == "block_on":
            return f"{self.named('tid', task.thread)}_root"
        return self.named("task", task.address) or task.future.partition("::{")[0]


@dataclass(frozen=True, slots=True)
class ExpectedTask:
    """A task by the name that the program prints; ``executor`` is the name of its thread."""

    name: str
    executor: str
    stack: str = ""
    waits: tuple[str, ...] = ()
    state: str = "idle"
    parent: str | None = None
    thread: str | None = None
    kind: str = "spawned"
    sync: bool = False
    """It is there only where monoio is built with its feature ``sync``."""

    @property
    def lines(self) -> str:
        return dedent(self.stack).strip()

    @property
    def runtime(self) -> str:
        return EXECUTORS[self.executor][0]

    def __str__(self) -> str:
        return self.name


EXECUTORS = {
    # thread: descriptor, kind, name of the thread, role, tasks in its run queue, timers
    "main": ("monoio", "monoio", "percore", "block_on", 1, 5),
    "side": ("monoio", "monoio", "side-thread", "block_on", 0, 2),
    "chip": ("embassy-executor", "embassy", "chip-thread", "worker", 0, None),
    "stuck": ("embassy-executor", "embassy", "stuck-thread", "worker", 0, None),
    "job": ("monoio", "monoio.blocking", None, "blocking", None, None),
}
"""What stands behind a task that keeps its thread has left the queue: all are taken at once."""


def _core(
    name: str,
    function: str,
    leaf: str,
    *waits: str,
    parent: str | None = None,
    executor: str = "main",
) -> ExpectedTask:
    """Return a task of monoio that stands at one await: ``function @marker``, then ``leaf``."""
    stack = f"percore::cores::{function}\n{leaf}"
    return ExpectedTask(name, executor, stack, waits, parent=parent)


def _chip(name: str, function: str, leaf: str, *waits: str) -> ExpectedTask:
    """Return a task of embassy: its macro puts an async function into one that spawns it."""
    return ExpectedTask(name, "chip", f"percore::chip::{_inner(function)}\n{leaf}", waits)


def _inner(function: str) -> str:
    name, _, place = function.partition(" ")
    return f"__{name}_task::__{name}_task_inner_function {place}".rstrip()


SLEEP = "monoio::time::driver::sleep::Sleep"
ONESHOT = "futures_channel::oneshot::Receiver"
PENDING = "core::future::pending::Pending"
TIMER = "embassy_time::timer::Timer"

ROOTS = (
    ExpectedTask(
        "main_root",
        "main",
        f"percore::cores::main_root @main.root\npercore::cores::main_leaf @main.leaf\n{SLEEP}",
        ("timer",),
        thread="main",
    ),
    ExpectedTask(
        "side_root",
        "side",
        f"percore::cores::side_root @side.root\n{SLEEP}",
        ("timer",),
        thread="side",
    ),
)

TASKS = (
    *ROOTS,
    # monoio.
    _core("timer", "sleeps @timer.sleep", SLEEP, "timer"),
    _core("read", "reads @read.read", "monoio::driver::op::recv::read", "io readable fd=read"),
    _core(
        "readable",
        "readable @readable.readable",
        "monoio::net::unix::stream::UnixStream::readable",
        "io readable fd=readable",
    ),
    _core(
        "write", "writes @write.write", "monoio::driver::op::send::write", "io writable fd=write"
    ),
    _core(
        "accept",
        "accepts @accept.accept",
        "monoio::net::tcp::listener::TcpListener::accept",
        "io readable fd=accept",
    ),
    _core("join", "joins @join.await", "monoio::task::join::JoinHandle", "join task=joined"),
    _core("joined", "joined @joined.gate", ONESHOT, "oneshot recv", parent="join"),
    _core("ring", "rings @ring.gate", ONESHOT, "oneshot recv"),
    _core("holder", "holds @holder.pending", PENDING, "unknown", parent="main_root"),
    ExpectedTask(
        "timeout",
        "main",
        f"""
        percore::cores::waits_at_most @timeout.await
        monoio::time::timeout::Timeout
          value pending
            {ONESHOT}
          deadline pending
            {SLEEP}
        """,
        ("[deadline] timer", "[value] oneshot recv"),
    ),
    ExpectedTask(
        "select",
        "main",
        f"""
        percore::cores::selects @select.await
        PollFn
          0 pending
            {SLEEP}
          1 pending
            {ONESHOT}
        """,
        ("[0] timer", "[1] oneshot recv"),
    ),
    ExpectedTask("finished", "main", state="complete", parent="main_root"),
    ExpectedTask(
        "crash",
        "main",
        "percore::cores::crashes @crash.panic (polled)",
        state="running",
        thread="main",
    ),
    ExpectedTask(
        "percore::cores::never_polled",
        "main",
        "percore::cores::never_polled @fn (unresumed)",
        state="scheduled",
    ),
    _core("interval", "ticks @interval.tick", "monoio::time::interval::Interval::tick", "timer"),
    ExpectedTask(
        "offload",
        "main",
        "percore::cores::blocking::offloads @offload.await\nmonoio::task::join::JoinHandle",
        ("join task=percore::cores::blocking::offloads",),
        sync=True,
    ),
    ExpectedTask(
        "percore::cores::blocking::offloads",
        "job",
        "monoio::blocking::BlockingFuture (polled)",
        state="running",
        parent="offload",
        thread="job",
        kind="blocking",
        sync=True,
    ),
    _core("side", "side_task @side.sleep", SLEEP, "timer", parent="side_root", executor="side"),
    # embassy.
    _chip("tick", "ticks @tick.after", TIMER, "timer"),
    _chip("pooled1", "pooled @pooled.after", TIMER, "timer"),
    _chip("pooled2", "pooled @pooled.after", TIMER, "timer"),
    _chip("named", "is_named @named.after", TIMER, "timer"),
    _chip("keeper", "keeper @keeper.after", TIMER, "timer"),
    _chip("lock", "locks @lock.lock", "PollFn", "mutex"),
    _chip("writer", "writes @writer.write", "PollFn", "rwlock write"),
    _chip("reader", "looks @reader.read", "PollFn", "rwlock read"),
    _chip(
        "acquire",
        "acquires @acquire.acquire",
        "<embassy_sync::semaphore::GreedySemaphore as embassy_sync::semaphore::Semaphore>::acquire",
        "semaphore",
    ),
    _chip(
        "receive",
        "receives @receive.receive",
        "embassy_sync::channel::ReceiveFuture",
        "channel recv",
    ),
    _chip("feeder", "feeds @feeder.pending", PENDING, "unknown"),
    _chip("send", "sends @send.send", "embassy_sync::channel::SendFuture", "channel send"),
    _chip(
        "any_receive",
        "receives_any @any.receive",
        "embassy_sync::channel::DynamicReceiveFuture",
        "channel recv",
    ),
    _chip(
        "any_send",
        "sends_any @any.send",
        "embassy_sync::channel::DynamicSendFuture",
        "channel send",
    ),
    _chip("beat", "beats @beat.next", "PollFn", "timer"),
    _chip("queue", "queues @queue.acquire", "embassy_sync::semaphore::FairAcquire", "semaphore"),
    _chip(
        "queue_too",
        "queues_too @queue_too.acquire",
        "embassy_sync::semaphore::FairAcquireAll",
        "semaphore",
    ),
    ExpectedTask(
        "many",
        "chip",
        f"""
        percore::chip::{_inner("has_many @many.select")}
        embassy_futures::select::Select3
          0 pending
            {TIMER}
          1 pending
            embassy_futures::join::JoinArray
              0 done
              1 pending
                percore::chip::{_inner("has_many")}::{{closure#0}}::{{async_closure#0}} @many.ring
                {TIMER}
          2 pending
            PollFn
        """,
        ("[0] timer", "[1.1] timer", "[2] notify"),
    ),
    _chip("alarm", "waits @alarm.wait", "PollFn", "notify"),
    ExpectedTask(
        "choice",
        "chip",
        f"""
        percore::chip::{_inner("selects @choice.select")}
        embassy_futures::select::Select
          0 pending
            {TIMER}
          1 pending
            PollFn
        """,
        ("[0] timer", "[1] notify"),
    ),
    ExpectedTask(
        "both",
        "chip",
        f"""
        percore::chip::{_inner("joins @both.join")}
        embassy_futures::join::Join
          0 pending
            percore::chip::naps @naps.after
            {TIMER}
          1 pending
            embassy_time::timer::TimeoutFuture
              value pending
                PollFn
              deadline pending
                {TIMER}
        """,
        ("[0] timer", "[1.deadline] timer", "[1.value] notify"),
    ),
    ExpectedTask(
        "block",
        "stuck",
        f"percore::chip::{_inner('blocks @block.park')} (polled)",
        state="running",
        thread="stuck",
    ),
    ExpectedTask(
        "percore::chip::__queued_task::__queued_task_inner_function",
        "stuck",
        f"percore::chip::{_inner('queued @fn')} (unresumed)",
        state="scheduled",
    ),
)
"""``starts_crash`` and embassy's ``finishes`` are over, and nobody has a handle of them."""

RESOURCES = {
    # task that waits: kind; who holds it, in which mode, by which variable; who has another end
    "lock": ("mutex", ["keeper exclusive guard @keeper.mutex"], []),
    "writer": ("rwlock", ["keeper read reading @keeper.read"], []),
    "reader": ("rwlock", ["keeper write writing @keeper.write"], []),
    "acquire": ("semaphore", ["keeper permit permits @keeper.permits"], []),
    "receive": ("channel", [], ["feeder sender sender"]),
    "send": ("channel", [], ["feeder receiver receiver"]),
    "any_receive": ("channel", [], ["feeder sender quiet"]),
    "any_send": ("channel", [], ["feeder receiver crowded"]),
    "alarm": ("notify", [], []),
    "ring": ("oneshot", [], ["holder sender sender"]),
    "joined": ("oneshot", [], ["join sender keep"]),
    "read": ("io", [], []),
    "write": ("io", [], []),
}
"""A line of a variable is that of the await whose result it got."""
