"""Damaged call frame and debug information gives errors that say so, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cores import Cores

from adp_tui.backends.core import open_core
from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.locations import expression_at
from adp_tui.engine.elf.file import Blob, ElfFile
from adp_tui.engine.errors import AdpError
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.cfi import CfiError, CfiTable, open_tables
from adp_tui.engine.unwind.symbolize import Symbolizer
from adp_tui.engine.unwind.unwinder import Unwinder

FUNCTIONS = ("first", "second", "third", "falls", "handler", "raises", "spawned", "main")
DAMAGE = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module", params=["4", "5"])
def program(cores: Cores, request: pytest.FixtureRequest) -> Path:
    return cores.program("bare.c", "-O2", f"-gdwarf-{request.param}")


@pytest.fixture(scope="module")
def addresses(program: Path) -> list[int]:
    """Return an address in each of the program's functions, as nm has them."""
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    found = [int(row[0], 16) + 4 for row in rows if row[-1] in FUNCTIONS]
    assert len(found) == len(FUNCTIONS)
    return found


def questions(elf: ElfFile, addresses: list[int]) -> Iterator[Callable[[], object]]:
    """Yield all that a frame's address is asked about."""
    tables = [table for _, table in open_tables(elf, elf)]
    debug = DebugInfo(elf)
    for address in addresses:
        for table in tables:
            yield lambda table=table, address=address: table.row(address)  # type: ignore[misc]
        yield lambda address=address: debug.line_at(address)  # type: ignore[misc]
        yield lambda address=address: walk(debug, address)  # type: ignore[misc]


def walk(debug: DebugInfo, address: int) -> int:
    """Read names, types and places of all variables around an address."""
    count = 0
    for scope in debug.scopes.around(address):
        debug.function(scope)
        for child in scope.children():
            if child.tag in (TAG.VARIABLE, TAG.FORMAL_PARAMETER):
                target = child.reference(AT.TYPE)
                if target is not None:
                    debug.type_at(target)
                expression_at(child, address)
                count += 1
    return count


def test_the_sound_file_answers(program: Path, addresses: list[int]) -> None:
    answers = [question() for question in questions(ElfFile.open(program), addresses)]
    assert None not in answers
    assert any(isinstance(answer, int) and answer for answer in answers)


SECTIONS = (
    ".eh_frame", ".eh_frame_hdr", ".debug_info", ".debug_abbrev", ".debug_line", ".debug_aranges",
    ".debug_ranges", ".debug_rnglists", ".debug_loc", ".debug_loclists", ".debug_str",
    ".debug_line_str",
)  # fmt: skip


@given(data=st.data())
@DAMAGE
def test_damaged_sections(data: st.DataObject, program: Path, addresses: list[int]) -> None:
    # GIVEN a program with some bytes of its tables overwritten
    whole = bytearray(program.read_bytes())
    elf = ElfFile.open(program)
    names = [name for name in SECTIONS if elf.has(name)]
    for _ in range(data.draw(st.integers(1, 4))):
        section = elf.sections[data.draw(st.sampled_from(names))]
        at = section.offset + data.draw(st.integers(0, section.size - 1))
        change = data.draw(st.binary(min_size=1, max_size=8))
        whole[at : at + len(change)] = change
    # WHEN it is asked about addresses
    try:
        for question in questions(ElfFile.from_bytes(bytes(whole), "damaged"), addresses):
            try:
                question()
            # THEN there is an answer, or an error that says what is wrong
            except AdpError as error:
                assert error.message
    except AdpError as error:
        assert error.message


