"""What a front end asks for and what it gets: plain data, each answer with its epoch."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import Loss, RuntimeFacts, TargetFacts

if TYPE_CHECKING:
    from adp_tui.engine.macros.desk import Outcome

__all__ = [
    "VIEWS",
    "Align",
    "Cell",
    "Column",
    "Door",
    "FrameRow",
    "MacroRow",
    "MacroText",
    "Progress",
    "Query",
    "Row",
    "Rows",
    "Summary",
    "TaskDetail",
    "Tone",
    "VariableRow",
]

VIEWS = ("executors", "threads", "tasks", "waits", "findings", "graph")
"""Names of the panes' views, in the order of the panes. ``rows`` knows ``losses`` as well."""


class Align(enum.StrEnum):
    """On which side of its column a cell stands."""

    LEFT = "left"
    RIGHT = "right"


class Tone(enum.StrEnum):
    """What a cell means, for colour; the text alone must say it as well."""

    NORMAL = "normal"
    MUTED = "muted"
    GOOD = "good"
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a view. ``width`` is what it would like; the ``flex`` column takes the rest."""

    key: str
    title: str
    width: int
    align: Align = Align.LEFT
    flex: bool = False
    priority: int = 0
    """Columns with a higher number are dropped first where the screen is narrow."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of one cell: plain, printable, never markup."""

    text: str
    tone: Tone = Tone.NORMAL


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a view.

    ``depth`` is the indent in a tree; ``expandable`` and ``expanded`` say whether it has
    children and whether they follow it.
    """

    key: str
    cells: tuple[Cell, ...]
    depth: int = 0
    expandable: bool = False
    expanded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of a view, in which order.

    ``filter`` is text: words that must all occur in a row (case-insensitive), ``!word``
    that must not, and ``field:word`` that must occur in that column (``state:idle``).
    ``group`` is ``flat`` or ``tree`` (tasks only). In a tree ``collapsed`` names the keys
    whose children are hidden.
    """

    view: str
    filter: str = ""
    sort: str | None = None
    descending: bool = False
    group: str = "flat"
    collapsed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rows:
    """A window into a view: rows from ``start`` of ``total`` (after the filter), of ``all``."""

    epoch: int
    query: Query
    columns: tuple[Column, ...]
    start: int
    total: int
    all: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The head of the screen."""

    epoch: int
    target: TargetFacts
    title: str
    """One line: the program, its pid, what killed it."""
    counts: tuple[tuple[str, int], ...]
    """Entities by kind: executors, threads, tasks, waits, losses."""
    runtimes: tuple[RuntimeFacts, ...]
    losses: tuple[Loss, ...]
    changes: tuple[tuple[str, int], ...] = ()
    """Tasks by what became of them since the snapshot before: new, gone, moved, still."""
    moves: bool = False
    """Whether the target is a process that can be looked at again."""
    held: bool = False
    """Whether it stands until it is let go."""
    extensions: tuple[Extension, ...] = ()
    """What was found beside what ships with adp-tui."""


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """Facts of one task or thread, as labelled lines."""

    epoch: int
    key: str
    title: str
    facts: tuple[tuple[str, Cell], ...]
    """Label and text: state, future, executor, defined at, waits on (one for each)."""
    links: tuple[tuple[str, str], ...] = ()
    """Label and key of what can be followed: the parent, the joined task, the thread."""
    ahead: tuple[str, ...] = ()
    """Keys of what it waits for: a task's resources, a resource's holders."""
    behind: tuple[str, ...] = ()
    """Keys of what waits for it: a resource's waiters, the resources that a task has."""


@dataclass(frozen=True, slots=True)
class FrameRow:
    """One line of a stack (logical or native), outermost first.

    ``ref`` names the frame for ``children``; None where it has no variables. A branch of a
    select! or join! is a line of its own, with the frames below it one deeper.
    """

    ref: str | None
    depth: int
    function: str
    place: str
    """``src/main.rs:35``; empty where unknown."""
    file: str | None
    dir: str | None
    line: int | None
    note: str
    """State, branch label, macro place, span name, what it waits on, why the stack ends."""
    tone: Tone = Tone.NORMAL


