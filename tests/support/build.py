"""Builds a Rust program, lets it crash, and keeps executable and core for the next run.

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.crash import MissingToolError, crash
from support.markers import Markers

__all__ = ["MATRIX", "OLDEST", "PROFILES", "TOKIO", "Dump", "MissingToolError", "is_old", "make"]

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "programs"
BUILDS = ROOT / "target" / "programs"
"""One target folder for all, so that a dependency is built once."""
CORES = ROOT / "target" / "cores"
OLDEST = "1.24.2"
MATRIX = (
    "1.26.0", "1.28.2", "1.29.1", "1.30.0", "1.34.0", "1.35.1", "1.37.0", "1.39.0", "1.44.2",
    "1.45.1", "1.49.0", "1.52.1", "1.53.1",
)  # fmt: skip
"""One of each way in which tokio keeps things in memory: only `make matrix` tests them."""
TOKIO = ("1.38.2", "1.47.5", "1.54.1")
_LESS = (1, 37)
"""Before this version tokio lacks what some tasks of the zoo use."""
PROFILES = ("debug", "release")
RECIPE = 1
"""To be raised when cores must be made again though no source has changed."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A core, the program that it is of, and what the program said of itself."""

    name: str
    tokio: str | None
    profile: str
    exe: Path
    core: Path
    facts: Mapping[str, int]
    markers: Markers

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

    @property
    def lock(self) -> Path:
        own = self.folder / "Cargo.lock"
        return self.folder / "locks" / f"tokio-{self.tokio}.lock" if self.tokio else own

    @property
    def label(self) -> str:
        extra = [f"debug-{self.debug}"] if self.debug else []
        parts = (self.name, self.tokio, self.profile, *extra, *self.features, *self.arguments)
        return re.sub(r"[^\w.-]", "_", "-".join(filter(None, parts)))

    @property
    def environment(self) -> dict[str, str]:
        profile = "DEV" if self.profile == "debug" else self.profile.upper()
        chosen = {f"CARGO_PROFILE_{profile}_DEBUG": self.debug} if self.debug else {}
        return {"CARGO_TARGET_DIR": str(BUILDS), **chosen}

    def sources(self) -> Iterator[Path]:
        yield self.folder / "Cargo.toml"
        yield from sorted((self.folder / "src").rglob("*.rs"))

    def key(self) -> str:
        """Return what the core depends on, as a digest."""
        parts = hashlib.sha256(repr((RECIPE, self.label, _rustc())).encode())
        for path in (*self.sources(), self.lock):
            parts.update(f"\0{path.relative_to(self.folder)}\0".encode())
            parts.update(path.read_bytes())
        return parts.hexdigest()


def make(
    name: str,
    *arguments: str,
    tokio: str | None = None,
    profile: str = "debug",
    debug: str | None = None,
    features: tuple[str, ...] = (),
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

    Raises:
        MissingToolError: cargo or gdb isn't installed.
        AssertionError: it doesn't compile, or leaves no core; the message has the output.
    """
    folder = ROOT / "demo" if name == "demo" else PROGRAMS / name
    if name == "zoo" and is_old(tokio):
        features = ("old", *features)
    job = _Job(name, folder, tokio, profile, debug, features, arguments)
    place = CORES / job.label
    key = job.key()
    with _lock():
        if not (place / "key").exists() or (place / "key").read_text() != key:
            _make(job, place)
            (place / "key").write_text(key)
    return Dump(
        name=name,
        tokio=tokio,
        profile=profile,
        exe=place / name,
        core=place / "core",
        facts=_facts((place / "stdout").read_text()),
        markers=Markers(folder / "src"),
    )


def is_old(tokio: str | None) -> bool:
    """Tell whether the zoo is built with its feature ``old`` for this version of tokio."""
    return tokio is not None and tuple(map(int, tokio.split(".")[:2])) < _LESS


def _make(job: _Job, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    built = _build(job)
    shutil.copy2(built, place / job.name)
    output = crash(place, [str(place / job.name), *job.arguments])
    (place / "stdout").write_text(output)


def _build(job: _Job) -> Path:
    """Build a copy of the sources, which has the lock file of this version of tokio."""
    copy = BUILDS / "src" / "-".join(filter(None, (job.name, job.tokio)))
    for source in job.sources():
        _copy(source, copy / source.relative_to(job.folder))
    _copy(job.lock, copy / "Cargo.lock")
    profile = [] if job.profile == "debug" else ["--profile", job.profile]
    features = ["--features", ",".join(job.features)] if job.features else []
    done = subprocess.run(
        ["nice", _tool("cargo"), "build", "--locked", *profile, *features],
        cwd=copy,
        env={**os.environ, **job.environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{job.label} does not build:\n{done.stderr}"
    return BUILDS / job.profile / job.name


def _copy(source: Path, target: Path) -> None:
    """Copy a file unless it is there: cargo goes by the time of change."""
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time build: the executables of all versions have one place."""
    CORES.mkdir(parents=True, exist_ok=True)
    with (CORES / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def _rustc() -> str:
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


def _facts(output: str) -> dict[str, int]:
    found = re.findall(r"^fact (\w+) (\w+)$", output, re.MULTILINE)
    return {name: int(value, 0) for name, value in found}


def main() -> int:
    """Make a core and print its path."""
    parser = argparse.ArgumentParser(prog="python -m support.build", description=__doc__)
    parser.add_argument("program")
    parser.add_argument("tokio", nargs="?", help="one of the program's locks, or its own")
    parser.add_argument("profile", nargs="?", default="debug", choices=PROFILES)
    chosen = parser.parse_args()
    try:
        dump = make(chosen.program, tokio=chosen.tokio, profile=chosen.profile)
    except (AssertionError, MissingToolError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(dump.core)
    return 0


if __name__ == "__main__":
    sys.exit(main())
