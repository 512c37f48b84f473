"""Compare us with gdb on a large program: as ``report_vs_gdb.py``, on one of over 300 MB of types.

Generates crates (``large_crates.py``) under ``target/large`` and builds them, one rustc at a time
and with low priority, until the program has that much debug information; takes minutes the first
time and goes on where it stopped when it is run again.

    python benchmarks/large.py             build what is missing, and measure
    python benchmarks/large.py --build     only build; prints core and executable
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import report_vs_gdb
from large_crates import Size, write

from adp_tui.engine.dwarf.abbrev import Skip
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf.file import ElfFile

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "target" / "large"
BYTES = 300_000_000
DIES = 25_000_000
"""What ``.debug_info`` has at least."""
CRATES = 24
"""Enough with the compiler that this was written with; more are added where it isn't."""
TIME, MEMORY = 0.15, 0.25
"""At most so much of what gdb takes."""


@dataclass(frozen=True, slots=True)
class DebugSize:
    """How much debug information a file has."""

    bytes: int
    units: int
    dies: int


def measure(executable: Path) -> DebugSize:
    """Count the entries of ``.debug_info``, in a process of its own.

    Linux counts the memory that a process has when it starts another one as that one's peak.
    """
    command = [sys.executable, str(Path(__file__)), "--count", str(executable)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return DebugSize(*json.loads(done.stdout))


def count_entries(executable: Path) -> DebugSize:
    """Count the entries of ``.debug_info``, each of them."""
    info = DebugInfo(ElfFile.open(executable))
    sections = info.sections
    count = 0
    for unit in info.units:
        first, end = sections.info.base + unit.first, sections.info.base + unit.end
        shapes: dict[int, tuple[int, Skip]] = {
            code: (each.size, each.skip) for code, each in sections.table(unit).items()
        }
        count += _entries(bytes(sections.info.buffer[first:end]), shapes)
    return DebugSize(sections.info.size, len(info.units), count)


def _entries(data: bytes, shapes: dict[int, tuple[int, Skip]]) -> int:
    at, end, count = 0, len(data), 0
    while at < end:
        code = data[at]
        at += 1
        if not code:
            continue
        shift = 7
        while code >> (shift - 7) > 0x7F:
            code = code & (1 << shift) - 1 | data[at] << shift
            at += 1
            shift += 7
        size, skip = shapes[code]
        at = at + size if size >= 0 else skip(data, at)
        count += 1
    return count


def build(crates: int) -> tuple[Path, dict[str, int]]:
    """Build the program with so many crates; return it, and how many tasks wait on what."""
    waits = write(PLACE / "source", Size(crates))
    lock = PLACE / "source" / "Cargo.lock"
    command = ["nice", "-n", "19", "cargo", "build", "-j1"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(PLACE / "build")}
    if lock.exists():
        command.append("--offline")
    subprocess.run(command, cwd=PLACE / "source", env=environment, check=True)
    return PLACE / "build" / "debug" / "large", waits


def grown() -> tuple[Path, dict[str, int]]:
    """Add crates until the program is large enough."""
    crates = CRATES
    while True:
        executable, waits = build(crates)
        size = measure(executable)
        print(
            f"{crates} crates: {size.bytes / 1e6:.1f} MB of .debug_info in {size.units:,} units, "
            f"{size.dies:,} entries"
        )
        lacks = max(BYTES / size.bytes, DIES / size.dies)
        if lacks <= 1:
            return executable, waits
        crates = max(crates + 1, math.ceil(crates * lacks))


def core_of(executable: Path) -> Path:
    """Let the program crash unless its core is there already."""
    core = PLACE / "core"
    if core.exists() and core.stat().st_mtime > executable.stat().st_mtime:
        return core
    sys.path.insert(0, str(ROOT / "tests"))
    from support.crash import crash

    core.unlink(missing_ok=True)
    (PLACE / "output").write_text(crash(PLACE, [str(executable)]))
    return core


def counts_right(core: Path, executable: Path, waits: dict[str, int]) -> int:
    """Return 0 when the report has as many waits of each kind as the sources."""
    command = report_vs_gdb.commands(core, executable)["adp-tui"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    tasks = [t for t in json.loads(done.stdout)["tasks"] if t["kind"] == "spawned"]
    found = Counter(wait["kind"] for task in tasks for wait in task["waits"])
    if found == waits:
        return 0
    print(f"the report has other waits: {dict(found)}")
    return 1


def main() -> int:
    """Build and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", action="store_true", help="only build")
    parser.add_argument("--runs", type=int, default=report_vs_gdb.RUNS)
    parser.add_argument("--count", type=Path, help="only count the entries of a program")
    options = parser.parse_args()
    if options.count is not None:
        size = count_entries(options.count)
        print(json.dumps([size.bytes, size.units, size.dies]))
        return 0
    executable, waits = grown()
    core = core_of(executable)
    print(f"{sum(waits.values())} tasks wait:", *(f"{k} {n}" for k, n in sorted(waits.items())))
    if options.build:
        print(core, executable, sep="\n")
        return 0
    if (status := counts_right(core, executable, waits)) != 0:
        return status
    seconds, memory = report_vs_gdb.compare(core, executable, options.runs)
    print(f"budget   {TIME:7.2f} x gdb's time, {MEMORY:.2f} x its memory")
    return 0 if seconds <= TIME and memory <= MEMORY else 2


if __name__ == "__main__":
    sys.exit(main())
