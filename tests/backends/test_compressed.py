"""Compressed cores: the same as the core they were made of, whole or damaged."""

from __future__ import annotations

import lzma
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import lz4.frame
import pytest
import zstandard
from support.cores import Dump

from adp_tui.backends import compressed
from adp_tui.backends.core import is_compressed, open_beginning, open_core
from adp_tui.engine.errors import CancelledError, FaultError, OpenError

Pack = Callable[[bytes], bytes]


def zstd_as_systemd(data: bytes) -> bytes:
    """Compress a stream of unknown length, with a checksum (compress.c, compress_stream_zstd)."""
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return stream.compress(data) + stream.flush()


def lz4_as_systemd(data: bytes) -> bytes:
    """Compress in blocks of 256 kB, without a size (compress.c, compress_stream_lz4)."""
    return lz4.frame.compress(
        data, block_size=lz4.frame.BLOCKSIZE_MAX256KB, content_checksum=True, store_size=False
    )


def xz_as_systemd(data: bytes) -> bytes:
    return lzma.compress(data, check=lzma.CHECK_CRC64, preset=1)


PACK = {"zstd": zstd_as_systemd, "lz4": lz4_as_systemd, "xz": xz_as_systemd}
each_pack = pytest.mark.parametrize("pack", PACK.values(), ids=PACK)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "core.threads.1000.4242"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that TMPDIR names."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


def files_in(folder: Path) -> list[os.stat_result]:
    """Return the files in a folder that this process has open, nameless ones too."""
    found = []
    for handle in os.listdir("/proc/self/fd"):
        try:
            name = os.readlink(f"/proc/self/fd/{handle}")
            if name.startswith(f"{folder}/"):
                found.append(os.stat(int(handle)))
        except OSError:
            continue
    return found


def assert_same(packed: Path, plain: Path) -> None:
    """Pass cores with the same threads, modules and memory."""
    target, full = open_core(packed), open_core(plain)
    assert target.threads() == full.threads() and target.modules() == full.modules()
    for region in full.memory.regions():
        size = region.end - region.start
        assert target.memory.read(region.start, size) == bytes(region.view)
    assert target.facts.problems == full.facts.problems == ()
    target.close()
    full.close()


@each_pack
def test_a_compressed_core_is_the_core(pack: Pack, threads_dump: Dump, put, temporary) -> None:
    # GIVEN a core as systemd leaves it, under a name that tells nothing
    path = put(pack(threads_dump.core.read_bytes()))
    assert is_compressed(path) and not is_compressed(threads_dump.core)
    # THEN all of it can be read, and it goes by its own name
    assert_same(path, threads_dump.core)
    assert open_core(path).facts.path == str(path)


@pytest.mark.parametrize(
    "command", ["zstd -c", "zstd -T2 --long=31 -c", "lz4 -c", "lz4 -BX -c", "xz -0c"]
)
def test_what_the_tools_write(command: str, threads_dump: Dump, put, temporary) -> None:
    # GIVEN a core that a user has compressed
    done = subprocess.run(
        [*command.split(), threads_dump.core], capture_output=True, check=True, timeout=60
    )
    # THEN it is read as well
    assert_same(put(done.stdout), threads_dump.core)


SKIPPED = struct.pack("<II", 0x184D2A50, 5) + b"table"


@pytest.mark.parametrize(
    ("name", "between", "after"),
    [
        ("zstd", b"", b""),
        ("zstd", SKIPPED, SKIPPED),
        ("lz4", b"", b""),
        ("lz4", SKIPPED, b""),
        ("xz", bytes(8), bytes(4)),
    ],
)
def test_archives_of_several_frames(
    name: str, between: bytes, after: bytes, threads_dump: Dump, put, temporary
) -> None:
    # GIVEN an archive in two parts, as parallel compressors write it, with what may lie between
    data = threads_dump.core.read_bytes()
    pack = PACK[name]
    path = put(pack(data[:100_001]) + between + pack(data[100_001:]) + after)
    # THEN both parts are read
    assert_same(path, threads_dump.core)


def test_the_file_is_private_and_has_holes(threads_dump: Dump, put, temporary) -> None:
    # GIVEN a core with a great hole, which is what a process leaves that reserves memory
    data = threads_dump.core.read_bytes()
    path = put(zstd_as_systemd(data + bytes(40 << 20)))
    # WHEN it is open
    target = open_core(path)
    # THEN the file is where TMPDIR says, without a name, for nobody else to read
    (file,) = files_in(temporary)
    assert stat.S_IMODE(file.st_mode) == 0o600 and file.st_nlink == 0
    # AND the hole takes no room
    assert file.st_size == len(data) + (40 << 20)
    assert file.st_blocks * 512 < len(data) + (1 << 20)
    # WHEN it is closed THEN the room is free again
    target.close()
    assert files_in(temporary) == []


