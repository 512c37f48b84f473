"""Cores of real programs, compared with what the programs said and with gdb."""

from __future__ import annotations

import itertools
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adp_tui.backends.core import open_core
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import FaultError
from adp_tui.engine.syscalls import describe

NUMBERS = {name: number for number, name in X86_64.registers.items()}
CONSTANT = b"a constant of the program\0"

# What `file` says of each: where it is loaded and how it is linked must not matter.
LINKED = {
    "pie": (),
    "no-pie": ("-no-pie",),
    "static": ("-static",),
    "static-pie": ("-static-pie",),
    "no-build-id": ("-Wl,--build-id=none",),
}


def gdb(dump, *commands):
    """Return what gdb prints of a core."""
    arguments = [part for command in commands for part in ("-ex", command)]
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-ex", "set width 0", *arguments, dump.program, dump.core],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def gdb_threads(dump):
    """Return the registers of each thread, and fs_base, as gdb has them."""
    names = " ".join(NUMBERS)
    text = gdb(dump, f"thread apply all info registers {names} fs_base")
    threads = {}
    for tid, body in re.findall(
        r"^Thread \d+ .*?(?:LWP |process )(\d+)\)?\)?:\n((?:.+\n)+)", text, re.M
    ):
        rows = re.findall(r"^(\w+) +(0x[0-9a-f]+) ", body, re.M)
        threads[int(tid)] = {name: int(value, 16) for name, value in rows}
    return threads


def auxv(text, name):
    """Return an entry of the auxiliary vector as gdb prints it."""
    (value,) = re.findall(rf"{name} .* (0x\w+)$", text, re.M)
    return int(value, 16)


def opened(dump) -> Any:
    return open_core(dump.core)


def program_of(target) -> Any:
    (program,) = (each for each in target.modules() if each.is_executable)
    return program


@pytest.mark.parametrize("flags", LINKED.values(), ids=LINKED)
def test_threads_are_those_of_gdb(cores, flags):
    dump = cores.dump(cores.program("threads.c", *flags), "abort")
    expected = gdb_threads(dump)
    target = opened(dump)
    threads = target.threads()
    assert len(expected) == 5
    assert next(each.tid for each in threads) == dump.facts["pid"]
    assert {each.tid for each in threads} == set(expected)
    for thread in threads:
        wanted = expected[thread.tid]
        assert thread.thread_pointer == wanted.pop("fs_base")
        assert {X86_64.registers[k]: v for k, v in thread.registers.items()} == wanted
    target.close()


@pytest.mark.parametrize("flags", LINKED.values(), ids=LINKED)
def test_the_program_and_its_memory(cores, flags):
    dump = cores.dump(cores.program("threads.c", *flags), "abort")
    target = opened(dump)
    program, read = program_of(target), target.memory.read
    assert program.path == str(dump.program) and program.file == dump.program
    assert program.verified == ("-Wl,--build-id=none" not in flags) and program.problem is None
    assert program.start <= dump.facts["main"] < program.end
    assert target.facts.executable == str(dump.program)
    # GIVEN data that was written to THEN it comes from the core.
    assert read(dump.facts["written"], 8192) == b"\xa5" * 8192
    assert read(dump.facts["heap"], 1 << 20) == b"\x5a" * (1 << 20)
    # GIVEN data that never changed, and code THEN the program's file has it.
    assert read(dump.facts["untouched"], 16384) == b"\7\7\7" + bytes(16381)
    assert read(dump.facts["constant"], len(CONSTANT)) == CONSTANT
    assert int.from_bytes(read(dump.facts["relocated"], 8), "little") == dump.facts["puts"]
    code = read(dump.facts["main"], 64)
    assert code in dump.program.read_bytes()
    entry = gdb(dump, "info auxv")
    assert target.facts.entry == auxv(entry, "AT_ENTRY")


def test_modules_are_those_of_gdb(threads_dump):
    target = opened(threads_dump)
    text = gdb(threads_dump, "info sharedlibrary", "info auxv")
    found = {each.path: each for each in target.modules()}
    for start, _, path in re.findall(r"^(0x\w+) +(0x\w+) .* (/\S+)$", text, re.M):
        module = found[str(Path(path).resolve())]
        assert module.start <= int(start, 16) < module.end
        assert module.verified and module.build_id == module.file_build_id
        assert not module.is_executable and module.problem is None
    vdso = found["[vdso]"]
    assert vdso.start == auxv(text, "AT_SYSINFO_EHDR")
    assert vdso.image is not None and vdso.image[:4] == b"\x7fELF" and vdso.file is None
    assert vdso.image == target.memory.read(vdso.start, vdso.end - vdso.start)
    assert vdso.build_id and len(vdso.image) <= 65536
    starts = [each.start for each in target.modules()]
    assert starts == sorted(starts) and len(found) == len(starts) == 4


def test_build_ids_are_those_of_readelf(threads_dump):
    for module in opened(threads_dump).modules():
        if module.file is not None:
            text = subprocess.run(
                ["readelf", "-n", module.file], capture_output=True, text=True, check=True
            ).stdout
            assert [module.build_id] == re.findall(r"Build ID: (\w+)", text)


def test_facts(threads_dump):
    facts = opened(threads_dump).facts
    assert (facts.kind, facts.pid, facts.command) == ("core", threads_dump.facts["pid"], "threads")
    assert facts.path == str(threads_dump.core) and facts.problems == ()
    written = datetime.fromisoformat(facts.taken_at)
    assert written.tzinfo == UTC
    assert written.timestamp() == int(threads_dump.core.stat().st_mtime)


