"""What a macro said as text and as JSON, and the list of macros: ``docs/macros.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from adp_tui.engine.macros.desk import Outcome
from adp_tui.engine.macros.results import Cell, Plain, PlainNode, PlainTable, PlainText
from adp_tui.engine.model import TargetFacts
from adp_tui.engine.views.records import MacroRow

__all__ = ["json_list", "json_outcome", "text_list", "text_outcome", "text_result"]

SCHEMA = "adp-tui/macro/1"
LIST_SCHEMA = "adp-tui/macros/1"
MAX_WIDTH = 60
"""Columns of a table's column, but for the last: what is longer runs over."""

_text = json.JSONEncoder(ensure_ascii=False).encode


def json_outcome(outcome: Outcome, target: TargetFacts) -> Iterator[str]:
    """Yield one object, a row or node of the first level on each line."""
    head = {
        "schema": SCHEMA,
        "macro": outcome.name,
        "origin": outcome.origin,
        "place": outcome.place,
        "target": {
            "kind": target.kind, "core": target.core, "pid": target.pid, "exe": target.exe,
        },
        "error": outcome.error,
        "problems": outcome.problems,
        "printed": outcome.printed,
    }  # fmt: skip
    yield _text(head)[:-1] + ', "result": '
    result = outcome.result
    if result is None:
        yield "null"
    elif isinstance(result, PlainTable):
        yield f'{{"form": "table", "title": {_text(result.title)},'
        yield f' "columns": {_text(result.columns)}, "rows": ['
        yield from _joined(_text([_cell(cell) for cell in row]) for row in result.rows)
        yield "]}"
    elif isinstance(result, PlainText):
        yield f'{{"form": "text", "title": {_text(result.title)}, "lines": ['
        yield from _joined(map(_text, result.lines))
        yield "]}"
    else:
        yield f'{{"form": "tree", "title": {_text(result.title)}, "nodes": ['
        yield from _joined(_text(_node(node)) for node in result.nodes)
        yield "]}"
    yield "}\n"


def _joined(items: Iterator[str]) -> Iterator[str]:
    before = "\n"
    for item in items:
        yield before + item
        before = ",\n"


def _cell(cell: Cell) -> Mapping[str, object]:
    value = cell.text if cell.value is None else cell.value
    return {"text": cell.text, "value": value, "key": cell.key}


def _node(node: PlainNode) -> Mapping[str, object]:
    return {**_cell(node.cell), "children": [_node(child) for child in node.children]}


def text_outcome(outcome: Outcome) -> Iterator[str]:
    """Yield what a person reads, line by line."""
    if outcome.result is not None:
        yield from (f"{line}\n" for line in text_result(outcome.result))
    if outcome.printed:
        yield "\nIt printed:\n"
        yield from (f"  {line}\n" for line in outcome.printed.splitlines())
    for problem in outcome.problems:
        yield f"! {problem}\n"


def text_result(result: Plain) -> Iterator[str]:
    """Yield the lines of a result."""
    if result.title:
        yield result.title
        yield ""
    if isinstance(result, PlainTable):
        yield from _table([tuple(Cell(each) for each in result.columns), *result.rows])
    elif isinstance(result, PlainText):
        yield from result.lines
    else:
        for node in result.nodes:
            yield from _tree(node, 0)


def _table(rows: Sequence[tuple[Cell, ...]]) -> Iterator[str]:
    widths = [
        min(max((len(row[at].text) for row in rows), default=0), MAX_WIDTH)
        for at in range(len(rows[0]))
    ]
    numeric = [
        any(row[at].value is not None for row in rows[1:]) for at in range(len(rows[0]))
    ]  # fmt: skip
    for row in rows:
        cells = (
            cell.text.rjust(width) if right else cell.text.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _tree(node: PlainNode, depth: int) -> Iterator[str]:
    yield "  " * depth + node.cell.text
    for child in node.children:
        yield from _tree(child, depth + 1)


def json_list(rows: Sequence[MacroRow]) -> Iterator[str]:
    """Yield the list of macros as one object, a macro on each line."""
    yield f'{{"schema": {_text(LIST_SCHEMA)}, "macros": ['
    yield from _joined(_text(_row(row)) for row in rows)
    yield "]}\n"


def _row(row: MacroRow) -> Mapping[str, object]:
    return {
        "name": row.name, "help": row.help, "on": row.on, "kind": row.kind, "origin": row.origin,
        "place": row.place, "state": row.state, "why": row.why or None,
        "arguments": [{"name": n, "kind": k, "required": r} for n, k, r in row.arguments],
    }  # fmt: skip


def text_list(rows: Sequence[MacroRow]) -> Iterator[str]:
    """Yield the list of macros line by line."""
    if not rows:
        yield "there are no macros: docs/macros.md says how to write one\n"
    for row in rows:
        if row.state != "ready":
            yield f"! {row.name}  {row.state}: {row.why}\n"
            continue
        words = "".join(f" {n}={k}" if r else f" [{n}={k}]" for n, k, r in row.arguments)
        on = "" if row.on == "global" else f"  (on a {row.on})"
        yield f"{row.name}{words}{on}  {row.help}\n"
        yield f"    of the {row.origin}: {row.place}\n"
