"""docs/adp.schema.json and docs/adp.md against what the reader knows, and what ships."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adp_tui.engine.adp.builtins import Builtins
from adp_tui.engine.adp.catalogue import catalogue_texts
from adp_tui.engine.adp.descriptor import RULES, load
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.schema import Descriptor, Origin, WakerSlot

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/adp.schema.json").read_text())
SPECIFICATION = (ROOT / "docs/adp.md").read_text()
VALIDATOR = Draft202012Validator(SCHEMA)
OWN = ("origin", "data", "problems")
"""Fields of a descriptor that its JSON does not have."""
TOY = (ROOT / "tests/programs/toy/rt/src/adp.json").read_text()


def tutorials() -> dict[str, str]:
    """Return the descriptors that the documents print behind ``<!-- tutorial -->``."""
    found = {}
    for name in ("docs/adp.md", "crates/adp/README.md"):
        blocks = re.findall(
            r"<!-- tutorial -->\n```json\n(.*?)```", (ROOT / name).read_text(), re.S
        )
        assert len(blocks) == 1, name
        found[name] = blocks[0]
    return found


SHIPPED = {**catalogue_texts(), "toy": TOY, **tutorials()}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_valid(name: str) -> None:
    errors = [
        f"{e.json_path}: {e.message}" for e in VALIDATOR.iter_errors(json.loads(SHIPPED[name]))
    ]
    assert errors == []


def test_every_key_of_a_descriptor_is_in_the_schema_and_specified() -> None:
    keys = {field.name.rstrip("_") for field in fields(Descriptor)} - set(OWN) | {"adp", "extends"}
    assert keys - SCHEMA["properties"].keys() == set()
    assert {key for key in keys if f"`{key}`" not in SPECIFICATION} == set()


@pytest.mark.parametrize("section", [*RULES, "wakers of registered"])
def test_every_key_of_a_rule_is_in_the_schema_and_specified(section: str) -> None:
    if section in RULES:
        kind, known = RULES[section], SCHEMA["$defs"][section]
    else:
        kind = WakerSlot
        known = SCHEMA["$defs"]["registered"]["properties"]["wakers"]["items"]
    keys = {field.name for field in fields(kind)}
    assert keys - known["properties"].keys() == set(), f"docs/adp.schema.json: $defs.{section}"
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    assert set(known["required"]) == needed
    missing = {key for key in keys if f"`{key}`" not in SPECIFICATION}
    assert missing == set(), f"docs/adp.md does not name them: {section}"


def test_every_builtin_is_specified() -> None:
    evaluator = Evaluator.__new__(Evaluator)
    evaluator.number = evaluator.deref = lambda value: value  # type: ignore[assignment, method-assign, return-value]
    missing = {name for name in Builtins(evaluator).names if f"`{name}(" not in SPECIFICATION}
    assert missing == set()


WRONG = [
    {"adp": 1},
    {"adp": 2, "id": "x"},
    {"adp": 1, "id": "x", "tasks": [{}]},
    {"adp": 1, "id": "x", "tasks": [{"type": "T", "id": 7}]},
    {"adp": 1, "id": "x", "tasks": [{"type": "T", "state": [["1", "sleepy"]]}]},
    {"adp": 1, "id": "x", "wakers": [{"task": "data"}]},
    {"adp": 1, "id": "x", "defs": {"f": "1"}},
]


@pytest.mark.parametrize("wrong", WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_not_valid(wrong: Any) -> None:
    assert list(VALIDATOR.iter_errors(wrong))


def test_keys_that_nobody_knows_are_valid() -> None:
    assert VALIDATOR.is_valid(
        {"adp": 1, "id": "x", "new": 1, "waits": [{"on": "*", "kind": "k", "n": 1}]}
    )


@pytest.mark.parametrize("name", tutorials())
def test_the_tutorial_is_read(name: str) -> None:
    descriptor = load(tutorials()[name], origin=Origin("note"))
    assert descriptor.problems == ()
    assert descriptor.executors and descriptor.tasks and descriptor.wakers
    assert len(tutorials()[name].splitlines()) <= 20


def test_the_licences_stand_beside_what_they_are_for() -> None:
    places = ("docs", "engine/adp/catalogue", "crates/adp")
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert len({(ROOT / place / name).read_text() for place in places}) == 1
