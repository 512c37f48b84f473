"""Descriptors are read here: JSON that says how a runtime's structures are read.

A rule whose expressions cannot be parsed is left out and listed in ``problems``; keys that this
reader does not know are passed over. ``SCHEMA`` is the highest schema number it understands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints

from adp_tui.engine.adp.extend import DescriptorError, extended
from adp_tui.engine.adp.language import parse
from adp_tui.engine.adp.schema import (
    AdapterRule,
    BlockingRule,
    Crate,
    Definition,
    Descriptor,
    DriverRule,
    ExecutorRule,
    Expression,
    FdRule,
    HolderRule,
    HoldRule,
    IgnoredRule,
    KindRule,
    Lets,
    MacroRule,
    Named,
    NamedRule,
    Origin,
    OwnerRule,
    RegisteredRule,
    ResourceRule,
    RoleRule,
    RootRule,
    RunningRule,
    SleepRule,
    States,
    TaskRule,
    Template,
    ThreadRule,
    ViewRule,
    WaitRule,
    WakerRule,
    WakerSlot,
)
from adp_tui.engine.adp.template import template
from adp_tui.engine.errors import AdpError
from adp_tui.engine.text import clean

__all__ = ["RULES", "SECTIONS", "DescriptorError", "load"]

SCHEMA = 1
MAX_SIZE = 1 << 20
"""Bytes of one descriptor."""
MAX_RULES = 512
"""Rules of one descriptor: each new type's name is matched against all of a section."""
MAX_PROBES = 64
"""Each that is not there goes through all names of the program."""
MAX_NAME = 1024
"""Characters of the name of a type or function, or of a glob of them."""
MAX_NESTED = 64
"""Levels of JSON of a descriptor."""
SHIPPED = Origin()

RULES: dict[str, type] = {
    "executors": ExecutorRule, "drivers": DriverRule, "threads": ThreadRule, "roles": RoleRule,
    "tasks": TaskRule, "kinds": KindRule, "ignored": IgnoredRule, "roots": RootRule,
    "blocking": BlockingRule, "running": RunningRule, "wakers": WakerRule, "waits": WaitRule,
    "resources": ResourceRule,
    "registered": RegisteredRule, "holds": HoldRule, "fds": FdRule, "adapters": AdapterRule,
    "named": NamedRule, "holders": HolderRule, "owners": OwnerRule, "sleeps": SleepRule,
    "views": ViewRule, "macros": MacroRule,
}  # fmt: skip
"""What each section's rules are."""
_PLACES = ("global", "task", "executor", "resource")
"""What a macro of a descriptor can be ``on``."""
SECTIONS = tuple(RULES)
"""Keys of a descriptor that hold lists of rules."""
_TYPE_KEYS = ("type", "on", "guard")
_SIGNATURE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(([A-Za-z0-9_, ]*)\)")

R = TypeVar("R")


def load(
    text: str,
    others: Mapping[str, str] | None = None,
    origin: Origin = SHIPPED,
    *,
    checks: bool = True,
) -> Descriptor:
    """Read a descriptor.

    Args:
        text: The JSON.
        others: Descriptors that it may extend, by name.
        origin: Where it was found.
        checks: Whether all expressions are parsed; else those that are asked for are.

    Raises:
        DescriptorError: it is no JSON object, has no id, needs a newer reader, or extends what
            is not there.
    """
    texts = others or {}
    data = _read(text)
    if origin.kind != SHIPPED.kind:
        data = _harmless(data, MAX_NESTED)
    data = extended(data, lambda name: _read(texts[name]) if name in texts else None)
    return _Loader(data, origin, checks=checks).descriptor()


def _harmless(data: Any, levels: int) -> Any:
    """Return JSON without what could steer a terminal, or whoever goes through it.

    Raises:
        DescriptorError: it is nested too deeply.
    """
    if isinstance(data, str):
        return clean(data)
    if not isinstance(data, dict | list):
        return data
    if not levels:
        raise DescriptorError(
            f"the descriptor has more than {MAX_NESTED} levels",
            help="no rule needs more than six",
        )
    if isinstance(data, dict):
        return {clean(k): _harmless(v, levels - 1) for k, v in data.items()}
    return [_harmless(each, levels - 1) for each in data]


