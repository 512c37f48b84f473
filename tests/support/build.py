"""Builds a Rust program, lets it crash, and keeps executable and core for the next run.

A program that runs until it is told to end is only built: ``executable``.

``PYTHONPATH=tests python -m support.build zoo 1.54.1 debug`` prints the path of the core.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from support.builds import BUILDS, Build
from support.crash import MissingToolError, crash
from support.finishes import FINISHES
from support.markers import Markers

__all__ = [
    "HANG_OLDER", "MATRIX", "NEWEST", "OLDEST", "POND_OLDER", "PROFILES", "TOKIO",
    "Dump", "MissingToolError", "executable", "facts_of", "features_for", "key",
    "locked_versions", "make", "rustc", "version_of",
]  # fmt: skip

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "programs"
CRATE = ROOT / "crates" / "adp" / "src" / "lib.rs"
"""What puts descriptors into binaries: a library of a program uses it by path."""
TARGET = ROOT / "target" / "programs"
"""One target folder for all, so that a dependency is built once."""
CORES = ROOT / "target" / "cores"
EXECUTABLES = ROOT / "target" / "executables"
"""Programs that never crash."""
OLDEST = "1.0.3"
MATRIX = (
    "1.4.0", "1.5.1", "1.8.5", "1.9.0", "1.13.1", "1.17.0", "1.18.6", "1.20.6", "1.21.2", "1.22.0",
    "1.23.1", "1.24.2", "1.26.0", "1.28.2", "1.29.1", "1.30.0", "1.34.0", "1.35.1", "1.37.0",
    "1.39.0", "1.44.2", "1.45.1", "1.49.0", "1.52.1", "1.53.1",
)  # fmt: skip
"""One of each way in which tokio keeps things in memory: only `make matrix` tests them."""
TOKIO = ("1.38.2", "1.47.5", "1.54.1")
NEWEST = TOKIO[-1]
LESS = {"old": (1, 37), "older": (1, 21), "oldest": (1, 5)}
"""Features of the zoo, and the versions of tokio before which they are on: those lack what some
of its tasks use.
"""
HANG_OLDER = "1.38.2"
"""The older version that `hang` is built with as well."""
POND_OLDER = "smol-1.3"
"""The pond as of 2023: async-executor 1.5, async-io 1.13, async-lock 2.8, async-channel 1.9,
async-std 1.12.
"""
PROFILES = ("debug", "release")
RECIPE = 1
"""To be raised when cores must be made again though no source has changed."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A core, the program that it is of, and what the program said of itself.

    ``whole`` is the executable with its debug information in it, as gdb is given it; it differs
    from ``exe`` where that was stripped or compressed. ``debug_files`` and ``sysroot`` are what
    a user would then pass.
    """

    name: str
    tokio: str | None
    profile: str
    exe: Path
    core: Path
    facts: Mapping[str, int]
    markers: Markers
    whole: Path
    debug_files: tuple[Path, ...] = ()
    sysroot: Path | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.name, self.tokio, self.profile)))


@dataclass(frozen=True, slots=True)
class _Job:
    """A program to build; ``debug`` overrides how much debug information its profile has."""

    name: str
    folder: Path
    tokio: str | None
    profile: str
    debug: str | None
    features: tuple[str, ...]
    arguments: tuple[str, ...]
    build: str | None = None
    crashes: bool = True

    @property
    def way(self) -> Build:
        """How it is built."""
        return BUILDS[self.build] if self.build else _AS_IT_IS

    @property
    def lock(self) -> Path:
        own = self.folder / "Cargo.lock"
        if not self.tokio:
            return own
        # The pond's are named by another crate: smol-1.3.
        name = self.tokio if self.tokio[0].isalpha() else f"tokio-{self.tokio}"
        return self.folder / "locks" / f"{name}.lock"

    @property
    def library(self) -> Path:
        """The folder of a library of the program's own; few have one."""
        return self.folder / "rt"

    @property
    def label(self) -> str:
        extra = [f"debug-{self.debug}"] if self.debug else []
        extra += [self.build] if self.build else []
        parts = (self.name, self.tokio, self.profile, *extra, *self.features, *self.arguments)
        return re.sub(r"[^\w.-]", "_", "-".join(filter(None, parts)))

    @property
    def environment(self) -> dict[str, str]:
        profile = "dev" if self.profile == "debug" else self.profile
        chosen = {f"CARGO_PROFILE_{profile.upper()}_DEBUG": self.debug} if self.debug else {}
        chosen |= self.way.environment(profile)
        return {"CARGO_TARGET_DIR": str(self.target), **chosen}

    @property
    def target(self) -> Path:
        """The target folder: flags of a build change all dependencies, so it has its own."""
        return TARGET / "builds" / self.build if self.build else TARGET

    @property
    def place(self) -> Path:
        """Where what was made is kept."""
        return (CORES if self.crashes else EXECUTABLES) / self.label

    def sources(self) -> Iterator[Path]:
        yield self.folder / "Cargo.toml"
        yield from sorted((self.folder / "src").rglob("*.rs"))
        yield from sorted(path for path in self.library.rglob("*") if path.is_file())

    def key(self) -> str:
        """Return what the result depends on, as a digest."""
        parts = hashlib.sha256(repr((RECIPE, self.label, rustc())).encode())
        if self.build:
            parts.update(repr(self.way).encode())
        if self.way.source is not None:
            parts.update(self.way.source.read_bytes())
        for path in (*self.sources(), self.lock):
            parts.update(f"\0{path.relative_to(self.folder)}\0".encode())
            parts.update(path.read_bytes())
        if self.library.exists():
            parts.update(CRATE.read_bytes())
        return parts.hexdigest()


