"""Texts of the target that would steer a terminal, or be taken for markup."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hostile.damage import DamagedCore, Seen, look_at_all
from support.build import Dump
from support.reading import Reading, read
from textual.pilot import Pilot

from adp_tui.engine.elf.file import ElfFile
from adp_tui.tui.app import AdpApp

# In the core: what is there, and as many bytes instead.
IN_MEMORY = {
    b"plain-thread": b"\x1b[31m[b]x\n\x07z",
    "grüße".encode(): b"\x1b]0;ab\x07",
    b"fragile": "\u202e[/]\x7f".encode(),
}
# In the executable, by section: a function, a file, a span.
IN_FILE = {
    ".debug_str": (b"\0chain_middle\0", b"\0ch\x1b[31mmiddl\0"),
    ".debug_line": (b"compose.rs", b"com\x1b[1m.rs"),
    ".rodata": (b"checkout", b"\x1b[1m[/b]"),
}
COMMAND = b"\x1b[2J[red]z"


@dataclass(frozen=True)
class Marked:
    """The zoo with hostile texts, and all that came out of it."""

    dump: Dump
    seen: Seen


@pytest.fixture(scope="module")
def marked(zoo: Dump, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    folder = tmp_path_factory.mktemp("texts")
    core = DamagedCore(zoo.core, folder / "core")
    for old, new in IN_MEMORY.items():
        assert len(old) == len(new)
        _replace_in_memory(core, old, new)
    _rename(core)
    core.close()
    shutil.copy2(zoo.exe, folder / "zoo")
    _replace_in_file(folder / "zoo")
    dump = replace(zoo, core=core.path, exe=folder / "zoo")
    # GIVEN such a core WHEN all of it is looked at THEN no text of it steers a terminal
    yield Marked(dump, look_at_all(dump.core, dump.exe))
    shutil.rmtree(folder)


def _replace_in_memory(core: DamagedCore, old: bytes, new: bytes) -> None:
    count = 0
    for each in core.segments:
        data = core.read_file(each.offset, each.size) if each.writable else b""
        at = data.find(old)
        while at >= 0:
            core.write_file(each.offset + at, new)
            count += 1
            at = data.find(old, at + len(old))
    assert count, old


def _replace_in_file(path: Path) -> None:
    elf = ElfFile.open(path)
    data = bytearray(path.read_bytes())
    for name, (old, new) in IN_FILE.items():
        assert len(old) == len(new)
        section = elf.sections[name]
        start, end = section.offset, section.offset + section.size
        part = bytes(data[start:end])
        assert old in part, (name, old)
        data[start:end] = part.replace(old, new)
    path.write_bytes(data)


def _rename(core: DamagedCore) -> None:
    """Give the process another name: ``pr_fname`` of NT_PRPSINFO."""
    for offset, size in core.notes:
        at = offset
        while at + 12 <= offset + size:
            name, length, kind = struct.unpack("<III", core.read_file(at, 12))
            contents = at + 12 + ((name + 3) & ~3)
            if kind == 3:
                core.write_file(contents + 40, COMMAND.ljust(16, b"\0"))
            at = contents + ((length + 3) & ~3)


@pytest.fixture(scope="module")
def reading(marked: Marked) -> Iterator[Reading]:
    reading = read(marked.dump)
    yield reading
    reading.session.close()


def test_names_of_threads(reading: Reading) -> None:
    # THEN the rest of a name is there, as it is: brackets are no markup
    assert reading.thread("plain").name == "[31m[b]x z"


def test_the_name_of_the_process(marked: Marked, reading: Reading) -> None:
    assert reading.thread("main").name == "[2J[red]z"
    assert "[2J[red]z" in marked.seen.text


def test_functions_and_files(reading: Reading) -> None:
    stack = reading.stack(reading.task("chain"))
    assert stack is not None
    middle = stack.frames[1]
    assert middle.function.startswith("zoo::compose::ch[31mmiddl")
    assert middle.file == "src/com[1m.rs"


def test_names_of_spans(reading: Reading) -> None:
    stack = reading.stack(reading.task("span"))
    assert stack is not None
    assert [frame.label for frame in stack.frames if frame.label] == ["[1m[/b]"]


def test_values_of_variables(reading: Reading) -> None:
    found = reading.variables(reading.task("values").key, "values::holds_values")
    assert "\x1b" not in found["text"].value and "]0;ab" in found["text"].value
    assert "[/]" in found["order"].value and "\u202e" not in found["order"].value


async def test_the_screen_shows_them_as_text(reading: Reading) -> None:
    # GIVEN the application on this core
    app = AdpApp(lambda progress: reading.session, "core", rest_s=0.001)
    async with app.run_test(size=(160, 50)) as pilot:
        await _until(app, pilot, "tokio.multi_thread")
        # WHEN the threads have the whole screen
        await pilot.press("2", "z")
        shown = await _until(app, pilot, "[31m[b]x z")
    # THEN their names stand there letter by letter
    assert "[2J[red]z" in shown
    assert "\x1b" not in shown


async def _until(app: AdpApp, pilot: Pilot[None], text: str) -> str:
    """Wait until a text stands on the screen, and return all that stands there."""
    shown = ""
    for _ in range(3000):
        await pilot.pause(0.01)
        strips = app.screen._compositor.render_strips(app.size)
        shown = "\n".join(strip.text for strip in strips)
        if text in shown:
            return shown
    raise AssertionError(f"{text!r} never came: {shown}")
