"""Coroutines: what rustc makes of async functions and blocks.

A coroutine is a structure with a variant part: Unresumed, Returned, Panicked, then one SuspendN
for each await (rustc 1.95, ``compiler/rustc_codegen_llvm/src/debuginfo/metadata/enums/native.rs``).
A variant's member carries the line of its await; ``__awaitee`` is the future that is awaited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.die import Die
from adp_tui.engine.dwarf.functions import origin_of
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.names import split_path
from adp_tui.engine.dwarf.plain import place_from, plain_place
from adp_tui.engine.dwarf.types import Kind, Member, Place, Type, Variant
from adp_tui.engine.errors import AdpError
from adp_tui.engine.image import Image
from adp_tui.engine.pinned import pinned_type
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import coroutine_function, linkage_ending, strip_generics
from adp_tui.engine.text import clean
from adp_tui.engine.value import Value

__all__ = [
    "CoroutineLayout",
    "Coroutines",
    "State",
    "is_coroutine_name",
    "is_temporary",
    "kept_members",
    "kept_variants",
    "live_members",
    "live_variables",
]

_ENVIRONMENT = re.compile(
    r"\{(async_fn|async_block|async_closure|async_gen_fn|async_gen_block|gen_fn|gen_block|coroutine)"
    r"_env#(\d+)\}(?=$|<)"
)
_NO_PATHS = ("fn(", "unsafe ", "extern ", "dyn ")
_TEMPORARY = re.compile(r"__\d+$")
AWAITEE = "__awaitee"
MAX_COPIES = 512
"""Units with a coroutine's pinned type that are searched for its function."""
MAX_GATHERED = 2000
"""Functions of one name that are gone through at once: more are searched for one by one."""
_SUBPROGRAM = frozenset({TAG.SUBPROGRAM})
_LEGACY = "_ZN"


def is_coroutine_name(name: str) -> bool:
    """Tell whether a type name is that of a coroutine."""
    return name.find("_env#") > 0 and _environment(name) is not None


def is_temporary(name: str) -> bool:
    """Tell whether a variable of a coroutine has no name in its source."""
    return _TEMPORARY.match(name) is not None


def _environment(name: str) -> re.Match[str] | None:
    """Find what makes a name a coroutine's: not where one is an argument or what ``fn`` returns.

    ``Either<a::{async_block_env#0}<T>, b::{async_block_env#0}<T>>`` is none.
    """
    if not name[:1].isidentifier() or name.startswith(_NO_PATHS):
        return None
    for match in _ENVIRONMENT.finditer(name):
        around = name[: match.start()].replace("->", "")
        if around.count("<") == around.count(">"):
            return match
    return None


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One variant of a coroutine.

    Attributes:
        name: ``suspended``, ``unresumed``, ``returned`` or ``panicked``.
        variant: the variant itself; its member's type holds the live variables.
        place: for a suspended one, where the program's author wrote the await.
        macro: where in a macro's source the await stands, where it does.
        awaitee: the member that holds the awaited future.
    """

    name: str
    variant: Variant
    place: Place | None
    macro: Place | None
    awaitee: Member | None


@dataclass(frozen=True, slots=True, eq=False)
class CoroutineLayout:
    """What is known of a coroutine's type."""

    type: Type
    kind: str
    """async_fn, async_block or async_closure."""
    function: str
    declared: Place | None
    discriminant: Member | None
    by_value: dict[int, State]

    def state(self, value: Value) -> State | None:
        """Return the active state; None for a discriminant that fits none."""
        if self.discriminant is None:
            return next(iter(self.by_value.values()), None)
        number = value.part(self.discriminant.offset, self.discriminant.type).unsigned()
        return self.by_value.get(number)


_NAMES = {"Unresumed": "unresumed", "Returned": "returned", "Panicked": "panicked"}
_ENDED = ("Returned", "Panicked")


