"""One run of a function that is asked of many values, and what it depends on.

Every read of the run is noted with how its address came about. Under the same bytes the function
gives the same for any other value, but for what is only passed on: pointers that are followed,
numbers that are handed out. Which ones these are is found by experiment: the run is repeated with
another number in their place, and nothing may change but what follows from it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.program import Program
from adp_tui.engine.target import Memory, Region
from adp_tui.engine.value import Value

__all__ = ["SIGN", "Ask", "Origin", "Read", "Slot", "Trace"]

Ask = Callable[[Value], tuple[object, ...]]
"""A function of a value and of memory; it gives values, numbers and things that are equal where
they mean the same."""

MAX_READS = 400
"""Reads of a traced run: longer ones are not worth it."""
MAX_TRIED = 24
"""Numbers of a traced run that are experimented with."""
_LAST = (1 << 64) - 1
_FAKE = 0xA5 << 56
"""Where addresses are that tell what they derive from: no processor has such addresses."""
_WINDOW = 32
_MIDDLE = 1 << (_WINDOW - 2)
_LOW = _MIDDLE - 1
_WINDOWS = 1 << (56 - _WINDOW)
_USER = 1 << 47
SIGN = 1 << 63
_SHIFTS = (7, 1_000_003, (1 << 61) + 12_345)
_FLIPS = (SIGN - 1, 0x2AAA_AAAA_AAAA_AAAA, 0x5555_5555_5555_5555)
"""What is changed in a number to see whether it matters: far bits and near ones."""

Slot = tuple[int, int]
"""A window and an offset into it."""


@dataclass(slots=True)
class Read:
    """One read of a traced run. ``window`` is -1 for an address that derives from no window."""

    window: int
    offset: int
    size: int
    real: int
    data: bytes


class _UntraceableError(AdpError):
    """A run cannot be replayed: it reads too much, or what cannot be read."""


class _Recorder:
    """Memory that notes what is read, and answers with other numbers where it is told to.

    Each window is a base that addresses derive from: the value itself, and each pointer that is
    followed. Addresses in a window tell which one they derive from, for they exist nowhere else.
    """

    _windows = itertools.count()

    def __init__(self, memory: Memory, bases: Sequence[int]) -> None:
        self._memory = memory
        self.bases = list(bases)
        # No window is used twice: what is remembered by address must not know it already.
        first, *_ = [next(self._windows) for _ in bases]
        if first + len(bases) >= _WINDOWS:
            raise _UntraceableError("all windows were used")
        self._first = _FAKE + (first << _WINDOW)
        self.log: list[Read] = []
        self.refused: str | None = None
        """Why the run is worth nothing, whatever the function made of a read that was refused."""
        self.instead: dict[Slot, int] = {}
        """What is read instead, by slot: the beginning of a window, or another number."""

    def fake(self, window: int) -> int:
        """Return what stands for a base: no bit is as it is there, so each that counts shows."""
        return self._first + (window << _WINDOW) + _MIDDLE + (~self.bases[window] & _LOW)

    def origin(self, address: int) -> tuple[int, int, int]:
        """Return the window that an address lies in, the offset, and the true address."""
        window = (address - self._first) >> _WINDOW
        if 0 <= window < len(self.bases):
            offset = address - self.fake(window)
            return window, offset, (self.bases[window] + offset) & _LAST
        return -1, address, address

    def read(self, address: int, size: int) -> bytes:
        """Return the bytes at an address that may lie in a window."""
        window, offset, real = self.origin(address)
        try:
            data = self._memory.read(real, size)
        except FaultError as error:
            self.refused = "a traced run reads what is not there"
            raise _UntraceableError(self.refused) from error
        if len(self.log) >= MAX_READS:
            self.refused = "a traced run reads too much"
            raise _UntraceableError(self.refused)
        self.log.append(Read(window, offset, size, real, data))
        instead = self.instead.get((window, offset)) if size == 8 else None
        return data if instead is None else instead.to_bytes(8, "little")

    def regions(self) -> Sequence[Region]:
        """Refuse to be swept."""
        raise _UntraceableError("a traced run sweeps memory")


class Trace:
    """One run of a function, and what was found out about the numbers that it reads."""

    def __init__(self, program: Program, value: Value, function: Ask) -> None:
        self._program = program
        self._value = value
        self._function = function
        self.bases = [value.address]
        self.followed: dict[Slot, int] = {}
        """The window of each slot whose number is a pointer that is only followed."""
        self.handed: dict[Slot, dict[int, int]] = {}
        """What is added to each slot's number for which items of the result."""
        self.log, self.result = self._run(self.bases, {})

    def _run(
        self, bases: Sequence[int], numbers: dict[Slot, int]
    ) -> tuple[list[Read], tuple[object, ...]]:
        """Run with windows in place of what is followed, and with other ``numbers``."""
        recorder = _Recorder(self._program.memory, bases)
        recorder.instead = {s: recorder.fake(w) for s, w in self.followed.items()} | numbers
        with _memory(self._program, recorder):
            result = self._function(Value(recorder, self._value.type, recorder.fake(0)))
        if recorder.refused is not None:
            raise _UntraceableError(recorder.refused)
        return recorder.log, tuple(_origin(item, recorder) for item in result)

    def experiment(self) -> None:
        """Find the pointers that are only followed and the numbers that are only handed out."""
        tried: dict[Slot, int] = {}
        at = 0
        while at < len(self.log) and len(tried) < MAX_TRIED:
            read = self.log[at]
            slot, number = (read.window, read.offset), int.from_bytes(read.data, "little")
            at += 1
            if read.window < 0 or read.size != 8 or slot in tried or not 1 < number < SIGN:
                continue
            tried[slot] = number
            if 0x1000 <= number < _USER:
                self._try_pointer(slot, number)
        for slot, number in tried.items():
            if slot not in self.followed:
                self._try_number(slot, number)

    def _try_pointer(self, slot: Slot, number: int) -> None:
        """Put a window in place of a pointer: all else must stay as it was."""
        self.followed[slot] = len(self.bases)
        try:
            log, result = self._run([*self.bases, number], {})
        except AdpError:
            log, result = [], ()
        window = len(self.bases)
        used = any(read.window == window for read in log) or any(
            isinstance(item, Origin) and item.window == window for item in result
        )
        if used and _same_reads(self.log, log) and all(map(_same, self.result, result)):
            self.bases.append(number)
            self.log, self.result = log, result
        else:
            del self.followed[slot]

    def _try_number(self, slot: Slot, number: int) -> None:
        """Shift a number: what the function gives must shift with it, and nothing else change."""
        first = self._moved(slot, number, number + _SHIFTS[0])
        if first is None:
            return
        if any(self._moved(slot, number, number + shift) != first for shift in _SHIFTS[1:]):
            return
        if not first and any(self._moved(slot, number, number ^ flip) != [] for flip in _FLIPS):
            return
        if not any(set(first) & set(items) for items in self.handed.values()):
            self.handed[slot] = {i: _int(self.result[i]) - number for i in first}

    def _moved(self, slot: Slot, number: int, instead: int) -> list[int] | None:
        """Return which items shift with a number; None where anything else changes."""
        try:
            log, result = self._run(self.bases, {slot: instead})
        except AdpError:
            return None
        if not _same_reads(self.log, log) or len(result) != len(self.result):
            return None
        changed = [i for i, item in enumerate(result) if not _same(self.result[i], item)]
        shift = instead - number
        if any(_int(result[i]) - _int(self.result[i]) != shift for i in changed):
            return None
        return changed


