"""A saved snapshot shows what its core showed, without core and program."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.build import Dump
from support.reports import differences, report_of
from support.saved import Pair
from support.steps import steps

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.errors import AdpError, FaultError, OpenError
from adp_tui.engine.saved.file import read
from adp_tui.engine.saved.record import LEFT_OUT, NOT_SAVED, SavedTarget
from adp_tui.engine.saved.tables import SHAPES
from adp_tui.engine.session import Session
from adp_tui.engine.views.records import VIEWS, Query, VariableRow

_opened: list[str] = []
_watching: list[bool] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event == "open":
        _opened.append(str(arguments[0]))


sys.addaudithook(_audit)


def test_the_report_is_the_same(pair: Pair) -> None:
    """With the addresses of frames, and with variables three levels deep."""
    expected, seen = report_of(pair.core), report_of(pair.copy)
    assert expected["tasks"]
    assert any(task.get("addresses") for task in expected["tasks"])
    assert list(differences(expected, seen)) == []
    target = pair.copy.snapshot.target
    assert target.kind == "snapshot"
    assert target.build_id == pair.core.snapshot.target.build_id
    assert pair.saved.left == 0


def test_every_pane_is_the_same(pair: Pair) -> None:
    for view in VIEWS:
        rows = pair.core.rows(Query(view)).rows
        assert rows == pair.copy.rows(Query(view)).rows
        for row in rows:
            assert pair.core.task(row.key) == pair.copy.task(row.key)
            assert pair.core.frames(row.key) == pair.copy.frames(row.key)


def test_a_filter_is_the_same(pair: Pair) -> None:
    for words in ("state:idle", "!timer", "sleep"):
        query = Query("tasks", filter=words)
        assert pair.core.rows(query) == pair.copy.rows(query)


def _expanded(session: Session, ref: str, levels: int) -> Iterator[VariableRow]:
    for row in session.children(ref):
        yield row
        if row.ref is not None and levels > 1:
            yield from _expanded(session, row.ref, levels - 1)


def _refs(session: Session) -> Iterator[str]:
    for view in ("tasks", "threads"):
        for row in session.rows(Query(view)).rows:
            yield from (f.ref for f in session.frames(row.key) if f.ref is not None)


def test_variables_expand_in_native_frames_too(pair: Pair) -> None:
    refs = list(_refs(pair.core))
    assert refs == list(_refs(pair.copy))
    seen = 0
    for ref in refs:
        expected = list(_expanded(pair.core, ref, 2))
        assert expected == list(_expanded(pair.copy, ref, 2))
        seen += len(expected)
    assert seen > len(refs)


def test_neither_core_nor_program_is_opened(pair: Pair) -> None:
    _opened.clear()
    _watching.append(True)
    try:
        session = Session(read(pair.path))
        refs = list(_refs(session))
        assert sum(len(session.children(ref)) for ref in refs) > 0
        session.close()
    finally:
        _watching.clear()
    assert str(pair.path) in _opened
    assert [p for p in _opened if p.startswith((str(pair.dump.exe), str(pair.dump.core)))] == []


def test_every_table_of_answers_has_a_shape(pair: Pair) -> None:
    """One that has none would be left out of the file, and what it answers be missing."""
    program = pair.core.details._analysis.program
    tables = {
        name for image in program.images for name, table in image.answers.tables.items() if table
    }
    assert len(tables) > 15
    assert tables <= SHAPES.keys()


def test_what_was_not_saved_is_said_to_be_so(pair: Pair) -> None:
    target = read(pair.path)
    with pytest.raises(FaultError) as caught:
        target.memory.read(1 << 40, 8)
    assert NOT_SAVED in caught.value.message
    debug = next(image for image in target.images() if image.module.is_executable).debug
    assert debug is not None
    with pytest.raises(AdpError) as missing:
        debug.type_named("nowhere::Nothing")
    assert "was not saved with the snapshot" in missing.value.message


def test_a_saved_snapshot_is_saved_again(pair: Pair, tmp_path: Path) -> None:
    pair.copy.save(str(tmp_path / "again.adps"))
    again = Session(read(tmp_path / "again.adps"))
    assert list(differences(report_of(pair.copy), report_of(again))) == []


def test_only_the_user_can_read_it(pair: Pair) -> None:
    assert stat.S_IMODE(pair.path.stat().st_mode) == 0o600
    assert pair.saved.size >= pair.path.stat().st_size


def test_a_file_that_is_there_stays(pair: Pair) -> None:
    before = pair.path.read_bytes()
    with pytest.raises(OpenError) as caught:
        pair.core.save(str(pair.path))
    assert "is there already" in caught.value.message
    assert pair.path.read_bytes() == before
    assert [path.name for path in pair.path.parent.iterdir()] == [pair.path.name]


def test_what_only_a_process_tells_is_kept(dump: Callable[..., Dump], tmp_path: Path) -> None:
    path = tmp_path / "it.adps"
    with steps(dump("steps")) as program:
        live = Session(LiveProcess(program.pid))
        live.save(str(path))
        live.close()
    copy = Session(read(path))
    # Its first thread reads from a socket, whose name the test gave it.
    assert list(copy.snapshot.fds.values()) == [f"unix dgram {program.path} UNCONNECTED"]
    facts = dict(copy.task(f"tid:{program.pid}").facts)
    assert facts["kernel"].text.startswith("S sleeps")
    assert "unix dgram" in facts["fd 3"].text
    copy.close()


@pytest.fixture(scope="module")
def without(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SavedTarget]:
    path = tmp_path_factory.mktemp("saved") / "no-values.adps"
    pair.core.save(str(path), values=False)
    return path, read(path)


def test_without_values_the_report_is_there(pair: Pair, without: tuple[Path, SavedTarget]) -> None:
    _, target = without
    session = Session(target)
    expected, seen = report_of(pair.core), report_of(session)
    for report in (expected, seen):
        for task in report["tasks"]:
            del task["addresses"], task["locals"]
    assert list(differences(expected, seen)) == []
    refs = list(_refs(session))
    assert refs
    for ref in refs:
        with pytest.raises(AdpError) as caught:
            session.children(ref)
        assert caught.value.message == LEFT_OUT
    with pytest.raises(AdpError) as again:
        session.save("never-written.adps")
    assert LEFT_OUT in again.value.message


def test_without_values_no_memory_is_in_the_file(
    pair: Pair, without: tuple[Path, SavedTarget]
) -> None:
    path, target = without
    assert target.values is None
    assert list(target.memory.regions()) == []
    assert path.stat().st_size < pair.path.stat().st_size // 4


def _texts(rows: Sequence[VariableRow]) -> dict[str, str]:
    return {row.name: row.value for row in rows}


def test_values_are_those_of_the_source(pair: Pair) -> None:
    """``values`` of the zoo owns one value of each kind."""
    if pair.dump.name != "zoo":
        pytest.skip("the zoo has it")
    number = str(pair.dump.facts["id_values"])
    rows = pair.copy.rows(Query("tasks")).rows
    key = next(row.key for row in rows if row.cells[6].text == number)
    ref = pair.copy.frames(key)[0].ref
    assert ref is not None
    found = {row.name: row for row in pair.copy.children(ref)}
    assert found["text"].value == '"grüße"'
    assert found["names"].value == '["ann", "bob"]'
    order = found["order"].ref
    assert order is not None
    inner = {row.name: row for row in pair.copy.children(order)}
    assert inner["id"].value == "77"
    assert inner["place"].ref is not None
    assert _texts(pair.copy.children(inner["place"].ref)) == {"x": "3", "y": "-4"}