class Coroutines:
    """Layouts of coroutine types, made once for each."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._known: dict[int, CoroutineLayout | None] = {}
        self._functions: dict[int, _Functions] = {}
        self._linkages: dict[str, str] = {}
        self._keep: list[Type] = []

    def layout(self, type_: Type) -> CoroutineLayout | None:
        """Return the layout of a coroutine's type; None for any other type."""
        key = id(type_)
        if key not in self._known:
            self._keep.append(type_)
            self._known[key] = self._make(type_)
        return self._known[key]

    def _make(self, type_: Type) -> CoroutineLayout | None:
        match = _environment(type_.name)
        part = type_.variant_part
        if match is None or part is None:
            return None
        declared = next((v.member.place for v in part.variants if v.name == "Unresumed"), None)
        in_macro = any(
            _foreign(v.member.place, declared) for v in part.variants if v.name not in _NAMES
        )
        linkage: str | None = None
        lines: dict[str, list[Place]] = {}
        if in_macro:
            linkage, lines = self._of_function(type_)
        elif "{impl#" in type_.name:
            linkage = self._linkage(type_)
        states: dict[int, State] = {}
        for number, variant in enumerate(part.variants):
            states[variant.value if variant.value is not None else number] = self._state(
                variant, declared, lines
            )
        kind = match.group(1)
        return CoroutineLayout(
            type=type_,
            kind=kind if kind in ("async_fn", "async_block", "async_closure") else "async_block",
            function=coroutine_function(type_.name, linkage),
            declared=declared,
            discriminant=part.discriminant,
            by_value=states,
        )

    @staticmethod
    def _state(variant: Variant, declared: Place | None, lines: dict[str, list[Place]]) -> State:
        name = _NAMES.get(variant.name, "suspended")
        awaitee = variant.member.type.member(AWAITEE) if name == "suspended" else None
        place = variant.member.place if name == "suspended" else declared
        macro = None
        if name == "suspended" and awaitee is not None and _foreign(place, declared):
            same_type = lines.get(awaitee.type.name, [])
            user = same_type.pop(0) if same_type else None
            if user is not None:
                macro, place = place, user
        return State(name, variant, place, macro, awaitee)

    def _linkage(self, type_: Type) -> str | None:
        """Return the linkage name of the coroutine's function, or of another instance of it.

        Legacy names say nothing of the arguments, so one instance speaks for all.
        """
        generic = strip_generics(type_.name)
        known = self._linkages.get(generic)
        if known is None:
            known, _ = self._of_function(type_)
            if known is not None and known.startswith(_LEGACY):
                self._linkages[generic] = known
        return known

    def declared(self, type_: Type, name: str, type_name: str, before: int | None) -> int | None:
        """Return the line of the one variable of a coroutine's function with a name and a type
        that was declared up to a line; None where there are none or several.

        An argument is there since its function begins, also where the function itself was merged
        with another one, or inlined.
        """
        first = next((debug for _, debug in self._program.infos()), None)
        table = {} if first is None else first.answers.table("coroutine variables")
        known = table.get(type_.name)
        if known is None:
            subprogram = self._subprogram(type_)
            known = () if subprogram is None else tuple(dict.fromkeys(_declared(*subprogram)))
            table[type_.name] = known
        lines = {
            line
            for own, own_type, line in known
            if own == name and own_type == type_name and (before is None or line <= before)
        }
        if not lines and type_.variant_part is not None:
            variants = type_.variant_part.variants
            first_state = next((v.member for v in variants if v.name == "Unresumed"), None)
            if first_state is not None and first_state.type.member(name) is not None:
                return None if first_state.place is None else first_state.place.line
        return lines.pop() if len(lines) == 1 else None

    def _of_function(self, type_: Type) -> tuple[str | None, dict[str, list[Place]]]:
        """Return what the coroutine's function says: its linkage name and its awaits' places."""
        first = next((debug for _, debug in self._program.infos()), None)
        table = {} if first is None else first.answers.table("coroutines")
        known = table.get(type_.name)
        if known is None:
            known = None, ()
            subprogram = self._subprogram(type_)
            if subprogram is not None:
                awaits = tuple((name, plain_place(place)) for name, place in _awaits(*subprogram))
                known = subprogram[1].text(AT.LINKAGE_NAME), awaits
            table[type_.name] = known
        lines: dict[str, list[Place]] = {}
        for name, plain in known[1]:
            place = place_from(plain)
            if place is not None:
                lines.setdefault(name, []).append(place)
        return known[0], lines

    def _subprogram(self, type_: Type) -> tuple[DebugInfo, Die] | None:
        """Find the coroutine's function: ``{async_fn#0}`` of ``{async_fn_env#0}``.

        The type stands in each unit that uses it, the function in those that compile it. A
        unit with the function has its parameter's type, whose name is found at once.
        """
        own = split_path(type_.name)[1].replace("_env#", "#", 1)
        for image, debug in self._program.infos():
            functions = self._functions.get(id(debug))
            if functions is None:
                functions = self._functions[id(debug)] = _Functions(image, debug)
            try:
                found = functions.of(type_.name, own)
            except AdpError:
                continue
            if found is not None:
                return debug, found
        return None


