"""Who holds each resource that the zoo's tasks wait for, and who has its other ends."""

from __future__ import annotations

from support.compared import Record, missing_and_others
from support.holding import expected_text, resource_text
from support.reading import Reading
from support.zoo.holdings import holdings_with


def test_holders_and_owners(zoo: Reading, record_property: Record) -> None:
    # GIVEN every resource of the program, with its queue
    found = [resource_text(zoo, each) for each in zoo.snapshot.resources]
    # THEN each is held by whom the source says, in the variable and since the line that it says
    tasks = {each.name for each in zoo.expected}
    expected = [expected_text(zoo, block) for block in holdings_with(tasks, zoo.dump.tokio)]
    assert missing_and_others(found, expected, record_property) == ([], [])
