"""What the panes show, asked from the door: rows, the detail of what is chosen, variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.views.records import (
    Door,
    FrameRow,
    Query,
    Rows,
    Saved,
    Summary,
    TaskDetail,
    VariableRow,
)
from adp_tui.tui.door_thread import DoorThread
from adp_tui.tui.source import SourceLine, excerpt
from adp_tui.widgets.facts_view import FactsView
from adp_tui.widgets.row_table import RowTable
from adp_tui.widgets.stack_view import StackView
from adp_tui.widgets.variable_tree import Node, VariableTree

__all__ = ["Reader", "subject_of", "view_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the door says about a row: each part, or why it is not there."""

    detail: TaskDetail | AdpError
    owner: str | None
    """The task or thread whose stack it is; None where there is none."""
    frames: Sequence[FrameRow] | AdpError


def subject_of(key: str) -> str:
    """Return the key of the task or thread that a row is about: a wait's row is its task's."""
    return key.partition("/")[0]


def view_of(key: str) -> str | None:
    """Return the view in which a key has its row."""
    if "/" in key or key[:1] == "r":
        return "waits"
    if key.startswith("tid:"):
        return "threads"
    return {"t": "tasks", "x": "executors", "f": "findings"}.get(key[:1])


class Reader:
    """Asks the door on behalf of the panes and hands them the answers.

    Args:
        thread: owns the door.
        asked: is called after each question, to show that something is being read.
    """

    def __init__(
        self,
        thread: DoorThread,
        facts: FactsView,
        stack: StackView,
        variables: VariableTree,
        asked: Callable[[], None],
    ) -> None:
        self._thread = thread
        self._facts = facts
        self._stack = stack
        self._variables = variables
        self._asked = asked
        self._reads = 0
        self.subject: str | None = None
        """Key of what the detail shows, or will show when it has been read."""

    def ask(
        self,
        slot: str,
        what: str,
        question: Callable[[Door], T],
        answer: Callable[[T], None],
        refuse: Callable[[AdpError], None],
    ) -> None:
        """Ask the door something; a newer question in a slot takes the place of an older one."""
        self._thread.ask(slot, what, question, answer, refuse)
        self._asked()

    # Rows.

    def window(self, table: RowTable, query: Query, start: int, count: int) -> None:
        """Read the rows that a pane lacks."""
        self.ask(
            f"rows {table.view}",
            f"rows of {table.view}",
            lambda door: door.rows(query, start, count),
            table.show,
            lambda error: self._refuse_rows(table, error),
        )

    def order(
        self,
        table: RowTable,
        query: Query,
        *,
        key: str | None = None,
        then: Callable[[bool], None] | None = None,
        fresh: bool = False,
    ) -> None:
        """Show a pane under another query; the cursor stays on its row, or goes to ``key``.

        Args:
            table: the pane.
            query: what it shall show.
            key: the row to stand on; the one that is chosen where None.
            fresh: of a new snapshot, so that the chosen row's key means nothing; without ``key``
                the cursor stays where it is.
            then: is told whether that row is shown under the query.
        """
        table.wanted = query
        chosen, cursor = table.chosen, table.cursor
        if not fresh:
            key = key or (chosen.key if chosen else None)
        _, count = table.window()

        def question(door: Door) -> tuple[Rows, int | None]:
            at = cursor if fresh else None
            at = at if key is None else door.position(query, key)
            start = max((at or 0) - count // 2, 0)
            return door.rows(query, start, count), at

        def answer(result: tuple[Rows, int | None]) -> None:
            rows, at = result
            table.show(rows, cursor=at or 0)
            if then is not None:
                then(at is not None)

        self.ask(
            f"order {table.view}",
            f"order of {table.view}",
            question,
            answer,
            lambda error: self._refuse_rows(table, error),
        )

    def _refuse_rows(self, table: RowTable, error: AdpError) -> None:
        table.wanted = table.query_shown
        if not isinstance(error, CancelledError) or not table.loaded:
            table.refuse(_sentence(error))

    def find(self, table: RowTable, words: str, step: int, found: Callable[[bool], None]) -> None:
        """Go to the next row that matches, or the one before; over the end to the beginning.

        The rows that match stand in the same order as all rows, so the next one is found by
        halving, without reading them all.
        """
        plain = table.query_shown
        narrowed = replace(plain, filter=words)
        here = table.cursor

        def question(door: Door) -> str | None:
            total = door.rows(narrowed, 0, 0).total
            if not total:
                return None
            low, high = 0, total
            while low < high:
                middle = (low + high) // 2
                at = door.position(plain, door.rows(narrowed, middle, 1).rows[0].key)
                if at is not None and (at > here if step > 0 else at >= here):
                    high = middle
                else:
                    low = middle + 1
            match = (low if step > 0 else low - 1) % total
            return door.rows(narrowed, match, 1).rows[0].key

        def answer(key: str | None) -> None:
            found(key is not None)
            if key is not None:
                self.order(table, plain, key=key)

        self.ask(f"find {table.view}", f"/{words}", question, answer, lambda _: found(False))

    # Later snapshots.

    def refresh(
        self,
        keys: Iterable[str],
        then: Callable[[Summary, Mapping[str, str | None]], None],
        refuse: Callable[[AdpError], None],
    ) -> None:
        """Take a new snapshot; tell its summary, and which keys the old ones have in it."""
        wanted = list(keys)

        def question(door: Door) -> tuple[Summary, dict[str, str | None]]:
            summary = door.refresh()
            return summary, {key: door.successor(key) for key in wanted}

        self.ask("refresh", "the process again", question, lambda it: then(*it), refuse)

    def hold(
        self,
        wanted: bool,
        then: Callable[[Summary], None],
        refuse: Callable[[AdpError], None],
    ) -> None:
        """Pause the process, or let it run on."""
        what = "whether it stands" if wanted else "whether it runs"
        self.ask("hold", what, lambda door: door.hold(wanted), then, refuse)

    def save(
        self,
        path: str,
        values: bool,
        then: Callable[[Saved], None],
        refuse: Callable[[AdpError], None],
    ) -> None:
        """Write the snapshot to a file."""
        what = "what belongs to the snapshot, to save it"
        self.ask("save", what, lambda door: door.save(path, values=values), then, refuse)

    # The detail side.

    def detail(self, key: str) -> None:
        """Show facts, stack and variables of a row's task or thread."""
        if key == self.subject:
            return
        self.subject = key
        self._thread.forget("variables")

        def question(door: Door) -> _Subject:
            detail = _try(lambda: door.task(key))
            owner = _stack_owner(key, detail)
            return _Subject(detail, owner, _try(lambda: door.frames(owner) if owner else ()))

        self.ask(
            "detail",
            f"detail of {subject_of(key)}",
            question,
            lambda subject: self._show_subject(key, subject),
            lambda error: self._refuse_subject(key, error),
        )

    def _show_subject(self, key: str, subject: _Subject) -> None:
        detail, frames = subject.detail, subject.frames
        if isinstance(detail, AdpError):
            self._facts.show_reason(key, detail.message, detail.help)
        else:
            self._facts.show_detail(detail)
        title = _stack_title(subject.owner)
        if isinstance(frames, AdpError):
            self._stack.show_frames(title, (), empty=_sentence(frames))
        else:
            empty = "no frames" if subject.owner else "only tasks and threads have a stack"
            self._stack.show_frames(title, frames, empty=empty)
        self.variables(self._stack.chosen)

    def leads(self, key: str, then: Callable[[Sequence[str]], None]) -> None:
        """Tell the keys that something leads to."""
        self.ask(
            "leads",
            f"links of {key}",
            lambda door: [link for _, link in door.task(key).links],
            then,
            lambda error: self._facts.show_reason(key, error.message, error.help),
        )

    def along(self, key: str, ahead: bool, then: Callable[[Sequence[str]], None]) -> None:
        """Tell the keys of what something waits for, or of what waits for it."""
        self.ask(
            "leads",
            f"waits of {key}",
            lambda door: door.task(key).ahead if ahead else door.task(key).behind,
            then,
            lambda error: self._facts.show_reason(key, error.message, error.help),
        )

    def gone(self, key: str) -> None:
        """Say that what the detail showed is not there any more."""
        self.nothing()
        self._facts.show_reason(key, f"{key} of the snapshot before is gone", "")

    def _refuse_subject(self, key: str, error: AdpError) -> None:
        self.subject = None
        self._facts.show_reason(key, error.message, error.help)

    def nothing(self) -> None:
        """Show an empty detail side."""
        self.subject = None
        self._thread.forget("detail")
        self._thread.forget("variables")
        self._facts.clear()
        self._stack.show_frames("Stack", ())
        self._variables.show_nothing("Variables", "")

    def variables(self, frame: FrameRow | None) -> None:
        """Show the variables of a frame."""
        if frame is None or frame.ref is None:
            self._thread.forget("variables")
            self._variables.show_nothing("Variables", "none in this frame" if frame else "")
            return
        ref = frame.ref
        title = f"Variables of {frame.function}"
        self.ask(
            "variables",
            title,
            lambda door: door.children(ref),
            lambda rows: self._variables.show_variables(title, rows, empty="none live here"),
            lambda error: self._variables.show_nothing(title, _sentence(error)),
        )

    def source(self, frame: FrameRow, then: Callable[[Sequence[SourceLine]], None]) -> None:
        """Read the lines of source around a frame."""
        self.ask("source", "the source", lambda _: excerpt(frame), then, lambda _: then(()))

    def fields(self, node: Node) -> None:
        """Read the fields of a variable."""
        ref = node.row.ref
        if ref is None:
            return
        self._reads += 1

        def answer(rows: Sequence[VariableRow]) -> None:
            self._variables.add_fields(node, rows)

        self.ask(
            f"fields {self._reads}",
            f"fields of {node.row.name}",
            lambda door: door.children(ref),
            answer,
            lambda error: self._variables.refuse_fields(node, _sentence(error)),
        )


def _stack_owner(key: str, detail: TaskDetail | AdpError) -> str | None:
    """Return whose stack to show: a resource that one task waits on shows that task's, a finding
    that of the first task or thread that it is about.
    """
    about = subject_of(key)
    if view_of(about) in ("tasks", "threads"):
        return about
    if isinstance(detail, AdpError):
        return None
    if view_of(about) == "findings":
        links = [link for _, link in detail.links if view_of(link) in ("tasks", "threads")]
        return links[0] if links else None
    if view_of(about) != "waits":
        return None
    tasks = {link for _, link in detail.links if view_of(link) == "tasks"}
    return tasks.pop() if len(tasks) == 1 else None


def _stack_title(owner: str | None) -> str:
    if owner is None:
        return "Stack"
    if owner.startswith("tid:"):
        return f"Native stack of thread {owner.removeprefix('tid:')}"
    return f"Logical stack of {owner}"


def _try(ask: Callable[[], T]) -> T | AdpError:
    """Return an answer, or the error that says why there is none."""
    try:
        return ask()
    except CancelledError:
        raise
    except AdpError as error:
        return error


def _sentence(error: AdpError) -> str:
    return f"{error.message} · {error.help}" if error.help else error.message
