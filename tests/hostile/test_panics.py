"""The stack of a panic is damaged: its message is told, or it is not; it is never made up."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile.damage import DamagedCore, check_text, hostile_word, look_at_all
from support.build import Dump

from adp_tui.backends.core import open_core
from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.analysis.panics import MAX_MESSAGE, panic_of
from adp_tui.engine.analysis.threads import unwind_all
from adp_tui.engine.model import PanicFacts
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import PANIC_HOOK_CALLERS

SAID = "3 numbers are left: [3, 5, 8]"
NOWHERE = 0x7FF0_0000_0000
TIMES = 60
Two = tuple[Dump, DamagedCore]


@dataclass(frozen=True)
class Panicked:
    """A core of a panic with arguments, and where things of it are.

    ``pairs`` are where the frame of std has a pointer to the payload, ``string`` is the
    payload's ``String``: capacity, pointer and length.
    """

    exe: Path
    core: DamagedCore
    frame: range
    caller: range
    pairs: tuple[int, ...]
    string: int

    def read(self) -> PanicFacts | None:
        target = open_core(self.core.path, executable=self.exe)
        program = Program(target)
        try:
            return panic_of(program, thread_of(program))
        finally:
            program.close()
            target.close()


def thread_of(program: Program) -> ThreadFacts:
    signal = program.target.facts.signal
    assert signal is not None
    threads = unwind_all(program, (), lambda: None)
    return next(each for each in threads if each.tid == signal.tid)


@pytest.fixture(scope="module")
def made(dump: Callable[..., Dump], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panicked]:
    found = dump("panics", "arguments", profile="abort-release")
    target = open_core(found.core, executable=found.exe)
    program = Program(target)
    scopes = thread_of(program).scopes
    at = next(n for n, (_, names) in enumerate(scopes) if PANIC_HOOK_CALLERS & set(names))
    frame, caller = (range(raw.sp, raw.cfa or 0, 8) for raw, _ in scopes[at : at + 2])
    program.close()
    target.close()
    core = DamagedCore(found.core, tmp_path_factory.mktemp("panics") / "core")
    # Code is not in the core, tables that were relocated are.
    pairs = tuple(
        each for each in frame if core.word(each) in caller and core.has(core.word(each + 8))
    )
    string = next(each for each in caller if core.word(each + 16) == len(SAID))
    yield Panicked(found.exe, core, frame, caller, pairs, string)
    core.close()


@pytest.fixture
def panicked(made: Panicked) -> Iterator[Panicked]:
    """Return the core; what a test writes into it is undone."""
    yield made
    made.core.restore()


def test_the_sound_core(panicked: Panicked) -> None:
    panic = panicked.read()
    assert panic is not None and panic.message == SAID and panic.place is not None


@pytest.mark.parametrize(
    ("word", "number"),
    [
        (0, 5), (0, 1 << 62), (1, 0), (1, NOWHERE), (1, (1 << 64) - 1), (2, 1 << 63),
        (2, (1 << 64) - 1), (2, 1 << 30), (2, 4096),
    ],
)  # fmt: skip
def test_a_string_that_can_be_none(panicked: Panicked, word: int, number: int) -> None:
    # GIVEN a capacity below the length, a pointer to nowhere, or a length above the capacity
    panicked.core.poke(panicked.string + 8 * word, number)
    # WHEN it is read THEN there is a panic without a message
    panic = panicked.read()
    assert panic is not None and panic.message is None


def test_a_string_that_was_not_made_is_none(panicked: Panicked) -> None:
    # GIVEN an Option<String> that is None: it says so by its capacity, the rest is left over
    for word, number in enumerate((1 << 63, 8, 0)):
        panicked.core.poke(panicked.string + 8 * word, number)
    panic = panicked.read()
    assert panic is not None and panic.message is None


def test_bytes_that_are_no_text(panicked: Panicked) -> None:
    panicked.core.write(panicked.core.word(panicked.string + 8), b"\xff\xfe\x80")
    panic = panicked.read()
    assert panic is not None and panic.message is None


def test_controls_are_stripped(panicked: Panicked) -> None:
    panicked.core.write(panicked.core.word(panicked.string + 8), b"\x1b[2J[red]\r\n")
    panic = panicked.read()
    assert panic is not None and panic.message is not None
    check_text(panic)
    assert panic.message.startswith("[2J[red] ")


def test_a_payload_outside_the_frames_is_none(panicked: Panicked) -> None:
    # GIVEN the same String in the heap, as an earlier panic may have left it behind
    text = panicked.core.word(panicked.string + 8)
    for at in panicked.pairs:
        panicked.core.poke(at, text)
    # WHEN it is read THEN nothing is told of it
    assert panicked.read() == PanicFacts(None, None)


def test_a_vtable_that_can_be_written_is_none(panicked: Panicked) -> None:
    # GIVEN vtables that somebody has made in the stack
    for at in panicked.pairs:
        table = panicked.core.word(at + 8)
        panicked.core.write(panicked.caller.stop, panicked.core.read(table, 64))
        panicked.core.poke(at + 8, panicked.caller.stop)
    # WHEN it is read THEN nothing is told of them
    assert panicked.read() == PanicFacts(None, None)


def test_two_messages_are_none(panicked: Panicked) -> None:
    # GIVEN a second String, and std's frame leads to both
    core = panicked.core
    other = panicked.frame.start
    assert other + 24 <= panicked.pairs[0]
    for word, number in enumerate((8, core.word(panicked.string + 8), 3)):
        core.poke(other + 8 * word, number)
    core.poke(panicked.pairs[-1], other)
    # WHEN it is read THEN neither is told
    panic = panicked.read()
    assert panic is not None and panic.message is None


def test_whatever_stands_there(panicked: Panicked) -> None:
    chance = random.Random(5)
    places = [*panicked.frame, *panicked.caller]
    for _ in range(TIMES):
        for at in chance.sample(places, chance.choice((1, 1, 2, 5))):
            panicked.core.poke(at, hostile_word(chance, at, panicked.core.word(at), panicked.core))
        panic = panicked.read()
        panicked.core.restore()
        if panic is not None:
            check_text(panic)
            assert panic.message is None or len(panic.message) <= MAX_MESSAGE


def test_the_reports_of_damaged_stacks(panicked: Panicked) -> None:
    chance = random.Random(7)
    for _ in range(3):
        for at in chance.sample([*panicked.frame, *panicked.caller], 6):
            panicked.core.poke(at, hostile_word(chance, at, panicked.core.word(at), panicked.core))
        look_at_all(panicked.core.path, panicked.exe, expanded=5)
        panicked.core.restore()


@pytest.fixture(scope="module")
def unwinding(dump: Callable[..., Dump], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Return a core of a panic in a destructor while another panic unwinds."""
    found = dump("panics", "dropped", profile="debug")
    core = DamagedCore(found.core, tmp_path_factory.mktemp("unwinding") / "core")
    yield found, core
    core.close()


def test_an_exception_that_can_be_none(unwinding: Two) -> None:
    found, core = unwinding
    assert unwound(found, core) == "the first, with 4"
    # GIVEN each word of each exception damaged: class, cleanup, canary, cause and its vtable
    for word in (0, 1, 4, 5, 6):
        for at in exceptions(core):
            core.poke(at + 8 * word, core.word(at + 8 * word) + 0x1_0000_0000)
        # WHEN it is read THEN nothing is told of it
        assert unwound(found, core) is None
        core.restore()


def exceptions(core: DamagedCore) -> list[int]:
    """Return where something in writable memory begins like an exception of Rust's."""
    return [
        each.start + match.start()
        for each in core.segments
        if each.writable
        for match in re.finditer(b"MOZ\0RUST", core.read(each.start, each.size))
    ]


def unwound(found: Dump, core: DamagedCore) -> str | None:
    target = open_core(core.path, executable=found.exe)
    program = Program(target)
    panic = panic_of(program, thread_of(program))
    program.close()
    target.close()
    assert panic is not None and panic.message == "panic in a destructor during cleanup"
    return panic.unwound
