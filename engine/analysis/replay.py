"""What is asked of thousands of values of one type is traced once, then replayed.

A function of a value (which variant is active, where a pointer leads, what a descriptor's
expression gives) looks at few bytes. The first values of a kind are asked the long way. Then one
run is *traced*: every read is noted with how its address came about. Under the same bytes the
function gives the same for any other value, but for what is only passed on: pointers that are
followed, numbers that are handed out. Which ones these are is found by experiment: the run is
repeated with another number in their place, and nothing may change but what follows from it.

The outcome is a tree of reads: what to compare, what to follow. Values that do not fit into it
are asked the long way, so a replay never gives what the function itself would not give.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Any

from adp_tui.engine.analysis.rules import Losses
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.program import Program
from adp_tui.engine.target import Memory, Region
from adp_tui.engine.value import Value

__all__ = ["Ask", "Replays"]

Ask = Callable[[Value], tuple[object, ...]]
"""A function of a value and of memory; it gives values, numbers and things that are equal where
they mean the same."""

SMALL = 4096
"""Questions that are asked the long way first: a program with few tasks is never traced, as a
trace costs dozens of them.
"""
HOT = 8
"""Values of a kind that are asked the long way first."""
MAX_TRACES = 96
"""Different ways through one function that are remembered."""
MAX_READS = 400
"""Reads of a traced run: longer ones are not worth it."""
MAX_TRIED = 24
"""Numbers of a traced run that are experimented with."""
MAX_NEAR = 4096
"""Bytes from a value's beginning that are read at once."""
_POOR = 16
"""So many traces may help nobody: then the function is one that reads something else each time."""
_LAST = (1 << 64) - 1
_FAKE = 0xA5 << 56
"""Where addresses are that tell what they derive from: no processor has such addresses."""
_WINDOW = 32
_MIDDLE = 1 << (_WINDOW - 2)
_LOW = _MIDDLE - 1
_WINDOWS = 1 << (56 - _WINDOW)
_USER = 1 << 47
_SIGN = 1 << 63
_SHIFTS = (7, 1_000_003, (1 << 61) + 12_345)
_FLIPS = (_SIGN - 1, 0x2AAA_AAAA_AAAA_AAAA, 0x5555_5555_5555_5555)
"""What is changed in a number to see whether it matters: far bits and near ones."""

_Slot = tuple[int, int]
"""A window and an offset into it."""


@dataclass(slots=True)
class _Read:
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
        self.log: list[_Read] = []
        self.instead: dict[_Slot, int] = {}
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
            raise _UntraceableError("a traced run reads what is not there") from error
        if len(self.log) >= MAX_READS:
            raise _UntraceableError("a traced run reads too much")
        self.log.append(_Read(window, offset, size, real, data))
        instead = self.instead.get((window, offset)) if size == 8 else None
        return data if instead is None else instead.to_bytes(8, "little")

    def regions(self) -> Sequence[Region]:
        """Refuse to be swept."""
        raise _UntraceableError("a traced run sweeps memory")


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """What a replay gives: a value, or a number where ``type`` is None; window -1 for neither."""

    window: int
    offset: int
    type: Type | None

    def found(self, memory: Memory, bases: Sequence[int]) -> object:
        """Return the value or number under these bases."""
        at = self.offset if self.window < 0 else bases[self.window] + self.offset
        return at if self.type is None else Value(memory, self.type, at & _LAST)


@dataclass(frozen=True, slots=True, eq=False)
class _Leaf:
    """What the function gives at the end of a way: things that are always the same, and places."""

    items: tuple[object, ...]


@dataclass(slots=True, eq=False)
class _Node:
    """A read: go on by what is there; ``then``: with a new window there, whatever is there."""

    window: int
    offset: int
    size: int
    end: int
    """Where it ends in what is read at once; 0 where it is not near the value's beginning."""
    next: dict[bytes, _Node | _Leaf] = field(default_factory=dict)
    then: _Node | _Leaf | None = None

    def child(self, edge: bytes | None) -> _Node | _Leaf | None:
        """Return what follows where these bytes are read; None for any bytes."""
        return self.then if edge is None else self.next.get(edge)


@dataclass(slots=True, eq=False)
class _Tree:
    root: _Node | _Leaf | None = None
    missed: int = 0
    hits: int = 0
    traces: int = 0
    near: int = 0
    """How many bytes from the value's beginning are read at once."""
    keep: tuple[object, ...] = ()
    """What the key names by identity."""

    @property
    def is_worth_it(self) -> bool:
        if self.missed < HOT or self.traces >= MAX_TRACES:
            return False
        return self.traces < _POOR or self.hits > 4 * self.traces


