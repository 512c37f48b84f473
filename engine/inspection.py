"""What is read from memory only when it is shown: addresses of frames, variables, fields."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from adp_tui.engine.analysis.analysis import Analysis
from adp_tui.engine.analysis.stacks import LiveFrame, frames_by_path
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Type
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import Frame, FramePath, Snapshot, Thread
from adp_tui.engine.program import Program
from adp_tui.engine.report import FrameDetail, Variable
from adp_tui.engine.rust.display import fields, show
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.locals import variables
from adp_tui.engine.value import Value

__all__ = ["Inspection", "Item"]

MAX_STACKS = 16
"""Logical stacks whose addresses are kept: those that a person goes to and fro between."""
MAX_DEPTH = 2
"""Levels of fields below a variable in a report."""
MAX_CHILDREN = 64
"""Fields of one value in a report."""
MAX_VARIABLES = 4000
"""Variables and fields of one task in a report."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A variable or field; ``problem`` says why ``value`` is None, or what is missing of it."""

    name: str
    value: Value | None
    problem: str | None


class Inspection:
    """Reads frames, variables and fields of an analysis. It is the ``TaskDetails`` of reports.

    Args:
        snapshot: the facts.
        analysis: what leads to their variables; None where that is gone.
        missing: why it is gone.
    """

    def __init__(self, snapshot: Snapshot, analysis: Analysis | None, missing: str = "") -> None:
        self._snapshot = snapshot
        self._known = analysis
        self._missing = missing
        self._stacks: OrderedDict[int, dict[FramePath, LiveFrame]] = OrderedDict()

    @property
    def is_readable(self) -> bool:
        """Whether there are variables at all."""
        return self._known is not None

    @property
    def _analysis(self) -> Analysis:
        if self._known is None:
            raise AdpError(self._missing)
        return self._known

    @property
    def _program(self) -> Program:
        return self._analysis.program

    # Logical stacks.

    def live(self, index: int) -> dict[FramePath, LiveFrame]:
        """Return the frames of task ``index`` with their addresses, by path."""
        if self._known is None:
            return {}
        known = self._stacks.get(index)
        if known is None:
            stack = self._analysis.task_frames(index)
            known = {} if stack is None else dict(frames_by_path(stack.frames))
            self._stacks[index] = known
            if len(self._stacks) > MAX_STACKS:
                self._stacks.popitem(last=False)
        return known

    def has_variables(self, live: LiveFrame) -> bool:
        """Tell whether a frame has variables, without reading them."""
        if live.payload is None:
            return live.value.type.size > 0
        return bool(self._analysis.frame_variables(live))

    def frame_items(self, live: LiveFrame) -> list[Item]:
        """Return the variables of a coroutine, or the fields of another future."""
        if live.payload is None:
            return self.fields(live.value)
        return _items(self._analysis.frame_variables(live))

    # Native stacks.

    def native_items(self, thread: Thread, number: int) -> list[Item]:
        """Return the variables of frame ``number`` of a thread (inlined frames counted).

        Raises:
            AdpError: there is no such frame.
        """
        raws = self._analysis.thread_frames(thread.tid)
        raw, scope = -1, 0
        for at, frame in enumerate(thread.stack[: number + 1]):
            begins = at == 0 or not thread.stack[at - 1].inlined
            raw, scope = (raw + 1, 0) if begins else (raw, scope + 1)
            # A native frame that nothing could be said of has no line in the snapshot.
            while begins and raw < len(raws) and raws[raw].pc != frame.pc:
                raw += 1
        if not 0 <= number < len(thread.stack) or not 0 <= raw < len(raws):
            raise AdpError(f"thread {thread.tid} has no frame {number}")
        found = variables(self._program, raws[raw])
        return [Item(v.name, v.value, v.problem) for v in found if v.scope == scope]

    # Values.

    def fields(self, value: Value) -> list[Item]:
        """Return the fields of a value."""
        return _items(fields(self._program, value))

    def describe(self, item: Item) -> tuple[Variable, bool, bool]:
        """Return an item in words, whether it is expandable, and whether it is unreadable."""
        name = clean(item.name, 200)
        if item.value is None:
            return Variable(name, "", clean(item.problem or "not known", 500), None), False, True
        shown = show(self._program, item.value)
        text = shown.text if item.problem is None else f"{shown.text} ({clean(item.problem, 200)})"
        address = item.value.address if item.value.data is None else None
        variable = Variable(name, _type_words(item.value.type), text, address)
        return variable, shown.expandable, shown.unreadable

    # For reports.

    def frames(self, index: int, *, variables: bool) -> Sequence[FrameDetail]:
        """Return the frames of task ``index`` in the order of a depth-first walk."""
        stack = self._snapshot.tasks.stack[index]
        if stack < 0:
            return ()
        live = self.live(index)
        budget = [MAX_VARIABLES]
        details = []
        for path in _walk(self._snapshot.stacks[stack].frames, ()):
            frame = live.get(path)
            if frame is None:
                details.append(FrameDetail(None))
                continue
            found = self._variables(self.frame_items(frame), budget, 0) if variables else ()
            details.append(FrameDetail(frame.value.address, found))
        return details

    def _variables(self, items: list[Item], budget: list[int], depth: int) -> tuple[Variable, ...]:
        found = []
        for item in items[:MAX_CHILDREN]:
            if budget[0] <= 0:
                break
            budget[0] -= 1
            variable, expandable, _ = self.describe(item)
            children: tuple[Variable, ...] = ()
            if expandable and item.value is not None and depth < MAX_DEPTH:
                children = self._variables(self.fields(item.value), budget, depth + 1)
            found.append(
                Variable(
                    variable.name, variable.type, variable.value, variable.address, children
                )
            )  # fmt: skip
        return tuple(found)


def _type_words(type_: Type) -> str:
    """Return a type's full name; DWARF gives arrays none."""
    if not type_.name and type_.kind is Kind.ARRAY and type_.target is not None:
        count = "_" if type_.count is None else type_.count
        return clean(f"[{type_.target.name}; {count}]", 4096)
    return clean(type_.name, 4096)


def _items(found: Sequence[tuple[str, Value | None, str | None]]) -> list[Item]:
    return [Item(*each) for each in found]


def _walk(frames: Sequence[Frame], above: FramePath) -> Iterator[FramePath]:
    """Yield the path of each frame of the snapshot's stack, depth first."""
    for number, frame in enumerate(frames):
        path = (*above, number)
        yield path
        for which, branch in enumerate(frame.branches):
            yield from _walk(branch.frames, (*path, which))
