"""What the workers of one run share: which has which tests, and when one has the machine."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from support.build import ROOT

__all__ = ["Scheduler", "turn"]

_CORE = re.compile(r"(tests/runtimes)/\w+\.py::\w+\[([\w.]+-(?:debug|release))\b")
"""A test in a folder whose files share the core that is named first."""


class Scheduler(LoadScopeScheduling):
    """Gives one worker all tests that read the same core, or else all of a file.

    What a fixture keeps for a module or a session is then made once, as in a run without workers.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        # In the order of the folders: a file with few tests may be one that takes long.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        shared = _CORE.match(nodeid)
        return " ".join(shared.groups()) if shared else nodeid.partition("::")[0]


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Wait until a test may run: one that is ``alone`` while no other worker runs any.

    Who wants the machine for itself holds the door until all others have left the room: they
    can't keep it out by entering again and again.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = ROOT / "target"
    folder.mkdir(exist_ok=True)
    with ExitStack() as opened:
        door, room = (
            opened.enter_context((folder / f"tests-{name}.lock").open("w"))
            for name in ("door", "room")
        )
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:
            # What a test has forked and left has the file as well.
            fcntl.flock(room, fcntl.LOCK_UN)
