"""A version of a runtime that was never tested is said to be so, all the time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import started
from fake_door import FakeDoor

from adp_tui.engine.model import RuntimeFacts
from adp_tui.engine.views.records import Summary

KNOWN = RuntimeFacts("tokio", "1.54.1", "tokio >=1.29", tested=True)
NEWER = RuntimeFacts("tokio", "1.99.0", "tokio >=1.29", tested=False)
UNKNOWN = RuntimeFacts("toy", None, "toy >=0.3", tested=False)


class Door(FakeDoor):
    """A target with these runtimes."""

    runtimes: tuple[RuntimeFacts, ...] = ()

    def summary(self) -> Summary:
        return replace(super().summary(), runtimes=self.runtimes)


@pytest.mark.parametrize(
    ("runtimes", "said"),
    [
        ((KNOWN,), "tokio 1.54.1"),
        ((NEWER,), "tokio 1.99.0 (untested)"),
        ((KNOWN, UNKNOWN), "tokio 1.54.1 · toy >=0.3 (untested)"),
    ],
)
async def test_the_head_says_it(runtimes: tuple[RuntimeFacts, ...], said: str) -> None:
    door = Door()
    door.runtimes = runtimes
    async with started(door) as screen:
        head = screen.text()
        assert said in head
        assert ("untested" in head) == any(not each.tested for each in runtimes)
