"""Files that are no core: each is told apart, and the message says what to type."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
import subprocess
from typing import Any

import pytest

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import OpenError

HEADER = struct.Struct("<4sBBBB8xHHIQQQIHHHHHH")


def header(*, bits=2, order=1, system=0, kind=4, machine=62, phnum=0):
    return HEADER.pack(
        b"\x7fELF", bits, order, 1, system, kind, machine, 1, 0, 64, 0, 0, 64, 56, phnum, 64, 0, 0
    )


CONTENTS = {
    "empty": (b"", "is empty", "ulimit -c unlimited"),
    "text": (b"#include <stdio.h>\n" * 9, "a text file, not a core", "core_pattern"),
    "script": (b"#!/bin/sh\necho\n" * 9, "a script, not a core", "ELF cores"),
    "zeros": (bytes(4096), "begins with zeros", ""),
    "noise": (bytes(range(200, 256)) * 9, "it is not an ELF file", ""),
    "three-bytes": (b"\x7fEL", "cut off within its first 3 bytes", ""),
    "short": (header()[:40], "cut off within its first 40 bytes", ""),
    "32-bit": (header(bits=1), "32-bit cores are not supported yet", "x86-64"),
    "big-endian": (header(order=2), "big-endian cores are not supported yet", "x86-64"),
    "aarch64": (header(machine=183), "cores of aarch64 are not supported yet", "x86-64"),
    "riscv": (header(machine=243), "cores of RISC-V are not supported yet", ""),
    "unknown-machine": (header(machine=9999), "cores of machine 9999 are not supported yet", ""),
    "freebsd": (header(system=9), "cores of FreeBSD are not supported yet", "Linux"),
    "object": (header(kind=1), "an object file, not a core", ""),
    "other-kind": (header(kind=0xFE00), "an ELF file of another kind, not a core", ""),
    "damaged": (b"\x7fELF\3" + bytes(99), "32-bit", ""),
    "headers-only": (header(), "without threads and memory", "ulimit -c"),
    "cut-in-headers": (header(phnum=30), "without threads and memory", "ulimit -c"),
    "xz-in-xz": (lzma.compress(lzma.compress(b"core")), "compressed with xz", "xz -dk"),
    "text-in-xz": (lzma.compress(b"core " * 99), "a text file, not a core", "core_pattern"),
    "gzip": (gzip.compress(b"core"), "compressed with gzip", "gzip -dk"),
    "bzip2": (bz2.compress(b"core"), "compressed with bzip2", "bzip2 -dk"),
    "minidump": (b"MDMP" + bytes(99), "a minidump", ""),
    "library": (b"!<arch>\n" + bytes(99), "a static library", ""),
}


@pytest.mark.parametrize(("contents", "message", "advice"), CONTENTS.values(), ids=CONTENTS)
def test_says_what_a_file_is(tmp_path, contents, message, advice):
    path = tmp_path / "file.core"
    path.write_bytes(contents)
    with pytest.raises(OpenError) as caught:
        open_core(path)
    assert message in caught.value.message and str(path) in caught.value.message
    assert advice in caught.value.help and caught.value.help


@pytest.mark.parametrize(
    "flags", [(), ("-no-pie",), ("-static",), ("-static-pie",)], ids=lambda flags: str(flags)
)
def test_an_executable(cores, flags):
    program = cores.program("threads.c", *flags)
    with pytest.raises(OpenError, match="is an executable, not a core") as caught:
        open_core(program)
    assert f"adp-tui core CORE --exe {program}" in caught.value.help


def test_a_shared_library(threads_dump):
    path: Any
    (path,) = (m.file for m in open_core(threads_dump.core).modules() if "/libc.so" in m.path)
    with pytest.raises(OpenError, match="is a shared library, not a core"):
        open_core(path)


def test_unpacks_as_the_help_says(cores, tmp_path):
    path = tmp_path / "some.core.gz"
    path.write_bytes(
        gzip.compress(cores.dump(cores.program("threads.c"), "abort").core.read_bytes(), 1)
    )
    with pytest.raises(OpenError) as caught:
        open_core(path)
    subprocess.run(caught.value.help.partition(": ")[2].split(), check=True, timeout=60)
    assert len(open_core(tmp_path / "some.core").threads()) == 5


def test_no_file(tmp_path):
    with pytest.raises(OpenError, match="does not exist"):
        open_core(tmp_path / "none")


def test_a_folder(tmp_path):
    with pytest.raises(OpenError, match="is a folder"):
        open_core(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OpenError, match="not a regular file"):
        open_core(tmp_path / "pipe")


def test_a_file_of_another_user(tmp_path, monkeypatch):
    path = tmp_path / "core"
    path.write_bytes(header())

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("adp_tui.backends.files.os.open", refuse)
    with pytest.raises(OpenError, match="may not be read") as caught:
        open_core(path)
    assert f"sudo chown $USER {path}" in caught.value.help


def test_a_path_with_a_nul(tmp_path):
    with pytest.raises(OpenError, match="cannot be opened"):
        open_core(tmp_path / "a\0b")


def test_executables_that_are_none(threads_dump, tmp_path):
    text = tmp_path / "text"
    text.write_text("no program")
    for path, message in (
        (tmp_path / "none", "cannot be opened: No such file"),
        (tmp_path, "not a regular file"),
        (text, "is no 64-bit ELF program"),
        (threads_dump.core, "is a core"),
    ):
        with pytest.raises(OpenError, match=message) as caught:
            open_core(threads_dump.core, executable=path)
        assert f"--exe {path}" in caught.value.message and "--exe EXE" in caught.value.help


def test_separate_debug_information_is_no_executable(threads_dump, tmp_path):
    debug = tmp_path / "threads.debug"
    subprocess.run(["objcopy", "--only-keep-debug", threads_dump.program, debug], check=True)
    with pytest.raises(OpenError, match="separate debug information") as caught:
        open_core(threads_dump.core, executable=debug)
    assert f"--debug-file {debug}" in caught.value.help


def test_a_sysroot_that_is_no_folder(threads_dump, tmp_path):
    with pytest.raises(OpenError, match=r"--sysroot .* is not a folder"):
        open_core(threads_dump.core, sysroot=tmp_path / "none")