def test_ranges_that_end_before_they_begin(cores: Cores) -> None:
    # GIVEN a unit whose only range ends before it begins, and no table of addresses
    program = cores.program("bare.c", "-O2", "-gdwarf-5")
    elf = ElfFile.open(program)
    whole = bytearray(program.read_bytes())
    debug = DebugInfo(elf)
    ranges = debug.die(debug.units[0].first).raw(AT.RANGES)
    assert ranges is not None and isinstance(ranges[1], int)
    section, table = elf.sections[".debug_rnglists"], elf.sections[".debug_aranges"]
    at = section.offset + ranges[1]
    start, end = (0x5000).to_bytes(8, "little"), (0x4000).to_bytes(8, "little")
    whole[at : at + 18] = b"\x06" + start + end + b"\0"
    whole[table.offset : table.offset + table.size] = bytes(table.size)
    # THEN it holds no address
    damaged = DebugInfo(ElfFile.from_bytes(bytes(whole), "damaged"))
    assert [damaged.unit_at(address) for address in (0x3FFF, 0x4000, 0x4800, 0x5000)] == [None] * 4


@given(size=st.integers(0, 20_000), data=st.data())
@DAMAGE
def test_files_that_are_cut_off(
    size: int, data: st.DataObject, program: Path, addresses: list[int]
) -> None:
    cut = program.read_bytes()[:size]
    try:
        for question in questions(ElfFile.from_bytes(cut, "cut"), addresses):
            try:
                question()
            except AdpError as error:
                assert error.message
    except AdpError as error:
        assert error.message


@given(body=st.binary(max_size=200), eh=st.booleans(), pc=st.integers(0, 2**64 - 1))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_as_a_table(body: bytes, eh: bool, pc: int) -> None:
    try:
        CfiTable(Blob(body), 0x1000, eh=eh).row(pc)
    except CfiError as error:
        assert "malformed" in error.message


@given(instructions=st.binary(max_size=48), offset=st.integers(0, 0xFF))
@settings(max_examples=2000, deadline=None)
def test_any_bytes_as_instructions(instructions: bytes, offset: int) -> None:
    # GIVEN a sound CIE and an FDE for 0x4000 to 0x4100 with these instructions
    cie = b"\x01zR\x00\x01\x78\x10\x01\x1b" + b"\x0c\x07\x08\x90\x01" + b"\0\0"
    cie = len(cie + bytes(4)).to_bytes(4, "little") + bytes(4) + cie
    start = (0x4000 - (0x1000 + len(cie) + 8)).to_bytes(4, "little", signed=True)
    fde = (len(cie) + 4).to_bytes(4, "little") + start + b"\x00\x01\0\0" + b"\0" + instructions
    table = CfiTable(Blob(cie + len(fde).to_bytes(4, "little") + fde + bytes(4)), 0x1000, eh=True)
    # WHEN the rules at one of its addresses are asked for
    try:
        row = table.row(0x4000 + offset)
    except CfiError:
        return
    # THEN they are those of the function
    assert row is not None
    assert row.return_column == 16


def test_a_stack_is_shown_without_what_is_damaged(cores: Cores) -> None:
    # GIVEN a program whose line table and abbreviations are overwritten
    program = cores.program("bare.c", "-O0", "-gdwarf-4")
    dump = cores.dump(program)
    whole = bytearray(program.read_bytes())
    sections = ElfFile.open(program).sections
    for name in (".debug_line", ".debug_info"):
        section = sections[name]
        start = section.offset + (4 if name == ".debug_line" else 64)
        whole[start : section.offset + section.size] = b"\xff" * (
            section.offset + section.size - start
        )
    damaged = cores.folder("damaged") / program.name
    damaged.write_bytes(whole)
    told: list[str] = []
    # WHEN its core is read
    target = Program(open_core(dump.core, executable=damaged))
    (thread, *_) = target.target.threads()
    symbolizer = Symbolizer(target, lambda reason, _: told.append(reason))
    stack = Unwinder(target).unwind(thread)
    names = [f.function for raw in stack.frames for f in symbolizer.frames(raw)]
    # THEN the functions are there by their symbols, and what is damaged is said
    found = [name for name in names if name in FUNCTIONS]
    assert found == ["third", "second", "first", "main"]
    assert stack.cut is None
    assert told
