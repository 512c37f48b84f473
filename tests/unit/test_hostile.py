"""Files whose bytes were changed at random: every question ends, in an answer or an AdpError."""

from __future__ import annotations

import mmap
import signal
import struct
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adp_tui.engine.adp.plan import Planner
from adp_tui.engine.arch import X86_64
from adp_tui.engine.dwarf.constants import TAG
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.ranges import ranges_of
from adp_tui.engine.dwarf.types import Body, Kind, Member, Type
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.elf.symbols import SymbolTable
from adp_tui.engine.errors import AdpError
from adp_tui.engine.memory import BytesMemory
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import Coroutines
from adp_tui.engine.rust.sequences import elements
from adp_tui.engine.target import Facts, FileMapping, Module, ThreadState
from adp_tui.engine.value import Value

BASE = 0x7F00_0000_0000
SECONDS = 60
"""Nothing that is asked here takes a hundredth of it: what takes longer hangs."""
FLAGS = ("--edition", "2024", "-C", "panic=abort", "--crate-type", "cdylib", "-C", "opt-level=1",
         "-C", "link-arg=-nostdlib", "-C", "codegen-units=1")  # fmt: skip
MANY = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextmanager
def an_end():
    """Fail where a question hangs."""

    def late(*_):
        raise AssertionError("this does not end")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Target:
    """A process in which one file is mapped, its own contents being all of its memory."""

    def __init__(self, path: Path, image: bytes) -> None:
        self.memory = BytesMemory({BASE: image, BASE - 0x10000: bytes(0x10000)})
        self.facts = Facts("core", X86_64, 1, "core", None, None, None, None, None)
        mapping = FileMapping(BASE, BASE + len(image), 0)
        self._modules = [Module("/tiny.so", (mapping,), path, image=image, is_executable=True)]

    def threads(self):
        return [ThreadState(1, {16: BASE + 0x300, 7: BASE}, BASE - 64, None)]

    def modules(self):
        return self._modules

    def close(self):
        pass


def answered(question: Callable[..., Any], *arguments: Any) -> Any:
    """Return the answer, exhausted if it is a stream; None for an AdpError."""
    try:
        found = question(*arguments)
        return list(found) if hasattr(found, "__next__") else found
    except AdpError:
        return None


def mapped(image):
    """Return the file as it is read from a disk."""
    pages = mmap.mmap(-1, max(len(image), 1))
    pages.write(image)
    return ElfFile(pages, "tiny.so")


def ask_file(image):
    """Ask everything of the ELF file; return how many answers there were."""
    elf = mapped(image)
    answers = [answered(lambda: elf.build_id), answered(lambda: elf.debuglink)]
    answers += [answered(elf.blob, name) for name in list(elf.sections)[:64]]
    answers += [answered(elf.offset_of, s.address) for s in elf.loads[:16]]
    table = answered(SymbolTable, elf)
    if table is not None:
        answers += [answered(table.thread_locals), answered(table.at, 0x310)]
    return sum(a is not None for a in answers)


def ask_debug(image):
    """Ask everything of the debug information."""
    debug = answered(lambda: DebugInfo(mapped(image)))
    if debug is None:
        return 0
    count = 0
    answered(lambda: debug.level)
    for unit in debug.units[:16]:
        answered(debug.files, unit)
        index = debug.index(unit)
        answered(index.complete)
        for offset in list(index.offsets)[:200]:
            count += ask_die(debug, offset)
        for low in list(answered(debug.search.functions, unit) or ())[:50]:
            function = answered(debug.function_at, low)
            count += function is not None
            around = answered(debug.scopes.around, low + 1)
            for die in around or ():
                answered(lambda die: list(die.children()), die)
            answered(debug.line_at, low + 1)
    for name in ("tiny::Shape", "u64", "core::option::Option<&dyn tiny::Price>", "&u8"):
        count += len(answered(debug.types_named, name) or ())
    count += len(answered(debug.variables_named, "COUNT") or ())
    return count


