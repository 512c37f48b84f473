"""Paths resolved once for each type: from field names to offsets, loads and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.dwarf.types import Kind, Member, Type, VariantPart
from adp_tui.engine.errors import FaultError, LayoutError
from adp_tui.engine.rust.lenses import LENSES, SHARED, TLS_LAZY
from adp_tui.engine.target import Memory
from adp_tui.engine.value import Value

__all__ = ["Check", "Plan", "Planner", "Step"]

MAX_PEEL = 24
"""Wrappers around one value: the deepest seen is 11 (tokio's loom over std over core)."""
_LAST = (1 << 64) - 1
LOAD = -1
"""A step that follows the pointer at the current address."""


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A step that goes on only where a variant is the active one.

    ``wanted`` is the discriminant, or None for the default variant, which is active where the
    discriminant is none of ``others``. ``size`` 0 means the enum has no discriminant.
    """

    offset: int
    size: int
    wanted: int | None
    others: frozenset[int]


Step = int | Check
"""A number of bytes to add, ``LOAD``, or a check."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Steps from a value of one type to a value of another."""

    steps: tuple[Step, ...]
    type: Type

    def run(self, value: Value) -> Value | None:
        """Return the value at the end; None where a pointer is null or a variant not active.

        Raises:
            FaultError: memory on the way cannot be read.
        """
        memory, address, data = value.memory, value.address, value.data
        if data is not None:
            return self._run_data(value)
        for step in self.steps:
            if isinstance(step, int):
                if step >= 0:
                    address += step
                    continue
                address = int.from_bytes(memory.read(address, 8), "little")
                if not address:
                    return None
            elif not _active(step, memory, address):
                return None
        return Value(memory, self.type, address & _LAST)

    def then(self, other: Plan) -> Plan:
        """Return the plan that does this one, then another from where it leads."""
        return Plan(_merged((*self.steps, *other.steps)), other.type)

    def _run_data(self, value: Value) -> Value | None:
        """Do the same for a value whose bytes lie in registers, up to the first pointer."""
        assert value.data is not None
        offset = 0
        for number, step in enumerate(self.steps):
            if isinstance(step, Check):
                raw = _cut(value, offset + step.offset, step.size)
                if not _fits(step, int.from_bytes(raw, "little")):
                    return None
            elif step >= 0:
                offset += step
            else:
                address = int.from_bytes(_cut(value, offset, 8), "little")
                if not address:
                    return None
                rest = Plan(self.steps[number + 1 :], self.type)
                return rest.run(Value(value.memory, self.type, address))
        data = value.data[offset : offset + self.type.size]
        return Value(value.memory, self.type, 0, data)


def _cut(value: Value, offset: int, size: int) -> bytes:
    """Return a part of a value that lies in registers."""
    assert value.data is not None
    raw = value.data[offset : offset + size]
    if len(raw) != size:
        raise FaultError(0, size, "only a part of the value has a location")
    return raw


def _active(check: Check, memory: Memory, address: int) -> bool:
    if not check.size:
        return True
    raw = memory.read(address + check.offset, check.size)
    return _fits(check, int.from_bytes(raw, "little"))


def _fits(check: Check, number: int) -> bool:
    if not check.size:
        return True
    return number == check.wanted if check.wanted is not None else number not in check.others


class Planner:
    """Resolves fields, variants and hops against types; needs no memory."""

    def __init__(self, lenses: Mapping[str, str]) -> None:
        self._lenses = {name: (path,) for name, path in lenses.items()}

    def field(self, type_: Type, name: str) -> Plan:
        """Resolve ``.name``: of the type itself, else behind its wrappers.

        Raises:
            LayoutError: no wrapper leads to such a field.
        """
        steps: list[Step] = []
        current = type_
        for _ in range(MAX_PEEL):
            member = current.member(name)
            if member is not None:
                return _joined(steps, member)
            steps, current = self._peel(steps, current, f".{name} of {type_.name}")
        raise LayoutError(f"{type_.name} has no field {name} behind {MAX_PEEL} wrappers")

    def variant(self, type_: Type, name: str) -> Plan:
        """Resolve ``@name``: the payload of a variant, a lone ``__0`` unwrapped.

        Raises:
            LayoutError: no wrapper leads to an enum with such a variant.
        """
        steps: list[Step] = []
        current = type_
        for _ in range(MAX_PEEL):
            part = current.variant_part
            if part is not None and any(v.name == name for v in part.variants):
                return self._payload(steps, part, name)
            steps, current = self._peel(steps, current, f"@{name} of {type_.name}")
        raise LayoutError(f"{type_.name} has no variant {name} behind {MAX_PEEL} wrappers")

    def enum(self, type_: Type) -> Plan:
        """Resolve to the nearest enum or coroutine.

        Raises:
            LayoutError: no wrapper leads to one.
        """
        steps: list[Step] = []
        current = type_
        for _ in range(MAX_PEEL):
            if current.variant_part is not None or current.kind is Kind.C_ENUM:
                return Plan(tuple(steps), current)
            steps, current = self._peel(steps, current, f"an enum in {type_.name}")
        raise LayoutError(f"{type_.name} wraps no enum")

    def deref(self, type_: Type) -> Plan:
        """Resolve one hop: through wrappers to the first pointer, Arc or Rc, and through it.

        Raises:
            LayoutError: no wrapper leads to a pointer.
        """
        steps: list[Step] = []
        current = type_
        for _ in range(MAX_PEEL):
            hop = current.kind is Kind.POINTER or current.base_name in SHARED
            steps, current = self._peel(steps, current, f"a pointer in {type_.name}")
            if hop:
                return Plan(tuple(steps), current)
        raise LayoutError(f"{type_.name} wraps no pointer")

    def scalar(self, type_: Type) -> Plan:
        """Resolve to the number, C-like enum or pointer that a value is in the end.

        Raises:
            LayoutError: the value is no scalar.
        """
        steps: list[Step] = []
        current = type_
        for _ in range(MAX_PEEL):
            if current.kind in (Kind.BASE, Kind.C_ENUM, Kind.POINTER):
                return Plan(tuple(steps), current)
            if current.base_name in SHARED:
                pointer = _first_pointer(current, steps)
                return Plan(tuple(steps), pointer)
            steps, current = self._peel(steps, current, f"a number in {type_.name}")
        raise LayoutError(f"{type_.name} is no number")

    def lens(self, type_: Type) -> Plan | None:
        """Resolve what the descriptor itself says that a type wraps; None where it says nothing."""
        plans = (self._path(type_, path) for path in self._lenses.get(type_.base_name, ()))
        return next((plan for plan in plans if plan is not None), None)

    def peel(self, type_: Type) -> Plan:
        """Resolve one transparent step.

        Raises:
            LayoutError: the type wraps nothing.
        """
        steps, current = self._peel([], type_, type_.name)
        return Plan(tuple(steps), current)

    def _peel(self, steps: list[Step], type_: Type, wanted: str) -> tuple[list[Step], Type]:
        if type_.kind is Kind.POINTER:
            if type_.target is None or (not type_.target.size and not type_.target.members):
                raise LayoutError(f"{wanted}: {type_.name or 'a pointer'} does not say to what")
            return [*steps, LOAD], type_.target
        base = type_.base_name
        if base == TLS_LAZY:
            return self._lazy_storage(steps, type_)
        for path in self._lenses.get(base) or LENSES.get(base, ()):
            plan = self._path(type_, path)
            if plan is not None:
                return [*steps, *plan.steps], plan.type
        part = type_.variant_part
        if part is not None:
            if any(v.name == "Some" for v in part.variants):
                plan = self._payload(steps, part, "Some")
                return list(plan.steps), plan.type
            raise LayoutError(f"{wanted}: {type_.name} is an enum, name its variant")
        inner = [m for m in type_.members if m.type.size]
        if len(inner) != 1:
            names = ", ".join(m.name for m in type_.members[:8])
            raise LayoutError(f"{wanted}: {type_.name or 'a type'} has only {names or 'no fields'}")
        return [*steps, inner[0].offset], inner[0].type

    def _path(self, type_: Type, path: str) -> Plan | None:
        """Follow a lens: its fields must be there by name, pointers are followed on the way."""
        steps: list[Step] = []
        current = type_
        for name in path.split("."):
            for _ in range(MAX_PEEL):
                member = current.member(name)
                if member is not None:
                    break
                if current.kind is Kind.POINTER and current.target is not None:
                    steps.append(LOAD)
                    current = current.target
                    continue
                inner = [m for m in current.members if m.type.size]
                if len(inner) != 1:
                    return None
                steps.append(inner[0].offset)
                current = inner[0].type
            else:
                return None
            steps.append(member.offset)
            current = member.type
        return Plan(tuple(steps), current)

    def _payload(self, steps: list[Step], part: VariantPart, name: str) -> Plan:
        chosen = next(v for v in part.variants if v.name == name)
        check = variant_check(part, chosen.value)
        member = chosen.member
        result: list[Step] = [*steps, check, member.offset]
        type_ = member.type
        if len(type_.members) == 1 and type_.members[0].name == "__0":
            result.append(type_.members[0].offset)
            type_ = type_.members[0].type
        return Plan(tuple(result), type_)

    def _lazy_storage(self, steps: list[Step], type_: Type) -> tuple[list[Step], Type]:
        """``lazy::Storage {value, state}`` (1.95), or ``{state: State<T>}`` where the state
        itself holds the value (before 1.90).
        """
        state = type_.member("state")
        if state is None:
            raise LayoutError(f"{type_.name} has no state")
        enum = self.enum(state.type)
        if enum.type.kind is Kind.C_ENUM:
            alive = {n for n, text in enum.type.enumerators.items() if text == "Alive"}
            others = frozenset(enum.type.enumerators) - alive
            offset = state.offset + sum(s for s in enum.steps if isinstance(s, int))
            check = Check(offset, enum.type.size, None, others)
        else:
            part = enum.type.variant_part
            assert part is not None
            alive_variant = next((v for v in part.variants if v.name == "Alive"), None)
            if alive_variant is None:
                raise LayoutError(f"{enum.type.name} has no variant Alive")
            offset = state.offset + sum(s for s in enum.steps if isinstance(s, int))
            found = variant_check(part, alive_variant.value)
            check = Check(offset + found.offset, found.size, found.wanted, found.others)
            if type_.member("value") is None:
                payload = self._payload([state.offset, *enum.steps], part, "Alive")
                return [*steps, *payload.steps], payload.type
        value = type_.member("value")
        if value is None:
            raise LayoutError(f"{type_.name} has no value")
        return [*steps, check, value.offset], value.type


def variant_check(part: VariantPart, value: int | None) -> Check:
    """Return the check that a variant with this discriminant value is the active one."""
    discriminant = part.discriminant
    if discriminant is None:
        return Check(0, 0, None, frozenset())
    others = frozenset(v.value for v in part.variants if v.value is not None)
    return Check(discriminant.offset, discriminant.type.size, value, others)


def _joined(steps: list[Step], member: Member) -> Plan:
    return Plan(_merged((*steps, member.offset)), member.type)


def _merged(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Add up what is added one after the other."""
    merged: list[Step] = []
    for step in steps:
        last = merged[-1] if merged else None
        if isinstance(step, int) and isinstance(last, int) and step >= 0 and last >= 0:
            merged[-1] = last + step
        else:
            merged.append(step)
    return tuple(merged)


def _first_pointer(type_: Type, steps: list[Step]) -> Type:
    """Descend to the pointer inside an Arc or Rc: its number is the address that it holds."""
    current = type_
    for _ in range(MAX_PEEL):
        if current.kind is Kind.POINTER:
            return current
        inner = [m for m in current.members if m.type.size]
        if len(inner) != 1:
            break
        steps.append(inner[0].offset)
        current = inner[0].type
    raise LayoutError(f"{type_.name} holds no pointer")
