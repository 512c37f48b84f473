"""What a saved snapshot holds, and the target that it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.schema import Descriptor, Origin
from adp_tui.engine.answers import Answers
from adp_tui.engine.arch import X86_64, Arch
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.elf.headers import ElfHeaders, HeadersOnly
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image, KnownFiles
from adp_tui.engine.memory import Piece, SplicedMemory
from adp_tui.engine.model import Snapshot
from adp_tui.engine.target import Facts, FileMapping, Memory, Module, Signal, ThreadState

__all__ = [
    "LEFT_OUT", "NOT_SAVED", "PlainFacts", "Run", "SavedDescriptor", "SavedImage", "SavedTarget",
    "Values",
]  # fmt: skip

NOT_SAVED = "it was not saved with the snapshot"
LEFT_OUT = "memory was left out when this snapshot was saved (--no-values)"
ADDRESS_END = 1 << 64
PAGE = 4096
_ARCHS = {arch.name: arch for arch in (X86_64,)}

Run: TypeAlias = tuple[int, int, bool, bool]
"""Address, bytes, and whether they can be swept and written."""


@dataclass(frozen=True, slots=True)
class PlainFacts:
    """The facts of a target that its snapshot doesn't have."""

    arch: str
    pid: int | None
    path: str
    executable: str | None
    command: str | None
    signal: Signal | None
    taken_at: str | None
    entry: int | None
    clock_ns: int | None
    pause_ms: float | None


@dataclass(frozen=True, slots=True)
class SavedImage:
    """A module with what was found out about its files."""

    path: str
    mappings: tuple[FileMapping, ...]
    build_id: str | None
    file_build_id: str | None
    verified: bool
    is_executable: bool
    elf: ElfHeaders | None
    debug: ElfHeaders | None
    """Of the file that has the debug information, where that is another one."""
    has_own_debug: bool
    problem: str | None
    debug_problem: str | None
    tables: tuple[tuple[str, Any], ...]

    def module(self) -> Module:
        """Return the module as a backend would, without a file."""
        return Module(
            self.path, self.mappings, None, None, self.build_id, self.file_build_id,
            self.verified, self.is_executable, self.problem,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SavedDescriptor:
    """A descriptor that the project or the user gave: where it came from, and its JSON."""

    kind: str
    place: str
    json: bytes

    @classmethod
    def of(cls, descriptor: Descriptor) -> SavedDescriptor:
        """Return what is saved of a descriptor."""
        text = json.dumps(descriptor.data, separators=(",", ":"))
        return cls(descriptor.origin.kind, descriptor.origin.place, text.encode("ascii"))

    def load(self) -> Descriptor:
        """Return the descriptor.

        Raises:
            DescriptorError: it is none.
        """
        kind = self.kind if self.kind in ("project", "user") else "project"
        return load(self.json.decode("utf-8", "replace"), origin=Origin(kind, self.place))


@dataclass(frozen=True, slots=True)
class Values:
    """What leads from a snapshot to its variables: threads, files, and the memory that was read."""

    facts: PlainFacts
    threads: tuple[ThreadState, ...]
    images: tuple[SavedImage, ...]
    runs: tuple[Run, ...]
    faults: tuple[tuple[int, str], ...]
    """Pages that could not be read when the snapshot was saved, and why."""
    descriptors: tuple[SavedDescriptor, ...]
    """Those that were given, the nearest first; those in the binaries are among the answers."""


class SavedTarget:
    """A target that stands in a file. It has a snapshot, and its memory unless that was left out.

    Args:
        path: of the file.
        snapshot: what was found out.
        values: threads and files; None where they were left out.
        tables: the answers about each image.
        memory: the bytes of all runs, one after the other.
    """

    def __init__(
        self,
        path: str,
        snapshot: Snapshot,
        values: Values | None = None,
        tables: Sequence[Mapping[str, dict[Any, Any]]] = (),
        memory: bytes = b"",
    ) -> None:
        self.snapshot = replace(snapshot, target=replace(snapshot.target, kind="snapshot"))
        self.values = values
        self._path = path
        runs, faults = ((), ()) if values is None else (values.runs, values.faults)
        rest = [Piece(0, ADDRESS_END, None, 0, NOT_SAVED)]
        self._memory = SplicedMemory(_pieces(runs, memory), _holes(faults), rest)
        self._images = [] if values is None else list(map(_image, values.images, tables))

    @property
    def facts(self) -> Facts:
        """What is known of the process as a whole."""
        known = self.snapshot.target
        plain = None if self.values is None else self.values.facts
        arch: Arch = _ARCHS.get(known.arch, X86_64)
        if plain is None:
            return Facts(
                "snapshot", arch, known.pid, self._path, known.exe, None, None, known.taken_at, None
            )
        return Facts(
            "snapshot", arch, plain.pid, self._path, plain.executable, plain.command, plain.signal,
            plain.taken_at, plain.entry, pause_ms=plain.pause_ms, clock_ns=plain.clock_ns,
            whole=known.core is not None,
        )  # fmt: skip

    @property
    def memory(self) -> Memory:
        """The memory that was saved."""
        return self._memory

    def threads(self) -> Sequence[ThreadState]:
        """Return every thread."""
        return () if self.values is None else self.values.threads

    def modules(self) -> Sequence[Module]:
        """Return every mapped ELF file."""
        return [image.module for image in self._images]

    def descriptors(self) -> Sequence[Descriptor]:
        """Return the descriptors that the project and the user gave when it was saved.

        Raises:
            DescriptorError: one of them is none.
        """
        return () if self.values is None else [each.load() for each in self.values.descriptors]

    def images(self) -> Sequence[Image]:
        """Return the modules with what is known of their files."""
        return self._images

    def close(self) -> None:
        """Let go of nothing: all was read."""


def _image(saved: SavedImage, tables: Mapping[str, dict[Any, Any]]) -> Image:
    elf = None if saved.elf is None else HeadersOnly(saved.elf)
    debug = elf if saved.has_own_debug else None
    if saved.debug is not None:
        debug = HeadersOnly(saved.debug)
    problem = None if saved.debug_problem is None else AdpError(saved.debug_problem)
    known = KnownFiles(elf, debug, Answers(dict(tables)), saved.problem, problem)
    return Image(saved.module(), known=known)


def _pieces(runs: Sequence[Run], memory: bytes) -> Iterator[Piece]:
    """Yield the runs of memory that were saved."""
    offset = 0
    for start, size, swept, writable in runs:
        yield Piece(start, start + size, memory, offset, "", writable, False, swept)
        offset += size


def _holes(faults: Sequence[tuple[int, str]]) -> Iterator[Piece]:
    """Yield the pages that could not be read."""
    for start, reason in faults:
        if 0 <= start < ADDRESS_END:
            yield Piece(start, min(start + PAGE, ADDRESS_END), None, 0, reason)
