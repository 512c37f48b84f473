"""How long a process stands while its tasks are read, as it feels it itself, beside gdb.

The process is ``tests/programs/busy idle``: parked tasks on four workers, and a thread that reads
the clock without rest and keeps its largest gap. It has one core for itself, and adp-tui and gdb
have another. A gap that was there without a stop (``--no-stop``) counts for neither. Each row is
the median of its runs, all on one process:

    said    what adp-tui says of its pause, from the first interrupt to the last detach
    felt    the largest gap while adp-tui copied, and while it read as much without a stop
    gdb     the largest gap in attaching, ``thread apply all bt`` and detaching
    times   how much longer gdb's is, both less the gap without a stop; ours is never taken for
            shorter than what adp-tui says

What is copied was found out by one analysis: it is the same in each run. Budgets: 10 tasks 5 ms,
10,000 tasks 20 ms, 100,000 tasks 60 ms, and up to 10,000 tasks a tenth of gdb's.

    python benchmarks/pause.py              50 runs of each, 5 of gdb's
    python benchmarks/pause.py --runs 10 --tasks 10 10000
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from report_vs_gdb import ROOT

from adp_tui.backends.live import LiveProcess, LiveTarget
from adp_tui.engine.analysis.analysis import analyse
from adp_tui.engine.program import Program

if TYPE_CHECKING:
    from support.alive import Alive

RUNS, GDB_RUNS = 50, 5
TASKS = (10, 10_000, 100_000)
THREADS = 512
"""The most threads that tokio's pool has for what blocks, by default."""
BUDGET_MS = {10: 5.0, 10_000: 20.0, 100_000: 60.0}
HEAD = f"{'tasks':>7} {'threads':>7} {'MB':>5} {'said':>8} {'felt':>8} {'without':>8} "
HEAD += f"{'budget':>7} {'gdb':>9} {'times':>7} {'load':>5}"


def gap(target: Alive, act: Callable[[], object]) -> float:
    """Return the longest time, in milliseconds, that the target's thread stood in an action."""
    target.ask("gap_ns")
    act()
    return target.ask("gap_ns") / 1e6


def look(process: LiveProcess) -> LiveTarget:
    """Read all that a snapshot needs; what was read is what a stop copies."""
    looked = process.look()
    analyse(Program(looked))
    return looked


def felt(target: Alive, process: LiveProcess, runs: int) -> tuple[float, float]:
    """Return the medians of the target's gap, and of the pause that is told."""
    looked = look(process)
    gaps, told = [], []

    def copy() -> None:
        copied = process.stop(looked)
        told.append(copied.facts.pause_ms or 0.0)
        if isinstance(copied, LiveTarget) and copied is not looked:
            copied.close()

    for _ in range(runs):
        gaps.append(gap(target, copy))
    looked.close()
    process.close()
    return statistics.median(gaps), statistics.median(told)


def gdb(pid: int) -> None:
    """Let gdb attach, show all stacks and let go."""
    command = ["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "thread apply all bt"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode or b"ticker::ticks" not in done.stdout:
        raise SystemExit(f"gdb shows no stacks:\n{done.stdout.decode(errors='replace')[-500:]}")


def measure(target: Alive, tasks: int, threads: int, runs: int, gdb_runs: int) -> str:
    """Return the row of one process."""
    load = os.getloadavg()[0]
    stopped, said = felt(target, LiveProcess(target.pid, max_pause=10.0), runs)
    without, _ = felt(target, LiveProcess(target.pid, stops=False), runs)
    theirs = [gap(target, lambda: gdb(target.pid)) for _ in range(gdb_runs)]
    pages = int(Path(f"/proc/{target.pid}/statm").read_text().split()[1])
    row = f"{tasks:7,} {threads:7} {pages * 4096 / 1e6:5.0f} {said:8.2f} {stopped:8.2f} "
    row += f"{without:8.2f} "
    budget = BUDGET_MS.get(tasks) if not threads else None
    row += f"{'' if budget is None else f'{budget:.0f}':>7} "
    if theirs:
        middle = statistics.median(theirs)
        times = (middle - without) / max(stopped - without, said)
        row += f"{middle:9.1f} {times:7.1f}"
    else:
        row += f"{'':9} {'':7}"
    return f"{row} {load:5.2f}"


def rows(cases: Sequence[tuple[int, int]], runs: int, gdb_runs: int) -> None:
    """Print a row for each number of tasks and of threads that stand blocked."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.alive import alive
    from support.build import executable

    program = executable("busy", profile="release")
    ours, targets = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, {ours})
    print(f"milliseconds, medians of {runs} runs ({gdb_runs} of gdb's)")
    print(HEAD)
    for tasks, threads in cases:
        command = ["taskset", "-c", str(targets), program, "idle", str(tasks), str(threads)]
        with alive(command, listens=True) as target:
            target.fact("ready")
            print(measure(target, tasks, threads, runs, gdb_runs), flush=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, nargs="+", default=TASKS)
    parser.add_argument("--threads", type=int, default=THREADS, help="0 leaves out their row")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--gdb-runs", type=int, default=GDB_RUNS, help="0 leaves gdb out")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("the target and adp-tui need a core each")
    cases = [(tasks, 0) for tasks in options.tasks]
    if options.threads:
        cases.append((options.tasks[0], options.threads))
    rows(cases, options.runs, options.gdb_runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
