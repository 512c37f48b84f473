"""The places of a logical stack at which a task may wait, and what it takes to go on from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.model import Branch, Frame, FramePath

__all__ = ["Arm", "Asks", "Site", "goes_on", "lets_go", "site_of"]

_PENDING = ("pending", "polling")
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Arm:
    """A branch: its state, and what stands in it."""

    state: str
    site: Site


@dataclass(frozen=True, slots=True)
class Site:
    """A chain of frames, each of which awaits the next; the last one has the arms.

    ``label`` names the branch that the chain is, as waits do; None for a task's own.
    """

    label: str | None
    arms: tuple[Arm, ...]
    needs_all: bool
    """Whether all arms must end, as for join!; else one is enough."""


Asks = Callable[[str | None], bool | None]
"""Whether the waits at a branch may end; None where there are none."""


def site_of(frames: Sequence[Frame], label: str | None = None, depth: int = 0) -> Site:
    """Return the places of a stack."""
    last = frames[-1] if frames else None
    if last is None or not last.branches or depth > MAX_DEPTH:
        return Site(label, (), False)
    arms = tuple(_arm(branch, label, depth) for branch in last.branches)
    return Site(label, arms, last.combinator == "join")


def _arm(branch: Branch, above: str | None, depth: int) -> Arm:
    label = branch.label if above is None else f"{above}.{branch.label}"
    return Arm(branch.state, site_of(branch.frames, label, depth + 1))


def goes_on(site: Site, asks: Asks) -> bool:
    """Tell whether what stands at a place may go on: also where nothing tells that it can't."""
    told = asks(site.label)
    if told is not None:
        return told
    if any(arm.state == "unpolled" for arm in site.arms):
        return True
    pending = [arm.site for arm in site.arms if arm.state in _PENDING]
    if not pending:
        return True
    if site.needs_all:
        return all(goes_on(arm, asks) for arm in pending)
    return any(goes_on(arm, asks) for arm in pending)


def lets_go(site: Site, path: FramePath, asks: Asks) -> bool:
    """Tell whether a variable of the frame at a path may be dropped.

    The frame may go on, or be given up: when another arm of a select!, a timeout or an unordered
    set around it ends, it is dropped where it stands.
    """
    for which in path[1::2]:
        if which >= len(site.arms):
            return True
        chosen = site.arms[which]
        if not site.needs_all:
            for number, arm in enumerate(site.arms):
                if number != which and arm.state in _PENDING and goes_on(arm.site, asks):
                    return True
        if chosen.state not in _PENDING:
            return True
        site = chosen.site
    return goes_on(site, asks)