class Replays:
    """Asks functions of values, the short way where it is known."""

    def __init__(self, program: Program, losses: Losses) -> None:
        self._program = program
        self._losses = losses
        self._trees: dict[tuple[object, ...], _Tree] = {}
        self._asked = 0
        self._tracing = False
        """What a traced run asks in turn is asked the long way: all its reads are to be seen."""

    def ask(self, value: Value, function: Ask, *key: object) -> tuple[Any, ...]:
        """Return what the function gives for a value.

        Args:
            value: a value of the target's memory.
            function: depends on nothing but the value, its memory, and what ``key`` names.
            key: tells the function from others; told apart by identity.
        """
        self._asked += 1
        if self._asked <= SMALL or self._tracing or value.data is not None:
            return function(value)
        name = (id(value.type), *map(id, key))
        tree = self._trees.get(name)
        if tree is None:
            tree = self._trees[name] = _Tree(keep=(value.type, *key))
        elif tree.root is not None:
            found = _replay(tree, self._program.memory, value.address)
            if found is not None:
                tree.hits += 1
                return found
        tree.missed += 1
        if tree.is_worth_it:
            tree.traces += 1
            self._trace(tree, value, function)
        return function(value)

    def _trace(self, tree: _Tree, value: Value, function: Ask) -> None:
        self._tracing = True
        with self._losses.muted() as noticed:
            try:
                trace = _Trace(self._program, value, function)
                trace.experiment()
            except AdpError:
                return
            finally:
                self._tracing = False
        if not noticed:
            _plant(tree, trace)


class _Trace:
    """One run of a function, and what was found out about the numbers that it reads."""

    def __init__(self, program: Program, value: Value, function: Ask) -> None:
        self._program = program
        self._value = value
        self._function = function
        self.bases = [value.address]
        self.followed: dict[_Slot, int] = {}
        """The window of each slot whose number is a pointer that is only followed."""
        self.handed: dict[_Slot, dict[int, int]] = {}
        """What is added to each slot's number for which items of the result."""
        self.log, self.result = self._run(self.bases, {})

    def _run(
        self, bases: Sequence[int], numbers: dict[_Slot, int]
    ) -> tuple[list[_Read], tuple[object, ...]]:
        """Run with windows in place of what is followed, and with other ``numbers``."""
        recorder = _Recorder(self._program.memory, bases)
        recorder.instead = {s: recorder.fake(w) for s, w in self.followed.items()} | numbers
        with _memory(self._program, recorder):
            result = self._function(Value(recorder, self._value.type, recorder.fake(0)))
        return recorder.log, tuple(_origin(item, recorder) for item in result)

    def experiment(self) -> None:
        """Find the pointers that are only followed and the numbers that are only handed out."""
        tried: dict[_Slot, int] = {}
        at = 0
        while at < len(self.log) and len(tried) < MAX_TRIED:
            read = self.log[at]
            slot, number = (read.window, read.offset), int.from_bytes(read.data, "little")
            at += 1
            if read.window < 0 or read.size != 8 or slot in tried or not 1 < number < _SIGN:
                continue
            tried[slot] = number
            if 0x1000 <= number < _USER:
                self._try_pointer(slot, number)
        for slot, number in tried.items():
            if slot not in self.followed:
                self._try_number(slot, number)

    def _try_pointer(self, slot: _Slot, number: int) -> None:
        """Put a window in place of a pointer: all else must stay as it was."""
        self.followed[slot] = len(self.bases)
        try:
            log, result = self._run([*self.bases, number], {})
        except AdpError:
            log, result = [], ()
        window = len(self.bases)
        used = any(read.window == window for read in log) or any(
            isinstance(item, _Origin) and item.window == window for item in result
        )
        if used and _same_reads(self.log, log) and all(map(_same, self.result, result)):
            self.bases.append(number)
            self.log, self.result = log, result
        else:
            del self.followed[slot]

    def _try_number(self, slot: _Slot, number: int) -> None:
        """Shift a number: what the function gives must shift with it, and nothing else change."""
        moved = [self._moved(slot, number, number + shift) for shift in _SHIFTS]
        first = moved[0]
        if first is None or any(each != first for each in moved):
            return
        if not first and any(self._moved(slot, number, number ^ flip) != [] for flip in _FLIPS):
            return
        if not any(set(first) & set(items) for items in self.handed.values()):
            self.handed[slot] = {i: _int(self.result[i]) - number for i in first}

    def _moved(self, slot: _Slot, number: int, instead: int) -> list[int] | None:
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
class _Origin:
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
        return _Origin(window, offset, item.type, real)
    if type(item) is int:
        window, offset, real = recorder.origin(item)
        return item if window < 0 else _Origin(window, offset, None, real)
    return item


