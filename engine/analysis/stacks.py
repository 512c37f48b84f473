"""Logical stacks: from a task's future down to what it waits on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Protocol

from adp_tui.engine.analysis.branches import BranchFinder, Children
from adp_tui.engine.analysis.replay import Replays
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError, LayoutError
from adp_tui.engine.model import Branch, Frame, FramePath, Macro
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import CoroutineLayout, Coroutines
from adp_tui.engine.rust.dynamic import concrete, is_fat
from adp_tui.engine.rust.names import plain_path
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

if TYPE_CHECKING:
    from adp_tui.engine.analysis.cohorts import Cohort

__all__ = [
    "LiveBranch",
    "LiveFrame",
    "LiveStack",
    "Rules",
    "StackShape",
    "StackWalker",
    "frames_by_path",
    "shape_of",
    "stack_identity",
    "stacks_of",
]

MAX_FRAMES = 64
MAX_NODES = 3000
MAX_PEEL = 24
MAX_BRANCHES = 4096
"""Futures shown of one set; a FuturesUnordered of more is cut, and says so."""

_WRAPPERS = frozenset(
    {
        "core::pin::Pin",
        "alloc::boxed::Box",
        "core::mem::manually_drop::ManuallyDrop",
        "core::mem::maybe_dangling::MaybeDangling",
        "core::mem::maybe_uninit::MaybeUninit",
        "core::cell::UnsafeCell",
        "core::option::Option",
    }
)


class Rules(Protocol):
    """What the walker asks of the descriptors in force."""

    def wait(self, type_name: str) -> object | None:
        """Return the rule for a future that waits on something."""
        ...

    def adapter(self, type_name: str) -> object | None:
        """Return the rule for a future that polls others."""
        ...

    def is_future(self, type_name: str) -> bool:
        """Tell whether a type is a future, as far as names tell."""
        ...

    def children(self, rule: object, value: Value) -> Sequence[tuple[str, str | None, Value]]:
        """Return label, state and value of each future that an adapter polls."""
        ...

    def label(self, rule: object, value: Value) -> str | None:
        """Return what the adapter says of itself."""
        ...

    def combinator(self, rule: object) -> str:
        """Return what an adapter's futures are to it: ``select``, ``unordered``, ``join``, or
        ``wrapper`` where there is one that it passes on.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LiveBranch:
    """A branch with the addresses of its frames."""

    label: str
    state: str
    frames: tuple[LiveFrame, ...]


class LiveFrame:
    """A frame and where it is: ``value`` is the coroutine or future, ``payload`` its active
    variant, ``rule`` the rule that names a wait here. Made for each frame of each task.
    """

    __slots__ = ("branches", "frame", "payload", "rule", "value")

    def __init__(
        self,
        frame: Frame,
        value: Value,
        payload: Value | None,
        branches: tuple[LiveBranch, ...],
        rule: object | None,
    ) -> None:
        self.frame = frame
        self.value = value
        self.payload = payload
        self.branches = branches
        self.rule = rule


@dataclass(frozen=True, slots=True)
class FrameShape:
    """A frame without its place in memory."""

    frame: Frame
    has_payload: bool
    branches: tuple[tuple[str, str, tuple[FrameShape, ...]], ...]
    rule: object | None


@dataclass(frozen=True, slots=True)
class StackShape:
    """What tasks that stand at the same place have in common; there is one of each shape."""

    frames: tuple[FrameShape, ...]
    problem: str | None


class LiveStack:
    """A task's logical stack, outermost frame first. Its frames are made when they are asked for.

    ``values`` are the places where the frames stand, in the order of ``_flat``.
    """

    __slots__ = ("_frames", "_values", "shape")

    def __init__(self, shape: StackShape, values: Iterable[Value]) -> None:
        self.shape = shape
        self._values = values
        self._frames: tuple[LiveFrame, ...] | None = None

    @property
    def problem(self) -> str | None:
        """Return why it ends early somewhere; None when it is whole."""
        return self.shape.problem

    @property
    def frames(self) -> tuple[LiveFrame, ...]:
        """Return the frames, outermost first."""
        if self._frames is None:
            self._frames = _placed(self.shape.frames, self._places())
        return self._frames

    def _places(self) -> Iterator[Value]:
        return iter(self._values)