def _read(text: str) -> dict[str, Any]:
    if len(text) > MAX_SIZE:
        raise DescriptorError(
            f"a descriptor of {len(text)} characters is too long",
            help=f"split it: one file holds at most {MAX_SIZE} characters",
        )
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DescriptorError(
            f"the descriptor is no JSON: {error}", help="check it with: python3 -m json.tool FILE"
        ) from error
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not data["id"]:
        raise DescriptorError(
            "a descriptor is a JSON object with an id",
            help='begin it with {"adp": 1, "id": "NAME", …}',
        )
    schema = data.get("adp")
    if isinstance(schema, bool) or not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        newer = isinstance(schema, int) and schema > SCHEMA
        raise DescriptorError(
            f"{data['id'][:80]}: schema {str(schema)[:20]} is not understood"
            f" (this reader knows {SCHEMA})",
            help="a newer adp-tui may read it" if newer else f'write "adp": {SCHEMA}',
        )
    return data


_HINTS: dict[type, Mapping[str, Any]] = {}
"""Types of the fields of each rule: they stand as text, and would be compiled for each rule."""


class _Loader:
    def __init__(self, data: dict[str, Any], origin: Origin, *, checks: bool) -> None:
        self._data = data
        self._checks = checks
        self._origin = origin
        self._problems: list[str] = []
        self._count = 0
        types = data.get("types")
        self._types = _texts(types) if isinstance(types, dict) else {}

    def descriptor(self) -> Descriptor:
        data = self._data
        rules: dict[str, Any] = {
            section: tuple(self._rules(section, kind)) for section, kind in RULES.items()
        }
        defs = self._definitions(data.get("defs"))
        probe = _strings(data.get("probe"))
        if len(probe) > MAX_PROBES or any(len(path) > MAX_NAME for path in probe):
            raise DescriptorError(
                f"{data['id'][:80]}: it has more than {MAX_PROBES} probes, or one is too long",
                help="a few types and fields tell one version from the others",
            )
        return Descriptor(
            origin=self._origin,
            data=data,
            id=data["id"],
            title=str(data.get("title", data["id"])),
            for_=tuple(
                Crate(str(c.get("crate", "")), str(c.get("version", "")))
                for c in _list(data.get("for"))
                if isinstance(c, dict)
            ),
            tested=_strings(data.get("tested")),
            types=self._types,
            probe=probe,
            lenses=_texts(data["lenses"]) if isinstance(data.get("lenses"), dict) else {},
            defs=defs,
            polls=self._bounded("polls", MAX_RULES),
            opaque=self._bounded("opaque", MAX_RULES),
            problems=tuple(self._problems),
            **rules,
        )

    def _rules(self, section: str, kind: type[R]) -> list[R]:
        rules = []
        for number, entry in enumerate(_list(self._data.get(section))):
            if not isinstance(entry, dict):
                self._problems.append(f"{section}[{number}]: it is no object")
                continue
            self._count += 1
            if self._count > MAX_RULES:
                self._problems.append(f"{section}[{number}]: more than {MAX_RULES} rules")
                break
            try:
                rules.append(self._rule(kind, entry))
            except (AdpError, ValueError) as error:
                self._problems.append(f"{section}[{number}]{error}")
        return rules

    def _bounded(self, key: str, most: int) -> tuple[str, ...]:
        found = _strings(self._data.get(key))
        if len(found) > most or any(len(text) > MAX_NAME for text in found):
            self._problems.append(f"{key}: more than {most} texts, or one is too long")
        return tuple(text for text in found[:most] if len(text) <= MAX_NAME)

    def _rule(self, kind: type[R], entry: dict[str, Any]) -> R:
        hints = _HINTS.get(kind)
        if hints is None:
            hints = _HINTS[kind] = get_type_hints(kind)
        values: dict[str, Any] = {}
        for part in fields(kind):  # type: ignore[arg-type]
            if entry.get(part.name) is not None:
                convert = _CONVERT[_hint_name(hints[part.name])]
                try:
                    values[part.name] = convert(self, entry[part.name])
                except (AdpError, ValueError) as error:
                    text = str(error)
                    glue = "" if text.startswith((".", "[")) else ": "
                    raise ValueError(f".{part.name}{glue}{text}") from error
            elif part.default is MISSING and part.default_factory is MISSING:
                raise ValueError(f": it has no {part.name}")
        for key in _TYPE_KEYS:
            named = values.get(key)
            if isinstance(named, str) and named.startswith("#"):
                if named[1:] not in self._types:
                    raise ValueError(f".{key}: the descriptor names no type {named}")
                values[key] = self._types[named[1:]]
        if kind is MacroRule and values.get("on", "global") not in _PLACES:
            raise ValueError(f".on: {str(values['on'])[:40]!r} is none of {', '.join(_PLACES)}")
        return kind(**values)

    def expression(self, text: object) -> Expression:
        """Parse an expression."""
        if not isinstance(text, str):
            raise ValueError(f"{str(text)[:80]!r} is no expression")
        if self._checks:
            parse(text)
        return Expression(text)

    def named(self, data: object) -> Named:
        """Parse named expressions."""
        if not isinstance(data, dict):
            raise ValueError("an object of expressions is expected")
        return {str(k): self.expression(v) for k, v in data.items()}

    def lets(self, data: object) -> Lets:
        """Parse ``[[name, expression], …]``."""
        return tuple((name, self.expression(text)) for name, text in _pairs(data, "name"))

    def states(self, data: object) -> States:
        """Parse ``[[condition, state], …]``."""
        return tuple((self.expression(text), name) for name, text in _pairs(data, "state"))

    def children(self, data: object) -> Named | Expression:
        """Parse labelled children, or a stream of them."""
        return self.named(data) if isinstance(data, dict) else self.expression(data)

    def slots(self, data: object) -> tuple[WakerSlot, ...]:
        """Parse the waker slots of a registered resource."""
        slots = []
        for number, entry in enumerate(_list(data)):
            if isinstance(entry, dict):
                try:
                    slots.append(self._rule(WakerSlot, entry))
                except ValueError as error:
                    raise ValueError(f"[{number}]{error}") from error
        return tuple(slots)

    def _definitions(self, data: object) -> dict[str, Definition]:
        found: dict[str, Definition] = {}
        for signature, text in (data if isinstance(data, dict) else {}).items():
            match = _SIGNATURE.fullmatch(signature)
            try:
                if match is None:
                    raise ValueError("this is no signature: NAME(PARAMETER, …)")
                names = tuple(p.strip() for p in match.group(2).split(",") if p.strip())
                found[match.group(1)] = Definition(match.group(1), names, self.expression(text))
            except (AdpError, ValueError) as error:
                self._problems.append(f"defs {signature[:80]}: {error}")
        return found


