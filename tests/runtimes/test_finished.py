"""Executables that were stripped or compressed after they ran show what they showed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from subprocess import check_output

import pytest
from support.build import NEWEST, Dump
from support.finishes import FINISHES
from support.reading import Reading, read


@pytest.fixture(scope="module", params=FINISHES)
def finished(request: pytest.FixtureRequest, dump: Callable[..., Dump]) -> Iterator[Reading]:
    """Return a core of the zoo, whose executable is not any more as it was."""
    if request.param == "zstd" and b"zstd" not in check_output(["objcopy", "--help"]):
        pytest.skip("this objcopy does not know zstd: binutils 2.40 has it")
    reading = read(dump("zoo", tokio=NEWEST, profile="release", build=request.param))
    assert reading.dump.exe.read_bytes() != reading.dump.whole.read_bytes()
    yield reading
    reading.session.close()


def test_every_task_is_there(finished: Reading) -> None:
    # GIVEN the tasks that the source implies
    expected = {each.name: each for each in finished.expected}
    assert set(finished.tasks) == set(expected)
    for name, task in finished.tasks.items():
        # THEN each has its stack, with lines, and its state
        if task.kind != "blocking":
            assert finished.stack_text(task) == expected[name].lines
        assert task.state == expected[name].state
    # AND nothing was lost
    assert finished.snapshot.losses == ()


def test_native_stacks_have_lines(finished: Reading) -> None:
    for thread, marker in (("crash", "crash.panic"), ("plain", "plain.park")):
        places = [finished.place(f.file, f.line) for f in finished.thread(thread).stack if f.file]
        assert f"@{marker}" in places
