"""One word of one task is broken: the other tasks are as they were, and a loss names it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile.damage import DamagedCore, look_at_all
from hostile.places import HEADER, Places, said_of, unchanged
from support.reading import Reading

Reread = Callable[[], Reading]
_READABLE = 1
"""``Ready::READABLE`` of tokio's src/io/ready.rs."""
NOWHERE = 0x7FF0_0000_0000
"""Above all that is mapped, below the stacks."""


@pytest.fixture(scope="module")
def places(sound: Reading) -> Places:
    return Places(sound)


def test_nothing_is_lost_of_the_sound_core(sound: Reading) -> None:
    assert sound.snapshot.losses == ()


def test_vtable_pointers(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN five tasks whose header points to no table of functions, each in another way
    chosen = {"chain": 0, "boxed": 0x1003, "timer": NOWHERE, "notify": None, "select": 1 << 63}
    for name, number in chosen.items():
        at = places.header(sound.task(name), "vtable")
        core.poke(at, at if number is None else number)
    # WHEN the core is read
    broken = reread()
    # THEN all others are there, whatever stands behind the broken ones in their lists
    tasks = [sound.task(name) for name in chosen]
    unchanged(sound, broken, but=tasks)
    # AND each of the five is listed, and named by a loss
    there = {task.address for task in broken.snapshot.tasks}
    for task in tasks:
        assert task.address in there
        assert task.address in said_of(broken, "task ")


def test_another_tasks_vtable(
    sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN a task that says it is of another type, whose size is another
    first, second = places.longest_list()[:2]
    other = next(t for t in ("values", "chain") if sound.task(t).address != first.address)
    core.poke(places.header(first, "vtable"), core.word(places.header(sound.task(other), "vtable")))
    # WHEN the core is read THEN those behind it in its list are there, and a loss says that the
    # list was broken
    broken = reread()
    unchanged(sound, broken, but=[first])
    assert second.address in {task.address for task in broken.snapshot.tasks}
    assert said_of(broken, "tasks of")


@pytest.mark.parametrize("to", ["nothing", "itself", "nowhere", "its predecessor"])
def test_a_link_of_the_list(
    to: str, sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN a list of at least four tasks, in whose middle a link leads elsewhere
    tasks = places.longest_list()
    assert len(tasks) >= 4
    middle = len(tasks) // 2
    where = {
        "nothing": 0,
        "itself": tasks[middle].address,
        "nowhere": NOWHERE,
        "its predecessor": tasks[middle - 1].address,
    }
    core.poke(places.link(tasks[middle], "next"), where[to])
    # WHEN the core is read
    broken = reread()
    # THEN no task is missing, as the list is linked both ways, and a loss says that it is broken
    unchanged(sound, broken)
    assert said_of(broken, "tasks of") >= {sound.executors["main"].address}


def test_a_list_that_is_cut_on_both_sides(
    sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN a list of which neither way leads to one task in the middle
    tasks = places.longest_list()
    middle = len(tasks) // 2
    core.poke(places.link(tasks[middle - 1], "next"), 0)
    core.poke(places.link(tasks[middle + 1], "prev"), 0)
    # WHEN the core is read THEN those before and behind it are there, and a loss says how many
    # there should be
    broken = reread()
    unchanged(sound, broken, but=[tasks[middle]])
    counts = [loss.why for loss in broken.snapshot.losses if "it counts" in loss.why]
    assert len(counts) == 1


def test_a_list_that_claims_to_be_empty(
    sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN a runtime whose lists of tasks are none, by their number
    lists = places.runtime("main", "shared.owned.list.lists")
    length = lists.member("length")
    assert length is not None
    core.poke(length.address, 0)
    broken = reread()
    # THEN the other runtimes' tasks are there, and those that timers and sockets lead to
    there = {task.address for task in broken.snapshot.tasks}
    assert {sound.task(n).address for n in ("side_task", "local", "busy", "timer", "read")} <= there
    assert sound.executors["main"].address in said_of(broken, "tasks of")


def test_owners_of_tasks(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN a task that bears another runtime's number, and one that bears none
    chosen = [sound.task("chain"), sound.task("select")]
    for task, number in zip(chosen, (77, 0), strict=True):
        core.poke(places.header(task, "owner_id"), number)
    broken = reread()
    unchanged(sound, broken, but=chosen)
    assert said_of(broken, "tasks of") >= {task.address for task in chosen}
    # AND where a queue has the waker of one of them, it names no task that is not listed
    for at in _wakers(core, places):
        if core.word(at) == sound.task("mutex").address:
            core.poke(at, chosen[0].address)
    look_at_all(core.path, sound.dump.exe, locals=False)


def test_states_of_coroutines(
    sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN coroutines in states that the compiler never made: an outer, an inner, one in a branch
    chosen = [("chain", 0), ("boxed", 1), ("generic", 0)]
    for name, depth in chosen:
        at, size = places.discriminant(places.frames(name)[depth])
        core.poke(at, 0xEE, size)
    # WHEN the core is read
    broken = reread()
    # THEN the other tasks are as they were; these have their frames down to the broken one, which
    # says what is wrong with it
    tasks = [sound.task(name) for name, _ in chosen]
    unchanged(sound, broken, but=tasks)
    assert said_of(broken, "task stack") == {task.address for task in tasks}
    for task, (_, depth) in zip(tasks, chosen, strict=True):
        stack = broken.stack(next(t for t in broken.snapshot.tasks if t.address == task.address))
        whole = sound.stack(task)
        assert stack is not None and whole is not None
        assert len(stack.frames) == depth + 1
        assert stack.frames[:depth] == whole.frames[:depth]
        assert "state" in (stack.frames[depth].problem or "")


def test_stages_of_tasks(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN tasks that are idle, but whose futures are finished, consumed, or neither
    chosen = {"chain": 1, "boxed": 2, "timer": 9}
    for name, number in chosen.items():
        at, size = places.stage(name)
        core.poke(at, number, size)
    broken = reread()
    tasks = [sound.task(name) for name in chosen]
    unchanged(sound, broken, but=tasks)
    assert said_of(broken, "task future") == {task.address for task in tasks}


def test_boxed_futures(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN boxes that lead nowhere, to a type that is none, to nothing, and back to themselves
    boxed, trait = places.frames("boxed"), places.frames("trait")
    first, second = places.awaited(boxed[0]), places.awaited(boxed[1])
    broken_in: dict[str, tuple[int, int, str]] = {
        "no data": (first, 0, "is null"),
        "nowhere": (first, NOWHERE, "not mapped"),
        "no type": (first + 8, 0x1001, "the type behind the vtable"),
        "a cycle": (second, core.word(first), "form a cycle"),
        "in a trait": (places.awaited(trait[0]) + 8, NOWHERE, "the type behind the vtable"),
    }
    for name, (at, number, problem) in broken_in.items():
        core.poke(at, number)
        # WHEN the core is read
        broken = reread()
        # THEN only the task that holds the box has lost something, and says what
        task = sound.task("trait" if name == "in a trait" else "boxed")
        unchanged(sound, broken, but=[task])
        assert said_of(broken, "task stack") == {task.address}, name
        (loss,) = (loss for loss in broken.snapshot.losses if loss.what == "task stack")
        assert problem in loss.why, name
        core.restore()


def test_wakers(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN that half of all wakers have no functions and half no task
    wakers = _wakers(core, places)
    assert len(wakers) > 40
    values = (0, 0x1003, NOWHERE, 1 << 63)
    for number, at in enumerate(wakers):
        core.poke(at if number % 2 else at + _to_vtable(places), values[number // 2 % 4])
    # WHEN the core is read THEN all tasks are there, with their stacks and what those tell of waits
    broken = reread()
    roots = [task for task in sound.snapshot.tasks if task.kind == "block_on"]
    unchanged(sound, broken, but=roots)
    kinds = {
        task.address: {w.kind for w in task.waits if w.src != "resource"}
        for task in broken.snapshot.tasks
    }
    for name in ("timer", "mutex", "mpsc_recv", "notify", "semaphore", "oneshot"):
        known = {w.kind for w in sound.task(name).waits}
        assert known <= kinds[sound.task(name).address], name


def test_wakers_of_ready_sockets(
    sound: Reading, core: DamagedCore, places: Places, reread: Reread
) -> None:
    # GIVEN two tasks that wait for sockets, of which one has become readable: a poll that
    # registers its waker, looks again and finds the socket ready leaves the waker behind
    task, other = sound.task("read"), sound.task("udp")
    (wait,) = task.waits
    assert (wait.kind, wait.mode, wait.src) == ("io", "readable", "resource")
    address = next(r.address for r in sound.snapshot.resources if r.key == wait.resource)
    socket = places.value("tokio::runtime::io::scheduled_io::ScheduledIo", address)
    core.poke(places.at(socket, "readiness").address, _READABLE)
    # WHEN the core is read THEN the task is not said to wait for it
    broken = reread()
    waits = {t.address: t.waits for t in broken.snapshot.tasks}
    assert [each.kind for each in waits[task.address]] == ["unknown"]
    assert [each.kind for each in waits[other.address]] == ["io"]


def _to_vtable(places: Places) -> int:
    """Return how far a waker's functions stand behind its data; negative where before."""
    layout = places.type("core::task::wake::RawWaker")
    data, vtable = layout.member("data"), layout.member("vtable")
    assert data is not None and vtable is not None
    return vtable.offset - data.offset


def _wakers(core: DamagedCore, places: Places) -> list[int]:
    """Return where the data of each waker of a task stands."""
    (vtable,) = places.program.static("tokio::runtime::task::waker::WAKER_VTABLE")
    return [at - _to_vtable(places) for at in _pointers(core, vtable.address)]


def _pointers(core: DamagedCore, target: int) -> list[int]:
    """Return where words of the writable memory point to an address."""
    wanted = target.to_bytes(8, "little")
    found = []
    for each in core.segments:
        data = core.read_file(each.offset, each.size) if each.writable else b""
        at = data.find(wanted)
        while at >= 0:
            if at % 8 == 0:
                found.append(each.start + at)
            at = data.find(wanted, at + 1)
    return found


def test_all_at_once_can_still_be_looked_at(
    sound: Reading, core: DamagedCore, places: Places
) -> None:
    # GIVEN a core in which each of these is broken somewhere
    core.poke(places.header(sound.task("chain"), "vtable"), NOWHERE)
    core.poke(places.link(places.longest_list()[1], "next"), 0x1003)
    at, size = places.discriminant(places.frames("select")[0])
    core.poke(at, 0xEE, size)
    core.poke(places.awaited(places.frames("boxed")[1]), NOWHERE)
    core.poke(places.stage("timer")[0], 9, 4)
    # WHEN all of it is looked at THEN it is fit to be shown, and the status says what it is
    seen = look_at_all(core.path, sound.dump.exe)
    assert any(loss.missing for loss in seen.snapshot.losses)


def test_an_executor_that_nothing_leads_to(
    sound: Reading, core: DamagedCore, places: Places
) -> None:
    # GIVEN that no thread-local and no task leads to a runtime any more, but wakers and a job on
    # a thread's stack do
    address = sound.executors["main"].address
    # (an Arc points to its counts, which stand before the data, as far as that is aligned)
    for before in (0, 16, 64, 128):
        for at in _pointers(core, address - before):
            core.poke(at, NOWHERE)
    # WHEN all of the core is looked at THEN what is left is fit to be shown
    seen = look_at_all(core.path, sound.dump.exe)
    assert address not in {executor.address for executor in seen.snapshot.executors}
    assert any(loss.missing for loss in seen.snapshot.losses)


def test_a_running_job(sound: Reading, core: DamagedCore, places: Places, reread: Reread) -> None:
    # GIVEN a job that runs on a thread of the pool, whose own number is another than the thread's
    job = sound.task("job0")
    offset = places.at(places.value(HEADER, job.address), "vtable.id_offset").unsigned()
    core.poke(job.address + offset, 1 << 50)
    broken = reread()
    # THEN the job is not listed, and it is said that the thread runs one
    unchanged(sound, broken, but=[job])
    (loss,) = broken.snapshot.losses
    assert loss.what == "blocking job" and loss.missing
    assert f"thread {sound.thread('blocking').tid} runs task {job.id}" in loss.why
