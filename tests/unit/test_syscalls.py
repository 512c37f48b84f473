"""System calls by number, compared with the header of the system where there is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adp_tui.engine.syscalls import describe, name_of

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@pytest.mark.skipif(not HEADER.exists(), reason="no headers of Linux on x86-64 here")
def test_numbers_are_those_of_the_system():
    defined = re.findall(r"^#define __NR_(\w+) (\d+)$", HEADER.read_text(), re.MULTILINE)
    assert len(defined) > 300
    unknown = {name: number for name, number in defined if name_of(int(number)) != name}
    # A system newer than the table may have more; it renames none.
    assert all(name_of(int(number)).startswith("syscall_") for number in unknown.values())


@pytest.mark.parametrize(
    ("number", "arguments", "expected", "parks"),
    [
        (0, (5, 0x1000, 8), ("read", 5, None), True),
        (0, (0xFFFF_FFFF_FFFF_FFFF,), ("read", None, None), True),
        (0, (0x1234_0000_0005,), ("read", 5, None), True),
        (35, (0x1000, 0), ("nanosleep", None, None), True),
        (39, (), ("getpid", None, None), False),
        (202, (0x1000, 0), ("futex", None, 0x1000), True),
        (202, (0x1000, 0x80 | 9), ("futex", None, 0x1000), True),
        (202, (0x1000, 0x80 | 0x100 | 13), ("futex", None, 0x1000), True),
        (202, (0x1000, 0x80 | 1), ("futex", None, None), False),
        (202, (), ("futex", None, None), False),
        (230, (0, 0, 0x1000), ("clock_nanosleep", None, None), True),
        (232, (3, 0x1000, 64, -1), ("epoll_wait", 3, None), True),
        (234, (1, 1, 6), ("tgkill", None, None), False),
        (271, (0x1000, 1), ("ppoll", None, None), True),
        (281, (3,), ("epoll_pwait", 3, None), True),
        (426, (4, 0, 1), ("io_uring_enter", 4, None), True),
        (435, (0x1000, 88), ("clone3", None, None), False),
        (441, (3,), ("epoll_pwait2", 3, None), True),
        (449, (0x1000, 2), ("futex_waitv", None, None), True),
        (455, (0x1000, 2), ("futex_wait", None, 0x1000), True),
        (400, (1,), ("syscall_400", None, None), False),
        (1 << 62, (), (f"syscall_{1 << 62}", None, None), False),
    ],
)
def test_describes(number, arguments, expected, parks):
    call = describe(number, arguments)
    assert call == expected and call.parks == parks