_AS_IT_IS = Build("as its profiles say")


def make(
    name: str,
    *arguments: str,
    tokio: str | None = None,
    profile: str = "debug",
    debug: str | None = None,
    features: tuple[str, ...] = (),
    build: str | None = None,
) -> Dump:
    """Return the core of a program in ``tests/programs``, made unless it is there already.

    Args:
        name: Folder of the program; ``demo`` is the one beside ``tests``.
        arguments: What the program is started with.
        tokio: Version of tokio: one of those in the program's ``locks``; None for its own
            ``Cargo.lock``.
        profile: ``debug`` or ``release``.
        debug: Value of cargo's ``debug`` setting instead of the profile's: 0, 1,
            line-tables-only.
        features: Features of the program that are switched on.
        build: One of ``BUILDS``, or of ``FINISHES``, which change the executable and leave the
            core as it is.

    Raises:
        MissingToolError: cargo, its target or gdb isn't installed.
        AssertionError: it doesn't compile, or leaves no core; the message has the output.
    """
    finish = build if build in FINISHES else None
    job = _job(name, arguments, tokio, profile, debug, features, None if finish else build)
    _make_once(job)
    dump = Dump(
        name=name,
        tokio=tokio,
        profile=profile,
        exe=job.place / name,
        core=job.place / "core",
        facts=facts_of((job.place / "stdout").read_text()),
        markers=Markers(job.folder / "src"),
        whole=job.place / name,
    )
    return _finished(dump, job, finish) if finish else dump


def executable(name: str, *, tokio: str | None = None, profile: str = "debug") -> Path:
    """Return a program in ``tests/programs``, built unless it is there already; it does not run.

    Raises:
        MissingToolError: cargo isn't installed.
        AssertionError: it doesn't compile; the message has the output.
    """
    job = replace(_job(name, (), tokio, profile, None, (), None), crashes=False)
    _make_once(job)
    return job.place / name


def key(name: str, *, build: str | None = None, **options: Any) -> str:
    """Return what the dump that ``make`` would return depends on, as a digest."""
    finish = build if build in FINISHES else ""
    chosen = {"arguments": (), "tokio": None, "debug": None, "features": (), **options}
    return f"{_job(name, build=None if finish else build, **chosen).key()}{finish}"


def locked_versions(name: str, lock: str | None, crates: Iterable[str]) -> Iterator[str]:
    """Yield crates with the versions that a program's lock file has of them."""
    text = _job(name, (), lock, "debug", None, (), None).lock.read_text()
    for crate in crates:
        found = re.search(rf'^name = "{re.escape(crate)}"\nversion = "(.*)"$', text, re.MULTILINE)
        assert found is not None, f"no {crate} in the lock file of {name}"
        yield f"{crate} {found[1]}"


def _job(
    name: str,
    arguments: tuple[str, ...],
    tokio: str | None,
    profile: str,
    debug: str | None,
    features: tuple[str, ...],
    build: str | None,
) -> _Job:
    folder = ROOT / "demo" if name == "demo" else PROGRAMS / name
    if name == "zoo" and tokio is not None:
        features = (*features_for(tokio), *features)
    return _Job(name, folder, tokio, profile, debug, features, arguments, build)


def _is_made(job: _Job) -> bool:
    key = job.place / "key"
    return key.exists() and key.read_text() == job.key()


def _finished(dump: Dump, job: _Job, finish: str) -> Dump:
    """Return the dump with the executable that this way makes of the program."""
    place = CORES / f"{job.label}-{finish}"
    with _lock(job, finish):
        # Quick to make: what an earlier run left may be of another executable.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        made = FINISHES[finish].run(dump.exe, place)
    return replace(dump, exe=made.exe, debug_files=made.debug_files, sysroot=made.sysroot)


