"""Ways to build a program other than as its own profiles say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["BUILDS", "Build"]

SUPPORT = Path(__file__).parent
RELEASE = ("release",)
GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"


@dataclass(frozen=True, slots=True)
class Build:
    """Flags and settings that are added to a profile of a program."""

    says: str = field(repr=False)
    """What a person would write for it, as Markdown."""
    rustflags: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of the cargo profile: ``lto``, ``panic``, …"""
    target: str | None = None
    links: str | None = None
    """A source in C, beside this file, that is linked to the program."""
    profiles: tuple[str, ...] = field(default=("release", "debug"), repr=False)
    """Those that it is tested with."""

    @property
    def source(self) -> Path | None:
        """The source in C."""
        return None if self.links is None else SUPPORT / self.links

    def environment(self, profile: str) -> dict[str, str]:
        """Return what cargo is to find in its environment (``profile`` as cargo spells it)."""
        prefix = f"CARGO_PROFILE_{profile.upper()}_"
        found = {prefix + name.upper(): value for name, value in self.settings.items()}
        if self.rustflags:
            found["CARGO_ENCODED_RUSTFLAGS"] = "\x1f".join(self.rustflags)
        return found


BUILDS = {
    "v0-dwarf5": Build(
        "`-C symbol-mangling-version=v0 -C dwarf-version=5`",
        ("-Csymbol-mangling-version=v0", "-Cdwarf-version=5"),
    ),
    "thin-lto": Build('`lto = "thin"`', settings={"lto": "thin"}, profiles=RELEASE),
    "fat-lto": Build('`lto = "fat"`', settings={"lto": "fat"}, profiles=RELEASE),
    "unwind": Build('`panic = "unwind"`', settings={"panic": "unwind"}, links="no_unwinding.c"),
    "opt-s": Build('`opt-level = "s"`', settings={"opt_level": "s"}, profiles=RELEASE),
    # Only with a target of its own are proc macros, which are libraries, not built statically too.
    "static-pie": Build(
        "`-C target-feature=+crt-static`", ("-Ctarget-feature=+crt-static",), target=GNU
    ),
    # Refused by name: no rows of the matrix.
    "split-unpacked": Build(
        '`split-debuginfo = "unpacked"`', settings={"split_debuginfo": "unpacked"}, profiles=()
    ),
    "split-packed": Build(
        '`split-debuginfo = "packed"` with `-C dwarf-version=5`',
        ("-Cdwarf-version=5",),
        settings={"split_debuginfo": "packed"},
        profiles=(),
    ),
    "musl": Build(f"`--target {MUSL}`", target=MUSL),
}
"""By name; the zoo's own profiles have ``panic = "abort"``."""
