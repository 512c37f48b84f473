"""What is done to an executable after it was built: its core stays the same.

Each way takes an executable with all debug information and writes what it makes of that into a
folder.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FINISHES", "Finish", "Finished"]


@dataclass(frozen=True, slots=True)
class Finished:
    """Where the results are."""

    exe: Path
    debug_files: tuple[Path, ...] = ()
    sysroot: Path | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """A way, and what a person would say of it, as Markdown."""

    says: str
    run: Callable[[Path, Path], Finished]


def _objcopy(*words: object) -> None:
    subprocess.run(["objcopy", *map(str, words)], check=True, timeout=120)


def _strip(exe: Path, debug: Path, stripped: Path, *, link: bool) -> None:
    _objcopy("--only-keep-debug", exe, debug)
    _objcopy("--strip-all", *([f"--add-gnu-debuglink={debug}"] if link else []), exe, stripped)


def _beside(exe: Path, folder: Path) -> Finished:
    _strip(exe, folder / f"{exe.name}.debug", folder / exe.name, link=True)
    return Finished(folder / exe.name)


def _named(exe: Path, folder: Path) -> Finished:
    debug = folder / "elsewhere" / f"{exe.name}.debug"
    debug.parent.mkdir()
    _strip(exe, debug, folder / exe.name, link=False)
    return Finished(folder / exe.name, debug_files=(debug,))


def _by_build_id(exe: Path, folder: Path) -> Finished:
    """Make a folder like the root of the machine: with the libraries, and /usr/lib/debug."""
    root = folder / "root"
    notes = subprocess.run(["readelf", "-n", exe], check=True, capture_output=True, text=True)
    (build_id,) = re.findall(r"Build ID: ([0-9a-f]+)", notes.stdout)
    debug = root / f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
    debug.parent.mkdir(parents=True)
    _strip(exe, debug, folder / exe.name, link=False)
    used = subprocess.run(["ldd", exe], check=True, capture_output=True, text=True)
    for library in re.findall(r"(/\S+) \(0x", used.stdout):
        path = Path(library).resolve()
        place = root / path.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    return Finished(folder / exe.name, sysroot=root)


def _compressed(how: str) -> Callable[[Path, Path], Finished]:
    def run(exe: Path, folder: Path) -> Finished:
        _objcopy(f"--compress-debug-sections={how}", exe, folder / exe.name)
        return Finished(folder / exe.name)

    return run


FINISHES: Mapping[str, Finish] = {
    "debuglink": Finish("stripped, the debug file beside it (`.gnu_debuglink`)", _beside),
    "build-id": Finish("stripped, the debug file by build-id in `--sysroot`", _by_build_id),
    "debug-file": Finish("stripped, the debug file named by `--debug-file`", _named),
    "zlib": Finish("`objcopy --compress-debug-sections=zlib`", _compressed("zlib")),
    "zstd": Finish("`objcopy --compress-debug-sections=zstd`", _compressed("zstd")),
}
