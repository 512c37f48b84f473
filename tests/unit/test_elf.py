"""Headers, symbols and separate debug files of real programs, compared with pyelftools."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from adp_tui.engine.answers import Answers
from adp_tui.engine.elf.file import ElfFile
from adp_tui.engine.elf.separate import checksum, find_debug_file
from adp_tui.engine.elf.symbols import SymbolTable
from adp_tui.engine.errors import OpenError


def run(*command):
    subprocess.run([str(part) for part in command], check=True, timeout=60)


@pytest.fixture(scope="module")
def program(cores):
    """Return a small program in C with a build-id."""
    return cores.program("shapes.c", "-gdwarf-4")


@pytest.fixture(scope="module")
def oracle(sample):
    return ELFFile(sample.open("rb"))


@pytest.fixture(scope="module")
def elf(sample):
    return ElfFile.open(sample)


def test_headers(elf, oracle):
    assert (elf.type, elf.machine) == (3, 62)
    assert elf.entry == oracle["e_entry"]


def test_segments(elf, oracle):
    theirs = [s.header for s in oracle.iter_segments()]
    kinds = {"PT_LOAD": 1, "PT_NOTE": 4, "PT_TLS": 7}
    assert [
        (s.offset, s.address, s.file_size, s.memory_size, s.align, s.flags) for s in elf.segments
    ] == [(h.p_offset, h.p_vaddr, h.p_filesz, h.p_memsz, h.p_align, h.p_flags) for h in theirs]
    for name, kind in kinds.items():
        assert [s.type == kind for s in elf.segments] == [h.p_type == name for h in theirs]
    assert len(elf.loads) >= 3 and elf.tls is not None


def test_sections_and_their_contents(elf, oracle):
    for section in oracle.iter_sections():
        if not section.name:
            continue
        own = elf.sections[section.name]
        assert (own.address, own.offset, own.size, own.link, own.entry_size) == (
            section["sh_addr"],
            section["sh_offset"],
            section["sh_size"],
            section["sh_link"],
            section["sh_entsize"],
        )
        expected = b"" if section["sh_type"] == "SHT_NOBITS" else section.data()
        blob = elf.blob(section.name)
        assert blob.slice(0, blob.size) == expected
        assert elf.has(section.name) == bool(expected)
    assert elf.blob(".no_such_section").size == 0 and not elf.has(".no_such_section")


def test_file_offsets_of_addresses(elf, oracle):
    for address in (elf.entry, elf.sections[".rodata"].address):
        assert elf.offset_of(address) == next(iter(oracle.address_offsets(address)))
    assert elf.offset_of(1 << 60) is None


def test_build_id(elf, oracle):
    notes = [n for s in oracle.iter_segments() if s["p_type"] == "PT_NOTE" for n in s.iter_notes()]
    (expected,) = [n["n_desc"] for n in notes if n["n_type"] == "NT_GNU_BUILD_ID"] or [None]
    assert elf.build_id == expected


def test_symbols_by_address(elf, oracle):
    """WHEN an address inside a function is looked up THEN a symbol there is named."""
    table = SymbolTable(elf)
    names = defaultdict(set)
    functions = []
    for symbol in oracle.get_section_by_name(".symtab").iter_symbols():
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name and symbol["st_value"]:
            names[symbol["st_value"]].add(symbol.name)
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]:
                functions.append((symbol["st_value"], symbol["st_size"]))
    assert len(functions) >= 3
    for start, size in functions:
        for address in (start, start + size - 1):
            found = table.at(address)
            assert found is not None and found.address <= address < found.address + found.size
            assert found.offset == address - found.address
            assert address != start or found.name in names[start]
    assert table.at(1) is None and table.at(1 << 63) is None


def test_thread_local_symbols(elf, oracle):
    expected = {
        s.name: s["st_value"]
        for s in oracle.get_section_by_name(".symtab").iter_symbols()
        if s["st_info"]["type"] == "STT_TLS" and s["st_shndx"] != "SHN_UNDEF"
    }
    assert expected and SymbolTable(elf).thread_locals() == expected


def test_symbols_whose_names_hold_a_part(elf, oracle):
    """WHEN a part of names is asked for THEN the functions and objects are those of the oracle."""
    placed = {"STT_FUNC", "STT_OBJECT", "STT_NOTYPE"}
    symbols = [
        (s.name, s["st_value"])
        for s in oracle.get_section_by_name(".symtab").iter_symbols()
        if s["st_info"]["type"] in placed and s["st_shndx"] != "SHN_UNDEF" and s["st_value"]
    ]
    table = SymbolTable(elf)
    for part in ("main", "_init", "twice", "no such name"):
        expected = {address for name, address in symbols if part in name}
        assert set(table.holding(part)) == expected
    assert table.holding("main")


def test_what_symbols_answered_is_kept(elf):
    """GIVEN answers without an entry WHEN symbols are asked THEN they are written into those."""
    answers = Answers()
    table = SymbolTable(elf, answers=answers)
    table.at(table.starts()[0])
    table.thread_locals()
    assert len(answers) == 2 and answers.grown


def test_a_stripped_file_has_its_dynamic_symbols(program, tmp_path):
    bare = tmp_path / "bare"
    run("strip", "-o", bare, program)
    elf = ElfFile.open(bare)
    assert not elf.has(".symtab") and not elf.has(".debug_info")
    oracle: Any = ELFFile(bare.open("rb")).get_section_by_name(".dynsym")
    expected = sorted(s["st_value"] for s in oracle.iter_symbols() if s["st_value"])
    assert SymbolTable(elf).starts() == expected


@pytest.mark.parametrize("how", ["zlib", "zlib-gnu", "zlib-gabi", "zstd"])
def test_compressed_sections(program, tmp_path, how):
    """WHEN debug sections are compressed THEN they read like those that are not."""
    packed = tmp_path / "packed"
    done = subprocess.run(
        ["objcopy", f"--compress-debug-sections={how}", program, packed], capture_output=True
    )
    if done.returncode and how == "zstd":
        pytest.skip("this objcopy does not know zstd: binutils 2.40 has it")
    plain, other = ElfFile.open(program), ElfFile.open(packed)
    names = [n for n in plain.sections if n.startswith(".debug_")]
    assert len(names) >= 4 and packed.stat().st_size < program.stat().st_size
    for name in names:
        assert other.has(name)
        blob, expected = other.blob(name), plain.blob(name)
        assert blob.slice(0, blob.size) == expected.slice(0, expected.size)


def compressed(program, tmp_path, change):
    """Return a program whose .debug_info is compressed with zlib, its header changed."""
    packed = tmp_path / "packed"
    run("objcopy", "--compress-debug-sections=zlib", program, packed)
    section = ElfFile.open(packed).sections[".debug_info"]
    data = bytearray(packed.read_bytes())
    change(data, section.offset, section.size)
    packed.write_bytes(data)
    return ElfFile.open(packed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, at, n: struct.pack_into("<I", d, at, 77), "unknown way (77)"),
        (lambda d, at, n: struct.pack_into("<Q", d, at + 8, 1 << 50), "claims to be"),
        (lambda d, at, n: struct.pack_into("<Q", d, at + 8, 5), "does not fit"),
        (lambda d, at, n: struct.pack_into("<Q", d, at + 8, 1 << 20), "does not fit"),
        (lambda d, at, n: d.__setitem__(slice(at + 24, at + 40), bytes(16)), "inflated"),
        (lambda d, at, n: d.__setitem__(slice(at + n // 2, at + n), bytes(n - n // 2)), "inflated"),
    ],
)
def test_broken_compression_is_an_error(program, tmp_path, change, message):
    elf = compressed(program, tmp_path, change)
    with pytest.raises(OpenError) as caught:
        elf.blob(".debug_info")
    assert message in str(caught.value) and ".debug_info" in str(caught.value)


@pytest.fixture
def split(program, tmp_path):
    """Return a stripped program that names its debug file, and that file, in one folder."""
    bare, debug = tmp_path / "bin" / "program", tmp_path / "bin" / "program.debug"
    bare.parent.mkdir()
    run("objcopy", "--only-keep-debug", program, debug)
    run("objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", program, bare)
    return bare, debug


def found_for(bare, given=(), sysroot=None):
    other = find_debug_file(ElfFile.open(bare), bare, given, sysroot)
    return None if other is None else Path(other.name)


def test_debuglink(split):
    bare, debug = split
    elf = ElfFile.open(bare)
    crc = zlib.crc32(debug.read_bytes())
    assert elf.debuglink == ("program.debug", crc) and checksum(debug) == crc
    assert found_for(bare) == debug


def test_debug_file_in_a_folder_beside(split):
    bare, debug = split
    folder = bare.parent / ".debug"
    folder.mkdir()
    moved = Path(shutil.move(debug, folder / debug.name))
    assert found_for(bare) == moved


def test_debug_file_by_build_id_below_a_sysroot(split, tmp_path):
    bare, debug = split
    build_id = ElfFile.open(bare).build_id or ""
    place = tmp_path / "root" / "usr/lib/debug/.build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    place.parent.mkdir(parents=True)
    shutil.move(debug, place)
    assert found_for(bare, sysroot=tmp_path / "root") == place
    assert found_for(bare) is None


def test_debug_file_that_the_user_gave(split, tmp_path, cores):
    bare, debug = split
    moved = Path(shutil.move(debug, tmp_path / "elsewhere"))
    other = cores.program("shapes.c", "-gdwarf-5", "-O1")
    assert found_for(bare, [other, moved]) == moved
    assert found_for(bare, [other]) is None
    with pytest.raises(OpenError, match="no-such-file"):
        found_for(bare, [tmp_path / "no-such-file"])


def test_debug_file_of_another_build_is_refused(split, cores):
    """GIVEN a debug file of another build in the right place THEN it is not taken."""
    bare, debug = split
    run("objcopy", "--only-keep-debug", cores.program("shapes.c", "-gdwarf-5", "-O1"), debug)
    assert found_for(bare) is None


def test_without_build_ids_the_checksum_decides(cores, tmp_path):
    program = cores.program("shapes.c", "-Wl,--build-id=none")
    bare, debug = tmp_path / "program", tmp_path / "program.debug"
    run("objcopy", "--only-keep-debug", program, debug)
    run("objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", program, bare)
    assert ElfFile.open(bare).build_id is None
    assert found_for(bare) == debug
    with debug.open("ab") as file:
        file.write(b"one byte more is another file")
    assert found_for(bare) is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"#!/bin/sh\n", "is no ELF file"),
        (b"\x7fELF\x01\x01" + bytes(58), "no 64-bit little-endian"),
        (b"\x7fELF\x02\x02" + bytes(58), "no 64-bit little-endian"),
        (b"\x7fELF\x02\x01" + bytes(20), "cut off"),
    ],
)
def test_files_that_are_none(tmp_path, data, message):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(OpenError, match=message):
        ElfFile.open(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(OpenError, match="nowhere"):
        ElfFile.open(tmp_path / "nowhere")
