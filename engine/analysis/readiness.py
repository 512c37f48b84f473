"""What a program lacks so that its tasks can be read, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from adp_tui.engine.adp.schema import Descriptor
from adp_tui.engine.analysis.facts import ThreadFacts
from adp_tui.engine.dwarf.info import Level
from adp_tui.engine.image import Image
from adp_tui.engine.model import Loss
from adp_tui.engine.program import Program

__all__ = ["NO_RUNTIME", "cargo_profile", "problems"]

NO_RUNTIME = "no async runtime was recognised"
_PROFILE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOO_LITTLE = {
    Level.LIMITED: "has debug information of level 1 (`debug = 1`: functions and lines, no types)",
    Level.LINES: 'has line tables only (`debug = "line-tables-only"`: no types)',
}


def problems(
    program: Program,
    refused: Sequence[tuple[Descriptor, str]],
    recognised: bool,
    threads: Sequence[ThreadFacts],
) -> Iterator[Loss]:
    """Yield what is missing of the target, its files and their debug information.

    Args:
        program: what is read.
        refused: the descriptors that do not fit it, with the reason.
        recognised: whether one fits that knows executors or tasks.
        threads: with their native stacks: a missing file matters more where a thread is in it.
    """
    for problem in program.target.facts.problems:
        yield Loss("target", problem, 1)
    used = {id(frame.image) for thread in threads for frame in thread.native.frames}
    for image in program.images:
        if image.problem is not None:
            missing = image.module.is_executable or id(image) in used
            what = f"module {image.module.path}"
            yield Loss(what, image.problem, 1, (image.module.start,), missing)
    executable = program.executable
    if executable is None:
        yield Loss("program", "it is not known which file is the program: its tasks are not", 1)
    elif executable.elf is not None:
        yield from _unproved(executable)
        yield from _debug_information(executable)
        if not recognised and _level(executable) in (Level.FULL, Level.FOREIGN):
            yield from _runtime(executable, refused)


def _level(image: Image) -> Level:
    return image.debug.level if image.debug is not None else Level.NONE


def _unproved(image: Image) -> Iterator[Loss]:
    """Yield a loss where nothing tells that a file is the build that ran."""
    module = image.module
    if module.verified or module.file is None:
        return
    why = (
        f"{module.file} has no build-id"
        if module.file_build_id is None
        else "the core does not tell its build-id (coredump_filter without 0x10)"
    )
    yield Loss(
        f"module {module.path}",
        f"{why}, so it cannot be checked that {module.file} is the program that ran",
        1,
        missing=False,
    )


def _debug_information(image: Image) -> Iterator[Loss]:
    """Yield the loss where debug information is missing, broken or too little for types."""
    what = "debug information"
    if image.debug_problem is not None:
        yield Loss(what, f"of {image.name} cannot be read: {image.debug_problem}", 1)
        return
    level = _level(image)
    if level in (Level.FULL, Level.FOREIGN):
        return
    assert image.elf is not None
    lost = "so tasks, their stacks and variables cannot be read"
    if level is Level.SPLIT:
        off = 'split-debuginfo = "off"'
        why = f"{image.name} has its debug information split off, {_split_into(image)}, {lost}"
        yield Loss(what, f"{why}; {_remedy(image, off)}", 1)
        return
    if level is not Level.NONE:
        yield Loss(what, f"{image.name} {_TOO_LITTLE[level]}, {lost}; {_remedy(image)}", 1)
        return
    link = image.elf.debuglink
    if link is not None:
        yield Loss(
            what,
            f"{image.name} has its debug information in a file of its own, {link[0]}, which is "
            f"not beside it, {lost}; pass --debug-file {link[0]}, or --debuginfod to fetch it",
            1,
        )
        return
    yield Loss(what, f"{image.name} has no debug information, {lost}; {_remedy(image)}", 1)


def _split_into(image: Image) -> str:
    """Name the file, or one of the files, that debug information was split off into."""
    file = image.module.file
    packed = file.with_name(f"{file.name}.dwp") if file is not None else None
    if packed is not None and packed.is_file():
        return f"into {packed.name}, and .dwp files are not read"
    name = (image.debug.split if image.debug is not None else None) or ""
    return f"into .dwo files such as {name.rpartition('/')[2]}, and these are not read"


def _remedy(image: Image, setting: str = "debug = 2") -> str:
    profile = cargo_profile(image.module.path)
    where = (
        f"in [profile.{profile}] of Cargo.toml"
        if profile is not None
        else "in [profile.release] of Cargo.toml, or the profile that it was built with"
    )
    return f"build it with `{setting}` {where}"


def cargo_profile(path: str) -> str | None:
    """Return the cargo profile that a path names.

    cargo writes ``target/release/server``, ``target/x86_64-unknown-linux-gnu/release/server``,
    and examples and tests into a folder below.
    """
    folders = list(PurePosixPath(path).parts[:-1])
    if folders[-1:] in (["deps"], ["examples"]):
        folders.pop()
    name = folders.pop() if folders else ""
    if folders and folders[-1].count("-") >= 2:
        folders.pop()
    if folders[-1:] != ["target"] or not _PROFILE.fullmatch(name):
        return None
    return "dev" if name == "debug" else name


def _runtime(image: Image, refused: Sequence[tuple[Descriptor, str]]) -> Iterator[Loss]:
    """Yield what is known of a runtime where no descriptor fits one.

    A program without a runtime has lost nothing by it.
    """
    found = False
    for descriptor, reason in refused:
        if (descriptor.executors or descriptor.tasks) and _is_linked(image, descriptor):
            found = True
            yield Loss(
                f"runtime {descriptor.id}",
                f"the program holds {descriptor.id}, but {descriptor.source} does not fit it: "
                f"{reason}; is the crate built with `debug = 2`, and of a known version?",
                1,
            )
    if not found:
        yield Loss("async runtime", NO_RUNTIME, 1, missing=False)


def _is_linked(image: Image, descriptor: Descriptor) -> bool:
    """Tell by a symbol whether code of the modules that a descriptor reads is in a program."""
    probe = next((p for p in descriptor.probe if not p.startswith("!")), "")
    name, _, _ = probe.removeprefix("#").partition(".")
    segments = descriptor.types.get(name, name).split("::")[:2]
    needle = "".join(f"{len(each)}{each}" for each in segments).encode()
    return len(segments) == 2 and image.symbols.names_hold(needle)
