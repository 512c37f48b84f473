"""What a byte search finds is what a walk of the tree finds, and nothing that looks like it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from support.build import PROFILES, Dump

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.unit import Unit
from adp_tui.engine.elf.file import ElfFile

EVERY = 16
"""One unit in so many is searched."""


@dataclass(frozen=True)
class Walked:
    """A unit, and the offsets of its DIEs by tag, as the tree has them."""

    unit: Unit
    offsets: dict[int, list[int]]


@pytest.fixture(scope="module", params=PROFILES)
def debug(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> DebugInfo:
    """Return the debug information of a program of many crates."""
    return DebugInfo(ElfFile.open(dump("service", profile=request.param).exe))


@pytest.fixture(scope="module")
def walked(debug: DebugInfo) -> list[Walked]:
    """Return units of all sizes."""
    return [Walked(unit, by_tag(debug, unit)) for unit in debug.units[::EVERY]]


def by_tag(debug: DebugInfo, unit: Unit) -> dict[int, list[int]]:
    index = debug.index(unit)
    index.complete()
    found = defaultdict(list)
    for tag, offset in zip(index.tags, index.offsets, strict=True):
        found[tag].append(offset)
    return found


def test_functions_by_linkage_name(debug: DebugInfo, walked: list[Walked]) -> None:
    # GIVEN functions, of which many have a frame base before their linkage name
    known = [by_number(debug, each, TAG.SUBPROGRAM, AT.LINKAGE_NAME) for each in walked]
    assert sum(map(len, known)) > 2500
    # WHEN each name is searched for
    found = [
        {name: {die.offset for die in debug.search.linked(each.unit, name)} for name in names}
        for each, names in zip(walked, known, strict=True)
    ]
    # THEN the functions of that name are found, and nothing else
    assert found == known


def test_types_by_name(debug: DebugInfo, walked: list[Walked]) -> None:
    tags, missed, wrong = frozenset({TAG.STRUCTURE}), 0, 0
    for each in walked:
        for name, offsets in by_number(debug, each, TAG.STRUCTURE, AT.NAME).items():
            text = debug.sections.strings.text(name)
            found = {die.offset for die in debug.search.in_unit(each.unit, text, tags)}
            missed += len(offsets - found)
            # Of names whose offset is a small number, such bytes stand anywhere.
            wrong += len(found - offsets) if name > 0xFFFF else 0
    assert (missed, wrong) == (0, 0)


def test_vtables_by_address(debug: DebugInfo, walked: list[Walked]) -> None:
    found, known = set(), set()
    for each in walked:
        for die in map(debug.die, each.offsets[TAG.VARIABLE]):
            expression = die.block(AT.LOCATION)
            if expression is not None and (die.text() or "").endswith("{vtable}"):
                known.add(die.offset)
                located = debug.search.located(each.unit, expression, TAG.VARIABLE)
                found.update(die.offset for die in located)
    assert len(known) > 25
    assert found == known


def by_number(debug: DebugInfo, walked: Walked, tag: int, attribute: int) -> dict[int, set[int]]:
    """Return the offsets of a unit's DIEs by the number that an attribute has."""
    found: dict[int, set[int]] = defaultdict(set)
    for offset in walked.offsets[tag]:
        number = debug.die(offset).number(attribute)
        if number is not None:
            found[number].add(offset)
    return dict(found)