class _RowStack(LiveStack):
    """The stack of one future of a cohort: where its frames stand is worked out when asked for."""

    __slots__ = ("_cohort", "_row")

    def __init__(self, shape: StackShape, cohort: Cohort, row: int) -> None:
        # There is one for each task: nothing is set that is not needed.
        self.shape = shape
        self._frames = None
        self._cohort = cohort
        self._row = row

    def _places(self) -> Iterator[Value]:
        return self._cohort.values(self._row)


def stacks_of(cohort: Cohort) -> Iterator[LiveStack]:
    """Return the stacks of a cohort of futures, for each row."""
    return map(_RowStack, repeat(shape_of(cohort)), repeat(cohort), range(len(cohort)))


def shape_of(cohort: Cohort) -> StackShape:
    """Return the shape of a cohort's stacks."""
    shape = cohort.items[0]
    assert isinstance(shape, StackShape)
    return shape


def _placed(shapes: tuple[FrameShape, ...], values: Iterator[Value]) -> tuple[LiveFrame, ...]:
    """Give frames their places, which stand in the order of ``_flat``."""
    return tuple(
        LiveFrame(
            shape.frame,
            next(values),
            next(values) if shape.has_payload else None,
            tuple(
                LiveBranch(label, state, _placed(frames, values))
                for label, state, frames in shape.branches
            ),
            shape.rule,
        )
        for shape in shapes
    )


def _flat(frames: Sequence[LiveFrame], values: list[Value]) -> tuple[FrameShape, ...]:
    """Take the places out of frames: each one's value and payload, then those of its branches."""
    shapes = []
    for live in frames:
        values.append(live.value)
        if live.payload is not None:
            values.append(live.payload)
        branches = tuple((b.label, b.state, _flat(b.frames, values)) for b in live.branches)
        shapes.append(FrameShape(live.frame, live.payload is not None, branches, live.rule))
    return tuple(shapes)