# Archives that are not whole.


def missing(problems: tuple[str, ...]) -> int:
    """Return how many bytes the core is said to lack."""
    (problem,) = (each for each in problems if "the core is truncated" in each)
    return int(re.findall(r"truncated: ([\d,]+) of", problem)[0].replace(",", ""))


@each_pack
@pytest.mark.parametrize("share", [0.3, 0.8, 0.999])
def test_a_cut_archive(pack: Pack, share: float, threads_dump: Dump, put, temporary) -> None:
    # GIVEN an archive whose end is missing
    data = threads_dump.core.read_bytes()
    packed = pack(data)
    path = put(packed[: int(len(packed) * share)])
    # THEN it says so, and how much of the core that costs
    target = open_core(path)
    problem = target.facts.problems[0]
    found = re.fullmatch(rf"{path} is cut off after ([\d,]+) unpacked bytes", problem)
    assert found, problem
    size = int(found[1].replace(",", ""))
    if size < len(data):
        # Where only a checksum is cut off, the core is whole.
        assert missing(target.facts.problems) == len(data) - size
    # AND what is there is right
    assert len(target.threads()) == 5
    assert_prefix(target, threads_dump.core, size)


def assert_prefix(target, plain: Path, size: int) -> None:
    """Pass a target that has the first bytes of a core, and no other bytes of it."""
    full = open_core(plain)
    read = 0
    for region in full.memory.regions():
        expected = bytes(region.view[:8])
        try:
            assert target.memory.read(region.start, 8) == expected
            read += 1
        except FaultError as error:
            assert "cut off: the core is truncated" in error.reason
    assert read
    full.close()


@each_pack
def test_a_damaged_archive(pack: Pack, threads_dump: Dump, put, temporary) -> None:
    # GIVEN an archive with wrong bytes in its middle
    packed = bytearray(pack(threads_dump.core.read_bytes()))
    middle = len(packed) // 2
    packed[middle : middle + 64] = bytes(each ^ 0xFF for each in packed[middle : middle + 64])
    path = put(bytes(packed))
    # THEN it says so, in the words of what unpacks it, and what comes before is not lost
    target = open_core(path)
    problem = target.facts.problems[0]
    assert re.fullmatch(rf"{path} is damaged \(.+\) after [\d,]+ unpacked bytes", problem)
    assert len(target.threads()) == 5


@pytest.mark.parametrize("pack", [zstd_as_systemd, lz4_as_systemd])
def test_a_wrong_checksum(pack: Pack, threads_dump: Dump, put, temporary) -> None:
    # GIVEN an archive that can be unpacked to its end, where its checksum says it is not right
    packed = bytearray(pack(threads_dump.core.read_bytes()))
    packed[-1] ^= 0xFF
    # THEN that is said
    target = open_core(put(bytes(packed)))
    assert "checksum" in target.facts.problems[0]
    assert len(target.threads()) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zstd_as_systemd(b""), "there is nothing in"),
        (zstd_as_systemd(b"\x7fELF" * 9)[:8], "is cut off after 0 unpacked bytes"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 99, "is damaged ("),
        (b"\x04\x22\x4d\x18" + bytes(99), "is damaged ("),
        (b"\xfd7zXZ\x00" + bytes(99), "is damaged ("),
        (zstd_as_systemd(b"\x7fELF" * 9), "unpacked, "),
        (xz_as_systemd(bytes(9999)), "begins with zeros"),
    ],
    ids=["nothing", "cut", "zstd", "lz4", "xz", "no-core", "zeros"],
)
def test_archives_of_no_core(content: bytes, message: str, put, temporary) -> None:
    path = put(content)
    with pytest.raises(OpenError) as caught:
        open_core(path)
    assert message in caught.value.message and str(path) in caught.value.message
    assert caught.value.help


