"""Lines of a stack: logical frames with their branches, native frames with the task's between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.model import (
    Branch,
    Frame,
    FramePath,
    NativeFrame,
    Snapshot,
    Thread,
    Wait,
)
from adp_tui.engine.text import clean
from adp_tui.engine.views.places import is_library, place
from adp_tui.engine.views.records import FrameRow, Tone
from adp_tui.engine.views.tasks import task_name
from adp_tui.engine.views.words import short_function, type_name, wait_words

__all__ = ["task_rows", "thread_rows"]

LogicalRef = Callable[[FramePath], str | None]
NativeRef = Callable[[int], str | None]
MAX_ROWS = 20_000
_STATES = {
    "unresumed": "not polled yet",
    "returned": "returned",
    "panicked": "panicked",
    "polled": "being polled",
}
_STALE = "its variables are those of its last await"
_PENDING = ("pending", "polling", "unpolled")
_GUESSES = {"frame_pointer": "guessed by frame pointer", "scan": "guessed by scanning the stack"}


def task_rows(snapshot: Snapshot, index: int, ref: LogicalRef) -> tuple[FrameRow, ...]:
    """Return the logical stack of a task, outermost frame first.

    Args:
        snapshot: whose task it is.
        index: the task's number.
        ref: names the frame at a path for ``children``.
    """
    tasks = snapshot.tasks
    stack = tasks.stack[index]
    frames = snapshot.stacks[stack].frames if stack >= 0 else ()
    waits = tasks.waits_of(index)
    rows = list(_Logical(waits, ref).rows(frames))
    if rows:
        return tuple(rows)
    return (_line(0, _no_frames(snapshot, index), Tone.MUTED),)


def _no_frames(snapshot: Snapshot, index: int) -> str:
    tasks = snapshot.tasks
    state = tasks.STATES[tasks.state[index]].value
    kind = tasks.texts.text(tasks.kind[index])
    if state == "complete":
        return "the task is complete: its future is gone"
    if kind == "blocking":
        where = f"on thread {tasks.thread[index]}" if tasks.thread[index] >= 0 else "in the queue"
        return f"a blocking job has no async frames; it is {where}"
    return "its future could not be read; the losses say why"


class _Logical:
    """Makes the lines of one logical stack, and finds the line of each wait."""

    def __init__(self, waits: Sequence[Wait], ref: LogicalRef) -> None:
        self._ref = ref
        self._waits: dict[str | None, list[Wait]] = {}
        for wait in waits:
            self._waits.setdefault(wait.branch, []).append(wait)
        self._count = 0

    def rows(self, frames: Sequence[Frame], depth: int = 0) -> Iterator[FrameRow]:
        """Yield the lines of the whole stack, then the waits that no leaf explains."""
        yield from self._frames(frames, (), depth, None)
        for waits in self._waits.values():
            for wait in waits:
                yield _line(depth, f"also waits on {wait_words(wait)}", Tone.NOTICE)

    def _frames(
        self, frames: Sequence[Frame], path: FramePath, depth: int, branch: str | None
    ) -> Iterator[FrameRow]:
        for number, frame in enumerate(frames):
            self._count += 1
            if self._count > MAX_ROWS:
                return
            here = (*path, number)
            leaf = number == len(frames) - 1 and not frame.branches
            yield self._frame(frame, here, depth, self._wait(branch) if leaf else [])
            for which, arm in enumerate(frame.branches):
                yield from self._branch(arm, (*here, which), depth + 1, branch)

    def _branch(
        self, arm: Branch, path: FramePath, depth: int, above: str | None
    ) -> Iterator[FrameRow]:
        label = clean(arm.label, 200)
        tone = Tone.NORMAL if arm.state in _PENDING else Tone.MUTED
        name = f"branch {label}" if label else "branch"
        yield FrameRow(None, depth, name, "", None, None, None, arm.state, tone)
        whole = arm.label if above is None else f"{above}.{arm.label}"
        yield from self._frames(arm.frames, path, depth + 1, whole)

    def _wait(self, branch: str | None) -> list[Wait]:
        """Take the waits of a leaf: those of its branch, else of the nearest branch around it.

        A future that waits on one thing may be made of several; its wait bears its own label.
        """
        while branch is not None:
            if branch in self._waits:
                return self._waits.pop(branch)
            branch = branch.rpartition(".")[0] or None
        return self._waits.pop(None, []) if None in self._waits else []

    def _frame(self, frame: Frame, path: FramePath, depth: int, waits: Sequence[Wait]) -> FrameRow:
        notes = []
        state = _STATES.get(frame.state)
        if state is not None:
            stale = frame.state == "polled" and frame.kind != "future"
            notes.append(f"{state}; {_STALE}" if stale else state)
        if frame.label:
            notes.append(f"span {clean(frame.label, 200)}")
        if frame.macro is not None:
            notes.append(f"in {place(frame.macro.file, frame.macro.line)}")
        notes.extend(map(_waits_on, waits))
        if frame.problem:
            notes.append(clean(frame.problem, 500))
        return FrameRow(
            ref=self._ref(path),
            depth=depth,
            function=_function(frame),
            place=place(frame.file, frame.line, frame.dir),
            file=frame.file,
            dir=frame.dir,
            line=frame.line,
            note="; ".join(notes),
            tone=_tone(frame, waits),
        )


def _waits_on(wait: Wait) -> str:
    # The type of what is awaited stands in the line itself.
    return (
        "waits on something unknown" if wait.kind == "unknown" else f"waits on {wait_words(wait)}"
    )


def _function(frame: Frame) -> str:
    """Name a frame: a coroutine by its function, any other future by its type."""
    return type_name(frame.type) if frame.kind == "future" else short_function(frame.function)


def _tone(frame: Frame, waits: Sequence[Wait]) -> Tone:
    if frame.problem:
        return Tone.WARNING
    if any(wait.kind == "unknown" for wait in waits):
        return Tone.WARNING
    if frame.kind == "future" or (frame.file is not None and is_library(frame.file, frame.dir)):
        return Tone.MUTED
    return Tone.NORMAL


def thread_rows(
    snapshot: Snapshot, thread: Thread, native: NativeRef, logical: LogicalRef
) -> tuple[FrameRow, ...]:
    """Return the native stack of a thread, outermost frame first, with its task's async frames.

    Args:
        snapshot: whose thread it is.
        thread: the thread.
        native: names native frame ``number`` (innermost 0, inlined ones counted).
        logical: names the frame at a path of the task's logical stack.
    """
    rows = []
    if thread.cut is not None:
        # The frames that are missing would stand above the first one shown.
        rows.append(_line(0, f"the stack ends here: {clean(thread.cut, 500)}", Tone.WARNING))
    splice = thread.splice
    for number in range(len(thread.stack) - 1, -1, -1):
        rows.append(_native(thread.stack[number], native(number)))
        if splice is not None and splice.frame == number:
            index = snapshot.tasks.index(splice.task)
            name = task_name(snapshot, index)
            rows.append(_line(1, f"task {splice.task}: {name}", Tone.NOTICE))
            stack = snapshot.tasks.stack[index]
            if stack >= 0:
                frames = snapshot.stacks[stack].frames
                rows.extend(_Logical(snapshot.tasks.waits_of(index), logical).rows(frames, 1))
    if not thread.stack:
        rows.append(_line(0, "no frame could be read", Tone.WARNING))
    return tuple(rows)


def _native(frame: NativeFrame, ref: str | None) -> FrameRow:
    notes = []
    if frame.inlined:
        notes.append("inlined")
    if frame.origin in _GUESSES:
        notes.append(_GUESSES[frame.origin])
    if frame.module and (frame.file is None or not frame.file.endswith(".rs")):
        notes.append(clean(frame.module, 200))
    own = frame.file is not None and frame.file.endswith(".rs")
    own = own and not is_library(frame.file or "", frame.dir)
    return FrameRow(
        ref=ref,
        depth=0,
        function=short_function(frame.function) if frame.function else f"{frame.pc:#x}",
        place=place(frame.file, frame.line, frame.dir),
        file=frame.file,
        dir=frame.dir,
        line=frame.line,
        note="; ".join(notes),
        tone=Tone.WARNING if frame.guessed else Tone.NORMAL if own else Tone.MUTED,
    )


def _line(depth: int, note: str, tone: Tone) -> FrameRow:
    return FrameRow(None, depth, "", "", None, None, None, note, tone)