class StackWalker:
    """Walks futures; everything that depends on types alone is remembered."""

    def __init__(self, program: Program, rules: Rules, replays: Replays | None = None) -> None:
        self._program = program
        self._rules = rules
        self._replays = replays
        self.coroutines = Coroutines(program)
        self._finder = BranchFinder(program, rules)
        self._frames: dict[tuple[int, int], Frame] = {}
        self._shapes: dict[StackShape, StackShape] = {}
        self._nodes = 0
        self._problem: str | None = None

    def walk(self, future: Value) -> LiveStack:
        """Return the logical stack of a future. What cannot be read ends it, with the reason."""
        if self._replays is None:
            shape, *values = self.flat(future)
        else:
            shape, *values = self._replays.ask(future, self.flat, self)
        assert isinstance(shape, StackShape)
        return LiveStack(shape, tuple(v for v in values if isinstance(v, Value)))

    def cohorts(self, type_: Type, futures: Sequence[int]) -> list[Cohort]:
        """Return the futures of a type, by address, whose stacks are alike and whole."""
        if self._replays is None:
            return []
        found = self._replays.cohorts(type_, futures, self.flat, self)
        return [cohort for cohort in found if shape_of(cohort).problem is None]

    def flat(self, future: Value) -> tuple[object, ...]:
        """Return the shape of a future's stack, and the values that its frames stand at."""
        self._nodes, self._problem = 0, None
        values: list[Value] = []
        frames = _flat(tuple(self._walk(future, 0, set())), values)
        shape = StackShape(frames, self._problem)
        return (self._shapes.setdefault(shape, shape), *values)

    def suspended(self, value: Value) -> bool:
        """Tell whether a value, behind its wrappers, is a coroutine at one of its awaits."""
        inner = self._peel(value)
        if inner is None:
            return False
        layout = self.coroutines.layout(inner.type)
        if layout is None:
            return not inner.type.name.startswith(("core::", "alloc::")) or (
                self._rules.wait(inner.type.name) is not None
            )
        state = layout.state(inner)
        return state is not None and state.name == "suspended"

    def _walk(self, future: Value, depth: int, seen: set[tuple[int, str]]) -> Iterator[LiveFrame]:
        current: Value | None = future
        while current is not None:
            if depth >= MAX_FRAMES:
                yield self._broken(current, f"more than {MAX_FRAMES} frames")
                return
            try:
                inner = self._peel(current)
            except AdpError as error:
                yield self._broken(current, str(error))
                return
            if inner is None:
                return
            key = (inner.address, inner.type.name)
            self._nodes += 1
            if key in seen or self._nodes > MAX_NODES:
                reason = "the futures form a cycle" if key in seen else "too many futures"
                yield self._broken(inner, reason)
                return
            seen.add(key)
            frame, current = self._step(inner, depth, seen)
            yield frame
            depth += 1

    def _step(
        self, value: Value, depth: int, seen: set[tuple[int, str]]
    ) -> tuple[LiveFrame, Value | None]:
        """Return the frame of a value, and the future that it polls, if there is just one."""
        layout = self.coroutines.layout(value.type)
        try:
            if layout is not None:
                return self._coroutine(value, layout)
            return self._future(value, depth, seen)
        except AdpError as error:
            return self._broken(value, str(error)), None

    def _coroutine(self, value: Value, layout: CoroutineLayout) -> tuple[LiveFrame, Value | None]:
        state = layout.state(value)
        if state is None:
            return self._broken(value, "its state is none that the compiler made"), None
        payload = value.payload(state.variant)
        key = (id(layout), id(state))
        frame = self._frames.get(key)
        if frame is None:
            place = state.place
            frame = self._frames[key] = Frame(
                function=layout.function,
                kind=layout.kind,
                state=state.name,
                type=clean(value.type.name),
                file=None if place is None else clean(place.file),
                dir=None if place is None else clean(place.dir),
                line=None if place is None else place.line,
                column=None if place is None else place.column,
                macro=None if state.macro is None else Macro(
                    clean(state.macro.file), state.macro.line),
            )  # fmt: skip
        live = LiveFrame(frame, value, payload, (), self._rules.wait(value.type.name))
        if state.awaitee is None:
            return live, None
        return live, payload.of(state.awaitee)

    def _future(
        self, value: Value, depth: int, seen: set[tuple[int, str]]
    ) -> tuple[LiveFrame, Value | None]:
        name = value.type.name
        rule = self._rules.wait(name)
        adapter = self._rules.adapter(name)
        label = self._rules.label(adapter, value) if adapter is not None else None
        frame = Frame(
            function=plain_path(name), kind="future", state="suspended", type=clean(name),
            label=None if label is None else clean(label, 256),
        )  # fmt: skip
        live = LiveFrame(frame, value, None, (), rule)
        if rule is not None and adapter is None:
            return live, None
        if adapter is not None:
            parts = self._rules.children(adapter, value)
            combinator = self._rules.combinator(adapter)
            several = combinator != "wrapper"
            found = Children(tuple(parts), several, combinator if several else None)
        else:
            found = self._finder.find(value)
        if not found.items:
            return live, None
        if len(found.items) == 1 and not found.always:
            return live, found.items[0][2]
        return self._with_children(live, found, depth, seen), None

    def _with_children(
        self,
        live: LiveFrame,
        found: Children,
        depth: int = 0,
        seen: set[tuple[int, str]] | None = None,
    ) -> LiveFrame:
        """Add branches to a frame."""
        branches = []
        for label, state, child in found.items[:MAX_BRANCHES]:
            frames: tuple[LiveFrame, ...] = ()
            if state not in ("done", "disabled"):
                frames = tuple(self._walk(child, depth + 1, set() if seen is None else seen))
            branches.append(LiveBranch(label, state or _branch_state(frames), frames))
        model = tuple(Branch(b.label, b.state, tuple(f.frame for f in b.frames)) for b in branches)
        old = live.frame
        problem = None
        if len(found.items) > MAX_BRANCHES:
            problem = f"{len(found.items) - MAX_BRANCHES} more futures are not shown"
            self._problem = self._problem or problem
        frame = Frame(
            old.function, old.kind, old.state, old.type, old.file, old.dir, old.line, old.column,
            old.macro, model, old.label, problem, found.combinator,
        )  # fmt: skip
        return LiveFrame(frame, live.value, live.payload, tuple(branches), live.rule)

    def _peel(self, value: Value) -> Value | None:
        """Look through boxes, pins, references and trait objects; None where nothing is there."""
        current = value
        for _ in range(MAX_PEEL):
            type_ = current.type
            if is_fat(current):
                inner = _there(concrete(self._program, current), current)
            elif type_.kind is Kind.POINTER:
                inner = _there(current.deref(), current)
            elif type_.base_name in _WRAPPERS and self._rules.adapter(type_.name) is None:
                inner = _unwrap(current)
                if inner is current:
                    return current
            else:
                return current
            if inner is None:
                return None
            current = inner
        return current

    def _broken(self, value: Value, reason: str) -> LiveFrame:
        name, reason = value.type.name, clean(reason, 512)
        self._problem = self._problem or reason
        frame = Frame(
            function=plain_path(name), kind="future", state="suspended", type=clean(name),
            problem=reason,
        )  # fmt: skip
        return LiveFrame(frame, value, None, (), None)