def ask_die(debug, offset):
    die = answered(debug.die, offset)
    if die is None:
        return 0
    for question in (debug.place_of, debug.qualified_name, ranges_of, debug.function):
        answered(question, die)
    answered(lambda: [(c.tag, c.after, c.text()) for c in die.children()])
    type_ = answered(debug.type_at, offset)
    if type_ is None:
        return 0
    answered(lambda: (type_.members, type_.enumerators, type_.count, type_.param("T")))
    answered(lambda: (type_.target, type_.containing, type_.variant_part))
    planner = Planner({})
    for plan in (planner.scalar, planner.deref, planner.enum, planner.peel):
        answered(plan, type_)
    answered(planner.field, type_, "first")
    answered(planner.variant, type_, "Line")
    return 1


def ask_program(path, image):
    """Ask what an analysis asks of a program that has the file mapped."""
    program = answered(Program, Target(path, image))
    if program is None:
        return 0
    answers = [
        answered(program.static, "tiny::COUNT"),
        answered(program.thread_local, "tiny::LOCAL"),
        answered(program.thread_local_symbol, "*"),
        answered(program.is_polled, "tiny::Never"),
        answered(program.function_at, BASE + 0x300),
        answered(program.symbol_at, BASE + 0x300),
    ]
    answers += [answered(program.vtable_type, BASE + at) for at in range(0x200, 0x1000, 0x100)]
    coroutines = Coroutines(program)
    for name in (
        "tiny::waits::{async_fn_env#0}",
        "tiny::Shape",
        "tiny::Pair<u8, &dyn tiny::Price>",
    ):
        type_ = answered(program.type_named, name)
        if type_ is None:
            continue
        answers.append(type_)
        value = Value(program.memory, type_, BASE + 0x400)
        layout = answered(coroutines.layout, type_)
        if layout is not None:
            answered(layout.state, value)
        answered(value.variant)
        answered(value.read)
        answered(lambda value: [value.of(m).read() for m in value.type.members], value)
    return sum(a is not None and a != () for a in answers)


class Library(NamedTuple):
    """The file that is changed."""

    path: Path
    image: bytes

    def __repr__(self) -> str:
        return f"<{len(self.image)} bytes>"


@pytest.fixture(scope="module", params=["4", "5"])
def tiny(request, cores):
    """Return a shared library of a few kilobytes, in DWARF 4 and 5."""
    path = cores.program("tiny.rs", *FLAGS, "-C", f"dwarf-version={request.param}")
    return Library(path, path.read_bytes())


def test_an_unchanged_file_is_answered(tiny):
    """GIVEN the file as it is THEN the questions below have answers."""
    path, image = tiny
    assert ask_file(image) > 15 and ask_debug(image) > 60 and ask_program(path, image) >= 4


NUMBERS = st.sampled_from(
    [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFEF, 0xFFFF_FFFF,
     1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]
)  # fmt: skip
CHANGE = st.tuples(
    st.integers(0, 63),
    st.floats(0, 1, exclude_max=True),
    st.binary(min_size=1, max_size=8)
    | NUMBERS.map(lambda n: struct.pack("<Q", n))
    | NUMBERS.map(lambda n: struct.pack("<I", n & 0xFFFF_FFFF))
    | st.integers(0, 255).map(lambda b: bytes([b])),
)
CHANGES = st.lists(CHANGE, min_size=1, max_size=12)


def changed(image, changes):
    """Return the file with bytes replaced: in its headers, or somewhere in one of its sections."""
    places = [(0, 64), (64, 0x200)]
    elf = ElfFile.from_bytes(image, "tiny.so")
    debug = [s for s in elf.sections.values() if s.name.startswith((".debug", ".symtab"))]
    places += [(s.offset, s.size) for s in debug for _ in range(4)]
    places += [(s.offset, s.size) for s in elf.sections.values() if s not in debug]
    headers = len(elf.sections) * 64
    places.append((len(image) - headers, headers))
    data = bytearray(image)
    for section, fraction, new in changes:
        start, size = places[section % len(places)]
        at = start + int(size * fraction)
        data[at : at + len(new)] = new
    return bytes(data[: len(image)])