class _Functions:
    """The functions of one file that poll its coroutines."""

    def __init__(self, image: Image, debug: DebugInfo) -> None:
        self._image = image
        self._debug = debug
        self._gathered: dict[str, dict[str, Die] | None] = {}
        self._linked: dict[bytes, dict[str, Die]] = {}

    def of(self, type_name: str, name: str) -> Die | None:
        """Return the function with a name (``{async_fn#0}``) of the coroutine with a full name.

        The symbols are asked first, as most have one: ``.debug_info`` is larger by far. Where few
        functions are called so, the first question that is left goes through them all.
        """
        found = self._by_symbol(type_name)
        if found is not None:
            return found
        generic = "<" in name
        if not generic and name not in self._gathered:
            self._gathered[name] = self._gather(name)
        gathered = self._gathered.get(name)
        if gathered is not None:
            return gathered.get(type_name)
        if generic and not self._debug.sections.string_offsets:
            return self._named(type_name, name)
        for pin in islice(self._debug.search.pinned(type_name), MAX_COPIES):
            found = _polls(self._debug, pin, name)
            if found is not None:
                return found
        return None

    def _by_symbol(self, type_name: str) -> Die | None:
        """Return the function whose symbol ends as the coroutine's path does."""
        ending = linkage_ending(type_name).encode()
        if not ending:
            return None
        if ending not in self._linked:
            addresses = islice(self._image.symbols.closures(ending), MAX_GATHERED)
            dies = chain.from_iterable(map(self._beginning, addresses))
            self._linked[ending] = dict(self._polled(dies))
        return self._linked[ending].get(type_name)

    def _beginning(self, address: int) -> Iterator[Die]:
        """Yield the function that begins at an address of the file."""
        unit = self._debug.unit_at(address)
        for offset in self._debug.search.beginning(unit, address) if unit is not None else ():
            yield origin_of(self._debug, self._debug.die(offset))

    def _named(self, type_name: str, name: str) -> Die | None:
        """Return the function of a generic coroutine: few others have its name."""
        dies = self._debug.search.by_name(name, _SUBPROGRAM)
        return next((die for polled, die in self._polled(dies) if polled == type_name), None)

    def _gather(self, name: str) -> dict[str, Die] | None:
        """Return the functions of one name by the coroutine they poll; None for too many.

        Where names are indexes (DWARF 5), to find them all takes a pass of each unit.
        """
        if self._debug.sections.string_offsets:
            return None
        dies = self._debug.search.by_name(name, _SUBPROGRAM)
        few = list(islice(dies, MAX_GATHERED + 1))
        return dict(self._polled(few)) if len(few) <= MAX_GATHERED else None

    def _polled(self, functions: Iterable[Die]) -> Iterator[tuple[str, Die]]:
        for die in functions:
            try:
                first = next((c for c in die.children() if c.tag == TAG.FORMAL_PARAMETER), None)
                polled = None if first is None else pinned_type(self._debug, first)
            except AdpError:
                continue
            if polled is not None:
                yield polled, die


