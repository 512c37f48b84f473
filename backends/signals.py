"""Names of Linux signals on x86-64, as ``kill -l`` has them."""

from __future__ import annotations

__all__ = ["DUMPS_CORE", "HAS_ADDRESS", "signal_name"]

# asm-generic/signal.h.
# fmt: off
_NAMES = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)
# fmt: on
_SIGRTMIN, _SIGRTMAX = 34, 64

DUMPS_CORE = frozenset({3, 4, 5, 6, 7, 8, 11, 24, 25, 31})
"""Signals whose default action writes a core (signal(7)); no other ends in one."""

HAS_ADDRESS = frozenset({4, 5, 7, 8, 11})
"""Signals whose siginfo has ``si_addr`` when the kernel itself sent them (sigaction(2))."""


def signal_name(number: int) -> str:
    """Return ``SIGSEGV`` for 11; real-time signals count from SIGRTMIN as glibc does."""
    if 1 <= number <= len(_NAMES):
        return "SIG" + _NAMES[number - 1]
    if _SIGRTMIN <= number <= _SIGRTMAX:
        if number == _SIGRTMIN:
            return "SIGRTMIN"
        return "SIGRTMAX" if number == _SIGRTMAX else f"SIGRTMIN+{number - _SIGRTMIN}"
    return f"signal {number}"
