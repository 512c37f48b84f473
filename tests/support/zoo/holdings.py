"""What the zoo's tasks wait for, who holds it and who has its ends (as ``support.holding``).

Most channels have both ends in the task that waits. Sockets are waited for on the kernel's side.
"""

from __future__ import annotations

from collections.abc import Set

from support.build import version_of
from support.holding import blocks_of

__all__ = ["holdings_with"]

HOLDINGS = """
    mutex mutex
      keeper exclusive keeper mutex @let
    rwlock rwlock_read
      keeper write keeper written @let
    rwlock rwlock_write
      keeper read keeper read @let
    semaphore semaphore
      keeper permit 3 keeper permit @let derived
    mutex lock_owned
      lock_owned exclusive locks_owned first @let
    semaphore acquire_owned
    once_cell once_cell_second
      once_cell_first permit get_or_init permit
    barrier barrier
    mpsc mpsc_recv
      mpsc_recv has sender receives sender @let
    mpsc mpsc_unbounded
      mpsc_unbounded has sender receives_unbounded sender @let
    mpsc mpsc_send
      mpsc_send has receiver sends_to_full receiver @let
    mpsc reserve
      reserve has receiver reserves receiver @let
    mpsc recv_many
      recv_many has sender receives_many sender @let
    mpsc closed
      closed has receiver hears_closing receiver @let
    oneshot oneshot
      oneshot has sender awaits_oneshot sender @let
    oneshot main_root
      main_root has sender main_root _never @let derived
    watch watch
      watch has sender watches sender @let
    watch wait_for
      wait_for has sender waits_for_value sender @let
    broadcast broadcast
      broadcast has sender hears_broadcast sender @let
    notify woken
      busy has notify keeps_busy bell @fn derived
    notify notify
    notify local
    notify trait
    notify timeout
    notify block
    notify select
    notify join
    notify pinned
    notify nested
    notify futures_select
    notify guest_root
    io accept
    io read
    io lines
    io write
    io proxy
    io proxy
    io unix
    io udp
"""
"""A permit of a OnceCell is in a variable of tokio's (``sync/once_cell.rs``, ``get_or_init``)."""
RENAMED = {"get_or_init permit": "get_or_init _permit"}
"""What that was called before tokio 1.9."""


def holdings_with(tasks: Set[str], tokio: str | None) -> list[str]:
    """Return the resources that these tasks of the zoo wait for, in a version of tokio."""
    text = HOLDINGS
    if tokio is not None and version_of(tokio) < (1, 9):
        for name, before in RENAMED.items():
            text = text.replace(name, before)
    return [block for block in blocks_of(text) if block.split("\n")[0].split()[1] in tasks]
