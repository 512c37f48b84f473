"""``adp-tui adp lint``, ``adp-tui adp explain`` and ``adp-tui doctor``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adp_tui.backends.live import LiveProcess
from adp_tui.engine.adp.catalogue import catalogue_texts, choose
from adp_tui.engine.adp.descriptor import MAX_SIZE, load
from adp_tui.engine.adp.explain import Explained, Explanation, RuleCost
from adp_tui.engine.adp.lint import Complaint, Severity, lint
from adp_tui.engine.adp.provided import provided
from adp_tui.engine.adp.schema import Descriptor, Origin
from adp_tui.engine.doctor import diagnose, json_diagnosis, text_diagnosis
from adp_tui.engine.errors import OpenError
from adp_tui.engine.program import Program
from adp_tui.engine.program_file import ProgramFile
from adp_tui.engine.target import Target
from adp_tui.engine.text import clean

__all__ = ["doctor_pieces", "explain_pieces", "lint_pieces"]

Pieces = Iterator[str]


def lint_pieces(
    binary: str, files: Sequence[Path], debug_files: Sequence[Path], *, as_json: bool
) -> tuple[int, Pieces]:
    """Check descriptors against a program; return the exit status and what is to be written.

    Raises:
        OpenError: the program or a descriptor cannot be read.
    """
    program = Program(ProgramFile(Path(binary)), debug_files=debug_files)
    try:
        found = provided(program)
        descriptors: Sequence[Descriptor] = [_descriptor(path) for path in files]
        if not files:
            noted = [d for d in found.descriptors if d.origin.kind == "note"]
            descriptors = noted or choose(program, found.descriptors).applied
        complaints = [(d, c) for d in descriptors for c in lint(program, d)]
    finally:
        program.close()
    unusable = () if files else found.problems
    wrong = bool(unusable) or any(c.severity is Severity.ERROR for _, c in complaints)
    pieces = (_lint_json if as_json else _lint_text)(descriptors, complaints, unusable)
    return int(wrong or not descriptors), pieces


def _descriptor(path: Path) -> Descriptor:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SIZE + 1).decode("utf-8")
    except OSError as error:
        raise OpenError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise OpenError(f"{path} is no UTF-8", help="a descriptor is JSON") from None
    beside = {
        other.name.removesuffix(".adp.json"): other
        for other in path.parent.glob("*.adp.json")
        if other != path and other.stat().st_size <= MAX_SIZE
    }
    texts = {name: other.read_text("utf-8", "replace") for name, other in beside.items()}
    return load(text, {**catalogue_texts(), **texts}, Origin("project", str(path)))


def _lint_text(
    descriptors: Sequence[Descriptor],
    complaints: Sequence[tuple[Descriptor, Complaint]],
    unusable: Sequence[str],
) -> Pieces:
    for problem in unusable:
        yield f"error    {problem}\n"
    if not descriptors:
        yield "error    no descriptor applies to this program; name one: --descriptor FILE\n"
    for descriptor in descriptors:
        own = [c for d, c in complaints if d is descriptor]
        yield f"{descriptor.source} ({descriptor.origin.kind})\n"
        for complaint in own:
            severity = complaint.severity.value
            yield f"  {severity:8} {clean(complaint.path, 256)}: {clean(complaint.message, 1024)}\n"
        if not own:
            yield "  every rule resolves\n"


def _lint_json(
    descriptors: Sequence[Descriptor],
    complaints: Sequence[tuple[Descriptor, Complaint]],
    unusable: Sequence[str],
) -> Pieces:
    found = {
        "unusable": list(unusable),
        "descriptors": [
            {
                **_named(descriptor),
                "complaints": [
                    {"severity": c.severity.value, "path": c.path, "message": c.message}
                    for d, c in complaints
                    if d is descriptor
                ],
            }
            for descriptor in descriptors
        ],
    }
    yield json.dumps(found, indent=2) + "\n"


def _named(descriptor: Descriptor) -> dict[str, Any]:
    origin = descriptor.origin
    return {
        "id": descriptor.id,
        "source": descriptor.source,
        "origin": {"kind": origin.kind, "place": origin.place or None},
    }


def explain_pieces(found: Explanation, *, as_json: bool) -> Pieces:
    """Yield which descriptors applied, why others did not, what each rule found and cost."""
    return _explain_json(found) if as_json else _explain_text(found)


def _explain_text(found: Explanation) -> Pieces:
    for each in found.applied:
        yield from _applied_text(each)
    for descriptor, reason in found.refused:
        yield f"not applied: {_of(descriptor)}: {clean(reason, 512)}\n"
    for problem in found.unusable:
        yield f"unusable: {problem}\n"


def _of(descriptor: Descriptor) -> str:
    origin = descriptor.origin
    place = f" {origin.place}" if origin.place else ""
    return f"{descriptor.source} ({origin.kind}{place})"


def _applied_text(each: Explained) -> Pieces:
    asked = [rule for rule in each.rules if rule.cost is not None]
    yield f"{_of(each.descriptor)}\n"
    yield (
        f"  {len(asked)} of {len(each.rules)} expressions were evaluated;"
        f" {each.used} of {each.total} steps of its budget used\n"
    )
    for problem in each.descriptor.problems:
        yield f"  left out: {clean(problem, 512)}\n"
    for rule in asked:
        cost = rule.cost
        assert cost is not None
        failed = f", {cost.failed} failed: {clean(cost.problem, 256)}" if cost.failed else ""
        off = ", switched off" if rule.switched_off else ""
        yield (
            f"  {clean(rule.path, 128)}: {cost.found} of {cost.evaluations} found,"
            f" {cost.steps} steps, {cost.seconds * 1000:.1f} ms{failed}{off}\n"
        )


def _explain_json(found: Explanation) -> Pieces:
    plain = {
        "applied": [
            {
                **_named(each.descriptor),
                "steps": {"used": each.used, "total": each.total},
                "problems": list(each.descriptor.problems),
                "rules": [_rule(rule) for rule in each.rules],
            }
            for each in found.applied
        ],
        "refused": [{**_named(d), "reason": reason} for d, reason in found.refused],
        "unusable": list(found.unusable),
    }
    yield json.dumps(plain, indent=2) + "\n"


def _rule(rule: RuleCost) -> dict[str, Any]:
    cost = rule.cost
    plain: dict[str, Any] = {"path": rule.path, "expression": rule.text, "evaluations": 0}
    if cost is not None:
        plain |= {
            "evaluations": cost.evaluations,
            "found": cost.found,
            "failed": cost.failed,
            "problem": cost.problem or None,
            "steps": cost.steps,
            "ms": round(cost.seconds * 1000, 3),
            "switched_off": rule.switched_off,
        }
    return plain


def doctor_pieces(what: str, debug_files: Sequence[Path], *, as_json: bool) -> tuple[int, Pieces]:
    """Look at a program or a process; return the exit status and what is to be written.

    Raises:
        OpenError: it cannot be opened.
    """
    if what.isascii() and what.isdecimal() and not Path(what).exists():
        process = LiveProcess(int(what))
        try:
            return _diagnosed(process.look(), debug_files, as_json)
        finally:
            process.close()
    return _diagnosed(ProgramFile(Path(what)), debug_files, as_json)


def _diagnosed(target: Target, debug_files: Sequence[Path], as_json: bool) -> tuple[int, Pieces]:
    program = Program(target, debug_files=debug_files)
    try:
        found = diagnose(program)
    finally:
        program.close()
        target.close()
    if as_json:
        pieces: Pieces = iter((json.dumps(json_diagnosis(found), indent=2) + "\n",))
    else:
        pieces = text_diagnosis(found)
    return int(not found.healthy), pieces
