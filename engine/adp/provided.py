"""Every descriptor that may be used for a program, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.adp.catalogue import load_catalogue
from adp_tui.engine.adp.schema import Descriptor

__all__ = ["provided"]


def provided(given: Sequence[Descriptor]) -> tuple[Descriptor, ...]:
    """Return those of the project and the user (``given``), then those that ship with adp-tui.

    Of one id the first that fits is used.
    """
    return (*given, *load_catalogue())