def _foreign(place: Place | None, declared: Place | None) -> bool:
    """Tell whether an await stands in another file than its function: in a macro."""
    return place is not None and declared is not None and place.file != declared.file


def _polls(debug: DebugInfo, pin: Die, name: str) -> Die | None:
    """Return the function with this name in a unit whose first parameter has the pinned type."""
    for die in debug.search.in_unit(pin.unit, name, _SUBPROGRAM):
        try:
            first = next((c for c in die.children() if c.tag == TAG.FORMAL_PARAMETER), None)
        except AdpError:
            continue
        if first is not None and first.reference(AT.TYPE) == pin.offset:
            return die
    return None


def _awaits(debug: DebugInfo, die: Die) -> Iterator[tuple[str, Place]]:
    """Yield type name and place of a function's ``__awaitee`` variables, in their order.

    rustc collapses macros of other crates there, but not in the variant's members.
    """
    for variable in _variables(die):
        if variable.text(AT.NAME) == AWAITEE:
            place, target = debug.place_of(variable), variable.reference(AT.TYPE)
            if place is not None and target is not None:
                yield debug.type_at(target).name, place


def _declared(debug: DebugInfo, die: Die) -> Iterator[tuple[str, str, int]]:
    """Yield name, type name and line of a function's variables."""
    for variable in _variables(die):
        name, target = variable.text(AT.NAME), variable.reference(AT.TYPE)
        place = debug.place_of(variable)
        if name is not None and name != AWAITEE and place is not None and target is not None:
            yield clean(name, 256), debug.type_at(target).name, place.line


def _variables(die: Die, depth: int = 0) -> Iterator[Die]:
    if depth > 64:
        return
    for child in die.children():
        if child.tag == TAG.VARIABLE:
            yield child
        elif child.tag == TAG.LEXICAL_BLOCK:
            yield from _variables(child, depth + 1)


def live_members(type_: Type) -> tuple[Member, ...]:
    """Return the variables of a variant: temporaries and the awaitee left out, equal ones once.

    Shadowed variables keep their names; the same variable stands twice where a macro
    rebinds it at the same offset.
    """
    seen: set[tuple[str, int]] = set()
    members = []
    for member in type_.members:
        key = (member.name, member.offset)
        if member.name == AWAITEE or is_temporary(member.name) or key in seen:
            continue
        seen.add(key)
        members.append(member)
    return tuple(members)


def kept_members(type_: Type, variant: Variant) -> tuple[Member, ...]:
    """Return what a coroutine still has in one of its states, the awaitee included.

    What it was made of stands in each state; an async fn moves its arguments into its own
    variables when it is first polled, and one that has ended has nothing.
    """
    members = variant.member.type.members
    if variant.name == "Unresumed":
        return members
    if variant.name in _ENDED:
        return ()
    match = _environment(type_.name)
    if match is None or match.group(1) != "async_fn" or type_.variant_part is None:
        return members
    first = next((v for v in type_.variant_part.variants if v.name == "Unresumed"), None)
    given = {(m.name, m.offset) for m in first.member.type.members} if first is not None else set()
    return tuple(member for member in members if (member.name, member.offset) not in given)


def kept_variants(type_: Type) -> Sequence[Variant]:
    """Return the variants of a type in which it has something: an ended coroutine has nothing."""
    part = type_.variant_part
    variants = () if part is None else part.variants
    if not is_coroutine_name(type_.name):
        return variants
    return [each for each in variants if each.name not in _ENDED]


def live_variables(value: Value) -> Sequence[tuple[str, Value | None, str | None]]:
    """Return name, value and problem of each variable of a frame's payload."""
    members = live_members(value.type) if value.type.kind is Kind.STRUCT else value.type.members
    return [(m.name, value.of(m), None) for m in members if m.name]
