"""Functions, lines and rules at any address of a program, beside binutils and pyelftools."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from elftools.dwarf.callframe import FDE, CFARule, RegisterRule
from elftools.elf.elffile import ELFFile
from support.cores import Cores

from adp_tui.engine.dwarf.constants import AT, TAG
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.unwind.cfi import Row, open_tables

KINDS = {
    "debug": ("stacks.rs",),
    "release": ("stacks.rs", "-O"),
    "C, DWARF 4": ("bare.c", "-O2", "-gdwarf-4"),
    "C, DWARF 5": ("bare.c", "-O2", "-gdwarf-5"),
    "C, split functions": ("cold.c", "-O2", "-freorder-blocks-and-partition"),
}


@pytest.fixture(scope="module", params=KINDS)
def program(cores: Cores, request: pytest.FixtureRequest) -> Path:
    return cores.program(*KINDS[request.param])


def sample(elf: ElfFile, count: int) -> list[int]:
    text = elf.sections[".text"]
    chosen = random.Random(7)
    everywhere = range(text.address, text.address + text.size)
    return sorted(chosen.sample(everywhere, min(count, len(everywhere))))


def by_addr2line(program: Path, addresses: list[int]) -> dict[int, list[tuple[str, str]]]:
    """Return function and line of each inlined function at an address, innermost first."""
    command = ["addr2line", "-a", "-i", "-f", "-e", str(program), *map(hex, addresses)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for part in re.split(r"^0x", out, flags=re.MULTILINE)[1:]:
        address, *lines = part.splitlines()
        places = [re.sub(r" \(.*", "", place).rsplit(":", 1)[-1] for place in lines[1::2]]
        found[int(address, 16)] = list(zip(lines[::2], places, strict=True))
    return found


def test_chains_and_lines_are_those_of_addr2line(program: Path) -> None:
    # GIVEN addresses all over a program, and what addr2line says of them
    elf = ElfFile.open(program)
    debug, addresses = DebugInfo(elf), sample(elf, 800)
    expected = by_addr2line(program, addresses)
    compared = 0
    for address in addresses:
        theirs = expected[address]
        # WHEN scopes and line are looked up
        chain = [d for d in debug.scopes.around(address) if d.tag != TAG.LEXICAL_BLOCK]
        if not chain:
            # THEN where there is no function, addr2line has a symbol at most
            assert len(theirs) == 1
            continue
        # AND the same functions are there, called at the same lines
        calls = [d.number(AT.CALL_LINE) or "?" for d in reversed(chain[1:])]
        assert [line for _, line in theirs][1:] == list(map(str, calls)), hex(address)
        # AND the line is the same. In C several rows stand at one address: gdb takes one that
        # begins a statement, as we do, addr2line the last. Code of no line counts to the line
        # before it, as gdb has it.
        place = debug.line_at(address)
        if "stacks" in program.name and theirs[0][1] != "?":
            assert place is not None
            assert str(place.line) == theirs[0][1], hex(address)
        compared += 1
    assert compared > 100


def test_parts_of_a_split_function_are_one_function(cores: Cores) -> None:
    # GIVEN a function whose unlikely part the compiler moved away
    program = cores.program(*KINDS["C, split functions"])
    listed = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = {r[2]: int(r[0], 16) for r in map(str.split, listed.splitlines()) if len(r) == 3}
    # THEN both parts are of it
    debug = DebugInfo(ElfFile.open(program))
    for symbol in ("works", "works.cold"):
        (function, *_) = debug.scopes.around(symbols[symbol])
        assert function.text() == "works"


def test_rules_are_those_of_pyelftools(program: Path) -> None:
    # GIVEN each entry of a program's .eh_frame, decoded by pyelftools
    ((origin, table), *_) = open_tables(ElfFile.open(program), None)
    assert origin == "cfi"
    compared = 0
    with program.open("rb") as file:
        for entry in ELFFile(file).get_dwarf_info().EH_CFI_entries():
            if not isinstance(entry, FDE):
                continue
            end = entry["initial_location"] + entry["address_range"]
            try:
                rows = entry.get_decoded().table
            except ValueError:  # pyelftools stumbles over DW_CFA_GNU_args_size
                continue
            for row, after in zip(rows, [*rows[1:], {"pc": end}], strict=True):
                if row["pc"] >= after["pc"]:
                    continue
                # WHEN the rules at its first and last address are asked for
                for pc in (row["pc"], after["pc"] - 1):
                    ours = table.row(pc)
                    # THEN they are the same
                    assert ours is not None
                    assert _cfa(ours) == _their_cfa(row["cfa"]), hex(pc)
                    theirs = {n: r for n, r in row.items() if n not in ("pc", "cfa")}
                    assert _registers(ours) == {
                        n: (r.type, r.arg) for n, r in theirs.items() if r.type != "SAME_VALUE"
                    }
                    compared += 1
    assert compared > 20


def _cfa(row: Row) -> tuple[object, ...]:
    if row.cfa.kind == "expression":
        return (row.cfa.code,)
    return row.cfa.register, row.cfa.number


def _their_cfa(rule: CFARule) -> tuple[object, ...]:
    return (bytes(rule.expr),) if rule.expr is not None else (rule.reg, rule.offset)


def _registers(row: Row) -> dict[int, tuple[str, object]]:
    names = {
        "offset": RegisterRule.OFFSET,
        "value": RegisterRule.VAL_OFFSET,
        "register": RegisterRule.REGISTER,
        "expression": RegisterRule.EXPRESSION,
        "value_expression": RegisterRule.VAL_EXPRESSION,
        "undefined": RegisterRule.UNDEFINED,
    }
    found: dict[int, tuple[str, object]] = {}
    for number, rule in row.registers.items():
        if rule.kind == "same":
            continue
        argument: object = rule.number
        if rule.kind == "register":
            argument = rule.register
        elif rule.code:
            argument = list(rule.code)
        elif rule.kind == "undefined":
            argument = None
        found[number] = names[rule.kind], argument
    return found
