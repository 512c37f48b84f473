"""Runs the tests of each row (``support.rows``) on its core, and writes ``docs/matrix.md``.

``make matrix`` goes on where it was stopped: each row's result is kept in ``target/matrix`` for as
long as neither its dump nor adp-tui changes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

from support.build import MissingToolError, rustc  # noqa: E402
from support.builds import BUILDS  # noqa: E402
from support.finishes import FINISHES  # noqa: E402
from support.rows import ALLOCATORS, EVERY, OTHERS, ROWS, AnyRow  # noqa: E402

ROOT = TESTS.parent
RUNTIMES = TESTS / "runtimes"
RESULTS = ROOT / "target" / "matrix"
PAGE = ROOT / "docs" / "matrix.md"
READERS = ("engine", "backends", "tests/runtimes", "tests/support")
"""Folders whose sources decide what a row shows."""

OWN = 'the zoo\'s own profile (`panic = "abort"`)'
EARLIER = " \\*"
"""Marks a row that other sources have read."""

Test = Mapping[str, Any]
Cell = Callable[[Sequence[Test]], str]


def counted(*names: str) -> Cell:
    """Return how many of these tests passed, of all; nothing where there is none."""

    def cell(tests: Sequence[Test]) -> str:
        chosen = [test for test in tests if not names or test["test"] in names]
        return f"{sum(not test['failed'] for test in chosen)}/{len(chosen)}" if chosen else ""

    return cell


def told(*names: str) -> Cell:
    """Return what tests counted themselves: those found equal, and those compared.

    One that counts nothing is one.
    """

    def cell(tests: Sequence[Test]) -> str:
        chosen = [test for test in tests if test["test"] in names]
        equal = sum(test["properties"].get("equal", not test["failed"]) for test in chosen)
        return f"{equal}/{sum(test['properties'].get('compared', 1) for test in chosen)}"

    return lambda tests: cell(tests) if any(test["test"] in names for test in tests) else ""


EXECUTORS = (
    "test_executors_are_those_of_the_program",
    "test_executor",
    "test_number_of_tasks_by_state",
    "test_timers",
    "test_queues",
)
HOLDERS = ("test_holders_and_owners", "test_resource", "test_who_holds_it")
FINDINGS = (
    "test_what_the_source_implies_is_found",
    "test_nothing_else_is_found",
    "test_each_step_names_variable_and_line",
    "test_batons_that_cross_are_a_deadlock",
    "test_what_kept_no_waker_is_lost",
    "test_what_can_be_woken_is_not",
    "test_only_what_keeps_no_waker_is_lost",
    "test_message_and_place",
    "test_the_finding_tells_it",
)
SHARED: dict[str, Cell] = {
    "executors": counted(*EXECUTORS),
    "tasks": told("test_tasks_are_those_of_the_program"),
    "states": counted("test_state"),
    "stacks": counted("test_stack"),
    "waits": counted("test_waits"),
    "holders": told(*HOLDERS),
}
ALL = {"all tests": counted()}
COLUMNS = {**SHARED, "frames like gdb's": told("test_every_pc_is_that_of_gdb"), **ALL}
"""Of the zoo."""
OF_OTHERS = {**SHARED, "findings": counted(*FINDINGS), **ALL}
"""Of other programs: by the same names of tests, where they have them."""
OF_ALLOCATORS = {"tests": counted()}


@dataclass(frozen=True, slots=True)
class Result:
    """What is kept of a row."""

    key: str
    sources: str
    rustc: str
    gdb: str
    tests: Sequence[Test]

    @property
    def problem(self) -> str | None:
        """Why no test could be run: the program wasn't built, or its core can't be read."""
        setups = [test["message"] for test in self.tests if test["setup"]]
        if len(setups) < len(self.tests) or not setups:
            return None
        return str(setups[0]).splitlines()[0].removeprefix("Failed: ")


@cache
def sources() -> str:
    """Return a digest of what reads the dumps and what is expected of it."""
    digest = hashlib.sha256()
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".json"):
                digest.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def gdb() -> str:
    done = subprocess.run(["gdb", "--version"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[0]


def kept(row: AnyRow) -> Result | None:
    """Return the result of a row, if it is of the program as it now is."""
    path = RESULTS / f"{row}.json"
    if not path.exists():
        return None
    result = Result(**json.loads(path.read_text()))
    return result if result.key == row.key() else None


def run(row: AnyRow) -> Result:
    """Run the tests of a row and keep how they ended."""
    record = RESULTS / f"{row}.record"
    record.unlink(missing_ok=True)
    sources.cache_clear()  # Somebody may be at work on them.
    key, digest = row.key(), sources()
    files = [str(path) for each in row.files.split() for path in sorted(RUNTIMES.glob(each))]
    paths = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    command = ["nice", "-n", "19", sys.executable, "-m", "pytest", "-q", "--tb=line", "-m", ""]
    command += ["-p", "support.recorder", "--row", str(row), "--record", str(record)]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        # These tests use none of the plugins that those of the screen need.
        env={**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    assert record.exists(), f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    result = Result(key, digest, rustc(), gdb(), json.loads(record.read_text()))
    # Renamed when it is whole: this may be stopped at any time.
    record.write_text(json.dumps(asdict(result), indent=1))
    record.rename(RESULTS / f"{row}.json")
    return result


def build_of(build: str | None, own: str) -> str:
    """Say in words how a row's program was built."""
    return own if build is None else (BUILDS.get(build) or FINISHES[build]).says


