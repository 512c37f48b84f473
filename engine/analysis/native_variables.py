"""Variables of native functions that a descriptor names: an executor on a thread's stack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adp_tui.engine.adp.evaluate import ThreadValue
from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.locals import variables
from adp_tui.engine.unwind.unwinder import RawFrame
from adp_tui.engine.value import Value

__all__ = ["NativeVariables"]

MAX_FOUND = 65_536


class NativeVariables:
    """Finds variables by globs of their function's name; innermost frames first."""

    def __init__(self, program: Program, threads: Sequence[ThreadFacts]) -> None:
        self._program = program
        self._threads = threads

    def named(self, function: str, variable: str) -> tuple[Value, ...]:
        """Return a variable of every frame with a matching function, each with its thread.

        Where a compiler left it no place it is missing: nothing stands for it.
        """
        glob = Glob(function)
        found: list[Value] = []
        for thread in self._threads:
            for raw, names in thread.scopes:
                places = {number for number, name in enumerate(names) if glob.match(name)}
                if places and len(found) < MAX_FOUND:
                    values = self._of(raw, places, variable)
                    found.extend(ThreadValue(value, thread.tid) for value in values)
        return tuple(found)

    def _of(self, raw: RawFrame, places: set[int], name: str) -> Iterator[Value]:
        try:
            for each in variables(self._program, raw):
                if each.name == name and each.scope in places and each.value is not None:
                    yield each.value
        except AdpError:
            return
