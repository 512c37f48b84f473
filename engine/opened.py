"""A snapshot that is open, and what is made of it when asked for: panes, stacks, variables."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from adp_tui.engine.analysis.analysis import Analysis
from adp_tui.engine.analysis.successors import Successors
from adp_tui.engine.errors import AdpError
from adp_tui.engine.inspection import Inspection, Item
from adp_tui.engine.model import FramePath, Snapshot, Thread
from adp_tui.engine.views.details import Details, entity, no_such_key
from adp_tui.engine.views.frames import task_rows, thread_rows
from adp_tui.engine.views.panes import Panes
from adp_tui.engine.views.records import FrameRow, VariableRow
from adp_tui.engine.views.words import type_name

__all__ = ["Opened"]

MAX_REMEMBERED = 512
"""Lists of variables and fields kept: each is one that a person has expanded."""
MAX_DEPTH = 64
"""Fields within fields: a linked list can be expanded for ever."""


class Opened:
    """A snapshot and what is made of it when asked for."""

    def __init__(
        self,
        analysis: Analysis | None,
        successors: Successors | None = None,
        *,
        snapshot: Snapshot | None = None,
        missing: str = "",
    ) -> None:
        """``snapshot`` is that of the analysis, or stands alone; ``missing`` says why."""
        self.analysis = analysis
        self.missing = missing
        self.successors = successors or Successors()
        if analysis is not None:
            snapshot = analysis.snapshot
        assert snapshot is not None
        self.snapshot = snapshot
        self.inspection = Inspection(snapshot, analysis, missing)
        self.panes = Panes(self.snapshot)
        self.details = Details(self.snapshot)
        self._threads = {f"tid:{t.tid}": t for t in self.snapshot.threads}
        self._items: OrderedDict[str, list[Item]] = OrderedDict()

    def frames(self, key: str) -> Sequence[FrameRow]:
        """Return the lines of a stack; a resource or executor has none."""
        key = entity(key)
        thread = self._threads.get(key)
        if thread is None:
            if key in {e.key for e in self.snapshot.executors} or self._has_no_stack(key):
                return ()
            index = self._index(key)
            return task_rows(self.snapshot, index, lambda path: self._logical(index, path))
        task = -1 if thread.splice is None else self._index(thread.splice.task)
        return thread_rows(
            self.snapshot,
            thread,
            lambda number: self._native(thread, number),
            lambda path: self._logical(task, path),
        )

    def children(self, ref: str) -> list[VariableRow]:
        """Return the rows of a frame or of a variable."""
        rows = []
        for number, item in enumerate(self._of(ref, 0)):
            variable, expandable, unreadable = self.inspection.describe(item)
            rows.append(
                VariableRow(
                    ref=f"{ref}/{number}" if expandable else None,
                    name=variable.name,
                    type=type_name(variable.type),
                    value=variable.value,
                    address=variable.address,
                    unreadable=unreadable,
                )
            )
        return rows

    # Refs.

    def _logical(self, index: int, path: FramePath) -> str | None:
        live = self.inspection.live(index).get(path)
        if self.inspection.is_readable and (
            live is None or not self.inspection.has_variables(live)
        ):
            return None
        words = "-".join(map(str, path))
        return f"{self.snapshot.epoch}.{self.snapshot.tasks.key(index)}.{words}"

    def _native(self, thread: Thread, number: int) -> str | None:
        # Only debug information names a line, and only it names variables.
        if thread.stack[number].line is None:
            return None
        return f"{self.snapshot.epoch}.tid:{thread.tid}.{number}"

    def _of(self, ref: str, depth: int) -> list[Item]:
        """Return what a ref names; it is read again where it was forgotten."""
        known = self._items.get(ref)
        if known is None:
            known = self._items[ref] = self._look_up(ref, depth)
            if len(self._items) > MAX_REMEMBERED:
                self._items.popitem(last=False)
        else:
            self._items.move_to_end(ref)
        return known

    def _look_up(self, ref: str, depth: int) -> list[Item]:
        above, slash, number = ref.rpartition("/")
        if not slash:
            return self._frame(ref)
        if depth >= MAX_DEPTH or ref.count("/") > MAX_DEPTH:
            raise AdpError(f"more than {MAX_DEPTH} values inside one another are not expanded")
        items = self._of(above, depth + 1)
        chosen = items[int(number)] if number.isdecimal() and int(number) < len(items) else None
        if chosen is None or chosen.value is None:
            raise _stale(ref)
        return self.inspection.fields(chosen.value)

    def _frame(self, ref: str) -> list[Item]:
        epoch, _, rest = ref.partition(".")
        key, _, words = rest.rpartition(".")
        steps = words.split("-")
        if epoch != str(self.snapshot.epoch) or not all(s.isdecimal() for s in steps):
            raise _stale(ref)
        path = tuple(map(int, steps))
        thread = self._threads.get(key)
        if thread is not None:
            return self.inspection.native_items(thread, path[0])
        if not self.inspection.is_readable:
            raise AdpError(self.missing)
        live = self.inspection.live(self._index(key)).get(path)
        if live is None:
            raise _stale(ref)
        return self.inspection.frame_items(live)

    def _index(self, key: str) -> int:
        try:
            return self.snapshot.tasks.index(key)
        except KeyError:
            raise no_such_key(self.snapshot, key) from None

    def _has_no_stack(self, key: str) -> bool:
        """Tell whether a key is that of a resource or a finding."""
        kind, number = key[:1], key[1:]
        counts = {"r": len(self.snapshot.resources), "f": len(self.snapshot.findings)}
        return number.isdecimal() and 0 < int(number) <= counts.get(kind, 0)


def _stale(ref: str) -> AdpError:
    return AdpError(
        f"{ref[:80]} names no variable of this snapshot", help="ask for the stack again"
    )
