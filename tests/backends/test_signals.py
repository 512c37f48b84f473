"""Signal names, compared with those of the system."""

from __future__ import annotations

import signal

from adp_tui.backends.signals import signal_name


def test_names_are_those_of_the_system():
    for each in signal.valid_signals():
        name = signal.Signals(each).name if each in set(signal.Signals) else None
        # Two numbers have two names each (CLD, POLL); Python may know either.
        if name is not None and name not in ("SIGCLD", "SIGPOLL"):
            assert signal_name(each) == name


def test_numbers_without_a_name():
    assert signal_name(34) == "SIGRTMIN" and signal_name(35) == "SIGRTMIN+1"
    assert signal_name(64) == "SIGRTMAX"
    assert [signal_name(each) for each in (0, -1, 32, 33, 65)] == [
        f"signal {each}" for each in (0, -1, 32, 33, 65)
    ]
