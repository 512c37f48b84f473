"""Which standard types are transparent: the value that they wrap is meant.

Paths are written in field names; std moves them between releases, so each entry lists what
was seen, newest first. (rustc 1.95: ``library/alloc/src/sync.rs``, ``library/std/src/sync/poison``,
``library/std/src/sys/thread_local/native``; parking_lot's ``lock_api`` 0.4.)
"""

from __future__ import annotations

__all__ = ["LENSES", "SHARED", "TLS_LAZY"]

SHARED = ("alloc::sync::Arc", "alloc::rc::Rc")
"""Types whose hop to the shared data counts as one pointer hop."""

TLS_LAZY = "std::sys::thread_local::native::lazy::Storage"
"""A lazy thread-local: the value is there only while the state is ``Alive``."""

LENSES: dict[str, tuple[str, ...]] = {
    "alloc::sync::Arc": ("ptr.pointer.data",),
    "alloc::sync::Weak": ("ptr.pointer.data",),
    "alloc::rc::Rc": ("ptr.pointer.value",),
    "alloc::rc::Weak": ("ptr.pointer.value",),
    "core::cell::RefCell": ("value",),
    "std::sync::poison::mutex::Mutex": ("data",),
    "std::sync::mutex::Mutex": ("data",),
    "std::sync::nonpoison::mutex::Mutex": ("data",),
    "std::sync::poison::rwlock::RwLock": ("data",),
    "std::sync::rwlock::RwLock": ("data",),
    "lock_api::mutex::Mutex": ("data",),
    "lock_api::rwlock::RwLock": ("data",),
    "std::sys::thread_local::native::eager::Storage": ("val",),
    "core::ptr::non_null::NonNull": ("pointer",),
    "core::ptr::unique::Unique": ("pointer",),
    "core::pin::Pin": ("pointer", "__pointer"),
}
"""By DWARF base name: paths to what the type wraps; the first that resolves is taken."""
