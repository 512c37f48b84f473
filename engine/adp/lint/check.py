"""Every rule of a descriptor, looked at against the types of a program."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import fields

from adp_tui.engine.adp.catalogue import why_refused
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.lint.shapes import ANYTHING, Of, Shape, Shapes, Stream
from adp_tui.engine.adp.named import expressions, rules
from adp_tui.engine.adp.schema import Descriptor, Expression, WaitRule
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.matching import has_function, types_matching
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program

__all__ = ["Complaint", "Severity", "lint"]

SAMPLES = 8
"""Instances of a generic type that rules are checked with."""
_TYPE_KEYS = ("type", "on")
_FIRST_WINS = ("executors", "tasks", "waits", "adapters", "kinds", "roles")
"""Sections of which the first rule that matches is the only one used."""
_PATTERNS = ("type", "on", "fn", "scheduler")


class Severity(enum.Enum):
    """An error makes a rule useless in this program; a warning may be meant so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, and where in the descriptor."""

    severity: Severity
    path: str
    message: str


def lint(program: Program, descriptor: Descriptor) -> list[Complaint]:
    """Return what is wrong with a descriptor in a program: its file alone is enough."""
    return list(_Linter(program, descriptor).complaints())


class _Linter:
    def __init__(self, program: Program, descriptor: Descriptor) -> None:
        self._program = program
        self._descriptor = descriptor
        self._evaluator = Evaluator(program, descriptor)
        self._hidden: list[str] = []
        self._shapes = Shapes(self._evaluator, self._hidden.append)

    def complaints(self) -> Iterator[Complaint]:
        for problem in self._descriptor.problems:
            path, _, message = problem.partition(": ")
            yield Complaint(Severity.ERROR, path, message or problem)
        refused = why_refused(self._program, self._descriptor)
        if refused is not None:
            yield Complaint(Severity.ERROR, "probe", f"it does not apply: {refused}")
            return
        yield from self._definitions()
        yield from self._unreachable()
        for path, rule in rules(self._descriptor):
            yield from self._rule(path, rule)

    def _definitions(self) -> Iterator[Complaint]:
        """Definitions are checked where they are used; by themselves, whether they compile."""
        used = "\0".join(
            expression.text
            for where, part in (*rules(self._descriptor), *self._descriptor.defs.items())
            for _, expression in expressions(where, part)
        )
        for name, definition in self._descriptor.defs.items():
            try:
                self._evaluator.compile(definition.body.node)
            except (AdpError, RecursionError) as error:
                yield Complaint(Severity.ERROR, f"defs.{name}", str(error))
            if f"{name}(" not in used:
                yield Complaint(Severity.WARNING, f"defs.{name}", "no rule uses it")

    def _unreachable(self) -> Iterator[Complaint]:
        """Rules behind one that matches whatever they match."""
        for section in _FIRST_WINS:
            before: list[tuple[int, Glob]] = []
            for number, rule in enumerate(getattr(self._descriptor, section)):
                pattern = next(
                    (p for key in _PATTERNS if (p := getattr(rule, key, None)) is not None), None
                )
                if pattern is None:
                    continue
                wider = next((n for n, glob in before if glob.match(pattern)), None)
                if wider is not None:
                    message = f"never used: {section}[{wider}] matches whatever it does"
                    yield Complaint(Severity.WARNING, f"{section}[{number}]", message)
                if not (isinstance(rule, WaitRule) and rule.awaits):
                    before.append((number, Glob(pattern)))

    def _rule(self, path: str, rule: object) -> Iterator[Complaint]:
        it: Shape = ANYTHING
        for key in _TYPE_KEYS:
            pattern = getattr(rule, key, None)
            if not isinstance(pattern, str) or path.startswith("roots"):
                continue
            found = types_matching(self._program, pattern, SAMPLES)
            if found is not None and not found:
                message = f"no type of this program is {pattern}"
                yield Complaint(Severity.WARNING, f"{path}.{key}", message)
                return
            it = ANYTHING if found is None else Of(found)
        function = getattr(rule, "fn", None)
        if isinstance(function, str) and has_function(self._program, function) is False:
            message = f"no function of this program is {function}"
            yield Complaint(Severity.WARNING, f"{path}.fn", message)
            return
        yield from self._parts(path, rule, it)

    def _parts(self, path: str, rule: object, it: Shape) -> Iterator[Complaint]:
        """Check the expressions of a rule in their order: later ones see the names of ``let``."""
        names = ("data", "f", "w", "executor", "futex", "tid", "of")
        env: dict[str, Shape] = {"it": it, **dict.fromkeys(names, ANYTHING)}
        for field in fields(rule):  # type: ignore[arg-type]
            part = getattr(rule, field.name)
            for where, expression in expressions(f"{path}.{field.name}", part):
                shape, complaints = self._expression(where, expression, env)
                yield from complaints
                if field.name == "let":
                    env[where.rpartition(".")[2]] = shape
                if field.name == "each" and it is ANYTHING:
                    env["it"] = shape.item if isinstance(shape, Stream) else shape
                if field.name == "children":
                    # What is said of each child is asked with it.
                    env["it"] = it if isinstance(part, Mapping) else ANYTHING

    def _expression(
        self, path: str, expression: Expression, env: Mapping[str, Shape]
    ) -> tuple[Shape, list[Complaint]]:
        self._hidden.clear()
        found: list[Complaint] = []
        shape: Shape = ANYTHING
        try:
            shape = self._shapes.of(expression.node, env)
        except (AdpError, RecursionError) as error:
            found.append(Complaint(Severity.ERROR, path, f"{error} in: {expression.text}"))
        hidden = dict.fromkeys(self._hidden)
        found += [Complaint(Severity.WARNING, path, message) for message in hidden]
        return shape, found
