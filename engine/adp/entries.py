"""The entries of std's maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from adp_tui.engine.errors import LayoutError
from adp_tui.engine.rust.containers import tree_entries
from adp_tui.engine.value import Value

__all__ = ["entries"]

MAX_BUCKETS = 1 << 22
_RAW_TABLE = "hashbrown::raw::RawTable<"
_TREE = "alloc::collections::btree::map::BTreeMap"


def entries(value: Value, claim: Callable[[int], None]) -> tuple[object, ...] | None:
    """Return the entries of a map or set; None for other types.

    Those of a hash table are tuples ``(K, V)`` of Rust; key and value of a B-tree stand apart,
    and are a stream of two.

    ``claim`` is told how many buckets there are before they are read.

    hashbrown (std 1.95) keeps one control byte for each bucket; the buckets stand below the
    control bytes, the first one nearest. A control byte with its top bit clear is a full one.

    Raises:
        LayoutError: the table makes no sense.
        FaultError: it cannot be read.
    """
    if value.type.base_name == _TREE:
        return tuple(_claimed(tree_entries(value, MAX_BUCKETS), claim))
    if not value.type.name.startswith(_RAW_TABLE):
        for name in ("base", "table", "map"):
            inner = value.member(name)
            if inner is not None and "hash" in value.type.name:
                return entries(inner, claim)
        return None
    item = value.type.param("T")
    table = value.member("table")
    if item is None or table is None:
        raise LayoutError(f"{value.type.name} is not laid out as known")
    control, mask = table.member("ctrl"), table.member("bucket_mask")
    if control is None or mask is None:
        raise LayoutError(f"{table.type.name} is not laid out as known")
    address = control.unsigned(8)
    count = mask.unsigned(8) + 1
    if count > MAX_BUCKETS:
        raise LayoutError(f"{value.type.name} claims to have {count} buckets")
    claim(count)
    flags = value.memory.read(address, count)
    return tuple(
        value.at(address - (i + 1) * item.size, item) for i, flag in enumerate(flags) if flag < 0x80
    )


def _claimed(found: Iterable[object], claim: Callable[[int], None]) -> Iterator[object]:
    for each in found:
        claim(1)
        yield each
