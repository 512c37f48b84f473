"""Programs that the engine's readers are tested on, each built once for each way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cores import Dump

from adp_tui.backends.core import open_core
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.program import Program

SOURCES = Path(__file__).with_name("sources")
FLAGS = ("--edition", "2024", "-C", "codegen-units=2")

RUST = {
    "debug": (),
    "release": ("-O",),
    "dwarf5": ("-C", "dwarf-version=5"),
    "release-dwarf5-v0": ("-O", "-C", "dwarf-version=5", "-C", "symbol-mangling-version=v0"),
}
C = {"c-dwarf4": ("-gdwarf-4",), "c-dwarf5": ("-gdwarf-5", "-O1")}


def build(cores, way: str) -> Path:
    """Build the sample program in one way."""
    if way in C:
        return cores.program("shapes.c", *C[way])
    return cores.program("shapes.rs", *FLAGS, *RUST[way])


@pytest.fixture(scope="session", params=[*RUST, *C])
def sample(request, cores) -> Path:
    """Return the sample program, in every way in which it is built."""
    return build(cores, request.param)


@pytest.fixture(scope="session", params=RUST)
def rust_sample(request, cores) -> Path:
    """Return the sample program in Rust, in every way in which it is built."""
    return build(cores, request.param)


@pytest.fixture(scope="session")
def debug_sample(cores) -> Path:
    """Return the sample program in Rust, built without optimisation."""
    return build(cores, "debug")


@pytest.fixture(scope="session")
def open_debug():
    """Return a function that opens a program's debug information once."""
    opened: dict[Path, DebugInfo] = {}

    def open_once(path: Path) -> DebugInfo:
        if path not in opened:
            opened[path] = DebugInfo(ElfFile.open(path))
        return opened[path]

    return open_once


@pytest.fixture(scope="session")
def line_of():
    """Return a function from a marker ``// here: NAME`` of shapes.rs to its line."""
    text = (SOURCES / "shapes.rs").read_text()
    lines = {
        line.rsplit("// here: ", 1)[1].strip(): number
        for number, line in enumerate(text.splitlines(), 1)
        if "// here: " in line and not line.startswith("//!")
    }
    return lines.__getitem__


@pytest.fixture(scope="session", params=["debug", "release-dwarf5-v0"])
def rust_program(request, cores) -> Iterator[tuple[Program, Dump]]:
    """Return the sample program in a core, and what it said of itself."""
    dump = cores.dump(build(cores, request.param))
    target = open_core(dump.core, executable=dump.program)
    yield Program(target), dump
    target.close()


@pytest.fixture(scope="session")
def debug_program(cores) -> Iterator[Program]:
    """Return the sample program in a core, built without optimisation."""
    dump = cores.dump(build(cores, "debug"))
    target = open_core(dump.core, executable=dump.program)
    yield Program(target)
    target.close()
