"""Why a process is not looked at, and what to type: each of the kernel's rules, broken for real.

A child of ours becomes another user, or gives up what root may do; which processes it may trace is
then the kernel's word. What yama says is a file that the test writes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.alive import Alive, alive, state_of, threads_of, tracer_of, until
from support.cores import Cores

from adp_tui.backends import live_refusals
from adp_tui.backends.live import LiveProcess
from adp_tui.backends.live_refusals import check, explained
from adp_tui.backends.procfs import Procfs
from adp_tui.backends.tracer import Hold
from adp_tui.engine.errors import OpenError

NOBODY, STRANGER = 65534, 54321
"""A user with a name, and one without."""
CAP_SYS_PTRACE = 19
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

Refusal = tuple[str, str | None]


@pytest.fixture(autouse=True)
def yama(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file that says what yama allows; there is none on many machines."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        # Other users read it as well.
        Path(folder).chmod(0o755)
        path = Path(folder) / "ptrace_scope"
        monkeypatch.setattr(live_refusals, "_YAMA", path)
        yield path


def refused(pid: int) -> Refusal:
    with pytest.raises(OpenError) as error:
        LiveProcess(pid).close()
    return error.value.message, error.value.help


def in_child(prepare: Callable[[], object], pid: int) -> Refusal:
    """Return what a child of ours that has prepared itself is told of a process."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        text = "it ended otherwise"
        with suppress(BaseException):
            try:
                prepare()
                LiveProcess(pid).close()
                text = "it may be looked at"
            except OpenError as error:
                text = f"{error.message}\n{error.help}"
            except BaseException as error:
                text = repr(error)
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        message, _, help = pipe.read().decode().partition("\n")
    os.waitpid(child, 0)
    return message, help


def become(user: int) -> Callable[[], None]:
    def prepare() -> None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)

    return prepare


def give_up_ptrace() -> None:
    """Take CAP_SYS_PTRACE from this thread (capget(2), version 3)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = struct.pack("II", 0x20080522, 0), bytearray(24)
    buffer = (ctypes.c_char * 24).from_buffer(data)
    assert libc.capget(header, buffer) == 0
    for at in (0, 4):
        data[at : at + 4] = struct.pack(
            "I", struct.unpack_from("I", data, at)[0] & ~(1 << CAP_SYS_PTRACE)
        )
    assert libc.capset(header, buffer) == 0


@contextmanager
def sleeper(*command: str, user: int | None = None) -> Iterator[int]:
    """Run a program that sleeps, as a user."""
    groups = None if user is None else ()
    with subprocess.Popen(
        [*command, "sleep", "1000"], user=user, group=user, extra_groups=groups
    ) as process:
        try:
            until(lambda: Procfs(process.pid).status().name == "sleep", "sleep to be started")
            yield process.pid
        finally:
            process.kill()


@contextmanager
def forked(prepare: Callable[[], object]) -> Iterator[int]:
    """Run a child of ours that has prepared itself and then waits."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            prepare()
            os.write(write, b"ready")
            signal.pause()
        os._exit(1)
    os.close(write)
    try:
        with os.fdopen(read, "rb") as pipe:
            assert pipe.read(5) == b"ready"
            yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@AS_ROOT
@pytest.mark.parametrize(("owner", "name"), [(0, "root"), (STRANGER, f"user {STRANGER}")])
def test_another_users_process(owner: int, name: str) -> None:
    with sleeper(user=owner) as pid:
        message, help = in_child(become(NOBODY), pid)
    assert message == f"process {pid} (sleep) belongs to {name}, and adp-tui runs as nobody"
    assert help == f"sudo adp-tui --pid {pid}"


@AS_ROOT
def test_ones_own_process_may_be_looked_at() -> None:
    with sleeper(user=NOBODY) as pid:
        assert in_child(become(NOBODY), pid)[0] == "it may be looked at"


ITSELF = "it has forbidden that itself"


@AS_ROOT
@pytest.mark.parametrize(
    ("scope", "says", "advises"),
    [
        ("0\n", f"{ITSELF} (PR_SET_DUMPABLE), or changed its user", "sudo "),
        ("nonsense", f"{ITSELF} (PR_SET_DUMPABLE), or changed its user", "sudo "),
        ("1\n", "only be traced by its parent here (kernel.yama.ptrace_scope is 1)",
         "or for all: sudo sysctl kernel.yama.ptrace_scope=0"),
        ("2\n", "only the superuser may trace processes here (kernel.yama.ptrace_scope is 2)",
         "sudo "),
        ("3\n", "forbids it to everybody until it is restarted (kernel.yama.ptrace_scope is 3)",
         "set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d and restart"),
    ],
)  # fmt: skip
def test_ones_own_process_that_may_not(scope: str, says: str, advises: str, yama: Path) -> None:
    yama.write_text(scope)
    # GIVEN a process that became another user and started no program since: it is protected
    with forked(become(NOBODY)) as pid:
        message, help = in_child(become(NOBODY), pid)
    assert message.startswith(f"process {pid} (") and says in message
    assert help is not None and advises in help
    if scope != "3\n":
        assert help.startswith(f"sudo adp-tui --pid {pid}")


@AS_ROOT
def test_a_process_that_may_do_more() -> None:
    gives = ("--inh-caps=+net_raw", "--ambient-caps=+net_raw")
    as_nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *gives)
    with sleeper(*as_nobody) as pid:
        message, help = in_child(become(NOBODY), pid)
    assert message == f"process {pid} (sleep) has capabilities that adp-tui has not"
    assert help == f"sudo adp-tui --pid {pid}"


