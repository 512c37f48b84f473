"""A team's views: how values of its types are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.build import Dump
from support.team import EXAMPLE

from adp_tui.backends.core import open_core
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.folder import Folder, provision
from adp_tui.engine.adp.schema import Origin
from adp_tui.engine.adp.template import template
from adp_tui.engine.analysis import shown
from adp_tui.engine.saved.file import read
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Query, VariableRow

ORDER = "order 77 {fragile} at (3 | -4)"


@pytest.fixture(scope="module")
def zoo(dump: Callable[..., Dump]) -> Dump:
    return dump("zoo", tokio="1.54.1")


def session_with(dump: Dump, **keys: object) -> Session:
    """Return a session with a descriptor that has these keys."""
    text = json.dumps({"adp": 1, "id": "team", **keys})
    descriptor = load(text, origin=Origin("project", "/team.adp.json"))
    assert descriptor.problems == ()
    return Session(open_core(dump.core, executable=dump.exe), descriptors=[descriptor])


@pytest.fixture(scope="module")
def example(zoo: Dump) -> Iterator[Session]:
    found = provision((Folder(EXAMPLE, "project"),))
    session = Session(
        open_core(zoo.core, executable=zoo.exe),
        descriptors=found.descriptors,
        extensions=found.extensions,
    )
    yield session
    session.close()


def variables(session: Session) -> dict[str, VariableRow]:
    """Return the variables of the task that holds a value of each kind."""
    (row,) = session.rows(Query("tasks", filter="holds_values")).rows
    ref = session.frames(row.key)[0].ref
    assert ref is not None
    return {variable.name: variable for variable in session.children(ref)}


def fields(session: Session, row: VariableRow) -> dict[str, VariableRow]:
    assert row.ref is not None
    return {field.name: field for field in session.children(row.ref)}


def test_a_summary(example: Session) -> None:
    found = variables(example)
    assert found["order"].value == ORDER
    assert found["point"].value == "(3 | -4)"
    # behind what wraps it as well
    assert found["boxed"].value == "(5 | 6)"
    assert found["reference"].value == "(3 | -4)"
    assert found["shared"].value.startswith("Arc((1 | 2);")


def test_fields(example: Session) -> None:
    found = fields(example, variables(example)["order"])
    assert found["number"].value == "77" and found["number"].ref is None
    assert found["place"].value == "(3 | -4)"
    assert set(fields(example, found["place"])) == {"x", "y"}
    # one that does not fit says so, and what is in memory stays within reach
    assert found["absent"].unreadable and "Order has only id, place, note" in found["absent"].value
    bare = found["(as it is)"]
    assert bare.value == 'Order { id: 77, place: (3 | -4), note: Some("fragile") }'
    assert set(fields(example, bare)) == {"id", "place", "note"}


def test_without_fields_those_of_the_type_are_shown(example: Session) -> None:
    point = fields(example, variables(example)["point"])
    assert {name: row.value for name, row in point.items()} == {"x": "3", "y": "-4"}


def test_it_is_said_that_it_was_used(example: Session) -> None:
    (extension,) = (e for e in example.snapshot.extensions if e.kind == "descriptor")
    assert (extension.name, extension.state, extension.origin) == ("zoo", "used", "project")
    assert example.summary().extensions == example.snapshot.extensions


def test_a_saved_snapshot_keeps_its_views(example: Session, tmp_path: Path) -> None:
    example.save(str(tmp_path / "zoo.adps"))
    copy = Session(read(tmp_path / "zoo.adps"))
    found = variables(copy)
    assert found["order"].value == ORDER
    assert fields(copy, found["order"])["number"].value == "77"
    assert copy.snapshot.extensions == example.snapshot.extensions


def test_views_inside_one_another_end(zoo: Dump) -> None:
    # GIVEN a view that shows the value itself, eight times
    summary = "{it} " * 8
    session = session_with(zoo, views=[{"type": "zoo::values::Point", "summary": summary}])
    # THEN inside of itself the value is shown without it
    text = variables(session)["point"].value
    assert text.startswith("Point { x: 3, y: -4 } Point {") and len(text) <= 200


def test_a_slow_view_is_not_asked_again(zoo: Dump, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "SLOW_S", 0.0)
    session = session_with(zoo, views=[{"type": "zoo::values::Point", "summary": "view"}])
    found = variables(session)
    assert [found["point"].value, found["boxed"].value] == ["view", "Point { x: 5, y: 6 }"]


HOSTILE = (
    ("walk(1, n => n + 1)", "[1, 2, 3, 4, 5, 6, 7, 8, … 20001 in all]<more than 20000 steps"),
    ("range(1 << 40)", "<a stream of more than 1000000 items>"),
    ("it.nothing", "<.nothing of zoo::values::Point"),
    ("map(range(20), n => n * n)", "[0, 1, 4, 9, 16, 25, 36, 49, … 20 in all]<"),
    ("typeof(it)", "zoo::values::Point<"),
    ("it@Some ?? 'no'", "no<"),
    ("int(it.x) == 3", "true<"),
    ("'\x1b[31mred'", "[31mred<"),
)


def test_hostile_expressions(zoo: Dump) -> None:
    """WHEN an expression runs for ever or steers the terminal THEN it does so in nothing else."""
    for at in range(0, len(HOSTILE), 3):
        part = HOSTILE[at : at + 3]
        summary = "|".join(f"{{{expression}}}<" for expression, _ in part)
        session = session_with(zoo, views=[{"type": "zoo::values::Point", "summary": summary}])
        text = variables(session)["point"].value
        assert all(expected in text for _, expected in part), text
        session.close()


def test_templates() -> None:
    assert [getattr(p, "text", p) for p in template("{{a}} {it.x}{'}'} }}").parts] == [
        "{a} ", "it.x", "'}'", " }",
    ]  # fmt: skip
    for text in ("{", "}", "a { b", "{it", "x" * 2000, "{it}" * 100, "{it +}"):
        with pytest.raises(Exception) as caught:
            template(text)
        assert str(caught.value)


def test_a_teams_rules_are_asked_first(zoo: Dump) -> None:
    """A descriptor of its own adds rules without repeating those of the runtime."""
    waits = [{"on": "tokio::sync::notify::Notified", "kind": "bell"}]
    plain = {wait.kind for task in session_with(zoo).snapshot.tasks for wait in task.waits}
    session = session_with(zoo, waits=waits)
    tasks = session.snapshot.tasks
    kinds = {wait.kind for task in tasks for wait in task.waits}
    assert "bell" not in plain and "bell" in kinds
    assert kinds - {"bell"} >= plain - {"notify"}
    sources = {wait.src for task in tasks for wait in task.waits if wait.kind == "bell"}
    assert sources == {"team"}
    # AND a descriptor without executors and tasks is no runtime
    assert [runtime.name for runtime in session.snapshot.target.runtimes] == ["tokio"]
