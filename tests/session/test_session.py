"""The session on real cores: what a person at the screen asks, in that order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from support.build import Dump

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import Door, FrameRow, Progress, Query, Tone, VariableRow


def session_of(dump: Dump, progress: Callable[[Progress], None] = lambda step: None) -> Session:
    return Session(open_core(dump.core, executable=dump.exe), progress=progress)


@pytest.fixture(scope="module", params=["debug", "release"])
def zoo(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Zoo]:
    found = Zoo(dump("zoo", tokio="1.54.1", profile=request.param))
    yield found
    found.session.close()


class Zoo:
    """A session on the zoo, and the program's own words for its tasks and lines."""

    def __init__(self, dump: Dump) -> None:
        self.dump = dump
        self.session = session_of(dump)

    def key(self, name: str) -> str:
        """Return the key of the task that the program calls so."""
        rows = self.session.rows(Query("tasks")).rows
        number = str(self.dump.facts[f"id_{name}"])
        return next(row.key for row in rows if row.cells[6].text == number)

    def tid(self, name: str) -> int:
        return self.dump.facts[f"tid_{name}"]

    def place(self, marker: str) -> str:
        file, line = self.dump.markers[marker]
        return f"src/{file}:{line}"

    def frames(self, key: str) -> list[tuple[int, str, str]]:
        """Return depth, function and place of each line."""
        return [(f.depth, f.function, f.place) for f in self.session.frames(key)]

    def variables(self, key: str) -> dict[str, VariableRow]:
        """Return the variables of a task's outermost frame."""
        ref = self.session.frames(key)[0].ref
        assert ref is not None
        return {row.name: row for row in self.session.children(ref)}


def test_the_head_names_program_signal_and_thread(zoo: Zoo) -> None:
    door: Door = zoo.session
    head = door.summary()
    assert head.title.startswith("zoo (pid ")
    assert f", killed by SIGABRT on thread {zoo.tid('crash')}" in head.title
    counts = dict(head.counts)
    assert counts["executors"] == 5
    assert counts["tasks"] == door.rows(Query("tasks")).all
    assert [r.version for r in head.runtimes if r.name == "tokio"] == ["1.54.1"]


def test_a_chain_is_shown_down_to_its_timer(zoo: Zoo) -> None:
    rows = zoo.session.frames(zoo.key("chain"))
    assert [(f.depth, f.function, f.place) for f in rows] == [
        (0, "compose::chain_outer", zoo.place("chain.outer")),
        (0, "compose::chain_middle", zoo.place("chain.middle")),
        (0, "compose::chain_leaf", zoo.place("chain.leaf")),
        (0, "Sleep", ""),
    ]
    # the timer of an hour was read at its driver's last turn, a moment after it was made
    assert [f.note for f in rows[:3]] == ["", "", ""]
    assert rows[3].note in ("waits on timer 1h", "waits on timer 59m59s")


def test_select_has_a_line_for_each_branch(zoo: Zoo) -> None:
    rows = zoo.session.frames(zoo.key("select"))
    assert rows[0].place == zoo.place("select.root")
    assert "tokio-1.54.1/src/macros/select.rs" in rows[0].note
    below = [(f.depth, f.function, f.place) for f in rows[2:]]
    assert below == [
        (1, "branch 0", ""),
        (2, "combine::naps", zoo.place("naps.sleep")),
        (2, "Sleep", ""),
        (1, "branch 1", ""),
        (2, "combine::rings", zoo.place("rings.notified")),
        (2, "Notified", ""),
        (1, "branch 2", ""),
    ]
    # the third arm has a condition that is false
    assert [rows[2].note, rows[5].note, rows[8].note] == ["pending", "pending", "disabled"]
    assert rows[7].note.startswith("waits on notify r")


def test_a_span_is_named(zoo: Zoo) -> None:
    notes = [f.note for f in zoo.session.frames(zoo.key("span"))]
    assert "span checkout" in notes


