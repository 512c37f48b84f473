"""The zoo's core, read whole once, and a copy of it that each test may damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hostile.damage import DamagedCore
from support.build import Dump
from support.reading import Reading, read

import adp_tui.engine.image as image
from adp_tui.engine.answers import Answers
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf.file import ElfFile


@pytest.fixture(scope="session")
def zoo(dump: Callable[..., Dump]) -> Dump:
    """Return a release core: it is read three times as fast as a debug one."""
    return dump("zoo", tokio="1.54.1", profile="release")


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, object]:
    """Return what keeps what was read of sound files: most tests damage only the core.

    A damaged executable is in a test's own folder, and is let go with its session.
    """
    damaged = tmp_path_factory.getbasetemp()
    files: dict[Path, ElfFile] = {}
    infos: dict[int, tuple[ElfFile, DebugInfo]] = {}
    # A mapping that is looked at stays open when a session closes it: the next test reads it too.
    views: dict[int, memoryview] = {}

    class Known:
        from_bytes = staticmethod(ElfFile.from_bytes)

        @staticmethod
        def open(path: Path) -> ElfFile:
            if path.is_relative_to(damaged):
                return ElfFile.open(path)
            if path not in files:
                files[path] = ElfFile.open(path)
                views[id(files[path])] = memoryview(files[path].buffer)
            return files[path]

    def info(file: ElfFile, *answers: Answers) -> DebugInfo:
        if id(file) not in views:
            return DebugInfo(file, *answers)
        if id(file) not in infos:
            infos[id(file)] = (file, DebugInfo(file, *answers))
        return infos[id(file)][1]

    return Known, info


@pytest.fixture(scope="module")
def known_files(readers: tuple[object, object]) -> Iterator[None]:
    """Let the tests of a module here, and no others, share the files that were read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "ElfFile", readers[0])
        patch.setattr(image, "DebugInfo", readers[1])
        yield


@pytest.fixture(scope="module")
def sound(zoo: Dump, known_files: None) -> Iterator[Reading]:
    """Return the core as it is before any damage."""
    reading = read(zoo)
    yield reading
    reading.session.close()


@pytest.fixture(scope="module")
def copy(zoo: Dump, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DamagedCore]:
    folder = tmp_path_factory.mktemp("hostile")
    copy = DamagedCore(zoo.core, folder / "core")
    yield copy
    copy.close()
    copy.path.unlink()


@pytest.fixture
def core(copy: DamagedCore) -> Iterator[DamagedCore]:
    """Return a copy of the core; what a test writes into it is undone."""
    yield copy
    copy.restore()


@pytest.fixture
def reread(zoo: Dump, core: DamagedCore, known_files: None) -> Iterator[Callable[[], Reading]]:
    """Return what reads the damaged copy."""
    readings: list[Reading] = []

    def reread() -> Reading:
        readings.append(read(replace(zoo, core=core.path)))
        return readings[-1]

    yield reread
    for reading in readings:
        reading.session.close()
