"""Who waits for whom: the graph behind deadlocks, as JSON, for Graphviz, and as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.findings.cycles import components, way_round
from adp_tui.engine.findings.freedom import Blocker, Freedom
from adp_tui.engine.findings.waiting import Party
from adp_tui.engine.findings.words import Words
from adp_tui.engine.model import Confidence, Snapshot, Wait

__all__ = ["SCHEMA", "Edge", "WaitGraph", "dot_graph", "json_graph", "text_graph"]

SCHEMA = "adp-tui/graph/1"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """A task waits for what another one, or a thread, has.

    Attributes:
        task: number of the task that waits.
        wait: what it waits for; None where its thread stands in a block_on.
        party: who has it.
        conf: how sure it is that this one has it.
        dead: whether neither of them can go on.
        in_cycle: whether they wait for each other, at last.
    """

    task: int
    wait: Wait | None
    party: Party
    conf: Confidence
    dead: bool
    in_cycle: bool


class WaitGraph:
    """The edges of a snapshot, those of one task after the other.

    Attributes:
        edges: each wait with each of those who could end it.
        rings: the circles: the tasks of each with the edge that leads to the next one.
    """

    def __init__(self, snapshot: Snapshot, check: Callable[[], None] = lambda: None) -> None:
        self.snapshot = snapshot
        freedom = self._freedom = Freedom(snapshot, check)
        self.words = Words(snapshot, freedom.nodes)
        blocking = freedom.blocking()
        found = sorted(map(sorted, components(blocking)))
        rings = {task: n for n, ring in enumerate(found) for task in ring}
        self.edges = tuple(self._edges(freedom, blocking, rings))
        self.rings = tuple(self._ring(blocking, ring) for ring in found)

    def _ring(
        self, blocking: dict[int, dict[int, Blocker]], ring: list[int]
    ) -> tuple[tuple[int, Edge], ...]:
        way = way_round(blocking, ring[0], set(ring))
        steps = []
        for task, other in zip(way, (*way[1:], way[0]), strict=True):
            wait, party, condition = blocking[task][other]
            steps.append((task, Edge(task, wait, party, condition.conf, dead=True, in_cycle=True)))
        return tuple(steps)

    def _edges(
        self, freedom: Freedom, blocking: dict[int, dict[int, Blocker]], rings: dict[int, int]
    ) -> Iterator[Edge]:
        for task in range(len(freedom.nodes)):
            found: list[tuple[Wait | None, Party, Confidence]] = [
                (wait, party, condition.conf)
                for wait, condition in freedom.conditions(task)
                for party in condition.parties
            ]
            # What only a block_on tells: its thread waits.
            found += [(None, p, c.conf) for w, p, c in freedom.blockers(task) if w is None]
            for wait, party, conf in found:
                other = freedom.task_of(party)
                dead = other in blocking.get(task, ())
                ring = rings.get(task, -1)
                circle = dead and other is not None and ring >= 0 and rings.get(other) == ring
                yield Edge(task, wait, party, conf, dead, circle)

    def node(self, party: Party) -> int:
        """Return the number of who has something; less than 0 for a thread that waits for nobody:
        its id, negated.
        """
        found = self._freedom.task_of(party)
        return -party.tid if found is None else found

    def key(self, node: int) -> str:
        """Return the key of a task, or ``tid:7``."""
        return self.words.key(node) if node >= 0 else f"tid:{-node}"

    def short(self, node: int) -> str:
        """Return key and name of a task or a thread."""
        return self.words.short(node) if node >= 0 else f"thread {-node}"

    def name(self, party: Party) -> str:
        """Return the key of a task, or ``tid:7``."""
        return self.words.key(party.task) if party.task >= 0 else f"tid:{party.tid}"

    def nodes(self) -> dict[str, str]:
        """Return name and words of all that wait or are waited for."""
        found: dict[str, str] = {}
        for edge in self.edges:
            found.setdefault(self.words.key(edge.task), self.words.short(edge.task))
            name = self.name(edge.party)
            if edge.party.task >= 0:
                found.setdefault(name, self.words.short(edge.party.task))
            else:
                found.setdefault(name, f"thread {edge.party.tid}")
        return found


def json_graph(graph: WaitGraph) -> Iterator[str]:
    """Yield the graph as one JSON object, edge by edge."""
    nodes = [{"key": key, "name": name} for key, name in graph.nodes().items()]
    yield f'{{"schema": {json.dumps(SCHEMA)},\n"nodes": {json.dumps(nodes)},\n"edges": ['
    for number, edge in enumerate(graph.edges):
        yield (",\n" if number else "\n") + json.dumps(_plain(graph, edge))
    yield "]}\n"


def _plain(graph: WaitGraph, edge: Edge) -> dict[str, Any]:
    wait, end = edge.wait, edge.party.through
    return {
        "from": graph.words.key(edge.task),
        "to": graph.name(edge.party),
        "kind": "block_on" if wait is None else wait.kind,
        "mode": None if wait is None else wait.mode,
        "branch": None if wait is None else wait.branch,
        "resource": None if wait is None else wait.resource,
        "variable": None if end is None else end.variable,
        "function": None if end is None else end.function,
        "line": None if end is None else end.line,
        "conf": edge.conf.value,
        "dead": edge.dead,
        "in_cycle": edge.in_cycle,
    }


def dot_graph(graph: WaitGraph) -> Iterator[str]:
    """Yield the graph for Graphviz; what waits in a circle is red, what is dead is bold."""
    yield "digraph waits {\n  rankdir=LR;\n  node [shape=box];\n"
    for key, name in graph.nodes().items():
        yield f"  {_quoted(key)} [label={_quoted(name)}];\n"
    for edge in graph.edges:
        colour = ", color=red, fontcolor=red" if edge.in_cycle else ""
        style = ", style=bold" if edge.dead else ""
        label = _quoted(_label(edge))
        yield (
            f"  {_quoted(graph.words.key(edge.task))} -> {_quoted(graph.name(edge.party))}"
            f" [label={label}{colour}{style}];\n"
        )
    yield "}\n"


def text_graph(graph: WaitGraph) -> Iterator[str]:
    """Yield a line for each edge; circles are marked."""
    nodes = graph.nodes()
    for edge in graph.edges:
        mark = "*" if edge.in_cycle else "!" if edge.dead else " "
        end = edge.party.through
        through = "" if end is None else f"  `{end.variable}`"
        conf = "" if edge.conf is Confidence.CERTAIN else f"  [{edge.conf.value}]"
        yield (
            f"{mark} {nodes[graph.words.key(edge.task)]} → {nodes[graph.name(edge.party)]}"
            f"  {_label(edge)}{through}{conf}\n"
        )
    if not graph.edges:
        yield "nobody waits for what somebody is known to have\n"


def _label(edge: Edge) -> str:
    wait = edge.wait
    if wait is None:
        return "block_on"
    return " ".join(filter(None, (wait.kind, wait.mode, wait.resource)))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
