"""The dump that ships: small, complete, up to date, and silent about the machine it comes from."""

from __future__ import annotations

import getpass
import lzma
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from adp_tui.engine.errors import OpenError
from adp_tui.tui.demo import DemoFiles, demo_files

PROJECT = Path(__file__).resolve().parents[2]
ARCHIVE = PROJECT / "tui" / "demo_data" / "bank.tar.xz"

OF_THE_PROGRAM = re.compile(
    r"(/bank|/cargo/registry/[\w.-]+|/rustc/[0-9a-f]{40}|/rust/deps/[\w.-]+)"
)
"""What ``demo/make.py`` calls the folders of sources; std's own are named by its makers."""
FOREIGN = re.compile(rb"/(?:home|root|Users|work|build|builds|tmp|mnt|opt|srv|nix)/[\w.+-]+")
"""A path below a folder that people and build machines keep sources in."""


def test_it_is_small() -> None:
    assert ARCHIVE.stat().st_size <= 3_000_000


def test_it_ships_with_the_package() -> None:
    # The build backend takes each file below the package that version control doesn't ignore.
    packaged = resources.files("adp_tui.tui").joinpath("demo_data/bank.tar.xz")
    assert packaged.read_bytes() == ARCHIVE.read_bytes()
    git = shutil.which("git")
    if git is not None and (PROJECT / ".git").exists():
        ignored = subprocess.run([git, "check-ignore", "-q", ARCHIVE], cwd=PROJECT, check=False)
        assert ignored.returncode == 1


def test_its_sources_are_those_of_the_project(demo: DemoFiles) -> None:
    # GIVEN the sources that the dump was made of
    packed = {p.relative_to(demo.sources) for p in demo.sources.rglob("*") if p.is_file()}

    # THEN they are what the project holds now: else `make demo-dump` was forgotten
    assert packed - {Path("bank")} == {
        p.relative_to(PROJECT / "demo/bank")
        for pattern in ("Cargo.*", "src/*.rs")
        for p in (PROJECT / "demo/bank").glob(pattern)
    }
    for path in packed - {Path("bank")}:
        assert (demo.sources / path).read_text() == (PROJECT / "demo/bank" / path).read_text()


def test_no_file_holds_a_foreign_path(demo: DemoFiles) -> None:
    # GIVEN where this machine, which may have made the dump, keeps its things
    home = Path.home()
    here = {str(p) for p in (PROJECT, home / ".cargo", home / ".rustup", Path(sys.prefix))}
    if home != Path("/"):
        here.add(f"{home}/")
    if (user := getpass.getuser()) != "root":
        here.add(f"/{user}/")

    # WHEN all that is unpacked, and the archive around it, is searched
    files = [p for p in demo.sysroot.rglob("*") if p.is_file()]
    contents = {str(p): p.read_bytes() for p in files}
    contents["archive"] = lzma.decompress(ARCHIVE.read_bytes())

    # THEN there is no path of this machine, nor any that looks like one
    assert len(contents) > 10
    for name, content in contents.items():
        assert [p for p in here if p.encode() in content] == [], name
        assert FOREIGN.findall(content) == [], name


def test_the_core_holds_no_environment(demo: DemoFiles) -> None:
    content = demo.core.read_bytes()
    for name in (b"PATH=", b"HOME=", b"USER=", b"PWD=", b"LANG=", b"SHELL="):
        assert name not in content
    # The one argument and the path that the kernel noted.
    assert content.count(b"/bank/bank\0") >= 2


def test_the_archive_has_no_owners_and_one_time() -> None:
    with tarfile.open(ARCHIVE) as archive:
        entries = archive.getmembers()
    assert {(e.uid, e.gid, e.uname, e.gname) for e in entries} == {(0, 0, "", "")}
    assert {e.name for e in entries if e.mtime} == {"core"}


def test_the_core_is_as_old_as_the_crash(demo: DemoFiles) -> None:
    with tarfile.open(ARCHIVE) as archive:
        written = archive.getmember("core").mtime
    assert demo.core.stat().st_mtime == written


