"""What a task's future is called, and where it was written."""

from __future__ import annotations

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.analysis.rules import RuleBook
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Place, Type
from adp_tui.engine.rust.coroutine import Coroutines
from adp_tui.engine.rust.names import future_name
from adp_tui.engine.text import clean

__all__ = ["FutureNames", "Named"]

MAX_WRAPPERS = 8
MAX_NAME = 4096


@dataclass(frozen=True, slots=True)
class Named:
    """A future's name as reports have it, and where its function begins, if that is known."""

    name: str
    declared: Place | None = None


class FutureNames:
    """Names types of futures; answers are remembered by name."""

    def __init__(self, book: RuleBook, coroutines: Coroutines) -> None:
        self._coroutines = coroutines
        self._known: dict[str, Named] = {}
        self._rules = [
            (Glob(rule.on), rule.by) for a in book.applied for rule in a.descriptor.named
        ]

    def of(self, type_: Type | None) -> Named:
        """Return the name of a future of this type; empty for a type that is not known."""
        if type_ is None:
            return Named("")
        known = self._known.get(type_.name)
        if known is None:
            known = self._known[type_.name] = self._name(type_)
        return known

    def _name(self, type_: Type) -> Named:
        inner = self._unwrap(type_)
        layout = self._coroutines.layout(inner)
        if layout is not None:
            return Named(clean(layout.function, MAX_NAME), layout.declared)
        return Named(clean(future_name(inner.name), MAX_NAME), inner.place)

    def _unwrap(self, type_: Type) -> Type:
        """Look through pins, boxes and the runtime's own wrappers around what was spawned."""
        current = type_
        for _ in range(MAX_WRAPPERS):
            inner: Type | None = None
            if current.kind is Kind.POINTER and current.base_name == "alloc::boxed::Box":
                inner = current.target
            elif current.base_name == "core::pin::Pin" and current.members:
                inner = current.members[0].type
            else:
                for glob, parameter in self._rules:
                    if glob.match(current.name):
                        inner = current.param(parameter) or _captured(current, parameter)
            if inner is None or not inner.name:
                return current
            current = inner
        return current


def _captured(type_: Type, name: str) -> Type | None:
    """Return the type of what a coroutine captured: it has no type parameters of its own."""
    variants = type_.variant_part.variants if type_.variant_part is not None else ()
    member = variants[0].member.type.member(name) if variants else None
    return None if member is None else member.type
