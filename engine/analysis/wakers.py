"""Whom a stored waker wakes: a task, a thread's ``block_on``, an executor's root."""

from __future__ import annotations

from collections.abc import Sequence

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.schema import WakerRule
from adp_tui.engine.analysis.replay import Replays, by_type
from adp_tui.engine.analysis.rules import Applied, RuleBook
from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError, LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.names import mangled
from adp_tui.engine.value import Value

__all__ = ["WakerResolver", "Wakes"]

MAX_HOPS = 8
"""Sub-executors nested in each other: a FuturesUnordered inside a FuturesUnordered …"""


@dataclass(slots=True, eq=False)
class Wakes:
    """The target of a waker: exactly one of the first three is set, else ``foreign`` names
    the function that would be called. It never changes: there are too many to be frozen.
    """

    header: Value | None = None
    thread: int | None = None
    """Address of the parker that the waker points into."""
    executor: int | None = None
    foreign: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    applied: Applied
    rule: WakerRule
    function: object


class WakerResolver:
    """Resolves ``core::task::wake::Waker`` values; answers are remembered."""

    def __init__(self, program: Program, book: RuleBook, replays: Replays | None = None) -> None:
        self._program = program
        self._replays = replays
        self.layout = self._find_layout()
        """Offsets of a waker's data and vtable, and of the vtable's clone; None if not known."""
        self._entries: dict[int, _Entry | str] = {}
        self._known: dict[tuple[int, int], Wakes | None] = {}
        self._by_address: dict[int, tuple[Applied, WakerRule]] = {}
        self._by_name: list[tuple[Glob, Applied, WakerRule]] = []
        for applied in book.applied:
            for rule in applied.descriptor.wakers:
                if rule.vtable is not None:
                    address = applied.number(rule.vtable, {})
                    if address:
                        self._by_address[address] = (applied, rule)
                if rule.fn is not None:
                    self._by_name.append((Glob(rule.fn), applied, rule))

    @property
    def sweeps(self) -> bool:
        """Tell whether memory is to be searched for wakers of some kind in this program."""
        images = self._program.images
        return any(
            rule.sweep
            and any(image.symbols.names_hold(_mangled(rule.fn or "")) for image in images)
            for _, _, rule in self._by_name
        )

    def is_swept(self, vtable: int) -> bool:
        """Tell whether wakers with this vtable are looked for in all memory."""
        entry = self._entry_of(vtable)
        return not isinstance(entry, str) and entry.rule.sweep

    def _find_layout(self) -> tuple[int, int, int] | None:
        raw = self._program.type_named("core::task::wake::RawWaker")
        table = self._program.type_named("core::task::wake::RawWakerVTable")
        data = raw.member("data") if raw is not None else None
        vtable = raw.member("vtable") if raw is not None else None
        clone = table.member("clone") if table is not None else None
        if data is None or vtable is None or clone is None:
            return None
        return data.offset, vtable.offset, clone.offset

    def resolve(self, waker: Value | None) -> Wakes | None:
        """Return whom the waker wakes; None for no waker or one that can't be read."""
        return None if waker is None else self._resolve(waker, 0)

    def resolve_all(self, wakers: Sequence[Value]) -> list[Wakes | None]:
        """Return whom each of many wakers wakes, most of which are of few kinds."""
        found = self._foreseen(wakers)
        if not found:
            return list(map(self.resolve, wakers))
        return [
            (found.get(waker.address) if waker.data is None else None) or self.resolve(waker)
            for waker in wakers
        ]

    def _foreseen(self, wakers: Sequence[Value]) -> dict[int, Wakes]:
        """Return whom wakers of which many are alike wake, by their addresses."""
        found: dict[int, Wakes] = {}
        if self._replays is None:
            return found
        for type_, addresses in by_type(wakers):
            for cohort in self._replays.cohorts(type_, addresses, self._woken, self):
                woken = map(Wakes, *map(cohort.column, range(len(cohort.items))))
                own = map(addresses.__getitem__, cohort.rows.tolist())
                found.update(zip(own, woken, strict=True))
        return found

    def _woken(self, waker: Value) -> tuple[object, ...]:
        """Return whom a waker wakes, as ``Wakes`` has it."""
        assert self.layout is not None
        data = waker.part(self.layout[0], waker.type).unsigned(8)
        vtable = waker.part(self.layout[1], waker.type).unsigned(8)
        wakes = self._find(data, vtable, 0) if vtable else None
        if wakes is None:
            raise LayoutError("it wakes nobody")
        return wakes.header, wakes.thread, wakes.executor, wakes.foreign

    def pair(self, waker: Value) -> tuple[int, int] | None:
        """Return the waker's data and vtable addresses; None where they can't be read."""
        if self.layout is None:
            return None
        try:
            raw = waker.read(16)
        except AdpError:
            return None
        data_at, vtable_at, _ = self.layout
        data = int.from_bytes(raw[data_at : data_at + 8], "little")
        return data, int.from_bytes(raw[vtable_at : vtable_at + 8], "little")

    def _resolve(self, waker: Value, hops: int) -> Wakes | None:
        pair = self.pair(waker)
        if pair is None or not pair[1] or hops > MAX_HOPS:
            return None
        if pair not in self._known:
            self._known[pair] = None
            self._known[pair] = self._find(pair[0], pair[1], hops)
        return self._known[pair]

    def _find(self, data: int, vtable: int, hops: int) -> Wakes | None:
        entry = self._entry_of(vtable)
        if isinstance(entry, str):
            return Wakes(foreign=entry)
        rule, applied = entry.rule, entry.applied
        env: dict[str, object] = {"data": data, "f": entry.function}
        for name, expression in rule.let:
            env[name] = applied.evaluate(expression, env)
        if rule.task is not None:
            header = applied.value(rule.task, env)
            return Wakes(header=header) if header is not None else None
        if rule.forward is not None:
            forward = applied.value(rule.forward, env)
            return self._resolve(forward, hops + 1) if forward is not None else None
        if rule.thread is not None:
            return Wakes(thread=applied.number(rule.thread, env))
        if rule.executor is not None:
            return Wakes(executor=applied.number(rule.executor, env))
        return None

    def _entry_of(self, vtable: int) -> _Entry | str:
        entry = self._entries.get(vtable)
        if entry is None:
            entry = self._entries[vtable] = self._entry(vtable)
        return entry

    def _entry(self, vtable: int) -> _Entry | str:
        """Find the rule for a vtable: by its address, else by its clone function's name."""
        by_address = self._by_address.get(vtable)
        if by_address is not None:
            return _Entry(*by_address, function=None)
        assert self.layout is not None
        try:
            raw = self._program.memory.read(vtable + self.layout[2], 8)
        except AdpError:
            return "a vtable that is not in the snapshot"
        address = int.from_bytes(raw, "little")
        function = self._program.function_at(address)
        name = function.name if function is not None else ""
        if not name:
            symbol = self._program.symbol_at(address)
            name = symbol.name if symbol is not None else f"{address:#x}"
        for glob, applied, rule in self._by_name:
            if glob.match(name):
                return _Entry(applied, rule, function)
        return name


def _mangled(pattern: str) -> bytes:
    """Return what the symbols of a function hold, in both of rustc's manglings.

    Args:
        pattern: a glob of its name: ``alloc::task::raw_waker::clone_waker<*``.
    """
    path = pattern.partition("<")[0].split("::")[-2:]
    return mangled("::".join(path)).encode()
