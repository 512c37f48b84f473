"""What it costs to list tasks through descriptors, for each of 100,000.

The program is ``tests/programs/crowd``. Timed is what a descriptor is asked for: its executors, the
lists of their tasks, and id, state, type, flags and future of each task. Threads, types and the
answers of the cache are there before. Stacks, waits and holders come on top of it.

    python benchmarks/descriptors.py               100,000 tasks
    python benchmarks/descriptors.py --tasks 2000
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import time

from report_vs_gdb import ROOT

from adp_tui.backends.core import open_core
from adp_tui.engine.analysis.executors import ExecutorSet
from adp_tui.engine.analysis.survey import Survey
from adp_tui.engine.analysis.tasks import TaskReader
from adp_tui.engine.analysis.threads import unwind_all
from adp_tui.engine.program import Program

TASK_US = 20.0
"""Microseconds for each task, at most."""
RUNS = 3


def main() -> int:
    """Print the cost of a task, and the machine's load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--profile", choices=("debug", "release"), default="release")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    from support.build import make

    dump = make("crowd", str(chosen.tasks), profile=chosen.profile)
    program = Program(open_core(dump.core, executable=dump.exe))
    # The first time types are looked up.
    tasks, _ = listed(program)
    costs = [listed(program)[1] / tasks for _ in range(RUNS)]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{tasks:,} tasks of {dump.exe.name}, {chosen.profile}: load {load}")
    each = sorted(cost.real * 1e6 for cost in costs), sorted(cost.imag * 1e6 for cost in costs)
    for name, own in zip(("wall", "processor"), each, strict=True):
        all_ = ", ".join(f"{cost:.1f}" for cost in own)
        middle = statistics.median(own)
        print(f"{middle:6.1f} us a task by the {name} clock (of {all_}); budget {TASK_US:.0f}")
    return 0


def listed(program: Program) -> tuple[int, complex]:
    """Return how many tasks the executors list, and how long it takes to read them.

    That is in seconds by the clock on the wall, and as the imaginary part of processor time.
    """
    survey = Survey(program, lambda text: None, lambda: None)
    survey.threads = unwind_all(program, survey._provided, lambda: None)
    survey._apply()
    reader = TaskReader(survey.book, survey.replays, survey._stack_ranges())
    executors = ExecutorSet(survey.book, reader)
    gc.collect()
    gc.disable()
    began = complex(time.perf_counter(), time.process_time())
    executors.add_roots()
    executors.walk()
    took = complex(time.perf_counter(), time.process_time()) - began
    gc.enable()
    return sum(len(executor.tasks) for executor in executors), took


if __name__ == "__main__":
    sys.exit(main())
