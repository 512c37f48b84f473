"""The one thread that opens a target, asks it and lets go of it.

The screen never waits: it asks, draws on, and is told. An answer that nobody wants any more,
because a newer question took its place, is dropped.
"""

from __future__ import annotations

import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.views.records import Door, Progress

__all__ = ["DoorThread", "Opener"]

T = TypeVar("T")
Opener = Callable[[Callable[[Progress], None]], Door]
"""Opens a target and reports what it is doing; raises AdpError when that fails."""

_LAST_CALL_S = 2.0
"""How long leaving waits for the thread to let go of the target."""


@dataclass(slots=True, eq=False)
class _Question:
    """What is to be asked, and who wants to know."""

    ticket: int
    what: str
    ask: Callable[[Door], Any]
    answer: Callable[[Any], None]
    refuse: Callable[[AdpError], None]


class DoorThread:
    """The owner of the door: nobody else calls it, but for ``cancel``.

    Args:
        opener: opens the target, on this thread.
        post: runs a function on the thread of the screen; may be called from any thread.
        failed: is told the traceback of an error that nobody foresaw.
        told: runs on the screen's thread after each answer, also one that nobody wants any more.
    """

    def __init__(
        self,
        opener: Opener,
        post: Callable[[Callable[[], None]], object],
        failed: Callable[[str], None],
        told: Callable[[], None] = lambda: None,
    ) -> None:
        self._opener = opener
        self._post = post
        self._failed = failed
        self._told = told
        self._door: Door | None = None
        self._questions: OrderedDict[str, _Question] = OrderedDict()
        self._tickets: dict[str, int] = {}
        self._current: _Question | None = None
        self._delivered: list[_Question] = []
        """What was answered, while the screen has not taken the answer yet."""
        self._wake = threading.Condition()
        self._leaving = False
        self._thread: threading.Thread | None = None

    def open(
        self,
        progress: Callable[[Progress], None],
        opened: Callable[[], None],
        refused: Callable[[AdpError], None],
    ) -> None:
        """Start to open the target."""

        def report(step: Progress) -> None:
            if self._leaving:
                raise CancelledError
            self._post(lambda: progress(step))

        def run() -> None:
            try:
                self._door = self._opener(report)
            except AdpError as error:
                problem = error
                self._post(lambda: refused(problem))
                return
            except Exception:
                self._fail()
                return
            self._post(opened)
            self._serve(self._door)

        self._thread = threading.Thread(target=run, name="door", daemon=True)
        self._thread.start()

    def ask(
        self,
        slot: str,
        what: str,
        question: Callable[[Door], T],
        answer: Callable[[T], None],
        refuse: Callable[[AdpError], None],
    ) -> None:
        """Ask the door something; a newer question in a slot takes the place of an older one.

        Args:
            slot: names the kind of question.
            what: says for people what is being read.
            question: runs on the door's thread.
            answer: takes the answer, on the screen's thread.
            refuse: takes the error, on the screen's thread.
        """
        with self._wake:
            ticket = self._tickets[slot] = self._tickets.get(slot, 0) + 1
            self._questions.pop(slot, None)
            self._questions[slot] = _Question(ticket, what, question, answer, refuse)
            self._wake.notify()

    def forget(self, slot: str) -> None:
        """Drop what was asked in a slot, and its answer."""
        with self._wake:
            self._tickets[slot] = self._tickets.get(slot, 0) + 1
            self._questions.pop(slot, None)
        self._told()

    @property
    def reading(self) -> str | None:
        """Return what is being read right now; None once the screen has all answers."""
        with self._wake:
            open_questions = (self._current, *self._questions.values(), *self._delivered)
            return next((each.what for each in open_questions if each is not None), None)

    def cancel(self) -> None:
        """Stop what is being read; what else was asked is refused as well."""
        with self._wake:
            dropped = list(self._questions.items())
            self._questions.clear()
            door = self._door if self._current is not None else None
        for slot, question in dropped:
            self._deliver(slot, question, question.refuse, CancelledError())
        if door is not None:
            door.cancel()

    @property
    def leaving(self) -> bool:
        """Return whether it is about to end."""
        return self._leaving

    def stop(self) -> None:
        """Stop opening or reading; the thread ends as soon as it can."""
        with self._wake:
            self._leaving = True
            self._questions.clear()
            self._wake.notify()
        if self._door is not None:
            self._door.cancel()

    def leave(self) -> None:
        """Stop, and wait a moment until the target is let go."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_LAST_CALL_S)

    def _serve(self, door: Door) -> None:
        """Answer questions until it is time to leave."""
        while True:
            with self._wake:
                self._current = None
                while not self._questions and not self._leaving:
                    self._wake.wait()
                if self._leaving:
                    break
                slot, question = self._questions.popitem(last=False)
                self._current = question
            self._answer(door, slot, question)
        door.close()

    def _answer(self, door: Door, slot: str, question: _Question) -> None:
        try:
            answer = question.ask(door)
        except AdpError as error:
            self._deliver(slot, question, question.refuse, error)
        except Exception as error:
            # Who asked must not wait for ever, and people are to see what went wrong.
            problem = AdpError(f"adp-tui itself failed: {type(error).__name__}")
            self._deliver(slot, question, question.refuse, problem)
            self._fail()
        else:
            self._deliver(slot, question, question.answer, answer)

    def _deliver(self, slot: str, question: _Question, take: Callable[[T], None], it: T) -> None:
        def on_screen() -> None:
            with self._wake:
                self._delivered.remove(question)
            if self._tickets.get(slot) == question.ticket:
                take(it)
            self._told()

        with self._wake:
            if self._current is question:
                self._current = None
            self._delivered.append(question)
        self._post(on_screen)

    def _fail(self) -> None:
        text = traceback.format_exc()

        def on_screen() -> None:
            self._failed(text)
            self._told()

        self._post(on_screen)