def _there(target: Value | None, pointer: Value) -> Value | None:
    """Return what a pointer leads to; only a raw one may be null."""
    if target is None and not pointer.type.name.startswith("*"):
        raise LayoutError(f"{pointer.type.name} is null")
    return target


def _unwrap(value: Value) -> Value | None:
    """Return what a transparent wrapper holds; itself where it holds nothing or several."""
    type_ = value.type
    part = type_.variant_part
    if part is not None:
        variant = value.variant()
        if variant.name != "Some":
            return None
        payload = value.payload(variant)
        return payload.member("0") or payload
    inner = [m for m in type_.members if m.type.size]
    return value.of(inner[0]) if len(inner) == 1 else value


def _branch_state(frames: Sequence[LiveFrame]) -> str:
    """Name the state of a branch from its outermost frame."""
    if not frames:
        return "done"
    state = frames[0].frame.state
    if state == "unresumed":
        return "unpolled"
    return "done" if state in ("returned", "panicked") else "pending"


def frames_by_path(
    frames: Sequence[LiveFrame], above: FramePath = ()
) -> Iterator[tuple[FramePath, LiveFrame]]:
    """Yield each frame of a stack and of its branches, outermost first, with where it stands."""
    for number, frame in enumerate(frames):
        path = (*above, number)
        yield path, frame
        for which, branch in enumerate(frame.branches):
            yield from frames_by_path(branch.frames, (*path, which))


def stack_identity(frames: Sequence[Frame], waits: Sequence[str]) -> tuple[str, str]:
    """Return a stack's hash and shape.

    Equal hashes stand for equal functions, kinds, states, lines, types, branches and waits; equal
    shapes for equal functions, kinds and branches, across builds.
    """
    full = hashlib.blake2s(digest_size=8)
    shape = hashlib.blake2s(digest_size=8)
    for frame in frames:
        _digest(frame, full, shape)
    full.update(repr(tuple(waits)).encode())
    return full.hexdigest(), shape.hexdigest()


def _digest(frame: Frame, full: hashlib.blake2s, shape: hashlib.blake2s) -> None:
    shape.update(f"{frame.function}\0{frame.kind}\0".encode())
    full.update(
        f"{frame.function}\0{frame.kind}\0{frame.state}\0{frame.file}\0{frame.line}\0"
        f"{frame.type}\0{frame.label}\0{frame.problem}\0".encode()
    )
    for branch in frame.branches:
        shape.update(f"[{branch.label}\0".encode())
        full.update(f"[{branch.label}\0{branch.state}\0".encode())
        for inner in branch.frames:
            _digest(inner, full, shape)
        shape.update(b"]")
        full.update(b"]")
