"""A copy of a core that is damaged on purpose, and what must hold of any core at all."""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from adp_tui.backends.core import open_core
from adp_tui.engine.errors import AdpError
from adp_tui.engine.model import Snapshot
from adp_tui.engine.report import Options, json_report
from adp_tui.engine.session import Session
from adp_tui.engine.text import MAX_TEXT, clean
from adp_tui.engine.text_report import text_report
from adp_tui.engine.views.records import VIEWS, Query

__all__ = ["PAGE", "DamagedCore", "Seen", "hostile_word", "look_at_all", "strings"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = 4096
_SEGMENT = struct.Struct("<IIQQQQQQ")
_WORD = (1 << 64) - 1
_WRITABLE = 2
_LOAD, _NOTE = 1, 4
_PRSTATUS, _REGISTERS_AT, _REGISTERS_SIZE = 1, 112, 27 * 8


@dataclass(frozen=True, slots=True)
class Segment:
    """A range of memory that the core has bytes of; ``offset`` is into the file."""

    start: int
    size: int
    offset: int
    writable: bool


class DamagedCore:
    """A core's copy: what is written into it is forgotten by ``restore``."""

    def __init__(self, core: Path, copy: Path) -> None:
        self.path = copy
        shutil.copyfile(core, copy)
        self._file = copy.open("r+b", buffering=0)
        self._undo: list[tuple[int, bytes]] = []
        self.segments, self.notes = self._headers()

    def close(self) -> None:
        self._file.close()

    def _headers(self) -> tuple[list[Segment], list[tuple[int, int]]]:
        head = self._file.read(64)
        start, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        self._file.seek(start)
        rows = _SEGMENT.iter_unpack(self._file.read(count * _SEGMENT.size))
        loads, notes = [], []
        for kind, flags, offset, address, _, size, _, _ in rows:
            if kind == _LOAD and size:
                loads.append(Segment(address, size, offset, bool(flags & _WRITABLE)))
            elif kind == _NOTE:
                notes.append((offset, size))
        return loads, notes

    def offset(self, address: int) -> int:
        """Return where in the file the memory at an address stands."""
        for each in self.segments:
            if each.start <= address < each.start + each.size:
                return each.offset + address - each.start
        raise KeyError(f"{address:#x} is not saved")

    def has(self, address: int) -> bool:
        return any(s.start <= address < s.start + s.size for s in self.segments)

    def read(self, address: int, size: int) -> bytes:
        return self.read_file(self.offset(address), size)

    def word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def write(self, address: int, data: bytes) -> None:
        self.write_file(self.offset(address), data)

    def poke(self, address: int, number: int, size: int = 8) -> None:
        self.write(address, (number & ((1 << 8 * size) - 1)).to_bytes(size, "little"))

    def read_file(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def write_file(self, offset: int, data: bytes) -> None:
        self._undo.append((offset, self.read_file(offset, len(data))))
        self._file.seek(offset)
        self._file.write(data)

    def restore(self) -> None:
        """Undo all that was written."""
        for offset, data in reversed(self._undo):
            self._file.seek(offset)
            self._file.write(data)
        self._undo.clear()

    def pages(self, *, writable: bool = True) -> list[int]:
        """Return the file offset of each page with something in it."""
        found = []
        for each in self.segments:
            if each.writable or not writable:
                for at in range(each.offset, each.offset + each.size, PAGE):
                    if self.read_file(at, PAGE).strip(b"\0"):
                        found.append(at)
        return found

    def registers(self) -> list[int]:
        """Return the file offset of each thread's registers."""
        found = []
        for offset, size in self.notes:
            at, end = offset, offset + size
            while at + 12 <= end:
                name, length, kind = struct.unpack("<III", self.read_file(at, 12))
                contents = at + 12 + ((name + 3) & ~3)
                if kind == _PRSTATUS and length >= _REGISTERS_AT + _REGISTERS_SIZE:
                    found.append(contents + _REGISTERS_AT)
                at = contents + ((length + 3) & ~3)
        return found

    # Kinds of damage that hit anything.

    def spoil_words(self, chance: random.Random, count: int) -> None:
        """Replace words that point somewhere, and lengths, all over the memory."""
        pages = self.pages()
        for _ in range(count):
            at = chance.choice(pages)
            words = struct.unpack("<512Q", self.read_file(at, PAGE))
            used = [i for i, word in enumerate(words) if word] or [0]
            index = chance.choice(used)
            mine = next(s for s in self.segments if s.offset <= at < s.offset + s.size)
            here = mine.start + at - mine.offset + 8 * index
            number = hostile_word(chance, here, words[index], self) & _WORD
            self.write_file(at + 8 * index, struct.pack("<Q", number))

    def spoil_bytes(self, chance: random.Random, share: float) -> None:
        """Put random bytes into a share of the pages that have something in them."""
        pages = self.pages(writable=False)
        for at in chance.sample(pages, max(1, int(len(pages) * share))):
            start = chance.randrange(PAGE)
            size = chance.randrange(1, PAGE - start + 1)
            self.write_file(at + start, chance.randbytes(size))

    def zero_segments(self, chance: random.Random, count: int) -> None:
        for each in chance.sample(self.segments, count):
            self.write_file(each.offset, bytes(each.size))

    def spoil_registers(self, chance: random.Random) -> None:
        """Give each register of each thread another value, now and then."""
        for at in self.registers():
            old = struct.unpack("<27Q", self.read_file(at, _REGISTERS_SIZE))
            new = [
                hostile_word(chance, word, word, self) & _WORD if chance.random() < 0.3 else word
                for word in old
            ]
            self.write_file(at, struct.pack("<27Q", *new))


def hostile_word(chance: random.Random, here: int, old: int, core: DamagedCore) -> int:
    """Return what could stand instead of a word: nothing, far away, itself, too much …"""
    some = chance.choice(core.segments)
    return chance.choice(
        (
            0,
            1,
            old ^ 1,
            old + 8,
            old - 8,
            old ^ (1 << chance.randrange(64)),
            here,
            here - 8,
            some.start + (chance.randrange(some.size) & ~7),
            some.start + some.size - 8,
            chance.getrandbits(64),
            (1 << 64) - 1,
            (1 << 63) + chance.randrange(1 << 20),
            (1 << 47) - chance.randrange(1 << 12),
            chance.randrange(1 << 20),
            1_000_000,
            4_194_304,
            0xFFFF_FFFF,
        )
    )


@dataclass(slots=True)
class Seen:
    """What came out of a core."""

    snapshot: Snapshot
    report: dict[str, Any]
    text: str
    refused: list[str]
    """Messages of questions about variables that were answered with an AdpError."""


def look_at_all(
    core: Path, exe: Path | None = None, *, expanded: int = 40, locals: bool = True
) -> Seen:
    """Do all that a front end does, and check what holds of every snapshot.

    Raises:
        AdpError: the core can't be opened.
    """
    session = Session(open_core(core, executable=exe))
    try:
        return _look(session, expanded, locals)
    finally:
        session.close()


def _look(session: Session, expanded: int, locals: bool) -> Seen:
    snapshot = session.snapshot
    check_text(session.summary())
    check_text(snapshot.losses)
    refused: list[str] = []
    refs: list[str] = []
    for query in _queries():
        rows = session.rows(query)
        check_text(rows)
        assert rows.total == len(rows.rows)
        if query == Query(query.view) and query.view in VIEWS:
            for row in rows.rows:
                detail = session.task(row.key)
                check_text(detail)
                for _, key in detail.links:
                    session.task(key)
                frames = session.frames(row.key)
                check_text(frames)
                refs.extend(frame.ref for frame in frames if frame.ref)
    for number, ref in enumerate(refs):
        if number >= expanded:
            break
        try:
            variables = session.children(ref)
        except AdpError as error:
            refused.append(str(error))
            continue
        check_text(variables)
        if ref.count("/") < 3:
            refs.extend(each.ref for each in variables if each.ref)
    options = Options(addresses=locals, locals=locals)
    report = json.loads("".join(json_report(snapshot, options, session.details)))
    check_text(report)
    validator().validate(report)
    check_links(report)
    text = "".join(text_report(snapshot, Options(addresses=locals), session.details))
    for line in text.split("\n"):
        assert clean(line, len(line)) == line, repr(line)
    return Seen(snapshot, report, text, refused)


def _queries() -> Iterator[Query]:
    for view in (*VIEWS, "losses"):
        yield Query(view)
    yield Query("tasks", group="tree")
    yield Query("tasks", sort="id", descending=True)
    yield Query("waits", filter="timer")


def check_text(data: object) -> None:
    """Check that all text inside a record is fit for a terminal."""
    for text in strings(data):
        assert clean(text, len(text)) == text, repr(text)
        assert len(text) <= MAX_TEXT


def strings(data: object) -> Iterator[str]:
    """Yield each text inside a record."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(data, list | tuple | set | frozenset):
        for item in data:
            yield from strings(item)
    elif is_dataclass(data):
        for field in fields(data):
            yield from strings(getattr(data, field.name))


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    return jsonschema.Draft202012Validator(schema)


def check_links(report: dict[str, Any]) -> None:
    """Check that every key that the report names is in it, and that counts agree."""
    keys = {
        name: {each["key"] for each in report[name]}
        for name in ("executors", "stacks", "tasks", "resources")
    }
    tids = {each["tid"] for each in report["threads"]}
    links: list[tuple[object, set[Any]]] = []
    for task in report["tasks"]:
        links += [(task["executor"], keys["executors"]), (task["parent"], keys["tasks"])]
        links += [(task["stack"], keys["stacks"]), (task["thread"], tids)]
        for wait in task["waits"]:
            links += [(wait["resource"], keys["resources"]), (wait["task"], keys["tasks"])]
    for thread in report["threads"]:
        links += [(thread["executor"], keys["executors"]), (thread["task"], keys["tasks"])]
    for executor in report["executors"]:
        links += [(executor["parent"], keys["executors"])]
        links += [(tid, tids) for tid in (*executor["workers"], *executor["blocking_threads"])]
        mine = [t for t in report["tasks"] if t["executor"] == executor["key"]]
        assert sum(executor["tasks"].values()) == len(mine), executor["key"]
    for resource in report["resources"]:
        links += [(waiter, keys["tasks"]) for waiter in resource["waiters"]]
    for link, known in links:
        assert link is None or link in known, f"{link} is not in the report"
    # (a root stands where its thread's frame says, true or not)
    addresses = [t["address"] for t in report["tasks"] if t["kind"] != "block_on"]
    assert len(addresses) == len(set(addresses)), "a task is there twice"


Damage = Callable[[DamagedCore, random.Random], None]
