"""What can go wrong, said so that a person knows what to do next."""

from __future__ import annotations

__all__ = [
    "AdpError",
    "BudgetError",
    "CancelledError",
    "FaultError",
    "LayoutError",
    "NoDebugInfoError",
    "OpenError",
]


class AdpError(Exception):
    """Something could not be done: the message says what was tried and on what.

    ``help`` says what to try next, with the command to type; it may be empty.
    """

    def __init__(self, message: str, *, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class OpenError(AdpError):
    """A target cannot be opened at all (exit status 3)."""


class FaultError(AdpError):
    """Memory at an address cannot be read: not mapped, not saved, or cut off."""

    def __init__(self, address: int, size: int, reason: str = "not in the snapshot") -> None:
        super().__init__(f"{size} bytes at {address:#x}: {reason}")
        self.address = address
        self.size = size
        self.reason = reason


class NoDebugInfoError(AdpError):
    """The debug information that a question needs is not there."""


class LayoutError(AdpError):
    """A value or a descriptor rule does not fit the types that the program has."""


class BudgetError(AdpError):
    """A bounded walk reached its bound of steps, items, bytes or time."""


class CancelledError(AdpError):
    """The user cancelled what was going on."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)
