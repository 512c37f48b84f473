"""The graph view: who waits for whom, drawn as a tree; what waits in a circle stands first.

Below each row stand those who wait for it. The tasks of a circle stand below each other and are
joined by a line, in the order in which each waits for the next.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.findings.graph import Edge, WaitGraph
from adp_tui.engine.findings.waiting import least_sure
from adp_tui.engine.model import Confidence, Owner, Snapshot
from adp_tui.engine.text import clean
from adp_tui.engine.views.columns import Cells, Table
from adp_tui.engine.views.records import Cell, Column, Tone
from adp_tui.engine.views.words import end_words

__all__ = ["Graph"]

MAX_NAMED = 3
"""Others that a wait is for, named one by one."""
_ALONE, _FIRST, _BETWEEN, _LAST = "↻ ", "┏▸ ", "┃  ", "┗▸ "


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A task or a thread, with one of its waits; ``edges`` are empty where it waits for nobody."""

    node: int
    edges: tuple[Edge, ...]
    mark: str


class Graph(Table):
    """Rows of the graph; ``t3/g1`` is the first, of task ``t3``."""

    columns = (
        Column("who", "Who", 34, flex=True),
        Column("waits", "Waits for", 24),
        Column("through", "Who has it", 26),
        Column("sure", "Sure", 8, priority=1),
    )

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._graph = WaitGraph(snapshot)
        self._lines: list[_Line] = []
        self._parents = array("i")
        self._draw()

    def __len__(self) -> int:
        return len(self._lines)

    def key(self, index: int) -> str:
        """Return ``t3/g1``, or ``tid:7/g1``."""
        return f"{self._graph.key(self._lines[index].node)}/g{index + 1}"

    def index(self, key: str) -> int | None:
        """Return the row of a key, else the first one of its task or thread."""
        about, _, number = key.partition("/g")
        at = int(number) - 1 if number.isascii() and number.isdecimal() else -1
        if 0 <= at < len(self) and self.key(at) == key:
            return at
        found = (i for i, each in enumerate(self._lines) if self._graph.key(each.node) == about)
        return next(found, None)

    def parents(self) -> Sequence[int]:
        """Return the row that each row waits for."""
        return self._parents

    @property
    def always_tree(self) -> bool:
        """True: those who wait stand below whom they wait for."""
        return True

    def make(self, column: str) -> Cells:
        """Make the cells of a column."""
        makers: dict[str, Callable[[_Line], Cell]] = {
            "who": self._who,
            "waits": lambda line: Cell(self._waits(line)),
            "through": lambda line: Cell(self._through(line)),
            "sure": _sure,
        }
        make = makers[column]
        return Cells(lambda: range(len(self)), lambda i: make(self._lines[i]))

    # Cells.

    def _who(self, line: _Line) -> Cell:
        tone = Tone.NORMAL
        if any(edge.in_cycle for edge in line.edges):
            tone = Tone.ERROR
        elif any(edge.dead for edge in line.edges):
            tone = Tone.WARNING
        return Cell(clean(f"{line.mark}{self._graph.short(line.node)}", 300), tone)

    def _waits(self, line: _Line) -> str:
        if not line.edges:
            return ""
        wait = line.edges[0].wait
        if wait is None:
            return "its block_on"
        words = " ".join(filter(None, (wait.kind, wait.mode, wait.resource)))
        return clean(f"{words}, branch {wait.branch}" if wait.branch else words, 200)

    def _through(self, line: _Line) -> str:
        names = dict.fromkeys(self._graph.name(edge.party) for edge in line.edges)
        if not names:
            return ""
        if len(names) > 1:
            more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
            return f"{', '.join(list(names)[:MAX_NAMED])}{more}"
        end = line.edges[0].party.through
        name = next(iter(names))
        if end is None:
            return name
        role = f", its {end.role}," if isinstance(end, Owner) else ""
        return clean(f"{name}{role} {end_words(end)}", 500)

    # The drawing.

    def _draw(self) -> None:
        """Lay out the rows: circles, then trees, each node once with all that it waits for."""
        waits: dict[int, list[tuple[Edge, ...]]] = {}
        for edges in self._waits_of():
            waits.setdefault(edges[0].task, []).append(edges)
        below: dict[int, list[tuple[Edge, ...]]] = {}
        # Of a circle each task stands beside the next one, not below it.
        for own in waits.values():
            for edges in own:
                if not any(edge.in_cycle for edge in edges):
                    below.setdefault(self._graph.node(edges[0].party), []).append(edges)
        drawn: set[int] = set()
        for ring in self._graph.rings:
            for at, (node, edge) in enumerate(ring):
                mark = _ALONE if len(ring) == 1 else _FIRST if at == 0 else _BETWEEN
                mark = _LAST if at and at == len(ring) - 1 else mark
                row = self._add(_Line(node, (edge,), mark), -1)
                drawn.add(node)
                self._below(node, row, below, drawn)
        targets = {node for node in below if node not in waits}
        for node in sorted(targets):
            self._below(node, self._add(_Line(node, (), ""), -1), below, drawn)
        # What is left waits in a circle that something can still break.
        for node in sorted(waits):
            if node not in drawn:
                drawn.add(node)
                row = self._add(_Line(node, waits[node][0], ""), -1)
                self._below(node, row, below, drawn)

    def _waits_of(self) -> Iterator[tuple[Edge, ...]]:
        """Yield the edges of each wait of each node together."""
        group: list[Edge] = []
        for edge in self._graph.edges:
            if group and (group[0].task != edge.task or group[0].wait is not edge.wait):
                yield tuple(group)
                group = []
            group.append(edge)
        if group:
            yield tuple(group)

    def _below(
        self, node: int, row: int, below: dict[int, list[tuple[Edge, ...]]], drawn: set[int]
    ) -> None:
        """Add those who wait for a node, and who waits for them."""
        drawn.add(node)
        stack = [(edges, row) for edges in reversed(below.get(node, ()))]
        while stack:
            edges, above = stack.pop()
            own = edges[0].task
            if own == node:
                continue
            at = self._add(_Line(own, edges, ""), above)
            if own not in drawn:
                drawn.add(own)
                stack += [(each, at) for each in reversed(below.get(own, ()))]

    def _add(self, line: _Line, parent: int) -> int:
        self._lines.append(line)
        self._parents.append(parent)
        return len(self._lines) - 1


def _sure(line: _Line) -> Cell:
    if not line.edges:
        return Cell("")
    sures = [edge.conf for edge in line.edges]
    sures += [edge.wait.conf for edge in line.edges if edge.wait is not None]
    conf = least_sure(sures)
    doubt = conf in (Confidence.DOUBTFUL, Confidence.TORN)
    return Cell(conf.value, Tone.WARNING if doubt else Tone.MUTED)
