"""Cores that are written of processes that live on, compared with gdb's of the same moment."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment
from support.alive import Alive, alive, has_stopped, state_of, stayed, threads_of, tracer_of, until
from support.cores import Dump
from support.native import by_gdb

from adp_tui.backends import core_output, core_writer
from adp_tui.backends.areas import Area
from adp_tui.backends.core import open_core
from adp_tui.backends.core_memory import read_segments
from adp_tui.backends.core_records import ProcessRecord, core_head
from adp_tui.backends.core_writer import write_core
from adp_tui.backends.elf_image import parse_header
from adp_tui.backends.procfs import Mapping
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import FaultError, OpenError

pytestmark = pytest.mark.alone

PAGE = 4096
SECONDS = 120


@pytest.fixture(scope="module")
def zoo(dump: Any) -> Any:
    """Return the program with a task of each kind, and its threads."""
    return dump("zoo", tokio="1.54.1")


@pytest.fixture
def file_of_f(tmp_path: Path) -> Path:
    file = tmp_path / "mapped"
    file.write_bytes(b"f" * 2 * PAGE)
    return file


@pytest.fixture
def areas(cores: Any, file_of_f: Path) -> Iterator[Alive]:
    """Yield a program that has memory of every kind and stands."""
    with alive([cores.program("areas.c"), file_of_f]) as program:
        until(lambda: has_stopped(program.pid), "the program to stop")
        yield program


def facts(program: Alive) -> dict[str, int]:
    return {
        name: int(value, 16) for name, value in re.findall(r"fact (\w+) (\w+)", program.printed())
    }


def states(program: Alive) -> dict[int, str]:
    return {tid: state_of(program.pid, tid) for tid in threads_of(program.pid)}


def still(program: Alive) -> None:
    """Pass a program that stands by the signal that it sent to itself, and is not traced.

    A thread that is let go stops again by itself: for a moment it runs.
    """
    until(lambda: has_stopped(program.pid), f"a stop, not {states(program)}")
    assert tracer_of(program.pid) == 0


def by_gcore(pid: int, folder: Path) -> Path:
    """Let gdb write a core of a process."""
    core = folder / "gcore"
    command = ["gdb", "-nx", "-batch", "-p", str(pid), "-ex", f"generate-core-file {core}"]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    return core


REGISTERS = (
    *X86_64.registers.values(), "fs_base", "orig_rax", "mxcsr", "fctrl",
    *(f"st{n}" for n in range(8)), *(f"xmm{n}" for n in range(16)),
)  # fmt: skip
"""Not those that gdb 13 cannot read on AMD's processors, in the kernel's own cores either: it
says "Section `.reg-xstate' in core file too small"."""


def registers(program: Path, core: Path) -> dict[tuple[str, str], str]:
    """Return each register of each thread as gdb prints it."""
    command = ["gdb", "-nx", "-batch", "-ex"]
    command.append(f"thread apply all info registers {' '.join(REGISTERS)}")
    done = subprocess.run(
        [*command, program, core], capture_output=True, text=True, timeout=SECONDS
    )
    found = {}
    thread = ""
    for line in done.stdout.splitlines():
        head = re.match(r"Thread \d+ .*?(?:LWP |process )(\d+)", line)
        if head:
            thread = head[1]
        elif line.partition(" ")[0] in REGISTERS:
            found[thread, line.split()[0]] = line
    return found


def saved(core: Path, address: int, size: int = PAGE) -> bytes | None:
    """Return what a core itself has of memory; None where it lacks it."""
    data = core.read_bytes()[: 1 << 20]
    header = parse_header(data)
    assert header is not None
    load = read_segments(data, header).load_at(address)  # type: ignore[arg-type]
    assert load is not None, hex(address)
    at = address - load.start
    if at + size > load.filesz:
        return None
    with core.open("rb") as file:
        file.seek(load.offset + at)
        return file.read(size)


def test_gdb_reads_the_same_as_in_its_own_core(zoo, tmp_path):
    # GIVEN a program that stands, and a core that gdb writes of it
    with stayed(zoo) as program:
        theirs = by_gcore(program.pid, tmp_path)
        # WHEN a core is written of it
        written = write_core(program.pid, tmp_path / "core")
        assert written.threads == len(threads_of(program.pid)) > 5
    assert written.problems == () and 0 < written.stood < SECONDS
    # THEN gdb finds the same frames with the same variables in both
    frames = by_gdb(Dump(written.path, zoo.exe, {}))
    assert frames == by_gdb(Dump(theirs, zoo.exe, {}))
    assert sum(map(len, frames.values())) > 100
    # AND the same registers, those of vectors and floating point included
    ours = registers(zoo.exe, written.path)
    assert ours == registers(zoo.exe, theirs) and len(ours) == len(frames) * len(REGISTERS)
    # AND it has taken less room than gdb's, which holds zeros
    assert written.size <= written.path.stat().st_blocks * 512 <= theirs.stat().st_blocks * 512


def test_it_is_no_core_of_a_crash(zoo, tmp_path):
    with stayed(zoo) as program:
        target = open_core(write_core(program.pid, tmp_path / "core").path)
        tids = threads_of(program.pid)
    # THEN adp-tui knows whose core it is, that nothing is missing and that nothing killed it
    found = target.facts
    assert (found.pid, found.command, found.signal) == (program.pid, "zoo", None)
    assert (found.executable, found.problems) == (str(zoo.exe), ())
    assert sorted(thread.tid for thread in target.threads()) == tids
    target.close()


KEPT = {
    "own": (PAGE, b"o"), "untouched": (0, b"\0"), "closed": (0, b"c"), "together": (0, b"t"),
    "written": (0, b"w"),
}  # fmt: skip
"""What the source says of each mapping: a page of it, and what it is full of."""


def test_memory_is_kept_as_by_the_kernel(areas, tmp_path):
    # GIVEN a program that stands, with memory of every kind
    where = facts(areas)
    # WHEN a core of it is written
    core = write_core(areas.pid, tmp_path / "core").path
    # THEN it has the program's own memory, also such as it may not read itself just now
    for name, (offset, byte) in KEPT.items():
        assert saved(core, where[name] + offset) == byte * PAGE, name
    # AND of a file that was changed also what was not
    assert saved(core, where["written"] + PAGE) == b"f" * PAGE
    # AND what another process wrote into memory that they share
    assert saved(core, where["nameless"]) == b"written".ljust(PAGE, b"\0")
    # BUT no file that is the same on the disk, beyond what tells which it is
    assert saved(core, where["file"]) == b"f" * PAGE
    assert saved(core, where["file"] + PAGE) is None
    assert saved(core, where["shared"]) is None
    # AND nothing that was only reserved, nor what the program wants to be in no core
    for name in ("forbidden", "reserved", "huge", "secret"):
        assert saved(core, where[name]) is None, name


def test_mappings_are_listed_as_by_the_kernel(areas, tmp_path):
    # GIVEN what is mapped
    maps = Path(f"/proc/{areas.pid}/maps").read_text().splitlines()
    core = write_core(areas.pid, tmp_path / "core").path
    # THEN pyelftools finds each mapping in the core, but for the kernel's own
    with core.open("rb") as file:
        elf = ELFFile(file)
        loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        found = {(s["p_vaddr"], s["p_vaddr"] + s["p_memsz"], s["p_flags"]) for s in loads}
        (note,) = [s for s in elf.iter_segments() if isinstance(s, NoteSegment)]
        (files,) = [n["n_desc"] for n in note.iter_notes() if n["n_type"] == "NT_FILE"]
    wanted = set()
    for line in maps:
        if "[vvar" not in line and "[vsyscall]" not in line:
            bounds, access = line.split()[:2]
            start, end = (int(part, 16) for part in bounds.split("-"))
            flags = 4 * (access[0] == "r") | 2 * (access[1] == "w") | (access[2] == "x")
            wanted.add((start, end, flags))
    assert found == wanted
    # AND each file with its place
    named = [line.split(maxsplit=5) for line in maps if " /" in line]
    assert [name.decode() for name in files["filename"]] == [words[5] for words in named]
    offsets = [each["page_offset"] * PAGE for each in files["Elf_Nt_File_Entry"]]
    assert offsets == [int(words[2], 16) for words in named]


def test_more_than_our_memory_holds(zoo, tmp_path, monkeypatch):
    # GIVEN a program that uses more memory than adp-tui may take
    with stayed(zoo) as program:
        usual = write_core(program.pid, tmp_path / "usual").path
        monkeypatch.setattr(core_writer, "free_memory", lambda: 0)
        monkeypatch.setattr(core_writer, "GROUP", 1 << 20)
        monkeypatch.setattr(core_writer, "GROWTH", 0)
        # WHEN a core of it is written
        core = write_core(program.pid, tmp_path / "core").path
    # THEN it is the same as else
    assert core.read_bytes() == usual.read_bytes()


def test_a_process_that_would_stand_too_long(zoo, tmp_path):
    # GIVEN a process that may stand for less than a copy takes
    with stayed(zoo) as program:
        # WHEN a core of it is to be written
        with pytest.raises(OpenError) as raised:
            write_core(program.pid, tmp_path / "core", max_pause=1e-6)
        # THEN nothing is, and the process goes on as it was
        assert "would have to stand longer than" in raised.value.message
        assert f"adp-tui dump --pid {program.pid} -o" in raised.value.help
        assert not list(tmp_path.iterdir())
        still(program)


@pytest.mark.parametrize("state", ["runs", "stands"])
def test_the_process_lives_on_as_it_was(state, zoo, tmp_path):
    # GIVEN a process that runs, or was stopped by a signal
    command = ["sh", "-c", "while :; do :; done"]
    letter = "T" if state == "stands" else "R"
    with stayed(zoo) if state == "stands" else alive(command) as program:
        # Threads stop one after the other.
        until(lambda: set(states(program).values()) == {letter}, f"all threads in state {letter}")
        before = states(program)
        # WHEN a core of it is written
        write_core(program.pid, tmp_path / "core")
        # THEN it does what it did, and nobody traces it
        until(lambda: states(program) == before, f"{before}, not {states(program)}")
        assert set(before.values()) == {letter}
        assert tracer_of(program.pid) == 0


def test_a_process_whose_first_thread_has_ended(cores, tmp_path):
    # GIVEN a process of which another thread goes on
    program = cores.program("restless.c")
    with alive([program, "leader"]) as running:
        running.wait_for("ready")
        until(lambda: state_of(running.pid) == "Z", "the end of the first thread")
        (other,) = set(threads_of(running.pid)) - {running.pid}
        # WHEN a core of it is written
        written = write_core(running.pid, tmp_path / "core")
        assert tracer_of(running.pid, other) == 0
    # THEN gdb finds that thread where the source leaves it, below the start of a thread
    command = ["gdb", "-nx", "-batch", "-ex", "bt", program, written.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert re.search(r"#0 .* pause ?\(|#0 .*_pause ?\(", done.stdout), done
    assert "start_thread" in done.stdout and f"LWP {other}" in done.stdout
    assert written.threads == 1 and not written.problems


# The file.


@pytest.fixture(params=["nameless", "named"])
def any_file_system(request: Any, monkeypatch: Any) -> None:
    """Write the core to a file system that has files without a name, and to one that has not."""
    if request.param == "nameless":
        return

    def refused(path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return plain(path, flags, mode, **options)

    plain = os.open
    monkeypatch.setattr(os, "open", refused)


@pytest.mark.usefixtures("any_file_system")
def test_only_this_user_can_read_it(areas, tmp_path):
    # GIVEN a user whose files all may read
    mask = os.umask(0)
    try:
        core = write_core(areas.pid, tmp_path / "core").path
    finally:
        os.umask(mask)
    # THEN nobody else may read the core, and nothing else was left there
    assert stat.S_IMODE(core.stat().st_mode) == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {"core", "mapped"}


@pytest.mark.usefixtures("any_file_system")
def test_a_file_that_is_there(areas, tmp_path):
    # GIVEN a file with the name that the core shall have
    path = tmp_path / "core"
    path.write_text("important")
    # WHEN a core is written THEN it is refused at once
    with pytest.raises(OpenError, match="is there already") as raised:
        write_core(areas.pid, path)
    assert "--force" in raised.value.help and path.read_text() == "important"
    # UNLESS it may be replaced
    write_core(areas.pid, path, overwrite=True)
    assert path.read_bytes()[:4] == b"\x7fELF"
    assert {each.name for each in tmp_path.iterdir()} == {"core", "mapped"}


@pytest.mark.usefixtures("any_file_system")
def test_a_file_that_appears_meanwhile(areas, tmp_path):
    # GIVEN a file that another process makes while the core is written
    path = tmp_path / "core"

    def tell(*_: object) -> None:
        path.write_text("important")

    # THEN it stays
    with pytest.raises(OpenError, match="is there already"):
        write_core(areas.pid, path, tell=tell)
    assert path.read_text() == "important"
    assert {each.name for each in tmp_path.iterdir()} == {"core", "mapped"}


@pytest.mark.usefixtures("any_file_system")
@pytest.mark.parametrize("when", ["before", "while"])
def test_no_room(when, areas, tmp_path, monkeypatch):
    # GIVEN a disk that is full, or gets full
    if when == "before":
        facts = os.statvfs_result((PAGE, PAGE, 9, 9, 9, 0, 0, 0, 0, 255))
        monkeypatch.setattr(os, "fstatvfs", lambda _: facts)
        says = "needs .* and 37 kB are free"
    else:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        monkeypatch.setattr(core_output, "write_sparse", _raises(full))
        says = "No space left on device"
    # THEN it is said, and nothing is left
    with pytest.raises(OpenError, match=says):
        write_core(areas.pid, tmp_path / "core")
    assert {each.name for each in tmp_path.iterdir()} == {"mapped"}
    still(areas)


def _raises(error: Exception) -> Any:
    def run(*_: object) -> None:
        raise error

    return run


def test_places_where_no_core_can_be(areas, tmp_path):
    for path, says in (
        (tmp_path, "is no regular file"),
        (Path("/dev/null"), "is no regular file"),
        (tmp_path / "none" / "core", "No such file or directory"),
        (tmp_path / "mapped" / "core", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(OpenError, match=says):
            write_core(areas.pid, path, overwrite=True)


# The bytes.


def test_more_mappings_than_a_header_counts(tmp_path):
    # GIVEN more mappings than fit into e_phnum
    count = 70_000
    areas = [
        Area(Mapping(n * 2 * PAGE, (n * 2 + 1) * PAGE, True, True, False, False, 0, (0, 0), 0, b""))
        for n in range(1, count + 1)
    ]
    process = ProcessRecord(1, 0, 1, 1, 0, 0, b"S", 0, 0, b"many", (b"many",), b"")
    # WHEN their headers are written
    head, offsets = core_head(process, (), areas)
    # THEN pyelftools and we count them all, and their memory does not overlap
    core = tmp_path / "core"
    core.write_bytes(head)
    with core.open("rb") as file:
        elf = ELFFile(file)
        assert elf.num_segments() == count + 1
        assert elf.get_segment(count)["p_vaddr"] == count * 2 * PAGE
    header = parse_header(head)
    assert header is not None
    segments = read_segments(head, header)  # type: ignore[arg-type]
    assert len(segments.loads) == count
    assert [load.offset for load in segments.loads] == offsets
    assert all(b - a == PAGE for a, b in pairwise(offsets))


def test_free_memory_within_a_container(tmp_path):
    # GIVEN a machine with 8 GB free, and a group of 1 GB below one of 512 MB
    from adp_tui.backends.free_memory import free_memory

    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    8388608 kB\n")
    (proc / "self/cgroup").write_text("0::/outer/inner\n")
    (groups / "outer/inner").mkdir(parents=True)
    assert free_memory(groups, proc) == 8 << 30
    for path, limit, used in (("outer/inner", 1 << 30, 0), ("outer", 512 << 20, 100 << 20)):
        (groups / path / "memory.max").write_text(f"{limit}\n")
        (groups / path / "memory.current").write_text(f"{used}\n")
    # THEN the narrowest counts, less what is used
    assert free_memory(groups, proc) == 412 << 20
    # AND a group without a limit is none
    (groups / "outer/memory.max").write_text("max\n")
    assert free_memory(groups, proc) == 1 << 30


def test_unreadable_pages_are_said(areas, tmp_path, monkeypatch):
    # GIVEN memory that the kernel reads for nobody
    where = facts(areas)["closed"]

    def read(self: Any, address: int, size: int) -> bytes:
        raise FaultError(address, size)

    monkeypatch.setattr(core_writer.ProcessPages, "read", read)
    # WHEN a core is written THEN it says how much is missing, and has the rest
    written = write_core(areas.pid, tmp_path / "core")
    assert written.problems == ("4 kB of its memory cannot be read by anybody",)
    assert saved(written.path, where) == bytes(PAGE)
    assert saved(written.path, facts(areas)["together"]) == b"t" * PAGE
