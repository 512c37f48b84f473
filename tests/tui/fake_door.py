"""A door to a made-up program: as many tasks as a test wants, no target behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.model import Loss, RuntimeFacts, SignalFacts, TargetFacts
from adp_tui.engine.views.records import (
    Align,
    Cell,
    Column,
    Door,
    FrameRow,
    MacroRow,
    MacroText,
    Progress,
    Query,
    Row,
    Rows,
    Saved,
    Summary,
    TaskDetail,
    Tone,
    VariableRow,
)

TASKS = (
    Column("task", "Task", 6),
    Column("state", "State", 9),
    Column("future", "Future", 26, flex=True),
    Column("at", "Awaiting at", 20, priority=1),
    Column("waits", "Waits on", 20),
    Column("where", "Where", 9, priority=3),
    Column("id", "Id", 5, Align.RIGHT, priority=4),
)
THREADS = (
    Column("tid", "Thread", 8),
    Column("name", "Name", 15, priority=2),
    Column("role", "Role", 9, priority=1),
    Column("doing", "Doing", 28),
    Column("at", "At", 30, flex=True),
)
EXECUTORS = (
    Column("executor", "Executor", 8),
    Column("kind", "Kind", 20, flex=True),
    Column("workers", "Workers", 7, Align.RIGHT),
    Column("idle", "Idle", 6, Align.RIGHT),
)
WAITS = (
    Column("what", "Waits for", 17),
    Column("on", "On", 26, flex=True),
    Column("task", "Task", 12),
    Column("at", "Awaiting at", 20, priority=1),
)
FINDINGS = (Column("kind", "Finding", 16), Column("summary", "What", 60, flex=True))
GRAPH = (Column("who", "Who", 34), Column("waits", "Waits for", 24, flex=True))
COLUMNS = {
    "findings": FINDINGS,
    "graph": GRAPH,
    "tasks": TASKS,
    "threads": THREADS,
    "executors": EXECUTORS,
    "waits": WAITS,
}
STATES = ("idle", "idle", "running", "scheduled", "idle")
TONES = {"running": Tone.GOOD, "scheduled": Tone.NOTICE}


def task_row(number: int) -> Row:
    """Return task ``t{number}``: an odd one is a child of the one before."""
    state = STATES[number % len(STATES)]
    waits = f"mutex r{number % 7}" if state == "idle" else ""
    cells = (
        Cell(f"t{number}"),
        Cell(state, TONES.get(state, Tone.NORMAL)),
        Cell(f"bank::account::transfer_{number % 9}<[u8; 4]>"),
        Cell(f"src/main.rs:{30 + number % 9}"),
        Cell(waits),
        Cell("x1", Tone.MUTED),
        Cell(str(number + 10)),
    )
    return Row(f"t{number}", cells)


class FakeDoor:
    """Rows of four views, filtered and ordered simply; what was asked is recorded."""

    def __init__(self, tasks: int = 23) -> None:
        self.size = tasks
        self.asked: list[tuple[object, ...]] = []
        self.cancelled = False
        self.closed = False
        self.moves = False
        """Whether it is of a live process."""
        self.findings = 0
        """How many were found."""
        self.saved: list[tuple[str, bool]] = []
        self.refuses_to_save: str | None = None
        self.macro_rows: tuple[MacroRow, ...] = ()
        self.untrusted: tuple[MacroText, ...] = ()
        self.outcomes: dict[str, Outcome | AdpError] = {}
        """What each macro says."""
        self.losses: tuple[Loss, ...] = (
            Loss("thread stack", "libc.so.6 is not at /lib; pass --sysroot", 3, (0x7F00, 0x7F08)),
            Loss("timer wheel", "level 5 is not in the core", 1, missing=False),
        )

    def all_rows(self, view: str) -> Sequence[Row]:
        if view == "tasks":
            return [task_row(n) for n in range(1, self.size + 1)]
        if view == "threads":
            return [
                Row(
                    f"tid:{4000 + n}",
                    (
                        Cell(str(4000 + n)),
                        Cell("bank-worker"),
                        Cell("worker"),
                        Cell(
                            "SIGABRT" if n == 1 else "parked", Tone.ERROR if n == 1 else Tone.NORMAL
                        ),
                        Cell("std::sys::futex::wait"),
                    ),
                )
                for n in range(1, 6)
            ]
        if view == "graph":
            return [
                Row("t1/g1", (Cell("┏▸ t1 transfer", Tone.ERROR), Cell("mutex r2"))),
                Row("t2/g2", (Cell("┗▸ t2 transfer", Tone.ERROR), Cell("mutex r1"))),
            ]
        if view == "findings":
            return [
                Row(f"f{n}", (Cell("deadlock", Tone.ERROR), Cell(f"t{n} waits for itself")))
                for n in range(1, self.findings + 1)
            ]
        if view == "executors":
            cells = (Cell("x1"), Cell("tokio.multi_thread"), Cell("4"), Cell(str(self.size)))
            return [Row("x1", cells)]
        rows = []
        for n in range(1, min(self.size, 1000) + 1):
            task = task_row(n)
            if task.cells[1].text == "idle":
                cells = (Cell("mutex"), Cell(f"r{n % 7} Mutex<u32>"), Cell(f"t{n}"), task.cells[3])
                rows.append(Row(f"t{n}/0", cells))
        return rows

    def selected(self, query: Query) -> Sequence[Row] | range:
        if query == Query("tasks") and self.size > 1000:
            return range(1, self.size + 1)
        columns = {column.key: i for i, column in enumerate(COLUMNS[query.view])}
        rows = [row for row in self.all_rows(query.view) if _matches(row, query.filter, columns)]
        if query.sort is not None:
            if query.sort not in columns:
                raise AdpError(f"{query.view} has no column {query.sort}")
            at = columns[query.sort]
            rows = sorted(rows, key=lambda row: row.cells[at].text)
        if query.descending:
            rows = list(reversed(rows))
        if query.group == "tree":
            rows = _tree(rows, query.collapsed)
        return rows

    def rows(self, query: Query, start: int = 0, count: int | None = None) -> Rows:
        self._ask("rows", query, start, count)
        rows = self.selected(query)
        end = len(rows) if count is None else start + count
        window = tuple(task_row(r) if isinstance(r, int) else r for r in rows[start:end])
        everything = self.size if query.view == "tasks" else len(self.all_rows(query.view))
        columns = COLUMNS[query.view]
        return Rows(1, query, columns, start, len(rows), everything, window)

    def position(self, query: Query, key: str) -> int | None:
        self._ask("position", query, key)
        rows = self.selected(query)
        if isinstance(rows, range):
            return int(key[1:]) - 1
        return next((i for i, row in enumerate(rows) if row.key == key), None)

    def summary(self) -> Summary:
        self._ask("summary")
        signal = SignalFacts("SIGABRT", 6, -6, None, 4001)
        runtimes = (RuntimeFacts("tokio", "1.54.1", "tokio >=1.38", True),)
        target = TargetFacts(
            "core",
            "core.4000",
            4000,
            "bank",
            None,
            "x86_64",
            None,
            None,
            "adp-tui",
            signal,
            runtimes,
        )
        waits = len(self.all_rows("waits"))
        counts = (
            ("executors", 1),
            ("threads", 5),
            ("tasks", self.size),
            ("waits", waits),
            ("findings", self.findings),
            ("losses", len(self.losses)),
        )
        title = "bank · pid 4000 · SIGABRT in thread 4001"
        return Summary(1, target, title, counts, runtimes, self.losses, moves=self.moves)

    def task(self, key: str) -> TaskDetail:
        self._ask("task", key)
        if key.startswith("x"):
            raise AdpError(f"{key} is no task or thread", help="choose one in the lists")
        if key.startswith("tid:"):
            facts = (("role", Cell("worker")), ("doing", Cell("futex")))
            return TaskDetail(1, key, f"Thread {key[4:]}", facts, (("polls", "t2"),))
        key = key.partition("/")[0]
        number = int(key[1:])
        row = task_row(number)
        facts = (
            ("state", row.cells[1]),
            ("future", row.cells[2]),
            ("executor", Cell("x1 tokio.multi_thread")),
            ("defined at", Cell("src/main.rs:33")),
            (
                "waits on",
                Cell(f"mutex r{number % 7}, tokio::sync::Mutex<u32> at 0x55d0, 3 waiting"),
            ),
        )
        links = (("parent", f"t{max(number - 1, 1)}"),) if number > 1 else ()
        # In a ring each waits for the next one.
        ahead, behind = f"t{number % self.size + 1}", f"t{(number - 2) % self.size + 1}"
        return TaskDetail(1, key, f"Task {key}", facts, links, (ahead,), (behind,))

    def frames(self, key: str) -> Sequence[FrameRow]:
        self._ask("frames", key)
        if key.startswith("x"):
            raise AdpError(f"{key} has no stack")
        branch = "branch 0 of select!: pending"
        own, get = f"bank::transfer_{key}", "<bank::Ledger as bank::Store>::get"
        lock = "tokio::sync::mutex::Mutex::lock"
        main = "src/main.rs"
        return (
            FrameRow(f"{key}.0", 0, own, f"{main}:35", main, "/bank", 35, "suspended"),
            FrameRow(None, 0, "", "", None, None, None, branch, Tone.MUTED),
            FrameRow(f"{key}.1", 1, get, "src/store.rs:9", None, None, 9, ""),
            FrameRow(None, 1, lock, "mutex.rs:434", None, None, 434, "waits on mutex r3"),
        )

    def children(self, ref: str) -> Sequence[VariableRow]:
        self._ask("children", ref)
        if ref.endswith("bad"):
            raise AdpError("64 bytes at 0x10: not in the snapshot")
        if ref.count(".") == 1:
            return (
                VariableRow(f"{ref}.account", "account", "Account", "Account {…}", 0x7000),
                VariableRow(None, "note", "&str", f'"of {ref} [bold]no markup[/]"', 0x7010),
                VariableRow(f"{ref}.bad", "lost", "Vec<u8>", "not in the snapshot", 0x10, True),
            )
        return (
            VariableRow(None, "id", "u32", "7", 0x7000),
            VariableRow(f"{ref}.owner", "owner", "String", '"Ada"', 0x7008),
        )

    def refresh(self) -> Summary:
        return self.summary()

    def successor(self, key: str) -> str | None:
        return key

    def hold(self, wanted: bool) -> Summary:
        return self.summary()

    def save(self, path: str, *, values: bool = True) -> Saved:
        if self.refuses_to_save is not None:
            raise AdpError(self.refuses_to_save)
        self.saved.append((path, values))
        return Saved(path, 1_500_000, values, 0)

    def macros(self) -> Sequence[MacroRow]:
        self._ask("macros")
        return self.macro_rows

    def run_macro(
        self, name: str, arguments: Sequence[str] = (), key: str | None = None
    ) -> Outcome:
        self._ask("run_macro", name, tuple(arguments), key)
        found = self.outcomes[name]
        if isinstance(found, AdpError):
            raise found
        return found

    def untrusted_macros(self) -> Sequence[MacroText]:
        self._ask("untrusted_macros")
        return self.untrusted

    def trust_macros(self, files: Sequence[MacroText]) -> None:
        self._ask("trust_macros", tuple(files))

    def cancel(self) -> None:
        self.cancelled = True

    def close(self) -> None:
        self.closed = True

    def _ask(self, *question: object) -> None:
        self.asked.append(question)


class SlowDoor(FakeDoor):
    """A door whose ``task`` waits until it is let go or cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.cancels = 0

    def task(self, key: str) -> TaskDetail:
        self.go.wait()
        if self.cancelled:
            self.cancelled = False
            self.go.clear()
            raise CancelledError
        return super().task(key)

    def cancel(self) -> None:
        super().cancel()
        self.cancels += 1
        self.go.set()


def opener(door: Door) -> Callable[[Callable[[Progress], None]], Door]:
    """Return what opens a door at once."""

    def open_it(progress: Callable[[Progress], None]) -> Door:
        progress(Progress("reading notes"))
        return door

    return open_it


def _matches(row: Row, filter: str, columns: dict[str, int]) -> bool:
    text = " ".join(cell.text for cell in row.cells).lower()
    for word in filter.lower().split():
        field, colon, rest = word.partition(":")
        if colon and field in columns:
            if rest not in row.cells[columns[field]].text.lower():
                return False
        elif word.startswith("!"):
            if word[1:] in text:
                return False
        elif word not in text:
            return False
    return True


def _tree(rows: Sequence[Row], collapsed: frozenset[str]) -> list[Row]:
    """Put each even task below the odd one before it."""
    tree: list[Row] = []
    for row in rows:
        number = int(row.key[1:])
        parent = f"t{number - 1}"
        if number % 2:
            tree.append(replace(row, expandable=True, expanded=row.key not in collapsed))
        elif parent not in collapsed:
            tree.append(replace(row, depth=1))
    return tree
