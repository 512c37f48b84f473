"""What the screen is told of the thread that asks the door."""

from __future__ import annotations

import queue
from collections.abc import Callable

from fake_door import FakeDoor, opener

from adp_tui.engine.errors import AdpError
from adp_tui.engine.views.records import Door
from adp_tui.tui.door_thread import DoorThread

WAIT_S = 30.0


class Loop:
    """A screen that takes what was posted only when a test says so."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()
        self.seen: list[str | None] = []
        """What was being read each time the screen was told of an answer."""
        self.failures: list[str] = []
        self.answers: list[object] = []
        self.thread = DoorThread(
            opener(FakeDoor()), self.posted.put, self.failures.append, self._told
        )

    def _told(self) -> None:
        self.seen.append(self.thread.reading)

    def take(self) -> None:
        """Wait for the next thing that was posted and do it."""
        self.posted.get(timeout=WAIT_S)()

    def open(self) -> None:
        """Open the door."""
        opened: list[bool] = []
        self.thread.open(lambda _: None, lambda: opened.append(True), self.answers.append)
        while not opened:
            self.take()

    def ask(self, slot: str, question: Callable[[Door], object] = lambda door: "answer") -> None:
        """Ask something."""
        self.thread.ask(slot, slot, question, self.answers.append, self.answers.append)


def test_an_answer_that_the_screen_has_not_taken_is_still_being_read() -> None:
    loop = Loop()
    loop.open()
    loop.ask("rows")
    # WHEN the door has answered, but the screen did not come to it yet
    take = loop.posted.get(timeout=WAIT_S)
    # THEN it is being read, so that nobody takes the screen for complete
    assert loop.thread.reading == "rows" and loop.answers == []
    # AND once the screen has it nothing is, also for whom the screen tells
    take()
    assert loop.thread.reading is None
    assert loop.seen == [None] and loop.answers == ["answer"]
    loop.thread.leave()


def test_the_last_of_several_answers_ends_the_reading() -> None:
    loop = Loop()
    loop.open()
    for slot in ("rows", "detail", "variables"):
        loop.ask(slot)
    for _ in range(3):
        loop.take()
    # THEN each time but the last something was left to read
    assert loop.seen[-1] is None and None not in loop.seen[:2]
    loop.thread.leave()


def test_what_is_refused_or_fails_is_not_read_for_ever() -> None:
    def refuses(door: Door) -> object:
        raise AdpError("no such task")

    def breaks(door: Door) -> object:
        raise RuntimeError("a fault of adp-tui")

    loop = Loop()
    loop.open()
    # WHEN the door refuses one question and breaks on another
    loop.ask("detail", refuses)
    loop.take()
    loop.ask("rows", breaks)
    loop.take()
    loop.take()
    # THEN the screen is told of both, as who asked is, and nothing is being read
    assert [str(each) for each in loop.answers] == [
        "no such task",
        "adp-tui itself failed: RuntimeError",
    ]
    assert len(loop.failures) == 1 and "a fault of adp-tui" in loop.failures[0]
    assert loop.seen == [None, None, None]
    # AND the thread goes on
    loop.ask("rows")
    loop.take()
    assert loop.answers[-1] == "answer"
    loop.thread.leave()
