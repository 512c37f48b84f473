"""What a core must hold of a tokio program, and what is said where it holds less."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.build import Dump
from support.crash import crash
from support.reading import read

FILTER = Path("/proc/self/coredump_filter")
HEADERS = 0x10
"""Of core(5): the first page of each file, which holds its build-id."""


@contextmanager
def saving(bits: int) -> Iterator[None]:
    """Let what is run now have this coredump_filter, which is kept over fork and execve."""
    before = FILTER.read_text()
    FILTER.write_text(hex(bits))
    try:
        yield
    finally:
        FILTER.write_text(f"0x{before}")


@pytest.fixture(scope="module")
def zoo_dump(dump: Callable[..., Dump]) -> Dump:
    return dump("zoo", tokio="1.54.1")


def again(program: Dump, folder: Path, output: str) -> Dump:
    """Return another core of a program."""
    facts = {name: int(n) for name, n in re.findall(r"^fact (\w+) (\d+)$", output, re.MULTILINE)}
    return replace(program, core=folder / "core", facts=facts)


# 1 private anonymous memory, 2 shared anonymous, 4 private file mappings, 8 shared, 0x20 huge.
@pytest.mark.parametrize("bits", [0x7F, 0x31, 0x11, 0x01], ids=hex)
def test_private_memory_is_all_it_takes(bits: int, zoo_dump: Dump, tmp_path: Path) -> None:
    # GIVEN a core with more or less than the kernel saves by default
    with saving(bits):
        reading = read(again(zoo_dump, tmp_path, crash(tmp_path, [str(zoo_dump.exe)])))
    # THEN every task is there with its stack and waits
    assert set(reading.tasks) == {expected.name for expected in reading.expected}
    for expected in reading.expected:
        task = reading.task(expected.name)
        if task.kind != "blocking":
            assert reading.stack_text(task) == expected.lines
    # AND nothing is missing; where the core has no build-ids, it says that nothing proves the file
    losses = reading.snapshot.losses
    assert not any(loss.missing for loss in losses)
    unproved = [loss.why for loss in losses if "it cannot be checked that" in loss.why]
    assert [str(zoo_dump.exe) in why for why in unproved] == ([] if bits & HEADERS else [True])
    reading.session.close()


@pytest.mark.parametrize("bits", [0x30, 0x0E, 0x00], ids=hex)
def test_a_core_without_private_memory(bits: int, zoo_dump: Dump, tmp_path: Path) -> None:
    # GIVEN a core without stacks and heap
    with saving(bits):
        reading = read(again(zoo_dump, tmp_path, crash(tmp_path, [str(zoo_dump.exe)])))
    # THEN there are no tasks, which is not passed over, and what would have helped is said
    assert len(reading.snapshot.tasks) == 0
    (reason,) = (loss.why for loss in reading.snapshot.losses if "private memory" in loss.why)
    assert "echo 0x33 > /proc/PID/coredump_filter" in reason
    # AND each thread is there, with the place where it is
    threads = {thread.tid: thread for thread in reading.snapshot.threads}
    tids = {n for name, n in reading.dump.facts.items() if name.startswith("tid_")}
    assert tids <= set(threads)
    assert all(thread.stack for thread in threads.values())
    reading.session.close()


def test_a_core_by_gdb(zoo_dump: Dump, tmp_path: Path) -> None:
    # GIVEN a core that gdb has written, as gcore does
    steps = ["run", "generate-core-file core", "kill"]
    options = [word for step in steps for word in ("-ex", step)]
    done = subprocess.run(
        ["gdb", "-nx", "-batch", *options, "--args", zoo_dump.exe],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (tmp_path / "core").exists(), done
    # THEN it is read like the kernel's
    reading = read(again(zoo_dump, tmp_path, done.stdout))
    assert set(reading.tasks) == {expected.name for expected in reading.expected}
    for expected in reading.expected:
        task = reading.task(expected.name)
        if task.kind != "blocking":
            assert reading.stack_text(task) == expected.lines
    assert not any(loss.missing for loss in reading.snapshot.losses)
    reading.session.close()
