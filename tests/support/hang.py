"""What the sources of ``tests/programs/hang`` imply: who holds what others wait for.

``resources`` is written as ``support.holding`` says.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HANGS", "Hang"]


@dataclass(frozen=True, slots=True)
class Hang:
    """A constellation by the argument that the program is given."""

    name: str
    resources: str = ""
    findings: tuple[str, ...] = ()
    """Kind of each finding, with the tasks and threads that it is about."""

    def __str__(self) -> str:
        return self.name


HANGS = (
    Hang(
        "two",
        """
        mutex two_first
          two_second exclusive two_second audit @two.second.holds
        mutex two_second
          two_first exclusive two_first ledger @two.first.holds
        """,
        ("deadlock two_first two_second",),
    ),
    Hang(
        "three",
        """
        rwlock three_first
          three_second read three_second prices @three.second.holds
        semaphore three_second
          three_third permit three_third permit @three.third.holds derived
        mutex three_third
          three_first exclusive three_first ledger @three.first.holds
        """,
        ("deadlock three_first three_second three_third",),
    ),
    Hang(
        "ring",
        """
        rwlock ring_receiver
          ring_joiner read ring_joiner prices @ring.joiner.holds
        mpsc ring_sender
          ring_receiver has receiver ring_receiver receiver @fn
        """,
        ("deadlock ring_joiner ring_receiver ring_sender",),
    ),
    Hang(
        "join",
        """
        mutex join_other
          join_keeper exclusive join_keeper held @join.keeper.holds
        """,
        ("deadlock join_keeper join_other",),
    ),
    Hang(
        "channel",
        """
        mpsc channel_sender
          channel_receiver has receiver channel_receiver receiver @fn
        mutex channel_receiver
          channel_sender exclusive channel_sender ledger @channel.sender.holds
        """,
        ("deadlock channel_receiver channel_sender",),
    ),
    Hang(
        "thread",
        """
        oneshot thread_tokio
          thread of_tokio has sender of_tokio answer @fn derived
        mutex of_tokio_root
          thread_tokio exclusive thread_tokio held @thread.tokio.holds
        oneshot thread_lot
          thread of_lot has sender of_lot answer @thread.of_lot.given derived
        mutex
          thread_lot exclusive thread_lot held @thread.lot.holds
        oneshot thread_std
          thread of_std has sender of_std answer @thread.of_std.given doubtful
          thread std_runtime has sender std_runtime answer @thread.std.moved doubtful
        mutex
          thread_std exclusive thread_std held @thread.std.holds
        """,
        (
            "deadlock of_tokio_root thread_tokio",
            "deadlock thread_lot thread of_lot",
            "deadlock thread_std thread of_std",
            "std_lock_across_await thread_lot",
            "std_lock_across_await thread_std",
        ),
    ),
    Hang(
        "rwself",
        """
        rwlock rwself
          rwself read rwself_task read @rwself.holds
        """,
        ("deadlock rwself",),
    ),
    Hang(
        "handlers",
        """
        mutex handlers_pays
          handlers_checks exclusive checks audit @handlers.checks.holds
        mutex handlers_checks
          handlers_pays exclusive pays ledger @handlers.pays.holds
        """,
        ("deadlock handlers_checks handlers_pays",),
    ),
    Hang(
        "futurelock",
        """
        mutex futurelock_victim
          futurelock_victim granted futurelock_victim pinned.… @futurelock.first
        """,
        ("futurelock futurelock_victim",),
    ),
    Hang("lostwake", "", ("lost_wakeup lostwake",)),
    Hang(
        "exhausted",
        """
        semaphore exhausted_first exhausted_second
          exhausted_one permit exhausted_sleeps permit @exhausted.holds derived
          exhausted_two permit 2 exhausted_sleeps permit @exhausted.holds derived
        """,
        ("semaphore_exhausted exhausted_one exhausted_two",),
    ),
    Hang("forgotten", "semaphore forgotten", ("permits_unaccounted forgotten",)),
    Hang(
        "full",
        """
        mpsc full_sender1 full_sender2
          full_receiver has receiver full_receiver receiver @fn
        """,
        ("channel_stuck full_receiver",),
    ),
    Hang("panicked", "", ("panicked panicked",)),
    Hang(
        "stdlock",
        """
        mutex
          stdlock_lot exclusive stdlock_lot held @stdlock.lot.holds
        mutex
          stdlock_std exclusive stdlock_std held @stdlock.std.holds
        """,
        ("std_lock_across_await stdlock_lot", "std_lock_across_await stdlock_std"),
    ),
    Hang("blocked", "", ("blocked_worker blocked_sleep", "blocked_worker blocked_recv")),
    Hang(
        "nested",
        "mutex nested_futures_root\nmutex nested_handle_root",
        (
            "nested_block_on nested_futures nested_futures_root",
            "nested_block_on nested_handle nested_handle_root",
        ),
    ),
    Hang("busyworkers", "", ("workers_exhausted",)),
    Hang("pool", "", ("blocking_pool_exhausted",)),
    Hang("overdue", "", ("overdue_timer overdue_short",)),
    Hang("crash", "", ("crash crash",)),
    Hang(
        "permits",
        """
        mutex permits_local_waiter
          permits_local exclusive permits_local held @permits.local
        mutex permits_struct_waiter
          permits_struct exclusive permits_struct desk.held @permits.struct
        mutex permits_tuple_waiter
          permits_tuple exclusive permits_tuple pair.1 @permits.tuple
        mutex permits_option_waiter
          permits_option exclusive permits_option maybe @permits.option
        mutex permits_vec_waiter
          permits_vec exclusive permits_vec list[1] @permits.vec
        mutex permits_called_waiter
          permits_called exclusive called inner @permits.called
        mutex permits_boxed_waiter
          permits_boxed exclusive called inner @permits.called
        mutex permits_kept_waiter
          permits_kept exclusive permits_kept kept.inner @permits.kept
        mutex permits_arc_waiter
          permits_arc exclusive permits_arc shelf.held @permits.arc derived
        mutex permits_owned_waiter
          permits_owned exclusive permits_owned held @permits.owned
        mutex permits_mapped_waiter
          permits_mapped exclusive permits_mapped mapped @permits.mapped
        mutex permits_moved_last
          permits_moved exclusive permits_moved stale @permits.moved.stale doubtful
          permits_moved_waiter exclusive locks_moved held @permits.moved.takes doubtful
        mutex permits_given_waiter
          permits_given exclusive permits_given given @permits.given.stale doubtful
          permits_given_keeper exclusive given_to held @fn doubtful
        rwlock permits_read_waiter
          permits_read read permits_read one @permits.read.one
          permits_read read permits_read two @permits.read.two
        rwlock permits_owned_read_waiter
          permits_owned_read read permits_owned_read held @permits.owned_read
        rwlock permits_write_waiter
          permits_write write permits_write held @permits.write
        rwlock permits_mapped_write_waiter
          permits_mapped_write write permits_mapped_write mapped @permits.mapped_write
        semaphore permits_many_waiter
          permits_many permit 3 permits_many three @permits.many derived
        semaphore permits_owned_many_waiter
          permits_owned_many permit 4 permits_owned_many four @permits.owned_many derived
        mpsc permits_reserved_waiter
          permits_reserved permit permits_reserved permit @permits.reserved
          permits_reserved_receiver has receiver keeps_end kept @fn
        mpsc permits_owned_reserved_waiter
          permits_owned_reserved permit permits_owned_reserved permit @permits.owned_reserved
          permits_owned_reserved_receiver has receiver keeps_end kept @fn
        mutex permits_native_waiter
          thread permits_native exclusive permits_native held @permits.native
        """,
    ),
    Hang(
        "ends",
        """
        mpsc ends_mpsc_waiter
          ends_mpsc has sender keeps kept @fn
        mpsc ends_unbounded_waiter
          ends_unbounded has sender keeps_both first @fn
          ends_unbounded has sender keeps_both second @fn derived
        oneshot ends_oneshot_waiter
          ends_oneshot has sender keeps_question question.answer @fn
        oneshot ends_closed_waiter
          ends_closed has receiver keeps kept @fn
        watch ends_watch_waiter
          ends_watch has sender keeps kept @fn
        broadcast ends_broadcast_waiter
          ends_broadcast has sender keeps kept @fn
        notify ends_notify_waiter
          ends_notify has notify keeps kept @fn derived
        mpsc ends_full_waiter
          ends_full has receiver keeps kept @fn
        """,
    ),
    Hang(
        "slots",
        """
        unknown slots_first slots_second
          slots_other has shares slots_brings slot @fn derived
        unknown slots_alone
        """,
    ),
    Hang(
        "free_timeout",
        """
        mutex free_timeout_first
          free_timeout_second exclusive takes_ledger audit @free.second.holds
        mutex free_timeout_second
          free_timeout_first exclusive free_timeout_first ledger @free.timeout.holds
        """,
    ),
    Hang(
        "free_select",
        """
        mutex free_select_first
          free_select_second exclusive takes_ledger audit @free.second.holds
        mutex free_select_second
          free_select_first exclusive free_select_first ledger @free.select.holds
        """,
    ),
    Hang(
        "free_sender",
        """
        mutex free_sender_first
          free_sender_receiver exclusive free_sender_receiver ledger @free.sender.holds
        mpsc free_sender_receiver
          free_sender_first has sender free_sender_first sender @fn
          free_sender_other has sender free_sender_other sender @fn
        """,
    ),
    Hang(
        "free_permit",
        """
        mutex free_permit_first
          free_permit_second exclusive free_permit_second ledger @free.permit.second.holds
        semaphore free_permit_second
          free_permit_first permit free_permit_first permit @free.permit.first.holds derived
          free_permit_other permit free_permit_other permit @free.permit.other.holds derived
        """,
    ),
)
