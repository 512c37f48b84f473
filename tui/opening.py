"""Opening a target: what can be refused at once, and what is read with a progress line."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adp_tui.backends.compressed import Tell
from adp_tui.backends.core import CoreTarget, is_compressed, open_beginning, open_core
from adp_tui.engine.adp.folder import Provision
from adp_tui.engine.cache import Cache
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.elf.separate import find_debug_file
from adp_tui.engine.errors import AdpError, OpenError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.session import Session
from adp_tui.engine.target import Module, Moving, Target
from adp_tui.engine.text import clean
from adp_tui.engine.views.records import Progress

if TYPE_CHECKING:
    # It brings http.client and ssl, which take longer to import than all the rest.
    from adp_tui.backends.debuginfod import Debuginfod
    from adp_tui.backends.debuginfod import Tell as Fetching
    from adp_tui.engine.macros.library import Library

__all__ = [
    "CoreOpener", "FilePlaces", "TargetOpener", "debug_files_of", "fetching", "opened",
    "shown_extensions",
]  # fmt: skip

PROGRESS_S = 0.1
"""How often the progress of unpacking is told, and a wish to stop is heard."""


@dataclass(frozen=True, slots=True)
class FilePlaces:
    """Where the user says that the files of a target are."""

    executable: Path | None = None
    debug_files: tuple[Path, ...] = ()
    sysroot: Path | None = None
    servers: Debuginfod | None = None
    """Asked for what is missing; None asks nobody."""
    cache: Cache | None = None
    """Where what is found out about the files is kept; None for nowhere."""
    provision: Provision = field(default_factory=Provision)
    """What the project and the user add."""
    library: Library | None = None
    """Their macros; None for none."""
    explains: bool = False
    """Whether it is noted what each rule of a descriptor found and cost."""


class TargetOpener(Protocol):
    """Opens a target: made, it was looked at; called, it reads."""

    title: str
    """What is opened, for the head of a screen."""

    def __call__(self, progress: Callable[[Progress], None]) -> Session:
        """Read the target; ``progress`` is told what is being read.

        Raises:
            AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
        """
        ...

    def close(self) -> None:
        """Let go of a target that was opened and never read."""
        ...


class CoreOpener:
    """Opens a core in two steps.

    Making one checks that the core and the files that the user named are what they should be,
    which takes no time; calling it reads the core and may take seconds, or minutes where it is
    to be unpacked first. One thread at a time.

    Raises:
        OpenError: the core, or a file that goes with it, cannot be used.
    """

    def __init__(self, core: Path, places: FilePlaces | None = None) -> None:
        self._core = core
        self._places = places = places or FilePlaces()
        self._target: CoreTarget | None = None
        self._debug_files = places.debug_files
        if is_compressed(core):
            beginning = open_beginning(core, executable=places.executable, sysroot=places.sysroot)
            program = beginning.facts.executable or "unknown program"
            beginning.close()
        else:
            self._target = self._open()
            program = self._target.facts.executable or "unknown program"
            if places.servers is not None:
                # Servers are asked when it is read, which is allowed to take time.
                self.close()
        self.title = f"{program.rsplit('/', 1)[-1]} — {core.name}"
        """What is opened, for the head of a screen."""

    def __call__(self, progress: Callable[[Progress], None]) -> Session:
        """Read the core; ``progress`` is told what is being read.

        Raises:
            AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
        """
        target = self._target or self._open(progress)
        self._target = None
        return opened(target, self._places, self._debug_files, progress)

    def close(self) -> None:
        """Let go of a core that was opened and never read."""
        if self._target is not None:
            self._target.close()
            self._target = None

    def _open(self, progress: Callable[[Progress], None] | None = None) -> CoreTarget:
        """Open the core; ask servers for what is missing only where there is ``progress``."""
        places = self._places
        servers = places.servers if progress is not None else None
        if servers is not None and progress is not None:
            servers.tell = fetching(progress)
        target = open_core(
            self._core,
            executable=places.executable,
            sysroot=places.sysroot,
            tell=None if progress is None else _unpacking(self._core.name, progress),
            servers=servers,
        )
        try:
            self._debug_files = debug_files_of(target.modules(), places, servers)
            for problem in () if servers is None else servers.problems:
                target.note(problem)
        except BaseException:
            target.close()
            raise
        return target


def opened(
    target: Target | Moving,
    places: FilePlaces,
    debug_files: Sequence[Path],
    progress: Callable[[Progress], None],
) -> Session:
    """Return a session that has read its target; one that cannot be read is closed.

    Raises:
        AdpError: it cannot be read; ``progress`` may raise CancelledError to stop.
    """
    session = Session(
        target,
        debug_files=debug_files,
        sysroot=places.sysroot,
        cache=places.cache,
        descriptors=places.provision.descriptors,
        extensions=shown_extensions(places.provision, places.library),
        library=places.library,
        explains=places.explains,
        progress=progress,
    )
    try:
        session.open()
    except BaseException:
        session.close()
        raise
    return session


def shown_extensions(provision: Provision, library: Library | None) -> tuple[Extension, ...]:
    """Return what was found beside descriptors that can be used."""
    return (*provision.extensions, *(() if library is None else library.extensions()))


def debug_files_of(
    modules: Sequence[Module], places: FilePlaces, servers: Debuginfod | None
) -> tuple[Path, ...]:
    """Return the debug information that the user named, and what servers have of the rest.

    Raises:
        OpenError: a file that the user named is of another build than any module.
    """
    _check_debug_files(places.debug_files, modules)
    if servers is None:
        return places.debug_files
    return (*places.debug_files, *_fetch_debug_files(servers, places, modules))


def _unpacking(name: str, progress: Callable[[Progress], None]) -> Tell:
    """Return what says how far an archive is read; it is told that thousands of times a second."""
    last = 0.0

    def tell(doing: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_S:
            last = now
            progress(Progress(f"{doing} {name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"))

    return tell


def fetching(progress: Callable[[Progress], None]) -> Fetching:
    """Return what says how much of a file a server has sent."""
    last = 0.0

    def tell(name: str, done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_S:
            last = now
            of = "" if total is None else f" of {total / 1e6:,.0f}"
            progress(Progress(f"fetching {clean(name, 80)}: {done / 1e6:,.0f}{of} MB"))

    return tell


def _fetch_debug_files(
    servers: Debuginfod, places: FilePlaces, modules: Sequence[Module]
) -> list[Path]:
    """Return the debug information of the modules that have none here, as far as servers do."""
    found = []
    for module in modules:
        build_id = module.build_id or module.file_build_id
        if module.file is None or build_id is None:
            continue
        try:
            elf = ElfFile.open(module.file)
            here = elf.has(".debug_info") or find_debug_file(
                elf, module.file, places.debug_files, places.sysroot
            )
        except AdpError:
            continue
        if not here:
            path = servers.fetch(build_id, "debuginfo", module.path.rsplit("/", 1)[-1])
            found += [] if path is None else [path]
    return found


def _check_debug_files(files: Sequence[Path], modules: Sequence[Module]) -> None:
    """Pass files with the debug information of some module.

    Raises:
        OpenError: a file is no ELF file, or of another build than any module.
    """
    wanted = {m.build_id or m.file_build_id: m for m in modules}
    program = next((m for m in modules if m.is_executable), None)
    for path in files:
        try:
            found = ElfFile.open(path).build_id
        except OpenError as error:
            raise OpenError(
                f"--debug-file {path}: {error.message}",
                help="pass the file with the separate debug information: --debug-file FILE",
            ) from None
        if found is None or found not in wanted:
            has = f"its build-id is {found}" if found else "it has no build-id"
            known = None if program is None else program.build_id or program.file_build_id
            raise OpenError(
                f"--debug-file {path} is of another build than any file of this target: {has}, "
                f"the program's is {known or 'unknown'}",
                help="pass the file that was split off from the program that ran",
            )
