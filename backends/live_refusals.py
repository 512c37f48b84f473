"""Why a process cannot be looked at, and what to type so that it can."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adp_tui.backends.elf_image import parse_header
from adp_tui.backends.procfs import GoneError, Procfs, Status
from adp_tui.backends.tracer import NotPermittedError
from adp_tui.engine.arch import X86_64
from adp_tui.engine.errors import OpenError

__all__ = ["check", "explained"]

_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
CAP_SYS_PTRACE = 1 << 19
"""linux/capability.h."""
_SUPPORTED = "adp-tui looks at 64-bit Linux processes on x86-64"
_NO_SUCH = "`adp-tui` alone lists the processes of this machine"


def check(procfs: Procfs, stops: bool) -> None:
    """Pass a process that can be read and, if it ``stops``, be stopped.

    Raises:
        OpenError: it cannot; the message says why.
        GoneError: it has ended meanwhile.
        PermissionError: it may not be read.
    """
    pid = procfs.pid
    try:
        status = procfs.status()
    except GoneError:
        raise OpenError(f"there is no process {pid}", help=_NO_SUCH) from None
    if status.pid != pid:
        raise OpenError(
            f"{pid} is a thread of process {status.pid}",
            help=f"pass the process: --pid {status.pid}",
        )
    if pid == os.getpid():
        raise OpenError(f"process {pid} is adp-tui itself", help=_NO_SUCH)
    if status.has_ended and procfs.heir == pid:
        raise OpenError(
            f"process {pid} ({status.name}) has ended: only its exit status is left, which its "
            f"parent, process {status.parent}, has not asked for"
        )
    if not procfs.status(procfs.heir).has_memory:
        raise OpenError(f"process {pid} ({status.name}) is a thread of the kernel", help=_NO_SUCH)
    _check_program(procfs, status)
    if stops and status.tracer:
        raise _traced(pid, status.tracer)


def _check_program(procfs: Procfs, status: Status) -> None:
    """Pass a program for this processor.

    Raises:
        PermissionError: it may not be looked at.
    """
    with open(procfs.memory_folder / "exe", "rb") as file:
        head = file.read(64)
    which = f"process {procfs.pid} ({status.name})"
    if head[:5] == b"\x7fELF\x01":
        raise OpenError(f"{which} is a 32-bit program", help=_SUPPORTED)
    header = parse_header(head)
    if header is None or header.machine != X86_64.machine:
        raise OpenError(f"{which} is no program for x86-64", help=_SUPPORTED)


@contextmanager
def explained(procfs: Procfs) -> Iterator[None]:
    """Say what the kernel's refusals mean.

    Raises:
        OpenError: in place of GoneError, NotPermittedError and PermissionError.
    """
    try:
        yield
    except GoneError as error:
        raise OpenError(error.message, help=_NO_SUCH) from error
    except (NotPermittedError, PermissionError) as error:
        raise _forbidden(procfs) from error
    except OSError as error:
        raise OpenError(f"process {procfs.pid} cannot be read: {error.strerror}") from error


def _forbidden(procfs: Procfs) -> OpenError:
    """Find out which of the kernel's rules forbids it (ptrace(2), ptrace access mode checking)."""
    pid = procfs.pid
    try:
        status, own = procfs.status(), Procfs(os.getpid()).status()
    except GoneError as error:
        return OpenError(error.message, help=_NO_SUCH)
    which = f"process {pid} ({status.name})"
    if status.tracer:
        return _traced(pid, status.tracer)
    again = f"sudo adp-tui --pid {pid}"
    scope = _yama_scope()
    if scope == 3:
        return OpenError(
            f"{which} may not be read: this machine forbids it to everybody until it is restarted "
            "(kernel.yama.ptrace_scope is 3)",
            help="set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d and restart, or write a core "
            "from within the program",
        )
    if own.capabilities & CAP_SYS_PTRACE:
        return OpenError(
            f"{which} may not be read, although this user may trace processes: a security module "
            "or another user namespace forbids it",
            help="run adp-tui where the process runs, for instance in its container",
        )
    if own.effective == 0:
        return OpenError(
            f"{which} may not be read: this root user has no CAP_SYS_PTRACE, as in a container",
            help="start the container with --cap-add=SYS_PTRACE, or run adp-tui on its host",
        )
    if status.user != own.user or status.effective != own.effective:
        return OpenError(
            f"{which} belongs to {_user(status.user)}, and adp-tui runs as {_user(own.user)}",
            help=again,
        )
    if scope == 2:
        return OpenError(
            f"{which} may not be read: only the superuser may trace processes here "
            "(kernel.yama.ptrace_scope is 2)",
            help=again,
        )
    if scope == 1:
        return OpenError(
            f"{which} may not be read: a process may only be traced by its parent here "
            "(kernel.yama.ptrace_scope is 1)",
            help=f"{again}, or for all: sudo sysctl kernel.yama.ptrace_scope=0",
        )
    if status.capabilities & ~own.capabilities:
        return OpenError(f"{which} has capabilities that adp-tui has not", help=again)
    return OpenError(
        f"{which} may not be read: it has forbidden that itself (PR_SET_DUMPABLE), or changed its "
        "user since it was started",
        help=again,
    )


def _traced(pid: int, tracer: int) -> OpenError:
    try:
        name = f"{tracer} ({Procfs(tracer).status().name})"
    except (GoneError, OSError):
        name = str(tracer)
    return OpenError(
        f"process {pid} is traced already, by process {name}; only one can",
        help=f"detach that one, or look without a stop: adp-tui --pid {pid} --no-stop",
    )


def _yama_scope() -> int:
    try:
        return int(_YAMA.read_text())
    except (OSError, ValueError):
        return 0


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
