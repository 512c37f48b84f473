"""Values of live variables, as ``tests/programs/zoo/src/values.rs`` assigns them."""

from __future__ import annotations

import pytest
from support.build import version_of
from support.reading import Reading

HOLDS = "values::holds_values"
VALUES = {
    # name: type, value
    "small": ("u8", "200"),
    "negative": ("i32", "-42"),
    "large": ("u64", "18000000000000000000"),
    "half": ("f64", "2.5"),
    "yes": ("bool", "true"),
    "letter": ("char", "'ß'"),
    "text": ("String", '"grüße"'),
    "slice": ("&str", '"static text"'),
    "empty": ("String", '""'),
    "numbers": ("Vec<u32>", "[10, 20, 30]"),
    "names": ("Vec<String>", '["ann", "bob"]'),
    "array": ("[u16; 3]", "[7, 8, 9]"),
    "pair": ("(u8, i64)", "(1, -2)"),
    "point": ("Point", "Point { x: 3, y: -4 }"),
    "order": ("Order", 'Order { id: 77, place: Point { x: 3, y: -4 }, note: Some("fragile") }'),
    "card": ("Payment", 'Card { number: 4711, holder: "carol" }'),
    "colour": ("Colour", "Green"),
    "some": ("Option<u32>", "Some(5)"),
    "none": ("Option<u32>", "None"),
    "no_text": ("Option<String>", "None"),
    "good": ("Result<u32, String>", "Ok(6)"),
    "bad": ("Result<u32, String>", 'Err("broken")'),
    "shared": ("Arc<Point>", "Arc(Point { x: 1, y: 2 }; strong 2, weak 0)"),
    "also_shared": ("Arc<Point>", "Arc(Point { x: 1, y: 2 }; strong 2, weak 0)"),
    "boxed": ("Box<Point>", "Point { x: 5, y: 6 }"),
    "counter": ("AtomicU32", "AtomicU32 99"),
    "total": ("Arc<AtomicU64>", "Arc(AtomicU64 1000; strong 1, weak 0)"),
    "flag": ("AtomicBool", "AtomicBool true"),
    "span": ("Duration", "1.5s"),
    "queue": ("VecDeque<u8>", "[1, 2]"),
    "reference": ("&Point", "Point { x: 3, y: -4 }"),
}


@pytest.mark.parametrize("name", VALUES)
def test_value(zoo: Reading, name: str) -> None:
    # GIVEN a variable that is live across the await
    variable = zoo.variables(zoo.task("values").key, HOLDS)[name]
    # THEN it has its type, and the value that the source gives it
    assert (variable.type, variable.value) == VALUES[name]
    assert not variable.unreadable


def test_instant(zoo: Reading) -> None:
    # GIVEN an Instant, whose value only the run of the program knows
    variable = zoo.variables(zoo.task("values").key, HOLDS)["began"]
    # THEN it is a time since the machine's start
    assert variable.value.startswith("Instant ") and "since boot" in variable.value


def test_no_variable_is_missing_or_made_up(zoo: Reading) -> None:
    found = set(zoo.variables(zoo.task("values").key, HOLDS))
    assert found == {*VALUES, "began"}


def test_fields_are_expanded(zoo: Reading) -> None:
    # GIVEN a structure that holds a structure
    order = zoo.variables(zoo.task("values").key, HOLDS)["order"]
    assert order.ref is not None
    # WHEN it is expanded, and the one in it
    fields = {row.name: row for row in zoo.session.children(order.ref)}
    place = fields["place"]
    assert place.ref is not None
    inner = {row.name: row.value for row in zoo.session.children(place.ref)}
    # THEN the fields have the values of the source
    assert (fields["id"].value, inner) == ("77", {"x": "3", "y": "-4"})


def test_values_of_each_frame(zoo: Reading) -> None:
    # GIVEN chain_outer(10), which calls chain_middle(20), which calls chain_leaf(21)
    key = zoo.task("chain").key
    # THEN each frame has the variables that it keeps for after its await
    assert zoo.variables(key, "compose::chain_outer")["doubled"].value == "20"
    assert zoo.variables(key, "compose::chain_middle")["name"].value == '"middle"'
    assert zoo.variables(key, "compose::chain_leaf")["number"].value == "21"


def test_values_that_are_not_send(zoo: Reading) -> None:
    key = zoo.task("local").key
    leaf = zoo.variables(key, "local::local_leaf")
    assert leaf["count"].value == "Cell(3)"
    # One handle each in the root, the task and its leaf.
    assert leaf["shared"].value == "Rc(RefCell([4, 5, 6]); strong 3, weak 0)"


def test_arguments_of_a_task_that_was_never_polled(zoo: Reading) -> None:
    for name, number in (("queued1", "1"), ("queued3", "3"), ("aborted", "4")):
        if zoo.task(name).state == "complete":
            # Aborted, in an old version: its arguments are gone with its future.
            assert name == "aborted" and version_of(zoo.dump.tokio or "") < (1, 5)
            continue
        arguments = zoo.variables(zoo.task(name).key, "busy::queued")
        assert arguments["number"].value == number


def test_fields_of_a_future_written_by_hand(zoo: Reading) -> None:
    fields = zoo.variables(zoo.task("combinator").key, "Labelled<combined_leaf>")
    assert fields["label"].value == '"by hand"'
