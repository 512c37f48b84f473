"""Who holds what tasks wait for, and who has the other ends, as the sources of `hang` imply."""

from __future__ import annotations

from support.hang import Hang
from support.reading import Reading

from adp_tui.engine.model import Holder, Owner, Resource


def test_holders_and_owners(case: tuple[Hang, Reading]) -> None:
    hang, reading = case
    # GIVEN the resources of the program itself: no library's, and no bell that nobody else has
    found = [
        resource_text(reading, each) for each in reading.snapshot.resources if is_own(reading, each)
    ]
    # THEN each is held by whom the source says, in the variable and since the line that it says
    expected = [located(reading, block) for block in hang.blocks]
    if reading.dump.profile == "release":
        # What a thread's own frames hold stands in registers there, or nowhere.
        found, expected = list(map(without_threads, found)), list(map(without_threads, expected))
    assert sorted(found) == sorted(expected)


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


def own(reading: Reading, ends: tuple[Owner, ...]) -> list[Owner]:
    return [each for each in ends if each.function.startswith(f"{reading.dump.name}::")]


def resource_text(reading: Reading, resource: Resource) -> str:
    waiters = [reading.name_of(key) or key for key in resource.waiters]
    lines = [" ".join((resource.kind, *waiters))]
    lines += sorted(holder_text(reading, each) for each in resource.holders)
    lines += sorted(owner_text(reading, each) for each in own(reading, resource.owners))
    return "\n  ".join(lines)


def holder_text(reading: Reading, holder: Holder) -> str:
    amount = None if holder.amount == 1 else str(holder.amount)
    return words(who(reading, holder), holder.mode, amount, *where(holder))


def owner_text(reading: Reading, owner: Owner) -> str:
    return words(who(reading, owner), "has", owner.role, *where(owner))


def who(reading: Reading, end: Holder | Owner) -> str:
    if end.task is not None:
        return reading.name_of(end.task) or end.task
    return f"thread {reading.named('tid', end.thread)}"


def where(end: Holder | Owner) -> tuple[str | None, ...]:
    conf = None if end.conf == "certain" else end.conf.value
    function = end.function.rpartition("::")[2]
    # Where in a future the lock's own one is, its source does not say.
    path = ".…" if ".__awaitee" in (end.path or "") else end.path or ""
    return function, end.variable + path, f"@{end.line}", conf


def words(*parts: str | None) -> str:
    return " ".join(filter(None, parts))


def located(reading: Reading, block: str) -> str:
    """Put the number of a line in place of its marker."""
    first, *rest = block.split("\n")
    lines = []
    for line in rest:
        text, _, marked = line.strip().partition("@")
        marker, *conf = marked.split()
        function = text.split()[-2]
        markers = reading.dump.markers
        _, number = markers.function(function) if marker == "fn" else markers[marker]
        lines.append(" ".join((f"{text}@{number}", *conf)))
    held = sorted(line for line in lines if " has " not in line)
    return "\n  ".join((first, *held, *sorted(line for line in lines if " has " in line)))


def without_threads(block: str) -> str:
    return "\n".join(line for line in block.split("\n") if not line.startswith("  thread "))
