"""Native stacks as we see them, and as gdb does."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adp_tui.backends.core import open_core
from adp_tui.engine.model import NativeFrame
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.symbolize import Symbolizer
from adp_tui.engine.unwind.unwinder import NativeStack, RawFrame, Unwinder
from support.cores import TESTS, Dump

__all__ = ["Stack", "by_gdb", "marked", "opened", "stacks"]


@dataclass(frozen=True)
class Stack:
    """A thread's stack; ``parts`` has the functions of each raw frame."""

    tid: int
    native: NativeStack
    parts: tuple[tuple[RawFrame, tuple[NativeFrame, ...]], ...]

    @property
    def frames(self) -> tuple[NativeFrame, ...]:
        return tuple(frame for _, part in self.parts for frame in part)

    def functions(self) -> list[str | None]:
        return [frame.function for frame in self.frames]

    def frame(self, function: str) -> NativeFrame:
        """Return the innermost frame of a function."""
        return next(frame for frame in self.frames if frame.function == function)

    def raw(self, function: str) -> RawFrame:
        """Return the innermost raw frame that a function is in."""
        return next(raw for raw, part in self.parts if any(f.function == function for f in part))


def opened(dump: Dump, sysroot: Path | None = None) -> Program:
    target = open_core(dump.core, executable=dump.program, sysroot=sysroot)
    return Program(target, sysroot=sysroot)


def stacks(program: Program) -> list[Stack]:
    """Unwind and name all threads; the one that crashed is the first."""
    unwinder, symbolizer = Unwinder(program), Symbolizer(program)
    found = []
    for thread in sorted(program.target.threads(), key=lambda t: not t.signalled):
        native = unwinder.unwind(thread)
        parts = tuple((raw, symbolizer.frames(raw)) for raw in native.frames)
        found.append(Stack(thread.tid, native, parts))
    return found


def by_gdb(dump: Dump) -> dict[int, list[dict[str, Any]]]:
    """Return the frames that gdb finds, by thread id; those that it makes up are left out."""
    script = Path(__file__).with_name("gdb_frames.py")
    command = ["gdb", "-nx", "-batch", "-ex", "set backtrace past-main on", "-x", str(script)]
    done = subprocess.run(
        [*command, str(dump.program), str(dump.core)], capture_output=True, text=True, timeout=120
    )
    threads = [json.loads(m) for m in re.findall(r"^frames (.*)$", done.stdout, re.MULTILINE)]
    assert threads, done
    return {t["tid"]: [f for f in t["frames"] if not f["made_up"]] for t in threads}


def marked(source: str, marker: str) -> int:
    """Return the line of a program's source that bears ``// line: marker``."""
    (path,) = TESTS.glob(f"*/sources/{source}")
    wanted = re.compile(rf"(//|/\*) line: {re.escape(marker)}\b")
    lines = path.read_text().splitlines()
    found = [number for number, text in enumerate(lines, 1) if wanted.search(text)]
    assert len(found) == 1, (marker, found)
    return found[0]