def version_of(tokio: str) -> tuple[int, int]:
    """Return a version's first two numbers: API comes with them."""
    major, minor, *_ = map(int, tokio.split("."))
    return major, minor


def features_for(tokio: str) -> tuple[str, ...]:
    """Return the feature with which the zoo is built for this version of tokio, if any."""
    fitting = [name for name, first in LESS.items() if version_of(tokio) < first]
    return tuple(fitting[-1:])


def _make_once(job: _Job) -> None:
    # What is there is no reason to wait for another that is being made.
    if not _is_made(job):
        with _lock(job):
            if not _is_made(job):
                _make(job)
                (job.place / "key").write_text(job.key())


def _make(job: _Job) -> None:
    shutil.rmtree(job.place, ignore_errors=True)
    job.place.mkdir(parents=True)
    built = _build(job)
    shutil.copy2(built, job.place / job.name)
    if (packed := built.with_name(f"{job.name}.dwp")).exists():
        shutil.copy2(packed, job.place)
    if job.build:
        # It serves no other build, and is large.
        shutil.rmtree(job.target)
    if job.crashes:
        output = crash(job.place, [str(job.place / job.name), *job.arguments])
        (job.place / "stdout").write_text(output)


def _build(job: _Job) -> Path:
    """Build a copy of the sources, which has the lock file of this version of tokio.

    A program with a library of its own has one lock file, and is built where it is: its
    dependencies are named by where they are.
    """
    copy = TARGET / "src" / "-".join(filter(None, (job.name, job.tokio)))
    if job.library.exists():
        copy = job.folder
    else:
        for source in job.sources():
            _copy(source, copy / source.relative_to(job.folder))
        _copy(job.lock, copy / "Cargo.lock")
    profile = [] if job.profile == "debug" else ["--profile", job.profile]
    features = ["--features", ",".join(job.features)] if job.features else []
    # What needs a newer tokio than a lock names is switched on by default.
    features += ["--no-default-features"] if job.tokio else []
    target, links = _target(job.way), _links(job)
    # Only `cargo rustc` takes flags for the program alone.
    verb = "rustc" if links else "build"
    done = subprocess.run(
        ["nice", _tool("cargo"), verb, "--locked", *profile, *features, *target, *links],
        cwd=copy,
        env={**os.environ, **job.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{job.label} does not build:\n{done.stderr}"
    return job.target / (job.way.target or "") / job.profile / job.name


def _target(way: Build) -> list[str]:
    """Return the words that name the target, if the toolchain has it."""
    if way.target is None:
        return []
    command = [_tool("rustc"), "--print", "target-libdir", "--target", way.target]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not Path(done.stdout.strip()).exists():
        raise MissingToolError(f"the toolchain has no {way.target}: rustup target add {way.target}")
    return ["--target", way.target]


def _links(job: _Job) -> list[str]:
    """Compile what is linked to the program, and return the words that say so."""
    source = job.way.source
    if source is None:
        return []
    linked = job.place / f"{source.stem}.o"
    subprocess.run(["cc", "-g", "-c", source, "-o", linked], check=True)
    return ["--", f"-Clink-arg={linked}"]


def _copy(source: Path, target: Path) -> None:
    """Copy a file unless it is there: cargo goes by the time of change."""
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@contextmanager
def _lock(job: _Job, finish: str | None = None) -> Iterator[None]:
    """Let one process at a time build: the executables of all versions have one place."""
    CORES.mkdir(parents=True, exist_ok=True)
    with (CORES / "-".join(filter(None, ("lock", job.build, finish)))).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def rustc() -> str:
    """Return what the compiler says of itself."""
    command = [_tool("rustc"), "--version", "--verbose"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingToolError(
            f"{name} is needed to build the programs of the tests: install Rust by"
            " https://rustup.rs (curl -sSf https://sh.rustup.rs | sh)"
        )
    return found


def facts_of(output: str) -> dict[str, int]:
    """Return the numbers that a program said, by name."""
    found = re.findall(r"^fact (\w+) (\w+)$", output, re.MULTILINE)
    return {name: int(value, 0) for name, value in found}


def main() -> int:
    """Make a core and print its path."""
    parser = argparse.ArgumentParser(prog="python -m support.build", description=__doc__)
    parser.add_argument("program")
    parser.add_argument("tokio", nargs="?", help="one of the program's locks, or its own")
    parser.add_argument("profile", nargs="?", default="debug", choices=PROFILES)
    parser.add_argument("build", nargs="?", choices=(*BUILDS, *FINISHES))
    chosen = parser.parse_args()
    try:
        dump = make(chosen.program, tokio=chosen.tokio, profile=chosen.profile, build=chosen.build)
    except (AssertionError, MissingToolError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(dump.core)
    return 0


if __name__ == "__main__":
    sys.exit(main())
