"""What adp-tui will show of a program and what it won't, before anything has happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adp_tui.engine.adp.catalogue import choose
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.provided import provided
from adp_tui.engine.analysis.readiness import problems
from adp_tui.engine.analysis.rules import Applied, Losses
from adp_tui.engine.analysis.versions import runtime_facts
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.info import Level
from adp_tui.engine.image import Image
from adp_tui.engine.model import Loss, RuntimeFacts
from adp_tui.engine.program import Program
from adp_tui.engine.text import clean

__all__ = ["Diagnosis", "ModuleHealth", "diagnose", "json_diagnosis", "text_diagnosis"]

LEVELS = {
    Level.FULL: "full",
    Level.LIMITED: "functions and lines, no types",
    Level.LINES: "lines only",
    Level.NONE: "none",
    Level.SPLIT: "split off into .dwo or .dwp files, which are not read",
    Level.FOREIGN: "of other languages than Rust",
}


@dataclass(frozen=True, slots=True)
class ModuleHealth:
    """A module that may hold Rust: how much debug information it has, and where that is."""

    path: str
    level: str
    debug_file: str | None
    """The separate file that has it; None where the module itself does."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found out; ``losses`` say what will be missing, and the line that mends it."""

    modules: tuple[ModuleHealth, ...]
    runtimes: tuple[RuntimeFacts, ...]
    origins: tuple[str, ...]
    """Where the descriptor of each runtime came from."""
    losses: tuple[Loss, ...]
    full: bool
    """Whether the program's debug information has types."""

    @property
    def healthy(self) -> bool:
        """Whether nothing will be missing."""
        return self.full and bool(self.runtimes) and not any(loss.missing for loss in self.losses)


def diagnose(program: Program) -> Diagnosis:
    """Look at a program's files; memory is not read."""
    found = provided(program, program.descriptors)
    chosen = choose(program, found.descriptors)
    losses = Losses()
    applied = [Applied(d, Evaluator(program, d), losses) for d in chosen.applied]
    runtimes = runtime_facts(program, applied)
    names = {runtime.descriptor for runtime in runtimes}
    origins = tuple(d.origin.kind for d in chosen.applied if d.source in names)
    missing = [Loss("a descriptor in the program", problem, 1) for problem in found.problems]
    missing += problems(program, chosen.refused, bool(runtimes), ())
    executable = program.executable
    debug = executable.debug if executable is not None else None
    return Diagnosis(
        tuple(_modules(program)), runtimes, origins, tuple(missing),
        debug is not None and debug.level is Level.FULL,
    )  # fmt: skip


def _modules(program: Program) -> Iterator[ModuleHealth]:
    for image in program.images:
        if image.module.is_executable or (image.elf is not None and image.debug is not None):
            yield _health(image)


def _health(image: Image) -> ModuleHealth:
    debug, file = image.debug, image.debug_file
    level = Level.NONE if debug is None else debug.level
    own = file is None or file is image.elf
    return ModuleHealth(
        clean(image.module.path, 1024),
        LEVELS[level],
        None if own or file is None else clean(file.name, 1024),
    )


def text_diagnosis(found: Diagnosis) -> Iterator[str]:
    """Yield the diagnosis as text."""
    for module in found.modules:
        where = f" in {module.debug_file}" if module.debug_file else ""
        yield f"module   {module.path}: debug information: {module.level}{where}\n"
    for runtime, origin in zip(found.runtimes, found.origins, strict=True):
        yield f"runtime  {_runtime(runtime)}, read as {runtime.descriptor} ({origin})\n"
    for loss in found.losses:
        yield f"missing  {clean(loss.what)}: {clean(loss.why)}\n"
    if found.healthy:
        yield "all of its tasks can be read\n"


def _runtime(runtime: RuntimeFacts) -> str:
    if runtime.version is None:
        return f"{runtime.name} of unknown version"
    tested = "" if runtime.tested else ", newer or other than any that was tested"
    return f"{runtime.name} {clean(runtime.version)}{tested}"


def json_diagnosis(found: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as JSON has it."""
    return {
        "healthy": found.healthy,
        "modules": [
            {"path": m.path, "debug_information": m.level, "debug_file": m.debug_file}
            for m in found.modules
        ],
        "runtimes": [
            {
                "name": r.name, "version": r.version, "tested": r.tested,
                "descriptor": r.descriptor, "origin": origin,
            }
            for r, origin in zip(found.runtimes, found.origins, strict=True)
        ],
        "losses": [{"what": loss.what, "why": loss.why} for loss in found.losses],
    }  # fmt: skip