@MANY
@given(changes=CHANGES)
def test_changed_bytes(tiny, changes):
    path, image = tiny
    data = changed(image, changes)
    with an_end():
        answered(ask_file, data)
        answered(ask_debug, data)
        answered(ask_program, path, data)


@MANY
@given(fraction=st.floats(0, 1))
def test_files_that_are_cut_off(tiny, fraction):
    path, image = tiny
    data = image[: int(len(image) * fraction)]
    with an_end():
        answered(ask_file, data)
        answered(ask_debug, data)
        answered(ask_program, path, data)


def types_of(image, tag):
    """Return offset and values of the DIEs with a tag."""
    debug = DebugInfo(ElfFile.from_bytes(image, "tiny.so"))
    index = debug.index(debug.units[0])
    index.complete()
    return debug, [o for o, t in zip(index.offsets, index.tags, strict=True) if t == tag]


@pytest.mark.parametrize("seed", range(4))
def test_references_that_go_round(tiny, seed):
    """GIVEN types whose every reference leads to one of a few others THEN no walk is endless."""
    path, image = tiny
    debug, structs = types_of(image, TAG.STRUCTURE)
    start = ElfFile.from_bytes(image, "tiny.so").sections[".debug_info"].offset
    data = bytearray(image)

    def spoil(die, depth=0):
        for number, (attribute, form, _) in enumerate(die.declaration.attributes):
            place = die.declaration.fixed.get(attribute)
            if form == 0x13 and place is not None:
                code = 1 if die.offset and image[start + die.offset] < 0x80 else 2
                at = start + die.offset + code + place[0]
                target = structs[(die.offset * (seed + 3) + number) % len(structs)]
                data[at : at + 4] = struct.pack("<I", target - die.unit.offset)
        for child in die.children():
            spoil(child, depth + 1)

    spoil(debug.die(debug.units[0].first))
    with an_end():
        answered(ask_debug, bytes(data))
        answered(ask_program, path, bytes(data))


class Round:
    """Debug information with one type, to which every reference leads."""

    def __init__(self, kind: Kind, name: str, members: int) -> None:
        body = Body(tuple(Member(f"m{i}", 0, 1, self) for i in range(members)), None, {"T": 1})
        self.type = Type(self, 1, kind, name, 8, target_offset=1, body=body)

    def type_at(self, offset: int) -> Type:
        return self.type

    def body_of(self, type_: Type) -> Body:
        return self.type.body


@pytest.mark.parametrize("kind", [Kind.POINTER, Kind.STRUCT, Kind.ARRAY, Kind.UNION])
@pytest.mark.parametrize(
    "name",
    [
        "alloc::sync::Arc<x>",
        "core::pin::Pin<x>",
        "alloc::vec::Vec<x>",
        "alloc::collections::vec_deque::VecDeque<x>",
        "std::sys::thread_local::native::lazy::Storage<x>",
        "a::Wrapper",
    ],
)
@pytest.mark.parametrize("members", [0, 1, 3])
def test_a_type_that_wraps_itself(kind, name, members):
    """GIVEN a pointer to itself or a structure in itself THEN every plan ends."""
    type_ = Round(kind, name, members).type
    planner = Planner({})
    with an_end():
        for plan in (planner.scalar, planner.deref, planner.enum, planner.peel):
            answered(plan, type_)
        answered(planner.field, type_, "x")
        answered(planner.variant, type_, "x")
        value = Value(BytesMemory({8: struct.pack("<QQQ", 8, 8, 8)}), type_, 8)
        answered(elements, value)
        answered(value.deref)