def _int(item: object) -> int:
    """Return a number that a function gives; anything else shifts with nothing."""
    return item if type(item) is int else 0


@dataclass(frozen=True, slots=True)
class Origin:
    """A value or number of a result: where it comes from, and what it truly is."""

    window: int
    offset: int
    type: Type | None
    real: int


def _origin(item: object, recorder: _Recorder) -> object:
    """Say where a value or number of a traced run's result comes from."""
    if isinstance(item, Value):
        if item.data is not None:
            raise _UntraceableError("a value that has no address")
        window, offset, real = recorder.origin(item.address)
        return Origin(window, offset, item.type, real)
    if type(item) is int:
        window, offset, real = recorder.origin(item)
        return item if window < 0 else Origin(window, offset, None, real)
    return item


def _same_reads(old: Sequence[Read], new: Sequence[Read]) -> bool:
    """Tell whether two runs read the same places."""
    return len(old) == len(new) and all(
        a.real == b.real and a.size == b.size for a, b in zip(old, new, strict=True)
    )


def _same(old: object, new: object) -> bool:
    """Tell whether two items are the same, wherever they come from."""
    if isinstance(old, Origin) and isinstance(new, Origin):
        return old.real == new.real and old.type is new.type
    if isinstance(new, Origin):
        return type(old) is int and new.type is None and new.real == old
    return type(old) is type(new) and old == new


@contextmanager
def _memory(program: Program, memory: Memory) -> Iterator[None]:
    """Let all that reads by address read another memory."""
    before = program.memory
    program.memory = memory
    try:
        yield
    finally:
        program.memory = before
