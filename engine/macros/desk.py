"""Runs the macros of a library on a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis.analysis import Analysis
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import CancelledError
from adp_tui.engine.macros.context import Context
from adp_tui.engine.macros.library import Entry, Library, row_of
from adp_tui.engine.macros.macro import MacroUsageError
from adp_tui.engine.macros.results import Plain, plain
from adp_tui.engine.macros.runner import DEADLINE_S, Gate, run
from adp_tui.engine.model import Executor, Resource, Snapshot, Task, Thread
from adp_tui.engine.text import clean
from adp_tui.engine.views.records import MacroRow

__all__ = ["Desk", "Outcome"]

_LETTERS = {"task": "t", "executor": "x", "resource": "r", "thread": "tid:"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a macro said: a result, or why there is none; what it printed; what is missing."""

    name: str
    origin: str
    place: str
    epoch: int
    result: Plain | None
    error: str | None
    printed: str = ""
    problems: tuple[str, ...] = ()


class Desk:
    """One snapshot, and the macros that may be run on it.

    Args:
        library: of macros.
        snapshot: the facts.
        analysis: what leads to memory; None where that is gone.
        missing: why it is gone.
        given: descriptors of the project and the user, also those that do not fit.
    """

    def __init__(
        self,
        library: Library,
        snapshot: Snapshot,
        analysis: Analysis | None,
        missing: str,
        given: Sequence[Descriptor] = (),
    ) -> None:
        self._library = library
        self._snapshot = snapshot
        self._analysis = analysis
        self._missing = missing
        self._given = given

    def entries(self) -> list[Entry]:
        """Return all macros, and what is none with the reason."""
        used = () if self._analysis is None else self._analysis.descriptors
        places = {(each.id, each.origin) for each in used}
        others = [each for each in self._given if (each.id, each.origin) not in places]
        return self._library.entries((*used, *others))

    def rows(self) -> list[MacroRow]:
        """Return the same for front ends."""
        return [row_of(entry) for entry in self.entries()]

    def run(
        self,
        name: str,
        words: Sequence[str] = (),
        key: str | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        cancelled: Callable[[], bool] = lambda: False,
        told: Callable[[int, int | None], None] = lambda done, total: None,
    ) -> Outcome:
        """Run a macro.

        Args:
            name: of the macro.
            words: its arguments, as ``NAME=VALUE``.
            key: of what it is about.
            deadline_s: after how many seconds it is told to stop.
            cancelled: whether to tell it so now.
            told: is told how far it is.

        Raises:
            AdpError: there is no such macro, or it cannot be run like this.
            CancelledError: ``cancelled`` answered yes.
        """
        entry = self._named(name)
        macro = entry.macro
        assert macro is not None
        given: Mapping[str, object] = macro.bind(words)
        about = self._about(entry, key)

        def work(gate: Gate) -> tuple[Plain, tuple[str, ...]]:
            ctx = Context(self._snapshot, self._analysis, self._missing, gate, told)
            # In this thread, as what it returned may run code of its own to be shown.
            result, left_out = plain(macro.function(ctx, *about, **given))
            return result, (*left_out, *ctx.missing)

        ran = run(
            work, entry.place, entry.source, deadline_s=deadline_s, cancelled=cancelled
        )  # fmt: skip
        if cancelled():
            raise CancelledError
        result, missing = ran.result if ran.result is not None else (None, ())
        problems = (*missing, *ran.problems)
        return Outcome(
            entry.name, entry.origin, entry.place, self._snapshot.epoch, result, ran.error,
            ran.printed, problems,
        )  # fmt: skip

    def _named(self, name: str) -> Entry:
        entries = self.entries()
        for each in entries:
            if each.name == name and each.macro is not None:
                return each
        shown = clean(name, 80)
        refused = [each for each in entries if each.macro is None]
        for each in refused:
            if each.name in (name, f"{name}.py"):
                raise MacroUsageError(
                    f"{shown} cannot be run: {each.why}", help="adp-tui macro --list"
                )
        known = ", ".join(dict.fromkeys(each.name for each in entries if each.macro))
        rest = f"; {len(refused)} files are not used" if refused else ""
        raise MacroUsageError(
            f"there is no macro {shown}: there are {known or 'none'}{rest}",
            help="adp-tui macro --list says where they come from",
        )

    def _about(self, entry: Entry, key: str | None) -> tuple[object, ...]:
        """Return what a macro is about, as its second argument.

        Raises:
            AdpError: nothing is named, or something else.
        """
        if entry.on == "global":
            return ()
        if entry.kind == "table":
            return () if key is None else (self._checked(entry, key) and key,)
        if key is None:
            raise MacroUsageError(
                f"{entry.name} is about one {entry.on}, and none is named",
                help=f"name one by its key: --on {_LETTERS[entry.on]}1",
            )
        return (self._checked(entry, key),)

    def _checked(self, entry: Entry, key: str) -> Executor | Resource | Task | Thread:
        found = self._subject(entry.on, key.partition("/")[0])
        if found is None:
            raise MacroUsageError(
                f"{entry.name} is about one {entry.on}, and {clean(key, 40)} is none of this"
                " snapshot",
                help=f"name one by its key: --on {_LETTERS[entry.on]}1",
            )
        return found

    def _subject(self, on: str, key: str) -> Executor | Resource | Task | Thread | None:
        snapshot = self._snapshot
        if on == "task":
            try:
                return snapshot.tasks.record(snapshot.tasks.index(key))
            except KeyError:
                return None
        if on == "thread":
            return next((t for t in snapshot.threads if f"tid:{t.tid}" == key), None)
        if on == "executor":
            return next((each for each in snapshot.executors if each.key == key), None)
        return next((each for each in snapshot.resources if each.key == key), None)