@dataclass(frozen=True, slots=True)
class VariableRow:
    """One variable or field. ``ref`` names it for ``children``; None where it has none."""

    ref: str | None
    name: str
    type: str
    value: str
    """A summary, or why it cannot be read."""
    address: int | None
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done right now, for a progress line; ``done`` of ``total`` where known."""

    text: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot that was written to a file.

    Attributes:
        path: of the file.
        size: its bytes.
        values: whether memory is in it.
        left: of how many tasks there was no room for the variables.
    """

    path: str
    size: int
    values: bool
    left: int


@dataclass(frozen=True, slots=True)
class MacroRow:
    """A macro, or a file that is none with the reason."""

    name: str
    help: str
    on: str
    """``global``, ``task``, ``thread``, ``executor`` or ``resource``."""
    kind: str
    """``table`` (of a descriptor) or ``python``."""
    origin: str
    """``project``, ``user``, ``note``, ``catalogue`` or ``package``."""
    place: str
    state: str
    """``ready``, ``untrusted`` or ``broken``."""
    why: str = ""
    arguments: tuple[tuple[str, str, bool], ...] = ()
    """Name, kind (str, int, bool), and whether it must be given."""


@dataclass(frozen=True, slots=True)
class MacroText:
    """A file of macros that is not trusted, as it was read."""

    folder: str
    """The ``.adp`` folder that it belongs to."""
    name: str
    path: str
    digest: str
    """SHA-256 of its bytes."""
    lines: tuple[str, ...]
    """Its text, to be looked at."""
    changed: bool
    """Whether it was trusted as it stood before."""


class Door(Protocol):
    """The one door of every front end. Methods may be called from any thread, one at a time.

    Each raises CancelledError after ``cancel`` and AdpError for a key that does not exist.
    """

    def summary(self) -> Summary:
        """Return the head of the screen."""
        ...

    def rows(self, query: Query, start: int = 0, count: int | None = None) -> Rows:
        """Return ``count`` rows of a view from ``start``."""
        ...

    def position(self, query: Query, key: str) -> int | None:
        """Return at which row the key stands under this query; None when filtered out."""
        ...

    def task(self, key: str) -> TaskDetail:
        """Return the facts of a task, thread, executor or resource (``t7``, ``tid:3419``, ``x1``,
        ``r3``), or of the task that a wait's row is about (``t7/0``).
        """
        ...

    def frames(self, key: str) -> Sequence[FrameRow]:
        """Return the stack of a task (logical) or thread (native, spliced with its task's)."""
        ...

    def children(self, ref: str) -> Sequence[VariableRow]:
        """Return the variables of a frame or the fields of a variable, read now."""
        ...

    def refresh(self) -> Summary:
        """Take a new snapshot; on a core the same one."""
        ...

    def successor(self, key: str) -> str | None:
        """Return the key that something of the snapshot before has in this one; None for gone."""
        ...

    def hold(self, wanted: bool) -> Summary:
        """Let a live process stand, or run on; a core does neither."""
        ...

    def save(self, path: str, *, values: bool = True) -> Saved:
        """Write the snapshot to a new file, to be shown elsewhere.

        Args:
            path: of the file.
            values: whether memory is written, which variables need.
        """
        ...

    def macros(self) -> Sequence[MacroRow]:
        """Return the macros that there are, and what is none with the reason."""
        ...

    def run_macro(
        self, name: str, arguments: Sequence[str] = (), key: str | None = None
    ) -> Outcome:
        """Run a macro.

        Args:
            name: of the macro.
            arguments: as ``NAME=VALUE``.
            key: of what it is about, where it is about one thing.
        """
        ...

    def untrusted_macros(self) -> Sequence[MacroText]:
        """Return the files that may be trusted, and are not."""
        ...

    def trust_macros(self, files: Sequence[MacroText]) -> None:
        """Trust files as they were read; one that was changed since is not trusted."""
        ...

    def cancel(self) -> None:
        """Stop what another thread is waiting for in this door."""
        ...

    def close(self) -> None:
        """Let go of the target."""
        ...
