"""Looks at std's own types, by name.

Layouts are those of rustc 1.95's library; a type that has other fields is shown by structure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from adp_tui.engine.dwarf.types import Body, Kind, Type
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.rust import containers
from adp_tui.engine.rust.lenses import SHARED
from adp_tui.engine.rust.looks import (
    Group,
    Leaf,
    Look,
    Row,
    Through,
    dig,
    last_segment,
    number,
    signed,
)
from adp_tui.engine.rust.pointers import behind_fat
from adp_tui.engine.rust.scalars import seconds
from adp_tui.engine.value import Value

__all__ = ["standard"]

_MAX = (1 << 64) - 1
_DW_ATE_BOOLEAN = 0x02
_READERS = (1 << 30) - 1
"""``MASK`` of ``RwLock.state``: so many readers, or all bits for a writer
(std 1.95, ``sys/sync/rwlock/futex.rs``)."""


def standard(program: Program, value: Value) -> Look | None:
    """Look at a type of std's; None for a type that this module doesn't know.

    Raises:
        AdpError: it cannot be read, or it is not laid out as known.
    """
    type_ = value.type
    base = type_.base_name
    if base.startswith("core::num::nonzero::") or base.startswith("core::num::niche_types::"):
        return Through(value.of(type_.members[0])) if type_.members else None
    if base.startswith("core::sync::atomic::Atomic") and type_.kind is Kind.STRUCT:
        return _atomic(value)
    look = _LOOKS.get(base)
    return None if look is None else look(program, value)


def _atomic(value: Value) -> Look:
    """``AtomicU64 { v: UnsafeCell<u64> }``, ``AtomicPtr { p }`` (core 1.95)."""
    name = last_segment(value.type.name)
    cell = value.member("v") or dig(value, "p")
    inner = dig(cell, "value")
    if name == "AtomicBool":
        inner = inner.part(0, _made(inner.type, "bool", 1, _DW_ATE_BOOLEAN))
    return Through(inner, before=f"{name} ")


def _made(like: Type, name: str, size: int, encoding: int | None) -> Type:
    """Return a base type that DWARF may not have."""
    return Type(like.source, 0, Kind.BASE, name, size, encoding=encoding, body=Body())


def _shared(program: Program, value: Value) -> Look:
    """``Arc { ptr: NonNull<ArcInner { strong, weak, data }> }``; Rc's has ``value`` (alloc 1.95).

    All strong references together hold one weak one, which Rust does not count either.
    """
    is_weak = value.type.base_name not in SHARED
    name = last_segment(value.type.name)
    pointer = dig(value, "ptr", "pointer")
    thin = pointer.member("data_ptr") or pointer.member("pointer") or pointer
    if is_weak and thin.pointer() == _MAX:
        return Leaf(f"{name}(dangling)")
    header = thin.deref()
    if header is None:
        return Leaf(f"{name}(null)")
    data = header.member("data") or dig(header, "value")
    strong, weak = number(dig(header, "strong")), number(dig(header, "weak"))
    if strong:
        weak -= 1
    rows = (
        Row("strong", _number(header, strong)),
        Row("weak", _number(header, weak)),
    )
    counts = f"strong {strong}, weak {weak if weak >= 0 and weak < _MAX - 1 else 'locked'}"
    if is_weak and not strong:
        return Leaf(f"{name}(dropped; {counts})", lambda limit: rows[:limit], expandable=True)
    if thin is not pointer:
        data = behind_fat(program, pointer, header, data)
    return Through(data, f"{name}(", f"; {counts})", rows)


def _number(like: Value, value: int) -> Value:
    type_ = _made(like.type, "usize", 8, None)
    return Value(like.memory, type_, 0, (value & _MAX).to_bytes(8, "little"))


def _ref_cell(_program: Program, value: Value) -> Look:
    """``RefCell { borrow: Cell<isize>, value: UnsafeCell<T> }`` (core 1.95)."""
    borrow = signed(dig(value, "borrow"))
    state = ""
    if borrow > 0:
        state = f"; borrowed {borrow} times" if borrow > 1 else "; borrowed once"
    elif borrow < 0:
        state = "; mutably borrowed"
    return Through(dig(value, "value", "value"), "RefCell(", f"{state})")


def _cell(_program: Program, value: Value) -> Look:
    """``Cell { value: UnsafeCell { value } }``, ``OnceCell { inner: UnsafeCell }`` (core 1.95)."""
    inner = value.member("value") or dig(value, "inner")
    if inner.type.base_name == "core::cell::UnsafeCell":
        inner = dig(inner, "value")
    return Through(inner, f"{last_segment(value.type.name)}(", ")")


def _mutex(_program: Program, value: Value) -> Look:
    """``Mutex { inner: futex::Mutex { futex }, poison: Flag { failed }, data }`` (std 1.95)."""
    notes = []
    futex = dig(value, "inner").member("futex")
    if futex is None:
        notes.append("lock state unknown")
    elif number(futex):
        notes.append("locked")
    return _guarded(value, "Mutex", notes)


def _rw_lock(_program: Program, value: Value) -> Look:
    """``RwLock { inner: futex::RwLock { state }, poison, data }`` (std 1.95)."""
    notes = []
    state = dig(value, "inner").member("state")
    readers = number(state) & _READERS if state is not None else 0
    if state is None:
        notes.append("lock state unknown")
    elif readers == _READERS:
        notes.append("locked for writing")
    elif readers:
        notes.append(f"{readers} readers" if readers > 1 else "1 reader")
    return _guarded(value, "RwLock", notes)


def _guarded(value: Value, name: str, notes: list[str]) -> Look:
    poison = value.member("poison")
    if poison is not None and number(poison):
        notes.append("poisoned")
    after = f"; {', '.join(notes)})" if notes else ")"
    return Through(dig(value, "data", "value"), f"{name}(", after)


def _duration(_program: Program, value: Value) -> Look:
    """``Duration { secs, nanos }`` (core 1.95)."""
    return Leaf(seconds(number(dig(value, "secs")), number(dig(value, "nanos"))))


def _instant(_program: Program, value: Value) -> Look:
    """``Instant(unix::Instant { t: Timespec })``: CLOCK_MONOTONIC (std 1.95)."""
    secs, nanos = _timespec(value)
    return Leaf(f"Instant {secs}.{nanos // 1_000_000:03}s since boot")


def _system_time(_program: Program, value: Value) -> Look:
    """``SystemTime(unix::SystemTime { t: Timespec })``: since 1970 (std 1.95)."""
    secs, nanos = _timespec(value)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=secs)
    except OverflowError:
        return Leaf(f"SystemTime {secs}s since 1970")
    return Leaf(f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos // 1_000_000:03}Z")


def _timespec(value: Value) -> tuple[int, int]:
    time = dig(value, "0", "t")
    return signed(dig(time, "tv_sec")), number(dig(time, "tv_nsec"))


def _manually_drop(_program: Program, value: Value) -> Look:
    """``ManuallyDrop { value }``: it may have been dropped already."""
    rows = (Row("unless dropped", dig(value, "value")),)
    return Leaf("ManuallyDrop(maybe dropped)", lambda limit: rows[:limit], expandable=True)


def _maybe_uninit(_program: Program, value: Value) -> Look:
    """``union MaybeUninit { uninit: (), value: ManuallyDrop }`` (core 1.95)."""
    inner = dig(value, "value")
    rows = (Row("if initialised", inner.member("value") or inner),)
    return Leaf("MaybeUninit(maybe uninitialised)", lambda limit: rows[:limit], expandable=True)


def _transparent(_program: Program, value: Value) -> Look:
    """A wrapper that adds nothing: NonNull, Pin, MaybeDangling."""
    if not value.type.members:
        raise LayoutError(f"the debug information only declares {value.type.name}")
    return Through(value.of(value.type.members[0]))


def _marker(_program: Program, value: Value) -> Look:
    return Leaf(last_segment(value.type.name))


def _container(make: Callable[[Value], Group | None]) -> Callable[[Program, Value], Look | None]:
    return lambda _program, value: make(value)


_LOOKS: Mapping[str, Callable[[Program, Value], Look | None]] = {
    "alloc::sync::Arc": _shared,
    "alloc::sync::Weak": _shared,
    "alloc::rc::Rc": _shared,
    "alloc::rc::Weak": _shared,
    "core::cell::Cell": _cell,
    "core::cell::UnsafeCell": _cell,
    "core::cell::once::OnceCell": _cell,
    "core::cell::RefCell": _ref_cell,
    "std::sync::poison::mutex::Mutex": _mutex,
    "std::sync::mutex::Mutex": _mutex,
    "std::sync::nonpoison::mutex::Mutex": _mutex,
    "std::sync::poison::rwlock::RwLock": _rw_lock,
    "std::sync::rwlock::RwLock": _rw_lock,
    "std::sync::nonpoison::rwlock::RwLock": _rw_lock,
    "core::time::Duration": _duration,
    "std::time::Instant": _instant,
    "std::time::SystemTime": _system_time,
    "core::mem::manually_drop::ManuallyDrop": _manually_drop,
    "core::mem::maybe_uninit::MaybeUninit": _maybe_uninit,
    "core::mem::maybe_dangling::MaybeDangling": _transparent,
    "core::pin::Pin": _transparent,
    "core::ptr::non_null::NonNull": _transparent,
    "core::ptr::unique::Unique": _transparent,
    "core::marker::PhantomData": _marker,
    "alloc::vec::Vec": _container(containers.sequence),
    "alloc::collections::vec_deque::VecDeque": _container(containers.sequence),
    "alloc::collections::linked_list::LinkedList": _container(containers.linked_list),
    "std::collections::hash::map::HashMap": _container(containers.hash_map),
    "std::collections::hash::set::HashSet": _container(containers.hash_set),
    "hashbrown::map::HashMap": _container(containers.hash_map),
    "hashbrown::set::HashSet": _container(containers.hash_set),
    "alloc::collections::btree::map::BTreeMap": _container(containers.tree_map),
    "alloc::collections::btree::set::BTreeSet": _container(containers.tree_set),
}
