"""The one door of every front end: plain data in and out, about one target."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from adp_tui.engine.adp.explain import Explanation
from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis.analysis import Analysis, analyse
from adp_tui.engine.analysis.successors import Successors
from adp_tui.engine.cache import Cache
from adp_tui.engine.errors import AdpError, CancelledError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.inspection import Inspection
from adp_tui.engine.model import Snapshot
from adp_tui.engine.opened import Opened
from adp_tui.engine.private_file import PrivateFile
from adp_tui.engine.program import Program
from adp_tui.engine.saved.record import LEFT_OUT, SavedTarget
from adp_tui.engine.target import Moving, Target
from adp_tui.engine.views.records import (
    FrameRow,
    MacroRow,
    MacroText,
    Progress,
    Query,
    Rows,
    Saved,
    Summary,
    TaskDetail,
    VariableRow,
)
from adp_tui.engine.views.summary import summary

if TYPE_CHECKING:
    # Few ask for macros, and they bring much.
    from adp_tui.engine.macros.desk import Desk, Outcome
    from adp_tui.engine.macros.library import Library

__all__ = ["Session"]

MAX_TRIES = 3
"""Snapshots of a live process before one is kept that is torn."""
PATIENCE_S = 0.5
"""Where a snapshot takes longer to read, a second one would be as torn."""
NO_VALUES = "save the report alone: --no-values"
DISAGREES = "the memory of this file does not lead to the tasks of its report"


class Session:
    """A target with its snapshot; it implements ``Door``.

    Nothing is read before ``open`` (or the first question). One lock makes calls wait for
    each other; only ``cancel`` goes past it. Refs name a frame or a field by where it is
    (``1.t7.0-2/3``): those of one epoch stay good however many there are.

    Args:
        target: what to look at, dead or alive; ``close`` closes it.
        debug_files: files that may hold the debug information of a module.
        sysroot: folder under which files of the target's system are looked for.
        cache: where what was found out about files is kept for the next run.
        descriptors: of the project and the user, the nearest first.
        extensions: what else they give, to be shown.
        library: the macros that may be run.
        explains: whether it is noted what each rule of a descriptor found and cost.
        progress: is told what is being read. What it raises ends the opening.
    """

    def __init__(
        self,
        target: Target | Moving,
        *,
        debug_files: Sequence[Path] = (),
        sysroot: Path | None = None,
        cache: Cache | None = None,
        descriptors: Sequence[Descriptor] = (),
        extensions: Sequence[Extension] = (),
        library: Library | None = None,
        explains: bool = False,
        progress: Callable[[Progress], None] = lambda step: None,
    ) -> None:
        self._source = target
        self._program: Program | None = None
        self._epoch = 0
        self._debug_files = debug_files
        self._sysroot = sysroot
        self._cache = cache
        self._descriptors = descriptors
        self._extensions = extensions
        self._library = library
        self._explains = explains
        self._progress = progress
        self._lock = threading.RLock()
        self._gate = threading.Lock()
        self._calls = 0
        self._cancelled = False
        self._closed = False
        self._opened: Opened | None = None

    def open(self) -> Summary:
        """Read the target, unless that is done.

        Raises:
            CancelledError: ``cancel`` was called.
        """
        with self._call() as opened:
            return self._summary(opened)

    @property
    def snapshot(self) -> Snapshot:
        """All facts at once, for reports."""
        with self._call() as opened:
            return opened.snapshot

    @property
    def details(self) -> Inspection:
        """What a report reads beyond the snapshot; use it from the thread that asks."""
        with self._call() as opened:
            return opened.inspection

    def explanation(self) -> Explanation:
        """Say which descriptors applied, why others did not, and what their rules found.

        Raises:
            AdpError: there is no memory to ask: the snapshot was saved without it.
        """
        with self._call() as opened:
            if opened.analysis is None:
                raise AdpError(f"descriptors cannot be asked: {opened.missing}")
            return opened.analysis.explanation()

    # The door.

    def summary(self) -> Summary:
        """Return the head of the screen."""
        return self.open()

    def rows(self, query: Query, start: int = 0, count: int | None = None) -> Rows:
        """Return ``count`` rows of a view from ``start``; ``losses`` is a view as well."""
        with self._call() as opened:
            return opened.panes.rows(query, start, count)

    def position(self, query: Query, key: str) -> int | None:
        """Return at which row the key stands under this query; None when filtered out."""
        with self._call() as opened:
            return opened.panes.position(query, key)

    def task(self, key: str) -> TaskDetail:
        """Return the facts of a task, thread, executor or resource (``t7``, ``tid:3419``, ``x1``,
        ``r3``), or of the task of a wait's row (``t7/0``).
        """
        with self._call() as opened:
            return opened.details.of(key)

    def frames(self, key: str) -> Sequence[FrameRow]:
        """Return the stack of a task (logical) or thread (native, spliced with its task's)."""
        with self._call() as opened:
            return opened.frames(key)

    def children(self, ref: str) -> Sequence[VariableRow]:
        """Return the variables of a frame or the fields of a variable, read now."""
        with self._call() as opened:
            return opened.children(ref)

    def refresh(self) -> Summary:
        """Take a new snapshot of a live process; return the same one of a core.

        Raises:
            OpenError: the process has ended; the snapshot before stays.
        """
        with self._call() as opened:
            if isinstance(self._source, Moving):
                opened = self._opened = self._read()
            return self._summary(opened)

    def successor(self, key: str) -> str | None:
        """Return the key that something of the snapshot before has in this one; None for gone."""
        with self._call() as opened:
            return opened.successors.of(key)

    def hold(self, wanted: bool) -> Summary:
        """Let a live process stand, or run on.

        Raises:
            OpenError: it may not be stopped, or has ended.
        """
        with self._call() as opened:
            if isinstance(self._source, Moving):
                if wanted:
                    self._source.hold()
                else:
                    self._source.let_go()
            return self._summary(opened)

    def save(
        self,
        path: str,
        *,
        values: bool = True,
        overwrite: bool = False,
        progress: Callable[[Progress], None] = lambda step: None,
    ) -> Saved:
        """Write the snapshot to a file that only this user can read, to be shown elsewhere.

        Args:
            path: of the file.
            values: whether memory is written, which variables need.
            overwrite: whether a file of that name may be replaced.
            progress: is told what is being done. What it raises ends the writing.

        Raises:
            OpenError: the file cannot be written.
            AdpError: it would be too large, or there is no memory to write.
        """
        # Few do, and they bring much.
        from adp_tui.engine.saved.collect import collect
        from adp_tui.engine.saved.file import write

        with self._call() as opened:
            if values and opened.analysis is None:
                raise AdpError(f"its memory cannot be saved: {opened.missing}", help=NO_VALUES)

            def say(text: str) -> None:
                self._check()
                progress(Progress(text))

            with PrivateFile(Path(path), overwrite) as file:
                collected = None
                if values and opened.analysis is not None:
                    collected = collect(opened.analysis, say, lambda: self._cancelled)
                say("writing the snapshot")
                write(file, opened.snapshot, collected)
                say("writing the snapshot")
                size = file.keep()
            return Saved(path, size, values, 0 if collected is None else collected.left)

    def macros(self) -> Sequence[MacroRow]:
        """Return the macros that there are, and what is none with the reason; trusted files are
        run to define theirs.
        """
        with self._call() as opened:
            return self._desk(opened).rows()

    def run_macro(
        self,
        name: str,
        arguments: Sequence[str] = (),
        key: str | None = None,
        progress: Callable[[Progress], None] = lambda step: None,
        *,
        deadline_s: float = 10.0,
    ) -> Outcome:
        """Run a macro on this snapshot.

        Args:
            name: of the macro.
            arguments: as ``NAME=VALUE``.
            key: of what it is about, where it is about one thing.
            progress: is told how far it is.
            deadline_s: after how many seconds it is told to stop.

        Raises:
            AdpError: there is no such macro, or it cannot be run like this.
        """
        with self._call() as opened:
            return self._desk(opened).run(
                name,
                arguments,
                key,
                deadline_s=deadline_s,
                cancelled=lambda: self._cancelled,
                told=lambda done, total: progress(Progress(f"macro {name}", done, total)),
            )

    def untrusted_macros(self) -> Sequence[MacroText]:
        """Return the files that may be trusted, and are not."""
        return self._macros.untrusted()

    def trust_macros(self, files: Sequence[MacroText]) -> None:
        """Trust files as they were read; one that was changed since is not trusted.

        Raises:
            AdpError: the list of what is trusted cannot be written.
        """
        self._macros.approve(files)

    @property
    def _macros(self) -> Library:
        if self._library is None:
            raise AdpError("macros are left out here", help="leave out --no-adp")
        return self._library

    def _desk(self, opened: Opened) -> Desk:
        from adp_tui.engine.macros.desk import Desk

        return Desk(
            self._macros, opened.snapshot, opened.analysis, opened.missing, self._descriptors
        )

    def _summary(self, opened: Opened) -> Summary:
        moving = self._source if isinstance(self._source, Moving) else None
        return replace(
            summary(opened.snapshot),
            moves=moving is not None,
            held=moving is not None and moving.is_held,
        )

    def cancel(self) -> None:
        """Stop what another thread is waiting for; before ``open``, the opening."""
        with self._gate:
            if self._calls or self._opened is None:
                self._cancelled = True

    def close(self) -> None:
        """Let go of the target."""
        self.cancel()
        with self._lock:
            if not self._closed:
                self._closed = True
                self._opened = None
                if self._program is not None:
                    # What was read refers to itself in circles, which would keep files open.
                    self._program.close()
                    if self._program.target is not self._source:
                        self._program.target.close()
                self._source.close()

    @contextmanager
    def _call(self) -> Iterator[Opened]:
        """Bracket a call: one at a time, opened, and not cancelled."""
        with self._lock:
            if self._closed:
                raise AdpError("the target was let go of", help="open it again")
            with self._gate:
                self._calls += 1
            try:
                if self._opened is None:
                    self._opened = self._read()
                yield self._opened
                if self._cancelled:
                    raise CancelledError
            finally:
                with self._gate:
                    self._calls -= 1
                    self._cancelled = self._cancelled and self._calls > 0

    def _read(self) -> Opened:
        """Take a snapshot, the first one or a later one."""
        source, program = self._source, self._program
        self._epoch += 1
        if isinstance(source, SavedTarget):
            return self._reopened(source)
        if not isinstance(source, Moving):
            return Opened(self._judged(self._analysed(source)))
        before = None if program is None else program.target
        # While the memory of the snapshot before is still there.
        before_it = None if self._opened is None else self._opened.analysis
        census = None if before_it is None else before_it.census()
        try:
            analysis = self._moment(source)
        except BaseException:
            if program is not None and before is not None:
                # The snapshot before stays.
                self._program = program
                program.move_to(before)
            raise
        if before is not None:
            before.close()
        analysis.describe()
        if census is None or self._opened is None:
            return Opened(analysis)
        analysis.compare(census)
        successors = Successors(self._opened.snapshot, census, analysis.snapshot, analysis.census())
        return Opened(analysis, successors)

    def _reopened(self, source: SavedTarget) -> Opened:
        """Show what was saved; the analysis made anew leads to its variables."""
        snapshot = source.snapshot
        # Of the macros of whoever saved it nothing is here; those that are here may be run.
        kept = (each for each in snapshot.extensions if each.kind != "macros")
        snapshot = replace(snapshot, extensions=(*kept, *self._extensions))
        if source.values is None:
            return Opened(None, snapshot=snapshot, missing=LEFT_OUT)
        self._epoch = snapshot.epoch
        try:
            self._program = Program(
                source, images=source.images(), descriptors=source.descriptors()
            )
            analysis = self._analysed(source)
        except CancelledError:
            raise
        except AdpError as error:
            return Opened(None, snapshot=snapshot, missing=error.message)
        if analysis.snapshot.tasks.address != snapshot.tasks.address:
            return Opened(None, snapshot=snapshot, missing=DISAGREES)
        analysis.snapshot = snapshot
        return Opened(analysis)

    def _moment(self, source: Moving) -> Analysis:
        """Look at a process that runs, then copy what was looked at while it stands."""
        targets: list[Target] = []
        kept: Target | None = None
        try:
            while True:
                began = time.monotonic()
                targets.append(looked := source.look())
                analysis = self._analysed(looked)
                targets.append(stopped := source.stop(looked))
                if stopped is not looked:
                    analysis = self._analysed(stopped)
                tries = len(targets) // 2
                late = time.monotonic() - began > PATIENCE_S
                if tries == MAX_TRIES or late or not analysis.is_torn:
                    analysis.mark_torn()
                    self._judged(analysis)
                    kept = stopped
                    return analysis
        finally:
            for target in targets:
                if target is not kept:
                    target.close()

    def _judged(self, analysis: Analysis) -> Analysis:
        """Find out what is wrong, once for each snapshot that is kept."""
        self._say("looking for what is wrong")
        analysis.find(self._check)
        return analysis

    def _check(self) -> None:
        if self._cancelled:
            raise CancelledError

    def _say(self, text: str) -> None:
        self._check()
        self._progress(Progress(text))

    def _analysed(self, target: Target) -> Analysis:
        """Find out everything about a target, or about the same one at a later moment."""
        self._say("looking at the modules")
        program = self._program
        if program is None or not program.move_to(target):
            program = self._program = Program(
                target,
                debug_files=self._debug_files,
                sysroot=self._sysroot,
                cache=self._cache,
                descriptors=self._descriptors,
                extensions=self._extensions,
            )
        analysis = analyse(program, self._say, lambda: self._cancelled, self._epoch, self._explains)
        program.keep_answers()
        return analysis
