"""Guards and ends in the native frames of threads: where their variables can be read at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.analysis.holders import Holders, Spot
from adp_tui.engine.analysis.rules import Bound
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean
from adp_tui.engine.unwind.locals import NativeVariable, variables
from adp_tui.engine.unwind.symbolize import Symbolizer
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import Value
from adp_tui.engine.views.places import is_library

__all__ = ["search_threads"]

_STD = ("std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "__rust")
"""Functions that pass on what others own: a closure that was called has moved its variables."""
_NO_RUST = (".c", ".h", ".S", ".s", ".cc", ".cpp")


def search_threads(
    program: Program,
    holders: Holders,
    threads: Sequence[ThreadFacts],
    check: Callable[[], None],
) -> None:
    """Look through the variables of all threads, innermost frames first.

    What a compiler keeps in registers, or has moved away, cannot be told from what is there: the
    same end is taken once for each thread.
    """
    finder = _Finder(program, holders)
    for thread in threads:
        check()
        ends: set[tuple[int, int]] = set()
        for raw in thread.native.frames:
            try:
                for items in finder.of(raw):
                    finder.note(thread, items, ends)
            except AdpError:
                continue


def _is_foreign(file: str, folder: str | None) -> bool:
    """Tell whether the code in a file is none of the program's own, or no Rust."""
    return file.endswith(_NO_RUST) or is_library(file, folder)


class _Finder:
    def __init__(self, program: Program, holders: Holders) -> None:
        self._program = program
        self._holders = holders
        self._symbolizer = Symbolizer(program)

    def of(self, raw: RawFrame) -> Iterator[tuple[Any, ...]]:
        """Yield what ``Holders.kept`` has of each guard and end in the variables of a frame."""
        frames = self._symbolizer.frames(raw)
        if all(frame.file is None or _is_foreign(frame.file, frame.dir) for frame in frames):
            # Most frames are: to read the types of all their variables takes a fifth of the time.
            return
        found = variables(self._program, raw, self._holders.leads)
        names = [frame.function for frame in frames]
        for variable in found:
            function = names[variable.scope] if variable.scope < len(names) else None
            if variable.value is None or function is None or function.startswith(_STD):
                continue
            yield from self._in_variable(function, variable, variable.value)

    def _in_variable(
        self, function: str, variable: NativeVariable, value: Value
    ) -> Iterator[tuple[Any, ...]]:
        if value.data is not None and not self._holders.wanted(value.type.name):
            return
        for guard, path, shared in self._holders.inside(value):

            def spot(bound: Bound[Any], path: str = path, shared: bool = shared) -> Spot:
                return Spot(
                    rule=bound,
                    function=function,
                    variable=variable.name,
                    path=clean(path, 1024) or None,
                    shared=shared,
                    owner=None,
                    frame=None,
                    type=variable.type.name,
                    before=None,
                    line=variable.line,
                )

            for _, group in self._holders.guard_items(spot, guard):
                yield group

    def note(self, thread: ThreadFacts, items: tuple[Any, ...], ends: set[tuple[int, int]]) -> None:
        """Keep one guard or end, unless it is a task's, or this thread's already."""
        spot, guard, resource, *_ = items
        key = resource.address, id(spot.rule) if not guard.address else guard.address
        once = resource.address, id(spot.rule)
        if guard.address in self._holders.places or key in ends:
            return
        if spot.is_end and once in ends:
            return
        ends.update((key, once))
        self._holders.note(thread.task, thread, items)
