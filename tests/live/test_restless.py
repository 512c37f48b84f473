"""Processes that change while they are stopped and read."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.alive import Alive, alive, state_of, threads_of, tracer_of, until
from support.cores import Cores

from adp_tui.backends.live import LiveProcess
from adp_tui.backends.procfs import GoneError, Procfs
from adp_tui.backends.tracer import stop
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import OpenError

Start = Callable[[str], Alive]


def has_ended(pid: int, tid: int) -> bool:
    try:
        return state_of(pid, tid) in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def restless(cores: Cores) -> Iterator[Start]:
    program = cores.program("restless.c")
    running = []

    def start(way: str) -> Alive:
        context = alive([program, way])
        running.append(context)
        started = context.__enter__()
        started.wait_for("ready")
        return started

    yield start
    for context in running:
        context.__exit__(None, None, None)


def test_threads_that_are_made_meanwhile_are_stopped_too(restless: Start) -> None:
    program = restless("threads")
    procfs = Procfs(program.pid)
    for _ in range(50):
        # WHEN all threads are stopped, THEN there is no other, and all have registers
        def work(threads: object, began: float) -> list[tuple[int, str]]:
            found = []
            for tid in threads_of(program.pid):
                # One that was about to end goes on doing that.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    found.append((tid, state_of(program.pid, tid)))
            return found

        seen = stop(procfs, lambda threads, began: (threads, work(threads, began)))
        threads, states = seen.result
        alive_ones = {tid for tid, state in states if state not in ("X", "Z")}
        assert alive_ones <= {each.tid for each in threads}
        assert {state for _, state in states} <= {"t", "X", "Z"}
        assert all(X86_64.pc in each.registers or each.problem for each in threads)
    assert all(tracer_of(program.pid, tid) == 0 for tid in threads_of(program.pid)[:1])


def test_a_program_that_starts_anew(restless: Start) -> None:
    """Each look and each stop gives a process, or says that it is another one now."""
    program = restless("exec")
    good = 0
    for _ in range(100):
        try:
            process = LiveProcess(program.pid)
            looked = process.look()
            stopped = process.stop(looked)
        except OpenError:
            continue
        good += 1
        assert stopped.facts.pid == program.pid
        looked.close()
        stopped.close()
        process.close()
    assert good > 0
    # A thread that starts another program waits until the first thread has ended.
    until(lambda: state_of(program.pid) in ("R", "S", "D"), "it to run")
    assert tracer_of(program.pid) == 0


def test_a_program_that_starts_anew_while_it_is_seized(restless: Start) -> None:
    """Seizing a thread waits for its execve, and that for all others to be gone, seized or not."""
    program = restless("told")
    until(lambda: len(threads_of(program.pid)) == 6, "all threads")

    class Late(Procfs):
        """Lists the thread that starts the program when it already waits for the others."""

        looks = 0

        def threads(self) -> list[int]:
            self.looks += 1
            if self.looks == 1:
                return threads_of(self.pid)[:-1]
            if self.looks == 2:
                *others, last = threads_of(self.pid)
                os.kill(self.pid, signal.SIGUSR1)
                until(lambda: all(has_ended(self.pid, tid) for tid in others), "the others to end")
                return [*others, last]
            return super().threads()

    procfs = Late(program.pid)
    with contextlib.suppress(GoneError):
        stop(procfs, lambda threads, began: None)
    assert procfs.looks >= 2
    until(lambda: program.printed().count("ready") == 2, "the new program")
    until(lambda: state_of(program.pid) in ("R", "S", "D"), "it to run")
    assert tracer_of(program.pid) == 0


def test_children_are_left_alone(restless: Start) -> None:
    program = restless("fork")
    procfs = Procfs(program.pid)
    for _ in range(50):
        assert len(stop(procfs, lambda threads, began: list(threads)).result) == 1
    until(lambda: tracer_of(program.pid) == 0 and state_of(program.pid) != "t", "it to run")


def test_a_first_thread_that_has_ended(restless: Start) -> None:
    program = restless("leader")
    until(lambda: state_of(program.pid) == "Z", "its first thread to end")
    threads = stop(Procfs(program.pid), lambda threads, began: list(threads)).result
    assert [each.tid for each in threads] == threads_of(program.pid)[1:]
    process = LiveProcess(program.pid)
    stopped = process.stop(process.look())
    assert [each.tid for each in stopped.threads() if each.registers] == threads_of(program.pid)[1:]
    process.close()


def test_a_process_that_ends(cores: Cores) -> None:
    with alive([cores.program("restless.c"), "leader"]) as program:
        program.wait_for("ready")
        process = LiveProcess(program.pid)
        looked = process.look()
    with pytest.raises(OpenError, match="has ended"):
        process.stop(looked)
    with pytest.raises(OpenError, match="has ended"):
        process.look()
    with pytest.raises(GoneError):
        stop(Procfs(program.pid), lambda threads, began: None)


def test_nothing_of_ours_stays_open(restless: Start) -> None:
    program = restless("leader")
    # What other tests left behind may be closed at any time.
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        process = LiveProcess(program.pid)
        looked = process.look()
        process.stop(looked).close()
        looked.close()
        process.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_look_that_fails_half_way_leaves_nothing_open(
    cores: Cores, monkeypatch: pytest.MonkeyPatch
) -> None:
    with alive([cores.program("restless.c"), "fork"]) as program:
        program.wait_for("ready")
        process = LiveProcess(program.pid)
        process.modules()
        clock = process.procfs.clock_ns

        def ends() -> int:
            program.process.kill()
            program.process.wait()
            return clock()

        # GIVEN a process that ends when its memory is open already
        monkeypatch.setattr(process.procfs, "clock_ns", ends)
        gc.collect()
        before = os.listdir("/proc/self/fd")
        with pytest.raises(OpenError, match="has ended") as error:
            process.look()
    # THEN it is closed, also while the error is still being told
    assert os.listdir("/proc/self/fd") == before
    assert error.value.help == "`adp-tui` alone lists the processes of this machine"
    process.close()


def test_a_program_that_was_deleted_or_replaced(cores: Cores, tmp_path: Path) -> None:
    """The file that runs is read, not what stands in its place now."""
    program = cores.program("restless.c")
    copy = tmp_path / "program"
    copy.write_bytes(program.read_bytes())
    copy.chmod(0o755)
    with alive([copy, "fork"]) as running:
        running.wait_for("ready")
        for what in ("deleted", "replaced"):
            copy.unlink(missing_ok=True)
            if what == "replaced":
                copy.write_bytes(Path("/bin/true").read_bytes())
            process = LiveProcess(running.pid)
            (module,) = (m for m in process.modules() if m.is_executable)
            assert module.verified
            assert module.file is not None
            assert module.file.read_bytes() == program.read_bytes()
            process.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes such namespaces")
def test_other_namespaces(cores: Cores, tmp_path: Path) -> None:
    """A process that sees another file system, and itself under another number."""
    root = tmp_path / "root"
    program = cores.program("restless.c", "-static")
    (root / "proc").mkdir(parents=True)
    (root / "inside").write_bytes(program.read_bytes())
    (root / "inside").chmod(0o755)
    command = ["unshare", "--pid", "--fork", "--mount", "--mount-proc", f"--root={root}"]
    probe = subprocess.run([*command, "/inside", "none"], capture_output=True)
    if probe.returncode:
        pytest.skip(f"namespaces cannot be made here: {probe.stderr.decode()}")
    with alive([*command, "--kill-child", "/inside", "threads"]) as running:
        running.wait_for("ready")
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        pid = int(children[0])
        process = LiveProcess(pid)
        looked = process.look()
        # Its thread pointers are found by the numbers that its threads have inside.
        assert looked.threads()[0].thread_pointer
        stopped = process.stop(looked)
        (module,) = (m for m in stopped.modules() if m.is_executable)
        assert module.verified
        assert stopped.threads()[0].thread_pointer == looked.threads()[0].thread_pointer
        process.close()