# Bounds.


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let the disk have so much room."""
    found = SimpleNamespace(f_bavail=free // 512, f_frsize=512)
    monkeypatch.setattr(compressed.os, "statvfs", lambda folder: found)


@each_pack
def test_no_room(pack: Pack, threads_dump: Dump, put, temporary, monkeypatch) -> None:
    # GIVEN a disk with too little room
    data = threads_dump.core.read_bytes()
    path = put(pack(data))
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    needed = sum(len(page) for page in pages if page.strip(b"\0"))
    with_free(monkeypatch, 40_960)
    # WHEN the core is opened
    with pytest.raises(OpenError) as caught:
        open_core(path)
    # THEN the message says how much is missing where, and the help how to name another place
    message = caught.value.message
    assert f"it needs {needed / 1e6:.1f} MB in {temporary}, where 41 kB are free" in message
    assert f"no room to unpack {path}" in message
    assert f"TMPDIR=DIR adp-tui core {path}" in caught.value.help


def test_zeros_need_no_room(threads_dump: Dump, put, temporary, monkeypatch) -> None:
    # GIVEN a core larger than the disk, most of it zeros
    data = bytearray(threads_dump.core.read_bytes())
    grown = len(data) + (256 << 20)
    segment = 64 + 56 * (struct.unpack_from("<H", data, 56)[0] - 1)
    offset = struct.unpack_from("<Q", data, segment + 8)[0]
    struct.pack_into("<QQ", data, segment + 32, grown - offset, grown - offset)
    path = put(zstd_as_systemd(bytes(data) + bytes(256 << 20)))
    with_free(monkeypatch, len(data))
    # THEN it is opened all the same
    target = open_core(path)
    assert len(target.threads()) == 5 and target.facts.problems == ()
    (file,) = files_in(temporary)
    assert (file.st_size, file.st_blocks * 512 <= len(data) + 65_536) == (grown, True)
    target.close()


def test_what_is_more_than_a_core_is_not_unpacked(
    threads_dump: Dump, put, temporary, monkeypatch
) -> None:
    # GIVEN an archive that goes on for long after its core
    data = threads_dump.core.read_bytes()
    path = put(zstd_as_systemd(data + os.urandom(8 << 20)))
    monkeypatch.setattr(compressed, "SLACK", 1 << 20)
    # THEN only a little more than the core is unpacked, and it says so
    target = open_core(path)
    (problem,) = target.facts.problems
    assert problem == f"{path} goes on after the end of the core: that is not read"
    (file,) = files_in(temporary)
    assert file.st_size < len(data) + (3 << 20)
    target.close()


LIMITED = """
import resource, sys
from pathlib import Path
from adp_tui.backends.core import open_core
from adp_tui.engine.errors import OpenError
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    open_core(Path(sys.argv[1]))
except OpenError as error:
    print(error.message, error.help, sep="\\n")
"""


def test_a_disk_that_fills_while_unpacking(threads_dump: Dump, put, temporary) -> None:
    # GIVEN a process that may write no more than 64 kB to a file
    path = put(zstd_as_systemd(threads_dump.core.read_bytes()))
    # WHEN it opens the core
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], capture_output=True, text=True, timeout=60
    )
    # THEN the message names the folder, the reason and TMPDIR
    message, help = done.stdout.splitlines()
    assert message.startswith(f"{path} cannot be unpacked into {temporary}: File too large")
    assert f"TMPDIR=DIR adp-tui core {path}" in help


def test_no_folder_for_temporary_files(threads_dump: Dump, put, monkeypatch) -> None:
    path = put(zstd_as_systemd(threads_dump.core.read_bytes()))
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent/folder")
    with pytest.raises(OpenError, match="/nonexistent/folder: No such file") as caught:
        open_core(path)
    assert "TMPDIR=DIR" in caught.value.help


# Progress, and the wish to stop.


@each_pack
def test_progress(pack: Pack, threads_dump: Dump, put, temporary) -> None:
    path = put(pack(threads_dump.core.read_bytes()))
    told: list[tuple[str, int, int]] = []
    open_core(path, tell=lambda *step: told.append(step)).close()
    # THEN it is told how much of the archive was read
    size = path.stat().st_size
    assert {(what, total) for what, _, total in told} == {("unpacking", size)}
    done = [at for _, at, _ in told]
    assert done == sorted(done) and done[0] == 0 and done[-1] < size


@pytest.mark.parametrize("free", [1 << 40, 4096], ids=["unpacking", "measuring"])
def test_it_can_be_stopped(free: int, threads_dump: Dump, put, temporary, monkeypatch) -> None:
    path = put(zstd_as_systemd(threads_dump.core.read_bytes()))
    with_free(monkeypatch, free)

    def stop(what: str, done: int, total: int) -> None:
        if done:
            raise CancelledError

    # WHEN what is told raises
    with pytest.raises(CancelledError):
        open_core(path, tell=stop)
    # THEN nothing is left
    assert files_in(temporary) == []


def test_the_beginning_names_the_program(threads_dump: Dump, put, temporary) -> None:
    # GIVEN a compressed core
    path = put(zstd_as_systemd(threads_dump.core.read_bytes()))
    # THEN its program is known before it is unpacked
    beginning = open_beginning(path)
    assert beginning.facts.executable == str(threads_dump.program)
    assert files_in(temporary) == []
    # AND a file that cannot be the program is refused
    with pytest.raises(OpenError, match="is a core") as caught:
        open_core(path, executable=threads_dump.core, tell=lambda *step: pytest.fail(str(step)))
    assert "--exe EXE" in caught.value.help