def _text(_: _Loader, data: object) -> str:
    if not isinstance(data, str):
        raise ValueError(f"{str(data)[:80]!r} is no text")
    if len(data) > MAX_NAME:
        raise ValueError(f"a text of {len(data)} characters is too long")
    return data


def _template(_: _Loader, data: object) -> Template:
    return template(_text(_, data))


_CONVERT: dict[str, Callable[[_Loader, object], object]] = {
    "str": _text,
    "bool": lambda _, data: bool(data),
    "Expression": _Loader.expression,
    "Named": _Loader.named,
    "Lets": _Loader.lets,
    "States": _Loader.states,
    "Children": _Loader.children,
    "Slots": _Loader.slots,
    "Template": _template,
}


def _hint_name(hint: object) -> str:
    """Say how a field of a rule is converted, from its annotation."""
    if hint in (str, str | None):
        return "str"
    if hint is bool:
        return "bool"
    if hint in (Expression, Expression | None):
        return "Expression"
    if hint == Template | None:
        return "Template"
    if hint == Named:
        return "Named"
    if hint == Lets:
        return "Lets"
    if hint == States:
        return "States"
    if hint == tuple[WakerSlot, ...]:
        return "Slots"
    return "Children"


def _list(data: object) -> list[Any]:
    return data if isinstance(data, list) else []


def _pairs(data: object, named: str) -> Iterator[tuple[str, object]]:
    """Yield the name and the other part of each pair; a state's name is the second one."""
    for entry in _list(data):
        if not isinstance(entry, list) or len(entry) != 2:
            raise ValueError(f"a list of pairs of a {named} and an expression is expected")
        name, text = entry if named == "name" else entry[::-1]
        if not isinstance(name, str):
            raise ValueError(f"{str(name)[:80]!r} is no {named}")
        yield name, text


def _strings(data: object) -> tuple[str, ...]:
    return tuple(entry for entry in _list(data) if isinstance(entry, str))


def _texts(data: Mapping[Any, Any]) -> dict[str, str]:
    return {str(k): v for k, v in data.items() if isinstance(v, str)}
