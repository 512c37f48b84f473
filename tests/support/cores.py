"""Real programs and the cores that the kernel, or gdb, writes of them."""

from __future__ import annotations

import re
import resource
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
__all__ = ["Cores", "Dump"]

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")


@dataclass(frozen=True)
class Dump:
    """A core, the program that it is of, and what the program said of itself."""

    core: Path
    program: Path
    facts: Mapping[str, int]


class Cores:
    """Builds programs and lets them crash, each once for each way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs: dict[tuple[str, ...], Path] = {}
        self._dumps: dict[tuple[object, ...], Dump] = {}

    def folder(self, name: str) -> Path:
        """Return a new folder."""
        for number in range(1000):
            folder = self._folder / f"{name}-{number}"
            if not folder.exists():
                folder.mkdir()
                return folder
        raise AssertionError("a thousand folders")

    def program(self, source: str, *flags: str) -> Path:
        """Build a program from a folder ``sources`` of these tests."""
        key = (source, *flags)
        if key not in self._programs:
            output = self.folder("program") / Path(source).stem
            compiler = ["rustc", "-g"] if source.endswith(".rs") else ["gcc", "-g", "-pthread"]
            subprocess.run(
                [*compiler, *TESTS.glob(f"*/sources/{source}"), "-o", output, *flags],
                check=True,
                timeout=120,
            )
            self._programs[key] = output
        return self._programs[key]

    def dump(
        self, program: Path, *arguments: str, saves: int | None = None, by_gdb: bool = False
    ) -> Dump:
        """Let a program crash by itself; ``saves`` is its coredump_filter."""
        key = (program, arguments, saves, by_gdb)
        if key not in self._dumps:
            folder = self.folder("core")
            pattern = CORE_PATTERN.read_text().strip()
            # A pattern with a pipe or a folder takes the core out of our hands.
            run = _by_gdb if by_gdb or pattern[:1] in "|/" else _by_kernel
            output = run(folder, [str(program), *arguments], saves)
            self._dumps[key] = Dump(folder / "core", program, _facts(output))
        return self._dumps[key]


def _by_kernel(folder: Path, command: list[str], saves: int | None) -> str:
    done = subprocess.run(
        command, cwd=folder, preexec_fn=_prepare(saves), capture_output=True, timeout=60, text=True
    )
    written = [each for each in folder.iterdir() if each.name.startswith("core")]
    assert len(written) == 1, (written, done)
    written[0].rename(folder / "core")
    return done.stdout


def _by_gdb(folder: Path, command: list[str], saves: int | None) -> str:
    # A program that divides by zero handles that signal itself.
    gdb = ["gdb", "-nx", "-batch", "-ex", "handle SIGFPE nostop noprint pass"]
    gdb += ["-ex", "run", "-ex", "generate-core-file core", "-ex", "kill"]
    done = subprocess.run(
        [*gdb, "--args", *command],
        cwd=folder,
        preexec_fn=_prepare(saves),
        capture_output=True,
        timeout=120,
        text=True,
    )
    assert (folder / "core").exists(), done
    return done.stdout


def _prepare(saves: int | None) -> Callable[[], None]:
    def prepare() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        if saves is not None:
            # Kept over fork and execve (core(5)).
            Path("/proc/self/coredump_filter").write_text(hex(saves))

    return prepare


def _facts(output: str) -> dict[str, int]:
    found = re.findall(r"^fact (\w+) (\w+)$", output, re.MULTILINE)
    return {name: int(value, 0) for name, value in found}