def test_variables_are_read_and_expanded(zoo: Zoo) -> None:
    # GIVEN the frame that holds one value of each kind
    found = zoo.variables(zoo.key("values"))
    assert (found["small"].value, found["small"].type) == ("200", "u8")
    assert found["text"].value == '"grüße"'
    assert (found["array"].value, found["array"].type) == ("[7, 8, 9]", "[u16; 3]")
    assert (found["names"].type, found["names"].value) == ("Vec<String>", '["ann", "bob"]')
    assert found["small"].ref is None
    # WHEN a structure is expanded, and a structure in it
    ref = found["order"].ref
    assert ref is not None
    order = {row.name: row for row in zoo.session.children(ref)}
    assert order["id"].value == "77"
    inner = order["place"].ref
    assert inner is not None
    # THEN its fields are the source's
    point = {row.name: row.value for row in zoo.session.children(inner)}
    assert point == {"x": "3", "y": "-4"}


def test_refs_outlive_the_stack_they_came_with(zoo: Zoo) -> None:
    # GIVEN an expanded value
    ref = zoo.variables(zoo.key("values"))["point"].ref
    assert ref is not None
    first = zoo.session.children(ref)
    # WHEN the person goes through every other task and thread
    for row in zoo.session.rows(Query("tasks")).rows:
        for frame in zoo.session.frames(row.key):
            if frame.ref:
                zoo.session.children(frame.ref)
    # THEN the same ref still names the same value
    assert zoo.session.children(ref) == first


@pytest.mark.parametrize(
    "ref",
    ["", "7.t1.0", "1.t1.999", "1.t1.0/999", "1.t1.x", "1.t99999.0", "1.tid:1.0", "1.r1.0", "1"],
)
def test_refs_of_nothing_are_refused(zoo: Zoo, ref: str) -> None:
    with pytest.raises(AdpError):
        zoo.session.children(ref)


def test_the_crashed_thread_shows_its_task_between_native_frames(zoo: Zoo) -> None:
    rows = zoo.session.frames(f"tid:{zoo.tid('crash')}")
    # outermost first: libc starts the thread, and the signal was sent at the end
    crash = zoo.place("crash.panic")
    at = [i for i, f in enumerate(rows) if f.depth == 1]
    assert rows[at[0]].note.startswith("task t")
    assert (rows[at[1]].function, rows[at[1]].place) == ("zoo::crashes", crash)
    assert 0 < at[0] < len(rows) - len(at)
    native = [f for f in rows if f.depth == 0]
    assert (("zoo::crashes", crash)) in [(f.function, f.place) for f in native]
    assert native[0].function in ("__clone3", "clone3", "__clone")
    assert "libc.so.6" in native[0].note
    assert not any(f.note.startswith("the stack ends here") for f in rows)


def test_inlined_functions_have_their_own_variables(zoo: Zoo) -> None:
    # GIVEN the thread that runs a blocking job with one parameter
    rows = zoo.session.frames(f"tid:{zoo.tid('blocking')}")
    job = next(f for f in rows if f.function == "zoo::blocking_job")
    assert job.place == zoo.place("blocking.job")
    assert job.ref is not None
    # WHEN its frame is expanded THEN its locals are there, and none of what it called
    names = [row.name for row in zoo.session.children(job.ref)]
    assert (
        {"keep", "receiver", "number"} <= set(names) <= {"keep", "receiver", "number", "received"}
    )


def test_a_detail_links_to_what_a_task_joins(zoo: Zoo) -> None:
    awaits, joined = zoo.key("handle"), zoo.key("joined")
    detail = zoo.session.task(awaits)
    facts = {label: cell.text for label, cell in detail.facts}
    assert facts["state"] == "idle"
    assert facts["waits on"] == f"join {joined} combine::joined (idle)"
    assert ("joins", joined) in detail.links
    assert ("parent", awaits) in zoo.session.task(joined).links
    file, line = zoo.dump.markers.function("awaits_handle")
    assert facts["defined at"] == f"src/{file}:{line}"


def test_details_of_a_mutex_name_its_waiter(zoo: Zoo) -> None:
    waiter = zoo.key("mutex")
    links = dict(zoo.session.task(waiter).links)
    detail = zoo.session.task(links["waits on"])
    assert ("waiter", waiter) in detail.links
    facts = {label: cell.text for label, cell in detail.facts}
    assert (facts["kind"], facts["state"]) == ("mutex", "permits 0")
    assert zoo.session.frames(links["waits on"]) == ()