def test_debug_information_names_only_folders_of_the_program(demo: DemoFiles) -> None:
    # GIVEN the compilation folder and the source folders of each unit, as pyelftools reads them
    folders: set[str] = set()
    with demo.executable.open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        for unit in dwarf.iter_CUs():
            attributes = unit.get_top_DIE().attributes
            folders.add(attributes["DW_AT_comp_dir"].value.decode())
            program = dwarf.line_program_for_CU(unit)
            assert program is not None
            folders.update(f.decode() for f in program.header["include_directory"])

    # THEN each is relative or one of the names that the script gives
    absolute = {f for f in folders if f.startswith("/")}
    assert "/bank" in absolute
    assert {f for f in absolute if not OF_THE_PROGRAM.match(f)} == set()


def test_it_is_unpacked_for_this_user_only_and_removed() -> None:
    # WHEN the demo is in use
    with demo_files() as files:
        root = files.sysroot

        # THEN nobody else can look into its folder, and all its parts are there
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert os.access(files.executable, os.X_OK)
        assert files.core.is_file()
        assert (files.sources / "src" / "transfers.rs").is_file()

        # THEN zeros of the core take no room
        assert files.core.stat().st_blocks * 512 < files.core.stat().st_size / 2

    # THEN nothing is left
    assert not root.exists()


def test_it_is_removed_after_an_error() -> None:
    roots = []
    with pytest.raises(RuntimeError), demo_files() as files:
        roots.append(files.sysroot)
        raise RuntimeError
    assert [r.exists() for r in roots] == [False]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=lambda n: n.name)
def test_it_is_removed_when_the_program_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    # GIVEN a process that uses the demo
    program = (
        "import time\nfrom adp_tui.tui.demo import demo_files\n"
        "with demo_files() as d:\n"
        "    print(d.sysroot, flush=True)\n"
        "    while True: time.sleep(0.1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        root = Path(process.stdout.readline().strip())
        assert root.parent == tmp_path and root.is_dir()

        # WHEN its terminal is closed, or somebody kills it
        process.send_signal(number)

    # THEN it dies of that, and nothing is left
    assert process.returncode == -number
    assert list(tmp_path.iterdir()) == []


def test_the_unpacked_core_is_the_packed_one(demo: DemoFiles) -> None:
    with tarfile.open(ARCHIVE) as archive:
        packed = archive.extractfile("core")
        assert packed is not None
        assert packed.read() == demo.core.read_bytes()


def test_it_needs_no_toolchain(tmp_path: Path) -> None:
    # GIVEN an environment in which no program can be found
    program = "from adp_tui.tui.demo import demo_files\nwith demo_files() as d: print(d.core.name)"

    # WHEN the demo is unpacked
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    # THEN that works
    assert (done.returncode, done.stdout) == (0, "core\n"), done.stderr


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: None, "is not in this installation"),
        (lambda data: data[: len(data) // 2], "is damaged"),
        (lambda data: data[:1000] + b"\xff" * 1000 + data[2000:], "is damaged"),
        (lambda data: lzma.compress(b"no archive" * 1000), "is damaged"),
    ],
    ids=["missing", "cut", "overwritten", "no archive"],
)
def test_a_damaged_archive_is_refused(
    damage: Callable[[bytes], bytes | None],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # GIVEN an installation whose archive is not what it should be
    data = damage(ARCHIVE.read_bytes())
    if data is not None:
        (tmp_path / "demo_data").mkdir()
        (tmp_path / "demo_data" / "bank.tar.xz").write_bytes(data)
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)

    # THEN the demo says so, and what to do
    with pytest.raises(OpenError) as caught, demo_files():
        pass
    assert message in caught.value.message
    assert "install adp-tui again" in caught.value.help


def test_no_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a folder for temporary files that isn't there
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent/folder")

    # THEN the message names it, and the help a way out
    with pytest.raises(OpenError) as caught, demo_files():
        pass
    assert "/nonexistent/folder" in caught.value.message
    assert "TMPDIR=" in caught.value.help
