"""The rows of the matrix: builds and versions of the zoo, allocators, and other programs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product

from support.build import (
    HANG_OLDER,
    MATRIX,
    NEWEST,
    OLDEST,
    POND_OLDER,
    PROFILES,
    TOKIO,
    key,
    locked_versions,
)
from support.builds import BUILDS
from support.finishes import FINISHES
from support.hang import HANGS
from support.panics import PANICS, WAYS
from support.toy import BUILDS as TOY_BUILDS

__all__ = ["ALLOCATORS", "EVERY", "KEPT", "OTHERS", "ROWS", "Allocated", "AnyRow", "Other", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One dump of the zoo."""

    tokio: str
    profile: str
    build: str | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.tokio, self.profile, self.build)))

    @property
    def fixture(self) -> str:
        return "zoo"

    @property
    def files(self) -> str:
        return "test_zoo_*.py"

    def key(self) -> str:
        """Return what the dump depends on."""
        return key("zoo", tokio=self.tokio, profile=self.profile, build=self.build)

    def is_of(self, parameter: object) -> bool:
        """Tell whether a value of the fixture is this row's."""
        return parameter == self


@dataclass(frozen=True, slots=True)
class Allocated:
    """One dump of the program with many freed tasks."""

    allocator: str
    profile: str

    def __str__(self) -> str:
        return f"{self.allocator}-{self.profile}"

    @property
    def features(self) -> tuple[str, ...]:
        return () if self.allocator == "glibc" else (self.allocator,)

    @property
    def fixture(self) -> str:
        return "churn"

    @property
    def files(self) -> str:
        return "test_allocators.py"

    def key(self) -> str:
        """Return what the dump depends on."""
        return key("churn", profile=self.profile, features=self.features)

    def is_of(self, parameter: object) -> bool:
        """Tell whether a value of the fixture is this row's."""
        return parameter == self


@dataclass(frozen=True, slots=True)
class Other:
    """A program beside the zoo, built in one way.

    Its tests have the columns of the page by their names (``COLUMNS`` in ``tests/matrix.py``).
    """

    program: str
    fixture: str
    """What its tests take a core from; the texts in its parameter are ``words``."""
    files: str
    """Its tests, in ``tests/runtimes``: names, or a pattern."""
    profile: str
    lock: str | None = None
    build: str | None = None
    features: tuple[str, ...] = ()
    crates: tuple[str, ...] = ("tokio",)
    """Those whose versions the page tells, from the lock file."""
    runs: tuple[tuple[str, ...], ...] = ((),)
    """What it is started with, once for each of its cores."""

    def __str__(self) -> str:
        parts = (self.program, self.lock, self.profile, self.build, *self.features)
        return "-".join(filter(None, parts))

    @property
    def words(self) -> frozenset[str]:
        """What tells its dumps from those of the program's other rows."""
        return frozenset(filter(None, (self.lock, self.profile, self.build, *self.features)))

    @property
    def versions(self) -> str:
        """The runtimes in it, with their versions."""
        return ", ".join(locked_versions(self.program, self.lock, self.crates))

    def key(self) -> str:
        """Return what its dumps depend on."""
        options = {"tokio": self.lock, "profile": self.profile, "build": self.build}
        keys = [
            key(self.program, arguments=each, features=self.features, **options)
            for each in self.runs
        ]
        return hashlib.sha256("\n".join(keys).encode()).hexdigest()

    def is_of(self, parameter: object) -> bool:
        """Tell whether a value of the fixture is this row's."""
        parts = parameter if isinstance(parameter, tuple) else (parameter,)
        found = {part for part in parts if isinstance(part, str)}
        return self.words == found.union(*(part for part in parts if isinstance(part, tuple)))


AnyRow = Row | Allocated | Other


def _version(tokio: str) -> tuple[int, ...]:
    return tuple(map(int, tokio.split(".")))


KEPT = tuple(Row(*each) for each in product((*reversed(TOKIO), OLDEST), PROFILES))
"""Those that `make test` has."""
ROWS = (
    *(Row(NEWEST, profile) for profile in PROFILES),
    *(Row(NEWEST, profile, name) for name, build in BUILDS.items() for profile in build.profiles),
    *(Row(NEWEST, profile, name) for name, profile in product(FINISHES, PROFILES)),
    *(
        Row(tokio, profile)
        for tokio in sorted({OLDEST, *MATRIX, *TOKIO} - {NEWEST}, key=_version, reverse=True)
        for profile in PROFILES
    ),
)
"""Builds of the newest version first, then the others from the newest on."""
ALLOCATORS = tuple(
    Allocated(*each) for each in product(("glibc", "jemalloc", "mimalloc"), PROFILES)
)
OTHERS = (
    *(
        Other("hang", "case", "test_holders.py test_findings.py", profile, lock, runs=runs)
        for lock, runs in (
            (None, tuple((each.name,) for each in HANGS)),
            (HANG_OLDER, tuple((each.name,) for each in HANGS if each.name != "handlers")),
        )
        for profile in PROFILES
    ),
    *(Other("localrt", "local", "test_local_runtime.py", profile) for profile in PROFILES),
    *(
        Other(
            "pond", "pond", "test_pond.py", profile, lock,
            crates=("smol", "async-executor", "async-std", "futures", "tokio"),
        )
        for lock, profile in product((None, POND_OLDER), PROFILES)
    ),
    *(
        Other(
            "percore", "cores", "test_percore.py", profile, features=features,
            crates=("monoio", "embassy-executor"),
        )
        for features, profile in product(((), ("sync",), ("uring",)), PROFILES)
    ),
    *(
        Other("toy", "toy", "test_toy.py", profile, build=build, crates=("toy-rt",))
        for profile, build in TOY_BUILDS
    ),
    *(
        Other("util", "util", "test_util.py", profile, crates=("tokio-util", "tokio"))
        for profile in PROFILES
    ),
    *(Other("lost", "lost", "test_lost.py", profile, crates=("toy-rt",)) for profile in PROFILES),
    *(
        Other(
            "adrift", "adrift", "test_adrift.py", profile,
            crates=("embassy-executor", "futures-executor"),
        )
        for profile in PROFILES
    ),
    *(
        Other(
            "panics", "case", "test_panics.py", profile, crates=(),
            runs=tuple((panic.name,) for panic in PANICS),
        )
        for profile in WAYS
    ),
)  # fmt: skip
"""A program is added by an entry here."""
EVERY: tuple[AnyRow, ...] = (*ROWS, *OTHERS, *ALLOCATORS)
