"""Native stacks: from a thread's registers to its first frame."""

from __future__ import annotations

from collections.abc import Mapping

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.image import Image
from adp_tui.engine.program import Program
from adp_tui.engine.target import ThreadState
from adp_tui.engine.unwind.guess import Guesser
from adp_tui.engine.unwind.rules import FrameRules, Step

__all__ = ["NativeStack", "RawFrame", "Unwinder"]

MAX_FRAMES = 512
_EXACT = ("cfi", "debug_frame")


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """One native frame.

    Attributes:
        pc: where the frame's function goes on.
        lookup: the address that names the frame's place: ``pc`` for the innermost frame and
            one that a signal interrupted, else the call before it.
        sp: the stack pointer in the frame.
        cfa: the canonical frame address, or None where it is not known.
        registers: by DWARF number, as far as they were restored.
        origin: ``cfi``, ``debug_frame``, ``frame_pointer`` or ``scan``: how it was found.
        image: the module that the pc lies in.
    """

    pc: int
    lookup: int
    sp: int
    cfa: int | None
    registers: Mapping[int, int]
    origin: str
    image: Image | None


@dataclass(frozen=True, slots=True, eq=False)
class NativeStack:
    """The frames of a thread, innermost first. ``cut`` says why it is not whole: it ends too
    early, or frames of a module whose file is missing or broken were stepped over.
    """

    frames: tuple[RawFrame, ...]
    cut: str | None


class Unwinder:
    """Unwinds threads; the tables of each module are opened once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._arch = program.arch
        self._rules = FrameRules(program)
        self._guesser = Guesser(program, self._rules)

    def unwind(self, thread: ThreadState, limit: int = MAX_FRAMES) -> NativeStack:
        """Return the stack of a thread; one without registers has none."""
        if self._arch.pc not in thread.registers:
            return NativeStack((), thread.problem or "its registers are not known")
        # The innermost frame needs no finding: its registers are the thread's own.
        step = Step(dict(thread.registers), "cfi", signal=True)
        frames: list[RawFrame] = []
        cut: str | None = None
        gap: str | None = None
        while True:
            registers = step.registers
            pc, sp = registers[self._arch.pc], registers.get(self._arch.sp, 0)
            lookup = pc if step.signal else pc - 1
            image = self._program.image_at(lookup)
            found = self._rules.find(image, lookup)
            cfa = None if found.row is None else self._rules.cfa(found.row, registers)
            frames.append(RawFrame(pc, lookup, sp, cfa, registers, step.origin, image))
            if len(frames) >= limit:
                cut = f"more than {limit} frames"
                break
            caller: Step | None
            if cfa is not None:
                caller, ended = self._rules.step(found, registers, cfa)
                if caller is None:
                    cut = None if ended else self._unreadable(image, lookup)
                    break
            else:
                caller = self._guesser.step(registers, lookup, innermost=step.signal)
                if caller is None:
                    if found.problem is not None or not self._is_first(step):
                        cut = self._why(image, found.problem, lookup)
                    break
                if image is not None and image.elf is None:
                    gap = gap or image.problem
                # A guess may step over frames that broken rules would have led to.
                gap = gap or found.problem
            if not self._grows(caller, sp):
                if not self._is_first(step):
                    cut = f"the caller of {lookup:#x} would not stand above it on the stack"
                break
            step = caller
        return NativeStack(tuple(frames), gap or cut)

    def _is_first(self, step: Step) -> bool:
        """Tell whether a frame that leads nowhere is the first one of its thread.

        Where tables don't say that a stack ends (musl's ``_start`` and ``__clone``), a frame
        pointer of zero does (System V AMD64 ABI, 3.4.1).
        """
        exact = step.origin in _EXACT and not step.signal
        return exact and step.registers.get(self._arch.fp) == 0

    def _grows(self, caller: Step, sp: int) -> bool:
        """Each caller's frame must stand above: a signal handler may run on another stack."""
        return caller.signal or caller.registers[self._arch.sp] > sp

    @staticmethod
    def _unreadable(image: Image | None, lookup: int) -> str:
        name = "" if image is None else f" in {image.name}"
        return f"the stack memory of the caller of {lookup:#x}{name} cannot be read, or is zero"

    @staticmethod
    def _why(image: Image | None, problem: str | None, lookup: int) -> str:
        if image is None:
            return f"{lookup:#x} lies in no mapped file"
        if image.problem is not None:
            return image.problem
        if problem is not None:
            return problem
        return f"{image.name} says nothing of how to unwind {lookup:#x}"
