"""Layouts of types, compared with gdb's."""

from __future__ import annotations

import json
import subprocess

NAMES = (
    "shapes::World",
    "shapes::Once",
    "shapes::Link",
    "shapes::shop::Apple",
    "shapes::shop::Pear",
    "shapes::shop::Either",
    "alloc::string::String",
    "core::task::wake::Context",
    "core::fmt::Arguments",
)
SCRIPT = """
import gdb, json
found = {}
for name in %r:
    try:
        type_ = gdb.lookup_type(name)
        fields = [(f.name, f.bitpos // 8, f.type.sizeof) for f in type_.fields()]
        found[name] = [type_.sizeof, fields]
    except (gdb.error, TypeError):
        pass
print("FOUND", json.dumps(found))
"""


def gdb_layouts(program, names, tmp_path):
    """Return size and fields of each type that gdb finds."""
    script = tmp_path / "layouts.py"
    script.write_text(SCRIPT % (names,))
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-x", script, program], capture_output=True, text=True, timeout=60
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return json.loads(line.removeprefix("FOUND "))


def compare(debug, layouts, rename=lambda name: name):
    for name, (size, fields) in layouts.items():
        type_ = next(t for t in debug.types_named(rename(name)) if t.members)
        assert type_.size == size, name
        assert sorted((m.name, m.offset, m.type.size) for m in type_.members) == sorted(
            map(tuple, fields)
        ), name


def test_rust(rust_sample, open_debug, tmp_path):
    layouts = gdb_layouts(rust_sample, NAMES, tmp_path)
    assert len(layouts) >= 6 and len(layouts["shapes::World"][1]) == 29
    compare(open_debug(rust_sample), layouts)


def test_c(cores, open_debug, tmp_path):
    program = cores.program("shapes.c", "-gdwarf-4")
    layouts = gdb_layouts(program, ("struct Node", "union Either"), tmp_path)
    assert len(layouts) == 2
    compare(open_debug(program), layouts, lambda name: name.split()[1])