def test_every_row_of_every_view_leads_somewhere(zoo: Zoo) -> None:
    for view in ("executors", "threads", "tasks", "waits"):
        for row in zoo.session.rows(Query(view)).rows:
            detail = zoo.session.task(row.key)
            assert detail.facts
            for _, key in detail.links:
                assert zoo.session.task(key).key == key
            zoo.session.frames(row.key)


def test_a_blocking_job_says_where_its_thread_stands(zoo: Zoo) -> None:
    rows = zoo.session.rows(Query("tasks", filter="kind:blocking state:running at:main.rs"))
    assert [row.cells[3].text for row in rows.rows] == [zoo.place("blocking.job")]
    assert [row.cells[1].tone for row in rows.rows] == [Tone.GOOD]


def test_an_unknown_key_says_which_there_are(zoo: Zoo) -> None:
    with pytest.raises(AdpError, match="no t9999") as found:
        zoo.session.task("t9999")
    assert "tid:" in found.value.help
    with pytest.raises(AdpError):
        zoo.session.frames("tid:1")


def test_details_for_a_report_stand_in_the_order_of_the_stack(zoo: Zoo) -> None:
    index = zoo.session.snapshot.tasks.index(zoo.key("values"))
    frames = zoo.session.details.frames(index, variables=True)
    assert len(frames) == 2
    found = {v.name: v for v in frames[0].variables}
    assert found["pair"].value == "(1, -2)"
    assert [c.value for c in found["point"].children] == ["3", "-4"]
    assert found["names"].type == "alloc::vec::Vec<alloc::string::String, alloc::alloc::Global>"
    plain = zoo.session.details.frames(index, variables=False)
    assert [f.address for f in plain] == [f.address for f in frames]
    assert plain[0].variables == ()


def test_refresh_of_a_core_is_the_same_snapshot(zoo: Zoo) -> None:
    before = zoo.session.summary()
    assert zoo.session.refresh() == before


# Opening, cancelling, closing.


@pytest.fixture(scope="module")
def one(dump: Callable[..., Dump]) -> Dump:
    return dump("zoo", tokio="1.54.1", profile="debug")


def test_opening_says_what_is_read(one: Dump) -> None:
    steps: list[str] = []
    session = session_of(one, lambda step: steps.append(step.text))
    assert steps == []
    session.open()
    assert len(steps) >= 4
    assert any("tasks" in text for text in steps)
    # opening again, or asking, reads nothing again
    count = len(steps)
    session.open()
    session.rows(Query("tasks"), 0, 1)
    assert len(steps) == count
    session.close()


def test_opening_is_cancelled_by_another_thread(one: Dump) -> None:
    # GIVEN a session whose opening has begun
    seen = []

    def progress(step: Progress) -> None:
        seen.append(step.text)
        if len(seen) == 2:
            # WHEN another thread cancels it
            other = threading.Thread(target=session.cancel)
            other.start()
            other.join()

    session = session_of(one, progress)
    # THEN it ends at once
    with pytest.raises(CancelledError):
        session.open()
    assert len(seen) == 2
    # AND it can be opened after all
    assert session.open().title.startswith("zoo")
    session.close()


def test_cancelling_before_opening_counts(one: Dump) -> None:
    session = session_of(one)
    session.cancel()
    with pytest.raises(CancelledError):
        session.open()
    session.close()


def test_cancelling_nothing_does_nothing(zoo: Zoo) -> None:
    zoo.session.summary()
    zoo.session.cancel()
    assert zoo.session.rows(Query("tasks"), 0, 1).rows


def test_a_closed_session_says_so(one: Dump) -> None:
    session = session_of(one)
    session.close()
    session.close()
    with pytest.raises(AdpError, match="let go of"):
        session.summary()


def test_frames_of_a_complete_task_say_why_there_are_none(zoo: Zoo) -> None:
    rows: list[FrameRow] = list(zoo.session.frames(zoo.key("finished")))
    assert [(f.ref, f.note) for f in rows] == [(None, "the task is complete: its future is gone")]
