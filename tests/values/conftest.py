"""Cores of ``tests/programs/values.rs``, built in several ways."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cores import Cores

from adp_tui.backends.core import open_core
from adp_tui.engine.program import Program
from adp_tui.engine.value import Value

SOURCE = Path(__file__).parents[1] / "programs" / "values.rs"
BUILDS = {
    "debug": (),
    "release": ("-O",),
    "debug, DWARF 5": ("-C", "dwarf-version=5"),
    "release, DWARF 5": ("-O", "-C", "dwarf-version=5"),
}


@dataclass(frozen=True)
class Sample:
    """The program's leaked ``Sample``, and between which monotonic seconds it was made."""

    program: Program
    value: Value
    began: float
    ended: float

    def field(self, name: str) -> Value:
        """Return one of its fields."""
        found = self.value.member(name)
        assert found is not None, name
        return found


def _sample(cores: Cores, build: str) -> Sample:
    if not shutil.which("rustc"):
        pytest.fail("rustc is needed: apt-get install rustup && rustup default stable")
    program = cores.folder("values") / "values"
    command = ["rustc", "-g", "--edition", "2021", "-o", str(program), *BUILDS[build], str(SOURCE)]
    subprocess.run(command, check=True, timeout=300)
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    dump = cores.dump(program)
    ended = time.clock_gettime(time.CLOCK_MONOTONIC)
    opened = Program(open_core(dump.core))
    (static,) = opened.static("values::SAMPLE")
    # AtomicPtr { p: UnsafeCell { value } }
    cell = static.of(static.type.members[0])
    value = cell.of(cell.type.members[0]).deref()
    assert value is not None
    return Sample(opened, value, began, ended)


@pytest.fixture(scope="session")
def samples(cores: Cores) -> Iterator[Callable[[str], Sample]]:
    """Return what makes the sample of a build, once."""
    made: dict[str, Sample] = {}

    def get(build: str) -> Sample:
        if build not in made:
            made[build] = _sample(cores, build)
        return made[build]

    yield get
    for sample in made.values():
        sample.program.target.close()


@pytest.fixture(scope="session", params=BUILDS)
def sample(request: pytest.FixtureRequest, samples: Callable[[str], Sample]) -> Sample:
    """Return the sample of each build."""
    return samples(request.param)


@pytest.fixture(scope="session")
def plain(samples: Callable[[str], Sample]) -> Sample:
    """Return the sample of the debug build."""
    return samples("debug")
