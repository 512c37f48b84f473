"""Who holds what others wait for, and who has the other ends, as the sources of `hang` imply."""

from __future__ import annotations

from support.compared import Record, missing_and_others
from support.hang import Hang
from support.holding import blocks_of, expected_text, own, resource_text
from support.reading import Reading

from adp_tui.engine.model import Resource


def test_holders_and_owners(case: tuple[Hang, Reading], record_property: Record) -> None:
    hang, reading = case
    # GIVEN the resources of the program itself: no library's, and no bell that nobody else has
    found = [
        resource_text(reading, each) for each in reading.snapshot.resources if is_own(reading, each)
    ]
    # THEN each is held by whom the source says, in the variable and since the line that it says
    expected = [expected_text(reading, block) for block in blocks_of(hang.resources)]
    if reading.dump.profile == "release":
        # What a thread's own frames hold stands in registers there, or nowhere.
        found, expected = list(map(without_threads, found)), list(map(without_threads, expected))
    assert missing_and_others(found, expected, record_property) == ([], [])


def test_they_are_told_with_their_source(case: tuple[Hang, Reading]) -> None:
    _, reading = case
    for resource in reading.snapshot.resources:
        for each in (*resource.holders, *resource.owners):
            # THEN there is a task or a thread, and the descriptor that knows such guards
            assert each.task is not None or each.thread is not None
            assert each.src.split()[0] in ("tokio", "std", "parking_lot", "futures", "reach")


def is_own(reading: Reading, resource: Resource) -> bool:
    if resource.kind in ("io", "notify") or resource.owners:
        return bool(own(reading, resource.owners) or resource.holders)
    return True


def without_threads(block: str) -> str:
    return "\n".join(line for line in block.split("\n") if not line.startswith("  thread "))
