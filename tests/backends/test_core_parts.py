"""Cores that lack something: memory, files, the right files, their own end."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import FaultError, OpenError

CONSTANT = b"a constant of the program\0"
NOT_SAVED = "not saved in the core"


def program_of(target) -> Any:
    (program,) = (each for each in target.modules() if each.is_executable)
    return program


def library_of(target) -> Any:
    (library,) = (each for each in target.modules() if "/libc.so" in each.path)
    return library


def can_read(target, address, expected):
    """Tell whether memory is readable; when it is, it must be right."""
    try:
        found = target.memory.read(address, len(expected))
    except FaultError as error:
        assert error.reason == NOT_SAVED
        return False
    assert found == expected
    return True


@pytest.fixture
def moved(cores, tmp_path):
    """Return a core whose program is gone from where it ran, and the folder it is in now."""
    program = tmp_path / "there" / "threads"
    program.parent.mkdir()
    shutil.copy(cores.program("threads.c"), program)
    dump = cores.dump(program, "abort")
    here = tmp_path / "here"
    here.mkdir()
    return replace(dump, program=program.rename(here / "renamed"))


# coredump_filter (core(5)): 1 private anonymous memory, 4 private file mappings, 16 headers.
@pytest.mark.parametrize(
    ("saves", "heap", "written", "untouched", "build_id"),
    [
        (0x00, False, False, False, False),
        (0x23, True, True, True, False),
        (0x33, True, True, True, True),
        (0x7F, True, True, True, True),
    ],
    ids=hex,
)
def test_what_the_kernel_was_told_to_save(cores, saves, heap, written, untouched, build_id):
    dump = cores.dump(cores.program("threads.c"), "abort", saves=saves)
    target, facts = open_core(dump.core), dump.facts
    program = program_of(target)
    assert len(target.threads()) == 5
    assert can_read(target, facts["heap"], b"\x5a" * 64) == heap
    assert can_read(target, facts["written"], b"\xa5" * 8192) == written
    # Data of the file is as it was at the start: right only if a change would have been saved.
    assert can_read(target, facts["untouched"], b"\7\7\7" + bytes(16381)) == untouched
    assert can_read(target, facts["relocated"], facts["puts"].to_bytes(8, "little")) == untouched
    assert can_read(target, facts["constant"], CONSTANT)
    assert (program.build_id is not None, program.verified) == (build_id, build_id)
    assert program.file == dump.program and program.problem is None


def test_sees_through_the_whole_of_a_library(threads_dump):
    """What file and core hold between them has no holes where one ends and the other begins."""
    target = open_core(threads_dump.core)
    library = library_of(target)
    start, end = library.mappings[0].start, library.mappings[-1].end
    data = target.memory.read(start, end - start)
    on_disk = library.file.read_bytes()
    code = library.mappings[1]
    assert data[: code.end - start] == on_disk[: code.end - start]


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.99])
def test_a_core_that_is_cut_off(threads_dump, tmp_path, share):
    whole = threads_dump.core.read_bytes()
    size = int(len(whole) * share)
    core = tmp_path / "core"
    core.write_bytes(whole[:size])
    target, full = open_core(core), open_core(threads_dump.core)
    # THEN it says how much is missing
    problem = next(each for each in target.facts.problems if "truncated" in each)
    missing, total, percent = re.findall(r"([\d,]+) of ([\d,]+) bytes \((\d+) %\)", problem)[0]
    assert int(total.replace(",", "")) == len(whole)
    assert int(missing.replace(",", "")) == len(whole) - size
    assert abs(int(percent) - 100 * (1 - share)) <= 1
    # THEN what is there is right, and what is not there says why
    for region in full.memory.regions():
        expected = bytes(region.view[-8:])
        try:
            assert target.memory.read(region.end - 8, 8) == expected
        except FaultError as error:
            assert "cut off: the core is truncated" in error.reason
    # THEN code that the core had only a copy of comes from its file
    assert target.memory.read(threads_dump.facts["constant"], len(CONSTANT)) == CONSTANT


def test_data_that_was_cut_off_is_not_taken_from_the_file(cores, tmp_path):
    dump = cores.dump(cores.program("threads.c"), "abort", saves=0x7F)
    core = tmp_path / "core"
    core.write_bytes(dump.core.read_bytes()[:20480])
    with pytest.raises(FaultError, match="cut off"):
        open_core(core).memory.read(dump.facts["written"], 8)
    assert open_core(core).memory.read(dump.facts["constant"], len(CONSTANT)) == CONSTANT


def test_a_missing_program_is_named(moved):
    target = open_core(moved.core)
    program = program_of(target)
    assert program.file is None and program.build_id in program.problem
    assert program.path in program.problem and "--exe EXE" in program.problem
    assert len(target.threads()) == 5
    with pytest.raises(FaultError, match=NOT_SAVED):
        target.memory.read(moved.facts["main"], 8)
    assert target.memory.read(moved.facts["written"], 8) == b"\xa5" * 8


def test_the_program_that_the_user_names(moved):
    target = open_core(moved.core, executable=moved.program)
    program = program_of(target)
    assert program.file == moved.program and program.verified and program.problem is None
    assert target.memory.read(moved.facts["constant"], len(CONSTANT)) == CONSTANT


def test_another_build_is_refused(cores, moved):
    other = cores.program("threads.c", "-O2")
    wanted = program_of(open_core(moved.core)).build_id
    with pytest.raises(OpenError) as caught:
        open_core(moved.core, executable=other)
    has = program_of(open_core(cores.dump(other, "abort").core)).build_id
    assert wanted in caught.value.message and has in caught.value.message
    assert str(other) in caught.value.message
    assert f"adp-tui core {moved.core} --exe" in caught.value.help


def test_a_program_without_build_id_is_told_by_its_headers(cores, tmp_path):
    dump = cores.dump(cores.program("threads.c", "-Wl,--build-id=none"), "abort")
    same = tmp_path / "same"
    shutil.copy(dump.program, same)
    target = open_core(dump.core, executable=same)
    program = program_of(target)
    assert (program.file, program.build_id, program.verified) == (same, None, False)
    assert program.problem is None
    assert target.memory.read(dump.facts["constant"], len(CONSTANT)) == CONSTANT
    with pytest.raises(OpenError, match="program headers differ"):
        open_core(dump.core, executable=cores.program("threads.c", "-O2"))


def test_a_core_without_headers_takes_the_program_that_the_user_names(cores, tmp_path):
    dump = cores.dump(cores.program("threads.c"), "abort", saves=0x00)
    same = tmp_path / "same"
    shutil.copy(dump.program, same)
    program = program_of(open_core(dump.core, executable=same))
    assert (program.file, program.verified, program.problem) == (same, False, None)


@pytest.mark.parametrize("by_path", [True, False], ids=["DIR/path", "DIR/name"])
def test_files_under_a_sysroot(moved, tmp_path, by_path):
    target = open_core(moved.core)
    program, library = program_of(target), library_of(target)
    root = tmp_path / "root"
    for path, file in ((program.path, moved.program), (library.path, library.file)):
        copy = root / path.lstrip("/")
        copy.parent.mkdir(parents=True)
        shutil.copy(file, copy)
    if not by_path:
        (root / program.path.lstrip("/")).rename(root / Path(program.path).name)
    target = open_core(moved.core, sysroot=root)
    program, library = program_of(target), library_of(target)
    assert root in program.file.parents and program.verified
    assert root in library.file.parents and library.verified
    # A file that the folder lacks is taken from this machine where it is proved to be the one.
    linker: Any = next(each for each in target.modules() if "/ld-linux" in each.path)
    assert linker.verified and root not in linker.file.parents
    assert target.memory.read(moved.facts["constant"], len(CONSTANT)) == CONSTANT


def test_another_build_under_a_sysroot_is_not_used(cores, moved, tmp_path):
    root = tmp_path / "root"
    library = library_of(open_core(moved.core))
    copy = root / library.path.lstrip("/")
    copy.parent.mkdir(parents=True)
    shutil.copy(cores.program("threads.c"), copy)
    # GIVEN no right file on this machine either
    core = tmp_path / "core"
    core.write_bytes(
        moved.core.read_bytes().replace(
            b"/x86_64-linux-gnu/libc.so.6\0", b"/x86_64-linux-gnu/libx.so.6\0"
        )
    )
    copy.rename(copy.with_name("libx.so.6"))
    found: Any
    (found,) = (m for m in open_core(core, sysroot=root).modules() if "/libx.so" in m.path)
    assert found.file is None and not found.verified
    assert found.build_id in found.problem and found.file_build_id in found.problem
    assert "--sysroot DIR" in found.problem


def test_a_path_cannot_lead_out_of_the_sysroot(moved, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    path = program_of(open_core(moved.core)).path.encode()
    leaf = f"{moved.program.parent.name}/{moved.program.name}".encode()
    outside = b"/.." + leaf.rjust(len(path) - 3, b"/")
    core = tmp_path / "core"
    core.write_bytes(moved.core.read_bytes().replace(path, outside))
    assert Path(os.fsdecode(bytes(root) + outside)).samefile(moved.program)
    assert program_of(open_core(core, sysroot=root)).file is None


def test_a_program_that_was_deleted(cores, tmp_path):
    program = tmp_path / "gone"
    shutil.copy(cores.program("threads.c"), program)
    dump = cores.dump(program, "abort", str(program))
    core = tmp_path / "core"
    data = dump.core.read_bytes()
    # The kernel's mark takes the place of the last ten bytes, so the path becomes another.
    path, marked = str(program).encode(), str(program)[:-10].encode() + b" (deleted)"
    core.write_bytes(data.replace(path + b"\0", marked + b"\0"))
    found = program_of(open_core(core))
    assert found.file is None and found.path == str(program)[:-10]
    assert "was deleted while the program ran" in found.problem
    # GIVEN a file at the path that is the same build THEN it is used; another build never.
    shutil.copy(program, found.path)
    assert program_of(open_core(core)).verified
    shutil.copy(cores.program("threads.c", "-O2"), found.path)
    assert "is another build" in program_of(open_core(core)).problem


def test_a_program_that_is_mapped_as_data_too(cores):
    program = cores.program("threads.c")
    dump = cores.dump(program, "abort", str(program))
    target = open_core(dump.core)
    assert [each.path for each in target.modules()].count(str(program)) == 1
    found = program_of(target)
    assert found.start <= dump.facts["main"] < found.end
    assert not found.start <= dump.facts["data"] < found.end


@pytest.mark.parametrize("saves", [0x33, 0x23], ids=["headers", "no-headers"])
@pytest.mark.parametrize("flags", [(), ("-no-pie",), ("-static",)], ids=["pie", "no-pie", "static"])
def test_a_core_without_a_list_of_files(cores, tmp_path, flags, saves):
    dump = cores.dump(cores.program("threads.c", *flags), "abort", saves=saves)
    core = tmp_path / "core"
    core.write_bytes(dump.core.read_bytes().replace(b"ELIFCORE", b"XXXXCORE"))
    target, full = open_core(core), open_core(dump.core)
    assert any("NT_FILE" in each for each in target.facts.problems)
    found = {Path(each.path).name: each for each in target.modules()}
    for each in full.modules():
        if saves == 0x23 and "/ld-linux" in each.path:
            # Its name is in the program's .interp, which nothing in such a core leads to.
            continue
        module = found.pop(Path(each.path).name)
        assert (module.start, module.build_id) == (each.start, each.build_id)
        assert module.is_executable == each.is_executable and module.verified == each.verified
    assert not found
    assert target.memory.read(dump.facts["constant"], len(CONSTANT)) == CONSTANT
    assert target.memory.read(dump.facts["puts"], 8) == full.memory.read(dump.facts["puts"], 8)


# 8 is shared file mappings, which the kernel leaves out unless it is told.
@pytest.mark.parametrize(
    ("how", "saves", "complete"),
    [
        ("private", 0x33, True),
        ("shared", 0x33, False),
        ("shared", 0x3B, True),
        ("private", 0x00, False),
        ("private", 0x32, False),
    ],
)
def test_whether_all_that_was_written_is_there(cores, how, saves, complete):
    dump = cores.dump(cores.program("shared.c"), how, saves=saves)
    assert open_core(dump.core).facts.complete == complete


def test_a_core_that_is_cut_off_is_not_complete(cores, tmp_path):
    dump = cores.dump(cores.program("shared.c"), "private", saves=0x33)
    core = tmp_path / "core"
    core.write_bytes(dump.core.read_bytes()[:-1])
    assert not open_core(core).facts.complete


def test_a_core_by_gdb_is_complete(cores):
    dump = cores.dump(cores.program("shared.c"), "private", by_gdb=True)
    assert open_core(dump.core).facts.complete
