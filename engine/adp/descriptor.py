"""Descriptors: JSON that says how a runtime's structures are read, as frozen records.

A rule whose expressions cannot be parsed is left out and listed in ``problems``; keys that this
reader does not know are passed over. ``SCHEMA`` is the highest schema number it understands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar, get_type_hints

from adp_tui.engine.adp.extend import DescriptorError, extended
from adp_tui.engine.adp.language import Node, parse
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError

__all__ = [
    "AdapterRule",
    "BlockingRule",
    "Crate",
    "Definition",
    "Descriptor",
    "DescriptorError",
    "ExecutorRule",
    "Expression",
    "FdRule",
    "HoldRule",
    "HolderRule",
    "IgnoredRule",
    "KindRule",
    "NamedRule",
    "OwnerRule",
    "RegisteredRule",
    "ResourceRule",
    "RoleRule",
    "RootRule",
    "TaskRule",
    "ThreadRule",
    "WaitRule",
    "WakerRule",
    "WakerSlot",
    "load",
]

SCHEMA = 1
MAX_SIZE = 1 << 20
"""Bytes of one descriptor."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A parsed expression. Its identity is the key under which its plans are kept."""

    text: str
    node: Node


Lets = tuple[tuple[str, Expression], ...]
Named = Mapping[str, Expression]
States = tuple[tuple[Expression, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ExecutorRule:
    """An executor: ``each`` gives those that the runtime's own roots lead to; ``type`` is the
    type of its data, by which an executor that a task leads to is recognised. ``count`` is how
    many tasks its lists hold by its own word.
    """

    kind: str
    type: str | None = None
    each: Expression | None = None
    name: Expression | None = None
    tasks: Expression | None = None
    count: Expression | None = None
    blocking: Expression | None = None
    owner_id: Expression | None = None
    owner_thread: Expression | None = None
    queues: Named = field(default_factory=dict)
    timers: Expression | None = None
    pending_timers: Expression | None = None
    registrations: Expression | None = None
    waker: Expression | None = None
    detail: Named = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ThreadRule:
    """What a thread-local says of its thread: ``each`` gives one value for each thread."""

    each: Expression
    executor: Expression | None = None
    worker: Expression | None = None
    queue: Expression | None = None
    current_task: Expression | None = None
    parker: Expression | None = None
    owner: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoleRule:
    """The role of a thread that has a function matching ``fn`` on its stack."""

    fn: str
    role: str


@dataclass(frozen=True, slots=True, eq=False)
class TaskRule:
    """A task, from its header ``it``."""

    type: str
    let: Lets = ()
    valid: Expression | None = None
    """0 for what cannot be a header, such as one that was freed."""
    id: Expression | None = None
    raw_id: Expression | None = None
    owner_id: Expression | None = None
    name: Expression | None = None
    future: Expression | None = None
    state: States = ()
    flags: Named = field(default_factory=dict)
    panic: Expression | None = None
    scheduler: Expression | None = None
    spawned_at: Expression | None = None
    join_waker: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class KindRule:
    """The kind of the tasks whose scheduler type matches."""

    scheduler: str
    kind: str


@dataclass(frozen=True, slots=True, eq=False)
class IgnoredRule:
    """Tasks of the runtime's own: not shown."""

    future: str


@dataclass(frozen=True, slots=True, eq=False)
class RootRule:
    """A ``block_on`` root: the native function ``fn`` drives the future in ``variable``, or, with
    ``search`` and where that has no value, the one of type ``type_param`` somewhere in its frame.
    """

    fn: str
    variable: str | None = None
    type: str | None = None
    type_param: str | None = None
    search: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class BlockingRule:
    """A running blocking job: a header of ``type`` that its thread's stack points to."""

    type: str
    id: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WakerRule:
    """Whom a waker wakes: recognised by its vtable's address or its clone function's name."""

    vtable: Expression | None = None
    fn: str | None = None
    let: Lets = ()
    task: Expression | None = None
    forward: Expression | None = None
    thread: Expression | None = None
    executor: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WaitRule:
    """A future (or coroutine) that waits on something.

    Where ``awaits`` stands, it does so only while the future that it awaits matches: a cell's
    initialiser is the author's own future and names its own wait.
    """

    on: str
    kind: str
    awaits: str | None = None
    mode: str | None = None
    mode_of: Expression | None = None
    resource: Expression | None = None
    task: Expression | None = None
    waker: Expression | None = None
    remaining_ms: Expression | None = None
    amount: Expression | None = None
    armed: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ResourceRule:
    """A resource: its state, and the wakers that queue in it.

    ``taken`` is how much of it is held by its own word; ``alias`` a part of it that guards may
    point to instead.
    """

    type: str
    kind: str
    detail: Named = field(default_factory=dict)
    waiters: Expression | None = None
    taken: Expression | None = None
    alias: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WakerSlot:
    """Where a registered resource stores wakers: each item of ``each`` is one, or holds one
    that ``waker`` finds (as ``w``).
    """

    each: Expression
    waker: Expression | None = None
    mode: str | None = None
    mode_of: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredRule:
    """A resource that an executor's drivers list (a socket, a timer), or that a future written
    by hand keeps and polls (a channel, a stream of HTTP/2).
    """

    type: str
    kind: str
    wakers: tuple[WakerSlot, ...] = ()
    remaining_ms: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HoldRule:
    """A value whose owner is the parent of other tasks: a JoinHandle, a JoinSet."""

    on: str
    tasks: Expression


@dataclass(frozen=True, slots=True, eq=False)
class HolderRule:
    """A guard: whoever has it holds so much of a resource.

    ``weight`` is how much that is in what the resource itself calls ``taken``, where it isn't
    ``amount``. Where ``listed``, a resource that a task holds is shown though no task waits for it.
    """

    on: str
    resource: Expression
    mode: str
    amount: Expression | None = None
    weight: Expression | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class OwnerRule:
    """An end of a channel and the like: its owner can complete waits at a resource, those of one
    ``mode`` or all. ``only``: there is never more than one of its kind.
    """

    on: str
    resource: Expression
    role: str
    mode: str | None = None
    only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FdRule:
    """A value that owns a registration and knows its file descriptor."""

    on: str
    resource: Expression
    fd: Expression


@dataclass(frozen=True, slots=True, eq=False)
class AdapterRule:
    """A future that polls others: labelled ones, or a stream of them."""

    on: str
    combinator: str = "wrapper"
    children: Named | Expression = field(default_factory=dict)
    labels: Expression | None = None
    state: Expression | None = None
    label: Expression | None = None
    executor: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NamedRule:
    """A future of the runtime's own around what was spawned: named by a type parameter."""

    on: str
    by: str


@dataclass(frozen=True, slots=True)
class Crate:
    """What a descriptor was written for; informative, the probe decides."""

    crate: str
    version: str


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A named expression with parameters."""

    name: str
    parameters: tuple[str, ...]
    body: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Descriptor:
    """One descriptor. ``probe`` entries are paths that must resolve (``!`` in front: must not)."""

    id: str
    title: str
    for_: tuple[Crate, ...]
    tested: tuple[str, ...]
    types: Mapping[str, str]
    probe: tuple[str, ...]
    lenses: Mapping[str, str]
    defs: Mapping[str, Definition]
    executors: tuple[ExecutorRule, ...]
    threads: tuple[ThreadRule, ...]
    roles: tuple[RoleRule, ...]
    tasks: tuple[TaskRule, ...]
    kinds: tuple[KindRule, ...]
    ignored: tuple[IgnoredRule, ...]
    roots: tuple[RootRule, ...]
    blocking: tuple[BlockingRule, ...]
    wakers: tuple[WakerRule, ...]
    waits: tuple[WaitRule, ...]
    resources: tuple[ResourceRule, ...]
    registered: tuple[RegisteredRule, ...]
    holds: tuple[HoldRule, ...]
    holders: tuple[HolderRule, ...]
    owners: tuple[OwnerRule, ...]
    fds: tuple[FdRule, ...]
    adapters: tuple[AdapterRule, ...]
    named: tuple[NamedRule, ...]
    polls: tuple[str, ...]
    opaque: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def source(self) -> str:
        """How reports name it: ``tokio >=1.29``."""
        version = self.for_[0].version if self.for_ else ""
        return f"{self.id} {version}".strip()


_RULES: dict[str, type] = {
    "executors": ExecutorRule, "threads": ThreadRule, "roles": RoleRule, "tasks": TaskRule,
    "kinds": KindRule, "ignored": IgnoredRule, "roots": RootRule, "blocking": BlockingRule,
    "wakers": WakerRule, "waits": WaitRule, "resources": ResourceRule,
    "registered": RegisteredRule, "holds": HoldRule, "fds": FdRule, "adapters": AdapterRule,
    "named": NamedRule, "holders": HolderRule, "owners": OwnerRule,
}  # fmt: skip
_TYPE_KEYS = ("type", "on", "guard")
_SIGNATURE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(([A-Za-z0-9_, ]*)\)")

R = TypeVar("R")


def load(text: str, others: Mapping[str, str] | None = None) -> Descriptor:
    """Read a descriptor.

    Args:
        text: The JSON.
        others: Descriptors that it may extend, by name.

    Raises:
        DescriptorError: it is no JSON object, has no id, needs a newer reader, or extends what
            is not there.
    """
    texts = others or {}
    data = extended(_read(text), lambda name: _read(texts[name]) if name in texts else None)
    return _Loader(data).descriptor()


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
    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._problems: list[str] = []
        types = data.get("types")
        self._types = _texts(types) if isinstance(types, dict) else {}

    def descriptor(self) -> Descriptor:
        data = self._data
        rules: dict[str, Any] = {
            section: tuple(self._rules(section, kind)) for section, kind in _RULES.items()
        }
        defs = self._definitions(data.get("defs"))
        return Descriptor(
            id=data["id"],
            title=str(data.get("title", data["id"])),
            for_=tuple(
                Crate(str(c.get("crate", "")), str(c.get("version", "")))
                for c in _list(data.get("for"))
                if isinstance(c, dict)
            ),
            tested=_strings(data.get("tested")),
            types=self._types,
            probe=_strings(data.get("probe")),
            lenses=_texts(data["lenses"]) if isinstance(data.get("lenses"), dict) else {},
            defs=defs,
            polls=_strings(data.get("polls")),
            opaque=_strings(data.get("opaque")),
            problems=tuple(self._problems),
            **rules,
        )

    def _rules(self, section: str, kind: type[R]) -> list[R]:
        rules = []
        for number, entry in enumerate(_list(self._data.get(section))):
            if not isinstance(entry, dict):
                continue
            try:
                rules.append(self._rule(kind, entry))
            except (AdpError, ValueError) as error:
                self._problems.append(f"{section}[{number}]{error}")
        return rules

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
        return kind(**values)

    def expression(self, text: object) -> Expression:
        """Parse an expression."""
        if not isinstance(text, str):
            raise ValueError(f"{str(text)[:80]!r} is no expression")
        return Expression(text, parse(text))

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
    return data


_CONVERT: dict[str, Callable[[_Loader, object], object]] = {
    "str": _text,
    "bool": lambda _, data: bool(data),
    "Expression": _Loader.expression,
    "Named": _Loader.named,
    "Lets": _Loader.lets,
    "States": _Loader.states,
    "Children": _Loader.children,
    "Slots": _Loader.slots,
}


def _hint_name(hint: object) -> str:
    """Say how a field of a rule is converted, from its annotation."""
    if hint in (str, str | None):
        return "str"
    if hint is bool:
        return "bool"
    if hint in (Expression, Expression | None):
        return "Expression"
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