@pytest.mark.parametrize(
    ("how", "name", "number", "address"),
    [
        ("abort", "SIGABRT", 6, None),
        ("segv", "SIGSEGV", 11, 0x1238),
        ("quit", "SIGQUIT", 3, None),
        ("ill", "SIGILL", 4, "pc"),
    ],
)
def test_the_signal(cores, how, name, number, address):
    dump = cores.dump(cores.program("threads.c"), how)
    target = opened(dump)
    signal, threads = target.facts.signal, target.threads()
    assert (signal.name, signal.number, signal.tid) == (name, number, dump.facts["pid"])
    assert (signal.code > 0) == (address is not None)
    pc = threads[0].registers[X86_64.pc]
    assert signal.fault_address == (pc if address == "pc" else address)
    assert [each.signalled for each in threads] == [True, False, False, False, False]


def test_names_only_the_main_thread(threads_dump):
    names = {each.tid: each.name for each in opened(threads_dump).threads()}
    assert names.pop(threads_dump.facts["pid"]) == "threads"
    assert set(names.values()) == {None}


def test_system_calls(threads_dump):
    facts = threads_dump.facts
    threads = {each.tid: each for each in opened(threads_dump).threads()}

    def call_of(fact) -> Any:
        thread = threads[facts[fact]]
        if thread.syscall is None:
            return None
        arguments = [thread.registers[number] for number in X86_64.syscall_arguments]
        return describe(thread.syscall, arguments)

    assert call_of("futex") == ("futex", None, facts["lock"])
    assert call_of("epoll") == ("epoll_wait", facts["epoll_fd"], None)
    assert call_of("sleep") == ("clock_nanosleep", None, None)
    assert call_of("loop") is None
    assert all(call_of(fact).parks for fact in ("futex", "epoll", "sleep"))


def test_system_calls_without_the_code(threads_dump, tmp_path, monkeypatch):
    # GIVEN no file that holds the code around the program counter
    monkeypatch.setattr("adp_tui.backends.modules.open_elf", lambda path: None)
    target = opened(threads_dump)
    threads = {each.tid: each.syscall for each in target.threads()}
    # THEN the registers alone tell
    assert threads[threads_dump.facts["futex"]] == 202
    assert threads[threads_dump.facts["loop"]] is None


def test_a_fault_is_no_system_call(cores):
    target = opened(cores.dump(cores.program("threads.c"), "segv"))
    assert target.threads()[0].syscall is None


def test_rust_threads_are_those_of_gdb(cores):
    dump = cores.dump(cores.program("parked.rs"))
    target, expected = opened(dump), gdb_threads(dump)
    assert {each.tid for each in target.threads()} == set(expected) and len(expected) == 4
    calls = [each.syscall for each in target.threads() if each.tid != dump.facts["pid"]]
    assert [describe(each, (0, 0)).name for each in calls] == ["futex"] * 3
    assert program_of(target).file == dump.program


def test_a_copy_by_gdb(cores):
    """What gdb (and gcore) writes: other notes, other segments, no kernel pages."""
    dump = cores.dump(cores.program("threads.c"), "abort", by_gdb=True)
    target, expected = opened(dump), gdb_threads(dump)
    assert {each.tid for each in target.threads()} == set(expected) and len(expected) == 5
    for thread in target.threads():
        assert thread.registers[X86_64.pc] == expected[thread.tid]["rip"]
    assert target.facts.signal.name == "SIGABRT"
    assert program_of(target).verified
    assert target.memory.read(dump.facts["heap"], 64) == b"\x5a" * 64
    assert target.memory.read(dump.facts["constant"], len(CONSTANT)) == CONSTANT


def test_a_copy_of_a_process_that_ran_on_has_no_signal(cores):
    program = cores.program("threads.c")
    folder = cores.folder("gcore")
    with subprocess.Popen([program, "wait"], stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout or ():
                if line.startswith("fact puts"):
                    break
            subprocess.run(
                [
                    "gdb",
                    "-nx",
                    "-batch",
                    "-p",
                    str(process.pid),
                    "-ex",
                    f"generate-core-file {folder}/core",
                ],
                capture_output=True,
                check=True,
                timeout=120,
            )
        finally:
            process.kill()
    target: Any = open_core(folder / "core")
    assert target.facts.signal is None and len(target.threads()) == 5
    assert not any(each.signalled for each in target.threads())
    calls = {describe(each.syscall, (0, 0)).name for each in target.threads() if each.syscall}
    assert calls == {"futex", "epoll_wait", "clock_nanosleep", "pause"}


def test_regions_are_what_the_core_saved(threads_dump):
    target = opened(threads_dump)
    regions = target.memory.regions()
    assert all(a.end <= b.start for a, b in itertools.pairwise(regions))
    heap = next(each for each in regions if each.start <= threads_dump.facts["heap"] < each.end)
    at = threads_dump.facts["heap"] - heap.start
    assert heap.writable and not heap.executable and heap.view.readonly
    assert heap.view[at : at + 64] == b"\x5a" * 64
    saved = sum(len(each.view) for each in regions)
    assert 0.9 < saved / threads_dump.core.stat().st_size <= 1
    # The code is in the program's file, not in the core.
    assert not any(each.start <= threads_dump.facts["main"] < each.end for each in regions)


def test_views_outlive_the_target(threads_dump):
    target = opened(threads_dump)
    region = target.memory.regions()[0]
    target.close()
    assert region.view[:4] == b"\x7fELF"


def test_unmapped_memory(threads_dump):
    memory = opened(threads_dump).memory
    for address in (0, 0x1238, (1 << 64) - 1, 1 << 64, 1 << 70, -1):
        with pytest.raises(FaultError, match="not mapped"):
            memory.read(address, 8)
