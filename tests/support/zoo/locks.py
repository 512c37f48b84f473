"""``locks.rs``: locks, timers and the like."""

from __future__ import annotations

from support.zoo.expected import Expected

__all__ = ["LOCKS"]

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
        since=(1, 5),
    ),
    Expected(
        "once_cell_second",
        """
        zoo::locks::wants_value @once_cell.second
        tokio::sync::once_cell::OnceCell::get_or_init
        """,
        ("once_cell",),
        since=(1, 5),
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
