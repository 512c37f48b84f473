"""The logical stack of a task that is being polled right now.

Its coroutines still hold their last suspend point. What a thread's native frames poll is known,
and so is what stands inside a plain future that they poll: its fields are where they were. But
below a polled coroutine the memory is of a past await, and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adp_tui.engine.model import Branch, Frame, NativeFrame

__all__ = ["polled"]


def polled(frames: tuple[Frame, ...], native: Mapping[str, NativeFrame]) -> tuple[Frame, ...]:
    """Return the frames with what native frames (by function, innermost one) tell of them.

    Without a native frame that polls any of them, nothing is known but that they are polled.
    """
    found = [_native(frame, native) for frame in frames]
    last = max((i for i, each in enumerate(found) if each is not None), default=-1)
    if last < 0:
        return tuple(replace(frame, state="polled", branches=()) for frame in frames)
    result = [_polled(*pair) for pair in zip(frames[: last + 1], found, strict=False)]
    if frames[last].kind == "future":
        branches = tuple(_branch(branch, native) for branch in frames[last].branches)
        result[last] = replace(result[last], branches=branches)
        result.extend(frames[last + 1 :])
    return tuple(result)


def _native(frame: Frame, native: Mapping[str, NativeFrame]) -> NativeFrame | None:
    if frame.kind != "future":
        return native.get(frame.function)
    return native.get(f"<{frame.function} as core::future::future::Future>::poll")


def _polled(frame: Frame, native: NativeFrame | None) -> Frame:
    if native is None or frame.kind == "future":
        return replace(frame, state="polled", branches=())
    return replace(
        frame,
        state="polled",
        file=native.file,
        dir=native.dir,
        line=native.line,
        column=native.column,
        macro=None,
        branches=(),
    )


def _branch(branch: Branch, native: Mapping[str, NativeFrame]) -> Branch:
    """Mark the branch that is being polled; the others stand as they are."""
    if any(_native(frame, native) is not None for frame in branch.frames):
        return replace(branch, state="polling", frames=polled(branch.frames, native))
    return branch