def _same_reads(old: Sequence[_Read], new: Sequence[_Read]) -> bool:
    """Tell whether two runs read the same places."""
    return len(old) == len(new) and all(
        a.real == b.real and a.size == b.size for a, b in zip(old, new, strict=True)
    )


def _same(old: object, new: object) -> bool:
    """Tell whether two items are the same, wherever they come from."""
    if isinstance(old, _Origin) and isinstance(new, _Origin):
        return old.real == new.real and old.type is new.type
    if isinstance(new, _Origin):
        return type(old) is int and new.type is None and new.real == old
    return type(old) is type(new) and old == new


def _plant(tree: _Tree, trace: _Trace) -> None:
    """Add a trace to the tree of its function, unless it contradicts what is there."""
    windows = {0: 0}
    handed: dict[int, _Place] = {}
    seen: set[tuple[int, int, int]] = set()
    steps: list[tuple[int, int, int, bytes | None]] = []
    for read in trace.log:
        key = (read.window, read.offset, read.size)
        if read.window < 0 or key in seen:
            continue
        seen.add(key)
        slot = (read.window, read.offset)
        passed = read.size == 8 and (slot in trace.followed or slot in trace.handed)
        steps.append((windows[read.window], read.offset, read.size, None if passed else read.data))
        if passed:
            number = len(windows)
            windows[trace.followed.get(slot, -number)] = number
            for index, added in trace.handed.get(slot, {}).items():
                handed[index] = _Place(number, added, None)
    leaf = _Leaf(
        tuple(handed.get(i) or _placed(item, windows) for i, item in enumerate(trace.result))
    )
    _insert(tree, steps, leaf)


def _insert(tree: _Tree, steps: Sequence[tuple[int, int, int, bytes | None]], leaf: _Leaf) -> None:
    """Add a way to a tree."""
    parent: _Node | None = None
    edge: bytes | None = None
    for window, offset, size, data in steps:
        node = tree.root if parent is None else parent.child(edge)
        if node is None:
            near = window == 0 and offset >= 0 and offset + size <= MAX_NEAR
            node = _Node(window, offset, size, offset + size if near else 0)
            tree.near = max(tree.near, node.end)
            _attach(tree, parent, edge, node)
        if isinstance(node, _Leaf) or (node.window, node.offset, node.size) != (
            window, offset, size,
        ):  # fmt: skip
            return
        parent, edge = node, data
    if (tree.root if parent is None else parent.child(edge)) is None:
        _attach(tree, parent, edge, leaf)


def _attach(tree: _Tree, parent: _Node | None, edge: bytes | None, node: _Node | _Leaf) -> None:
    if parent is None:
        tree.root = node
    elif edge is None:
        parent.then = node
    else:
        parent.next[edge] = node


def _placed(item: object, windows: dict[int, int]) -> object:
    if not isinstance(item, _Origin):
        return item
    return _Place(windows.get(item.window, -1), item.offset, item.type)


def _replay(tree: _Tree, memory: Memory, address: int) -> tuple[object, ...] | None:
    """Follow a tree from a value; None where it does not lead to an end."""
    bases = [address]
    read, node = memory.read, tree.root
    try:
        # One long read costs what a short one does.
        near = read(address, tree.near)
        while type(node) is _Node:
            if node.end:
                raw = near[node.offset : node.end]
            else:
                raw = read(bases[node.window] + node.offset & _LAST, node.size)
            child = node.next.get(raw)
            if child is None:
                child = node.then
                number = int.from_bytes(raw, "little")
                # What stands for nothing is 0, or beyond all that is handed out.
                if child is None or not 1 < number < _SIGN:
                    return None
                bases.append(number)
            node = child
    except FaultError:
        return None
    assert isinstance(node, _Leaf)
    return tuple(
        item if type(item) is not _Place else item.found(memory, bases) for item in node.items
    )


@contextmanager
def _memory(program: Program, memory: Memory) -> Iterator[None]:
    """Let all that reads by address read another memory."""
    before = program.memory
    program.memory = memory
    try:
        yield
    finally:
        program.memory = before