def cells(result: Result | None, columns: Mapping[str, Cell]) -> Iterator[str]:
    """Yield what a row shows."""
    if result is None:
        yield from ("not run", *[""] * (len(columns) - 1))
    elif result.problem is not None:
        yield from (f"none: {result.problem}", *[""] * (len(columns) - 1))
    else:
        for cell in columns.values():
            yield cell(result.tests)


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(heads)} |"
    yield "| " + " | ".join(["---"] * len(heads)) + " |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def row_cells(
    row: AnyRow, results: Mapping[str, Result], columns: Mapping[str, Cell]
) -> Iterator[str]:
    """Yield the profile and the results of a row."""
    result = results.get(str(row))
    earlier = result is not None and result.sources != sources()
    yield row.profile + (EARLIER if earlier else "")
    yield from cells(result, columns)


def failures(results: Mapping[str, Result]) -> Iterator[str]:
    """Yield a line for each test that failed."""
    for name, result in results.items():
        for test in result.tests if result.problem is None else ():
            if test["failed"]:
                message = (str(test["message"]).splitlines() or [""])[0]
                yield f"- {name}: `{test['id'].partition('[')[0]}`: {message}"


def page(results: Mapping[str, Result]) -> str:
    """Return ``docs/matrix.md``."""
    newest = ROWS[0].tokio
    compilers = sorted({result.rustc.splitlines()[0] for result in results.values()})
    debuggers = sorted({result.gdb for result in results.values()})
    stale = any(result.sources != sources() for result in results.values())
    builds = [row for row in ROWS if row.tokio == newest]
    versions = [row for row in ROWS if row.tokio != newest]
    failed = list(failures(results))
    lines = [
        (TESTS / "matrix.head.md").read_text().strip(),
        "",
        f"Made with {', '.join(compilers) or 'nothing yet'}; {', '.join(debuggers) or 'no gdb'}.",
        *(["", f"{EARLIER.strip()} read by an earlier revision of adp-tui."] if stale else []),
        "",
        f"## Builds of tokio {newest}",
        "",
        *table(
            ("build", "profile", *COLUMNS),
            ((build_of(row.build, OWN), *row_cells(row, results, COLUMNS)) for row in builds),
        ),
        "",
        "## Versions of tokio",
        "",
        *table(
            ("tokio", "profile", *COLUMNS),
            ((row.tokio, *row_cells(row, results, COLUMNS)) for row in versions),
        ),
        "",
        "## Other programs",
        "",
        *table(
            ("program", "runtimes in it", "build", "profile", *OF_OTHERS),
            (
                (
                    f"`{row.program}`",
                    row.versions,
                    build_of(row.build, ", ".join(f"`--features {each}`" for each in row.features)),
                    *row_cells(row, results, OF_OTHERS),
                )
                for row in OTHERS
            ),
        ),
        "",
        "## Allocators",
        "",
        *table(
            ("allocator", "profile", *OF_ALLOCATORS),
            ((row.allocator, *row_cells(row, results, OF_ALLOCATORS)) for row in ALLOCATORS),
        ),
        "",
        "## What does not hold",
        "",
        *(failed or ["Nothing that was run."]),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run what is to be run, and write the page after each row."""
    parser = argparse.ArgumentParser(prog="python tests/matrix.py", description=__doc__)
    parser.add_argument("--only", default="*", help="only rows like this: '*-musl', '1.2*'")
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    chosen = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = {str(row): result for row in EVERY if (result := kept(row)) is not None}
    for row in () if chosen.page else EVERY:
        known = results.get(str(row))
        fresh = known is not None and known.sources == sources() and known.problem is None
        if fnmatch(str(row), chosen.only) and not fresh:
            print(f"{row} … ", end="", flush=True)
            results[str(row)] = run(row)
            print(results[str(row)].problem or counted()(results[str(row)].tests), flush=True)
            PAGE.write_text(page(_in_order(results)))
    PAGE.write_text(page(_in_order(results)))
    return int(any(test["failed"] for result in results.values() for test in result.tests))


def _in_order(results: Mapping[str, Result]) -> dict[str, Result]:
    return {str(row): results[str(row)] for row in EVERY if str(row) in results}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MissingToolError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit("stopped: `make matrix` goes on from here")
