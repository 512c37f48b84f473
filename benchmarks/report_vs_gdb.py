"""Compare ``adp-tui report core CORE --json`` with gdb's backtrace of all threads, on one core.

All run as whole processes, alternating in one run, after one run of each that warms the page
cache: ours without its cache, the same with compiled readers (where ``make compiled`` made them),
ours with the cache that its first run has made, and gdb. Printed are the medians of wall time and
peak memory, their ratios, and the machine's load at the beginning and the end: read a ratio only
where the load is low.

    python benchmarks/report_vs_gdb.py                         the first test program
    python benchmarks/report_vs_gdb.py --core CORE --exe EXE   any other
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPILED = ROOT / "target" / "compiled"
"""Where ``make compiled`` puts the package with its compiled readers."""
RUNS = 7
"""Runs of each that count: the median of fewer moves with every neighbour's work."""
FAILED = (math.inf, math.inf)
"""What is compared where one of them can't read the core."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall time in seconds, peak resident memory in megabytes, exit status."""

    seconds: float
    megabytes: float
    status: int


def run(command: Sequence[str], cache: Path | None = None) -> Run:
    """Run a command to its end, its output thrown away; ``cache`` is where caches are kept."""
    began = time.perf_counter()
    # An installed program has its bytecode: the run that warms the page cache writes it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if cache is not None:
        environment["XDG_CACHE_HOME"] = str(cache)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    return Run(seconds, usage.ru_maxrss / 1024, process.returncode)


def commands(core: Path, executable: Path) -> dict[str, list[str]]:
    """Return the commands, by name."""
    ours = [sys.executable, "-m", "adp_tui", "report", "core", str(core), "--exe", str(executable)]
    compiled = ["env", "PYTHONSAFEPATH=1", f"PYTHONPATH={COMPILED}", *ours]
    gdb = ["gdb", "-nx", "-batch", "-ex", "thread apply all bt", str(executable), str(core)]
    all_of_them = {
        "adp-tui": [*ours, "--json", "--no-cache"],
        "compiled": [*compiled, "--json", "--no-cache"],
        "cached": [*ours, "--json"],
        "gdb": gdb,
    }
    return {n: c for n, c in all_of_them.items() if n != "compiled" or COMPILED.is_dir()}


def tests_core(tokio: str, profile: str) -> tuple[Path, Path]:
    """Build the tests' first program and let it crash; return core and executable."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.build import make

    made = make("zoo", tokio=tokio, profile=profile)
    return made.core, made.exe


def compare(core: Path, executable: Path, runs: int) -> tuple[float, float]:
    """Run all alternating, print what they take; return our time and memory without a cache, of
    the compiled readers if they are there, as parts of gdb's.
    """
    print(f"core {core.name}: {core.stat().st_size / 1e6:.1f} MB, ", end="")
    print(f"executable {executable.name}: {executable.stat().st_size / 1e6:.1f} MB")
    before = os.getloadavg()[0]
    measured: dict[str, list[Run]] = {name: [] for name in commands(core, executable)}
    with tempfile.TemporaryDirectory() as cache:
        for number in range(runs + 1):
            for name, command in commands(core, executable).items():
                result = run(command, Path(cache))
                if result.status not in (0, 1):
                    print(f"{name} ended with status {result.status}: {' '.join(command)}")
                    return FAILED
                if number:
                    measured[name].append(result)
    for name, of_it in measured.items():
        seconds = sorted(r.seconds for r in of_it)
        memory = statistics.median(r.megabytes for r in of_it)
        middle = statistics.median(seconds)
        print(
            f"{name:8} {middle:7.3f} s  ({seconds[0]:.3f} … {seconds[-1]:.3f}), {memory:6.1f} MB, "
            f"median of {len(of_it)}"
        )
    ratios = {name: _parts(of_it, measured["gdb"]) for name, of_it in measured.items()}
    ratios.pop("gdb")
    for name, (time_part, memory_part) in ratios.items():
        print(f"{name:8} {time_part:.2f} x gdb's time, {memory_part:.2f} x its memory")
    print(f"load     {before:7.2f} at the beginning, {os.getloadavg()[0]:.2f} at the end")
    return ratios.get("compiled", ratios["adp-tui"])


def _parts(ours: Sequence[Run], theirs: Sequence[Run]) -> tuple[float, float]:
    """Return what our median is of theirs: time, memory."""
    return (
        statistics.median(r.seconds for r in ours) / statistics.median(r.seconds for r in theirs),
        statistics.median(r.megabytes for r in ours)
        / statistics.median(r.megabytes for r in theirs),
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--core", type=Path)
    parser.add_argument("--exe", type=Path)
    parser.add_argument("--tokio", default="1.54.1")
    parser.add_argument("--profile", default="debug")
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    if (options.core is None) != (options.exe is None):
        parser.error("--core and --exe go together")
    if options.core is None:
        core, executable = tests_core(options.tokio, options.profile)
    else:
        core, executable = options.core, options.exe
    return 1 if compare(core, executable, options.runs) == FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
