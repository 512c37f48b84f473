"""What targets there are to choose from, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from adp_tui.backends.processes import Running
from adp_tui.backends.recent_cores import RecentCore
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.order import order, window
from adp_tui.engine.views.records import Align, Cell, Column, Query, Rows, Tone
from adp_tui.engine.views.words import duration
from adp_tui.tui.door_thread import Opener

__all__ = [
    "LISTS", "Choice", "ChoiceTable", "Choices", "is_async", "key_of", "table_of", "title_of",
]  # fmt: skip

Choice: TypeAlias = Running | RecentCore
R = TypeVar("R", bound=Running | RecentCore)

LISTS = ("processes", "cores")
"""Names of the lists, in the order of their panes."""
MAX_COMMAND = 1024


@dataclass(frozen=True, slots=True)
class Choices:
    """Finds targets, and opens the one that was chosen."""

    read: Callable[[], Iterator[Choice]]
    """Yields them as they are found; runs on a thread of its own."""
    open: Callable[[Choice], Opener]


def key_of(choice: Choice) -> str:
    """Return what tells a choice from all others."""
    if isinstance(choice, Running):
        return f"p{choice.pid}"
    return f"c{choice.path or (choice.pid, choice.written_at)}"


def is_async(choice: Choice) -> bool:
    """Tell whether it is a process with an async Rust runtime."""
    return isinstance(choice, Running) and bool(choice.runtimes)


def title_of(choice: Choice) -> str:
    """Return what stands in the head of the screen while it is opened."""
    if isinstance(choice, Running):
        return f"{choice.name} — pid {choice.pid}"
    name = "" if choice.path is None else choice.path.name
    return f"{choice.program or 'unknown program'} — {name}"


class ChoiceTable(Table, Generic[R]):
    """Rows of one list, in the order in which people most often want them.

    Args:
        choices: the records.
        columns: what is shown of each.
        makers: the cell of each column, and what the column is sorted by if not by its text.
    """

    def __init__(
        self,
        choices: Sequence[R],
        columns: tuple[Column, ...],
        makers: Mapping[str, tuple[Callable[[R], Cell], Callable[[R], Any] | None]],
    ) -> None:
        super().__init__()
        self.columns = columns
        self.choices = choices
        self._makers = makers
        self._numbers = {key_of(each): number for number, each in enumerate(choices)}

    def __len__(self) -> int:
        return len(self.choices)

    def key(self, index: int) -> str:
        """Return the key of a row."""
        return key_of(self.choices[index])

    def index(self, key: str) -> int | None:
        """Return the row of a key."""
        return self._numbers.get(key)

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        make, rank = self._makers[column]
        ranked = None if rank is None else lambda i: rank(self.choices[i])
        return Cells(lambda: range(len(self)), lambda i: make(self.choices[i]), ranked)

    def rows(
        self, query: Query, epoch: int, start: int, count: int, key: str | None
    ) -> tuple[Rows, int | None]:
        """Return a window of rows, and where among all rows one with a key stands."""
        shown = order(self, query)
        index = None if key is None else self.index(key)
        at = None if index is None else shown.position(index)
        return window(self, shown, query, epoch, start, count), at


def table_of(name: str, found: Mapping[str, Choice]) -> ChoiceTable[Any]:
    """Return the table of a list."""
    if name == "processes":
        running = [each for each in found.values() if isinstance(each, Running)]
        return ChoiceTable(sorted(running, key=_importance), _PROCESSES, _PROCESS_CELLS)
    cores = [each for each in found.values() if isinstance(each, RecentCore)]
    return ChoiceTable(sorted(cores, key=lambda it: -it.written_at), _CORES, _CORE_CELLS)


def _importance(it: Running) -> tuple[object, ...]:
    """Sort what adp-tui is for first: async Rust, Rust, then what else this user may look at."""
    return (
        not it.is_readable,
        not it.runtimes,
        not it.is_rust,
        not it.is_own,
        it.uptime_s if it.uptime_s is not None else float("inf"),
        -it.pid,
    )


_PROCESSES = (
    Column("pid", "PID", 8, Align.RIGHT),
    Column("name", "Name", 16),
    Column("runtime", "Runtime", 28),
    Column("user", "User", 12, priority=4),
    Column("up", "Up", 6, Align.RIGHT, priority=1),
    Column("cpu", "CPU%", 6, Align.RIGHT, priority=2),
    Column("memory", "MB", 8, Align.RIGHT, priority=2),
    Column("threads", "Threads", 7, Align.RIGHT, priority=3),
    Column("command", "Command", 24, flex=True),
)


def _runtime(it: Running) -> Cell:
    if not it.is_readable:
        return Cell("may not be read", Tone.MUTED)
    if it.runtimes:
        words = (f"{name} {version}" if version else name for name, version in it.runtimes)
        return Cell(clean(", ".join(words), 256), Tone.GOOD)
    return Cell("Rust" if it.is_rust else "", Tone.MUTED)


def _process_cell(text: Callable[[Running], str]) -> Callable[[Running], Cell]:
    """Return what makes a cell; all of what may not be read is pale."""
    return lambda it: Cell(clean(text(it), MAX_COMMAND), _tone(it))


def _tone(it: Running) -> Tone:
    return Tone.NORMAL if it.is_readable else Tone.MUTED


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _megabytes(size: int | None) -> str:
    return _number(None if size is None else size / 1e6, ",.0f")


_PROCESS_CELLS: Mapping[str, tuple[Callable[[Running], Cell], Callable[[Running], Any] | None]] = {
    "pid": (_process_cell(lambda it: str(it.pid)), lambda it: it.pid),
    "name": (_process_cell(lambda it: it.name), None),
    "runtime": (_runtime, None),
    "user": (_process_cell(lambda it: it.user), None),
    "up": (
        _process_cell(lambda it: "" if it.uptime_s is None else duration(it.uptime_s)),
        lambda it: it.uptime_s,
    ),
    "cpu": (_process_cell(lambda it: _number(it.cpu_percent, ".1f")), lambda it: it.cpu_percent),
    "memory": (_process_cell(lambda it: _megabytes(it.memory)), lambda it: it.memory),
    "threads": (_process_cell(lambda it: _number(it.threads, ",")), lambda it: it.threads),
    "command": (_process_cell(lambda it: it.command), None),
}

_CORES = (
    Column("written", "Written", 16),
    Column("program", "Program", 16),
    Column("pid", "PID", 8, Align.RIGHT, priority=2),
    Column("signal", "Signal", 10, priority=1),
    Column("size", "MB", 8, Align.RIGHT, priority=2),
    Column("file", "File", 24, flex=True),
)


def _core_cell(text: Callable[[RecentCore], str]) -> Callable[[RecentCore], Cell]:
    return lambda it: Cell(
        clean(text(it), MAX_COMMAND), Tone.NORMAL if it.path is not None else Tone.MUTED
    )


def _written(it: RecentCore) -> str:
    try:
        return datetime.fromtimestamp(it.written_at).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return ""


_CORE_CELLS: Mapping[
    str, tuple[Callable[[RecentCore], Cell], Callable[[RecentCore], Any] | None]
] = {
    "written": (_core_cell(_written), lambda it: it.written_at),
    "program": (_core_cell(lambda it: it.program), None),
    "pid": (_core_cell(lambda it: str(it.pid or "")), lambda it: it.pid),
    "signal": (_core_cell(lambda it: it.signal), None),
    "size": (_core_cell(lambda it: _megabytes(it.size)), lambda it: it.size),
    "file": (_core_cell(lambda it: it.problem if it.path is None else str(it.path)), None),
}