@AS_ROOT
def test_root_in_a_container() -> None:
    with sleeper() as pid:
        message, help = in_child(give_up_ptrace, pid)
    assert "this root user has no CAP_SYS_PTRACE, as in a container" in message
    assert help is not None and "--cap-add=SYS_PTRACE" in help


@AS_ROOT
def test_a_security_module() -> None:
    with sleeper() as pid, pytest.raises(OpenError) as error, explained(Procfs(pid)):
        raise PermissionError
    assert "a security module or another user namespace forbids it" in error.value.message
    assert error.value.help is not None and "in its container" in error.value.help


def test_what_else_the_kernel_says() -> None:
    says = pytest.raises(OpenError, match="cannot be read: Input/output error")
    with sleeper() as pid, says, explained(Procfs(pid)):
        raise OSError(5, "Input/output error")


LISTS = "`adp-tui` alone lists the processes of this machine"


def test_what_is_no_process() -> None:
    free = Path("/proc/sys/kernel/pid_max").read_text().strip()
    assert refused(int(free)) == (f"there is no process {free}", LISTS)
    own = os.getpid()
    assert refused(own) == (f"process {own} is adp-tui itself", LISTS)


def test_a_thread_of_the_kernel() -> None:
    # Nothing else is its child, or has no memory.
    try:
        status = Procfs(2).status()
    except Exception as error:
        pytest.skip(f"there is no process 2 here: {error}")
    if status.name != "kthreadd":
        pytest.skip("this is a container: process 2 is some program")
    assert refused(2) == ("process 2 (kthreadd) is a thread of the kernel", LISTS)


def test_a_thread_of_a_process(cores: Cores, tmp_path: Path) -> None:
    with alive([cores.program("heart.c"), tmp_path / "counters", "2"]) as program:
        program.wait_for("ready")
        tid = threads_of(program.pid)[-1]
        message, help = refused(tid)
    assert message == f"{tid} is a thread of process {program.pid}"
    assert help == f"pass the process: --pid {program.pid}"


def test_a_process_that_has_ended() -> None:
    with subprocess.Popen(["true"]) as ended:
        until(lambda: state_of(ended.pid) == "Z", "the end")
        message, _ = refused(ended.pid)
    assert message == (
        f"process {ended.pid} (true) has ended: only its exit status is left, which its parent, "
        f"process {os.getpid()}, has not asked for"
    )


def test_a_process_that_is_traced(cores: Cores, tmp_path: Path) -> None:
    with alive([cores.program("heart.c"), tmp_path / "counters", "2"]) as program:
        program.wait_for("ready")
        process = LiveProcess(program.pid)
        looked = process.look()
        # GIVEN another tracer
        hold = Hold(Procfs(program.pid))
        try:
            says = f"process {program.pid} is traced already, by process {tracer_of(program.pid)} ("
            advises = f"look without a stop: adp-tui --pid {program.pid} --no-stop"
            # THEN it is refused when it is opened, and when it was opened before
            found = [refused(program.pid)]
            for act in (lambda: process.stop(looked), process.hold):
                with pytest.raises(OpenError) as error:
                    act()
                found.append((error.value.message, error.value.help))
            for message, help in found:
                assert message.startswith(says) and message.endswith("; only one can")
                assert help is not None and help.endswith(advises)
            assert not process.is_held
            # AND the way that the help names is one
            other = LiveProcess(program.pid, stops=False)
            other.look().close()
            other.close()
        finally:
            hold.let_go()
        # WHEN the other tracer has let go THEN it can be stopped
        process.stop(looked).close()
        looked.close()
        process.close()


def small_program(path: Path) -> Path:
    """Write a 32-bit program, which waits for a signal again and again."""
    code = b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7"  # mov eax, 29 (pause); int 0x80; jmp back
    base, head = 0x08048000, 52 + 32
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    size = head + len(code)
    path.write_bytes(
        ident
        + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + head, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        + struct.pack("<IIIIIIII", 1, 0, base, base, size, size, 5, 0x1000)
        + code
    )
    path.chmod(0o755)
    return path


@contextmanager
def small(tmp_path: Path) -> Iterator[Alive]:
    path = small_program(tmp_path / "small")
    try:
        context = alive([path])
        program = context.__enter__()
    except OSError as error:
        pytest.skip(f"this kernel runs no 32-bit programs: {error}")
    try:
        yield program
    finally:
        context.__exit__(None, None, None)


def test_a_32_bit_program(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        until(lambda: state_of(program.pid) == "S", "it to wait")
        message, help = refused(program.pid)
        assert message == f"process {program.pid} (small) is a 32-bit program"
        assert help == "adp-tui looks at 64-bit Linux processes on x86-64"
        # It was not touched.
        assert (state_of(program.pid), tracer_of(program.pid)) == ("S", 0)


@pytest.mark.parametrize(
    "head",
    [
        b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 183, 1) + bytes(40),
        b"#!/bin/sh\n",
        b"",
    ],
    ids=["aarch64", "script", "empty"],
)
def test_a_program_for_another_machine(head: bytes, tmp_path: Path) -> None:
    class Other(Procfs):
        @property
        def memory_folder(self) -> Path:
            return tmp_path

    (tmp_path / "exe").write_bytes(head)
    with sleeper() as pid, pytest.raises(OpenError, match="is no program for x86-64") as error:
        check(Other(pid), stops=False)
    assert error.value.help == "adp-tui looks at 64-bit Linux processes on x86-64"
