"""Which processes there are, and which runtimes their programs carry."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.alive import alive, state_of, stayed, threads_of, until
from support.build import NEWEST, OLDEST, PROFILES

from adp_tui.backends import programs
from adp_tui.backends.processes import Running, running
from adp_tui.backends.programs import Program, Programs, read_program


def listed(pid: int) -> Running | None:
    return next((each for each in running(Programs()) if each.pid == pid), None)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("tokio", [OLDEST, NEWEST])
def test_a_program_tells_its_runtime(tokio, profile, dump, tmp_path):
    # GIVEN programs of several versions of tokio
    exe = dump("zoo", tokio=tokio, profile=profile).exe
    # THEN the version is that of the lock file they were built with
    assert read_program(exe) == Program(True, (("tokio", tokio),))
    # AND it is found as well where everything was stripped
    bare = tmp_path / "bare"
    shutil.copy(exe, bare)
    subprocess.run(["strip", "--strip-all", bare], check=True)
    assert bare.stat().st_size < exe.stat().st_size / 2
    assert read_program(bare) == read_program(exe)


def test_programs_without_a_runtime(cores, tmp_path):
    assert read_program(cores.program("parked.rs")) == Program(True)
    assert read_program(cores.program("threads.c")) == Program(False)
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\n# /tokio-1.0.0/src/runtime/ in no program\n")
    assert read_program(script) == Program(False)


@pytest.mark.parametrize("size", [0, 10, 64, 700, 4097])
def test_a_program_that_is_cut_off(size, cores, tmp_path):
    program = tmp_path / "cut"
    program.write_bytes(cores.program("threads.c").read_bytes()[:size])
    assert read_program(program) == Program(False)


def test_paths_of_crates(cores, tmp_path, monkeypatch):
    # GIVEN a program with all kinds of paths in its constants
    source = tmp_path / "paths.c"
    lines = {
        "/home/ada/.cargo/registry/src/index-1/async-executor-1.13.1/src/lib.rs": "registry",
        "vendor/smol/src/lib.rs": "vendored: no version",
        "/x/futures-executor-0.4.0-alpha.1/src/local_pool.rs": "not a release",
        "/x/tokio-1.2.3/src/sync/mutex.rs": "tokio without its runtime",
        "/x/mytokio-9.9.9/src/runtime/mod.rs": "another crate",
        "/x/tokio-util-0.7.1/src/runtime/mod.rs": "another crate, too",
    }
    texts = "\n".join(f'const char *const p{n} = "{line}";' for n, line in enumerate(lines))
    source.write_text(f"{texts}\nint main(void) {{ return p0[0] + p5[0]; }}\n")
    program = tmp_path / "paths"
    subprocess.run(["gcc", source, "-o", program], check=True)
    wanted = (("smol", None), ("async-executor", "1.13.1"), ("futures-executor", "0.4.0-alpha.1"))
    # THEN each runtime is named, with its version where there is one
    assert read_program(program) == Program(True, wanted)
    # AND wherever the pieces that are searched are cut
    for chunk in (300, 301, 517):
        monkeypatch.setattr(programs, "CHUNK", chunk)
        assert read_program(program) == Program(True, wanted)


def test_a_program_is_read_once(cores, tmp_path, monkeypatch):
    # GIVEN a program that was read
    path = tmp_path / "program"
    shutil.copy(cores.program("threads.c"), path)
    known = Programs()
    assert known.of(path) == Program(False)
    # THEN it is not read again
    reads: list[Path] = []
    monkeypatch.setattr(programs, "read_program", lambda it: reads.append(it) or Program(True))
    assert known.of(path) == Program(False) and not reads
    # UNLESS it has changed
    shutil.copy(cores.program("parked.rs"), path)
    assert known.of(path) == Program(True) and reads == [path]


def test_processes_that_run(dump):
    # GIVEN a program with a runtime, and one of another kind
    zoo = dump("zoo", tokio=NEWEST)
    with stayed(zoo) as program, alive(["sleep", "12345"]) as sleep:
        until(lambda: state_of(sleep.pid) == "S", "sleep to sleep")
        found, other = listed(program.pid), listed(sleep.pid)
        threads = len(threads_of(program.pid))
    # THEN both are listed with what the system says of them
    assert found is not None and other is not None
    assert (found.name, found.runtimes) == ("zoo", (("tokio", NEWEST),))
    assert (found.is_rust, found.is_own, found.is_readable) == (True, True, True)
    assert found.threads == threads and found.memory is not None and found.memory > 1 << 20
    assert (other.name, other.command, other.threads) == ("sleep", "sleep 12345", 1)
    assert (other.is_rust, other.runtimes) == (False, ())
    assert other.uptime_s is not None and 0 <= other.uptime_s < 600


def test_what_is_not_listed():
    pids = {each.pid for each in running(Programs())}
    # adp-tui itself, and the threads of the kernel
    assert os.getpid() not in pids and 2 not in pids
    # A process that has ended: what is left of it is its exit status.
    with subprocess.Popen(["true"]) as ended:
        until(lambda: state_of(ended.pid) == "Z", "the end")
        assert listed(ended.pid) is None


def test_a_process_whose_first_thread_has_ended(cores):
    # GIVEN a process that another thread keeps alive
    program = cores.program("restless.c")
    with alive([program, "leader"]) as restless:
        until(lambda: state_of(restless.pid) == "Z", "its first thread to end")
        found = listed(restless.pid)
    # THEN it is listed, with what that thread knows of it
    assert found is not None
    assert (found.name, found.is_readable, found.is_rust) == (program.name[:15], True, False)
    assert found.command.endswith(" leader")
    assert found.memory is not None and found.memory > 1 << 12


def test_another_users_process(as_user):
    # GIVEN a user who may not look at the processes of others
    found = listed(1) if as_user else _listed_as_nobody(os.getppid())
    # THEN one is listed, and said to be unreadable
    assert found is not None
    assert (found.is_readable, found.is_own, found.is_rust) == (False, False, None)
    assert found.name and found.threads


def _listed_as_nobody(pid: int) -> Running | None:
    """Ask as a user without rights, in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgid(65534)
            os.setuid(65534)
            os.write(write, repr(listed(pid)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        text = pipe.read().decode()
    os.waitpid(child, 0)
    found: Any = eval(text, {"Running": Running})
    return found if isinstance(found, Running) else None
