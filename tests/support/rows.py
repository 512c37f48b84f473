"""The rows of the matrix: versions of tokio and builds of the newest, each with its profile."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from support.build import MATRIX, NEWEST, OLDEST, PROFILES, TOKIO, key
from support.builds import BUILDS
from support.finishes import FINISHES

__all__ = ["ALLOCATORS", "KEPT", "ROWS", "Allocated", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One dump of the zoo."""

    tokio: str
    profile: str
    build: str | None = None

    def __str__(self) -> str:
        return "-".join(filter(None, (self.tokio, self.profile, self.build)))

    def key(self) -> str:
        """Return what the dump depends on."""
        return key("zoo", tokio=self.tokio, profile=self.profile, build=self.build)


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

    def key(self) -> str:
        """Return what the dump depends on."""
        return key("churn", profile=self.profile, features=self.features)


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
        for tokio in sorted({OLDEST, *MATRIX, *TOKIO} - {NEWEST}, key=_version)
        for profile in PROFILES
    ),
)
"""Builds of the newest version first, then the others from the oldest on."""
ALLOCATORS = tuple(
    Allocated(*each) for each in product(("glibc", "jemalloc", "mimalloc"), PROFILES)
)
