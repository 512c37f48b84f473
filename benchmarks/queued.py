"""How long it takes to say what is wrong with 100,000 tasks behind one semaphore.

The program is ``tests/programs/crowd``. Timed are the findings alone, once all tasks are read.

    python benchmarks/queued.py               100,000 tasks
    python benchmarks/queued.py --tasks 2000
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time

from report_vs_gdb import ROOT

from adp_tui.backends.core import open_core
from adp_tui.engine.findings.find import find
from adp_tui.engine.session import Session

FINDINGS_S = 5.0
"""Seconds for the findings, at most."""
RUNS = 3


def main() -> int:
    """Print how long the findings take, what they say, and the machine's load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    from support.build import make

    dump = make("crowd", str(chosen.tasks), "queue", profile="release")
    session = Session(open_core(dump.core, executable=dump.exe))
    snapshot = session.snapshot
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter(), time.process_time()
        found = find(snapshot)
        taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{len(snapshot.tasks):,} tasks: load {load}")
    for name, own in zip(("wall", "processor"), zip(*taken, strict=True), strict=True):
        print(f"{statistics.median(own):6.2f} s by the {name} clock; budget {FINDINGS_S:.0f} s")
    for finding in found:
        print(f"{finding.kind}: {finding.summary}")
    session.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
