"""A program as a whole: statics, thread-locals, functions and coroutines in a core."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from adp_tui.backends.core import open_core
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.dwarf.types import Kind
from adp_tui.engine.errors import LayoutError
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import Coroutines, is_coroutine_name, live_members
from adp_tui.engine.rust.dynamic import concrete
from adp_tui.engine.rust.thread_names import std_thread_names


@pytest.fixture(scope="module")
def program(rust_program):
    return rust_program[0]


@pytest.fixture(scope="module")
def facts(rust_program):
    return rust_program[1].facts


def test_statics(program, facts):
    (answer,) = program.static("shapes::ANSWER")
    assert answer.unsigned() == facts["answer"]
    (world,) = program.static("shapes::WORLD")
    assert world.unsigned(8) == facts["world"]
    assert program.static("shapes::NOTHING") == ()
    assert program.static("ANSWER") == ()


def test_thread_locals(program, facts):
    """WHEN a thread-local is asked for THEN it is where the program said, in each thread."""
    found = program.thread_local("shapes::NUMBER")
    values = {each.value.address: each.value.unsigned() for each in found}
    assert values == {facts["number"]: 12, facts["number_second"]: 13}
    assert {each.tid for each in found} == {t.tid for t in program.target.threads()}
    assert program.thread_local("shapes::NOTHING") == ()


def test_what_symbols_place_takes_no_search(rust_program, facts, monkeypatch):
    """GIVEN symbols WHEN statics and thread-locals are asked for THEN one unit is enough."""
    dump = rust_program[1]
    program = Program(open_core(dump.core, executable=dump.program))
    searched = []
    monkeypatch.setattr(DebugInfo, "variables_named", lambda _, name: searched.append(name) or ())
    (answer,) = program.static("shapes::ANSWER")
    assert answer.unsigned() == facts["answer"]
    found = {each.value.address for each in program.thread_local("shapes::NUMBER")}
    assert found == {facts["number"], facts["number_second"]}
    assert not searched
    # Where a crate's symbols spell paths out and none has this one, the linker dropped it.
    assert program.executable is not None
    symbols = program.executable.symbols.thread_locals()
    spelt_out = any(name.startswith("_ZN6shapes") for name in symbols)
    assert program.thread_local("shapes::NOTHING") == ()
    assert (not searched) == spelt_out


@pytest.mark.parametrize("flags", [(), ("-static",), ("-no-pie", "-fuse-ld=bfd")])
def test_thread_locals_of_c(cores, flags):
    """GIVEN a block with an alignment of 64 THEN its variables are where the program said."""
    dump = cores.dump(cores.program("shapes.c", "-gdwarf-4", *flags))
    program = Program(open_core(dump.core, executable=dump.program))
    ((tid, address),) = program.thread_local_symbol("counted")
    assert address == dump.facts["counted"]
    assert tid == program.target.threads()[0].tid
    ((_, address),) = program.thread_local_symbol("aligned_block")
    assert address == dump.facts["aligned"] and address % 64 == 0
    assert program.memory.read(address, 7) == b"aligned"


def test_names_that_std_gave_to_threads(program, facts):
    (second,) = [
        each.tid
        for each in program.thread_local("shapes::NUMBER")
        if each.value.address == facts["number_second"]
    ]
    assert std_thread_names(program).get(second) == "second"


def test_functions_and_symbols(program, facts):
    address = facts["plus_one"]
    function = program.function_at(address)
    assert function is not None and function.name == "shapes::plus_one"
    assert program.image_at(address) is program.executable
    assert program.executable.run_address(function.low) == address
    symbol = program.symbol_at(address + 1)
    assert symbol is not None and "plus_one" in symbol.name
    assert (symbol.address, symbol.offset) == (address, 1)
    for nowhere in (0, 8, (1 << 64) - 1, -1):
        assert program.function_at(nowhere) is None and program.symbol_at(nowhere) is None


def test_which_types_are_polled(program):
    assert program.is_polled("shapes::Once")
    assert not program.is_polled("shapes::World")
    assert not program.is_polled("shapes::Nowhere")


def test_trait_objects(program):
    """WHEN a boxed trait object is followed THEN the vtable tells its type."""
    priced = world_of(program).member("priced")
    pointer = priced.type.param("T")
    start = vec_pointer(priced)
    found: list[Any] = [
        concrete(program, priced.at(start + i * pointer.size, pointer)) for i in range(2)
    ]
    names = [each.type.name for each in found]
    assert names == ["shapes::shop::Apple", "shapes::shop::Pear"]


def vec_pointer(vec):
    """Return where a Vec's elements are: the pointer of its three words that leads to them."""
    words = [int.from_bytes(vec.read(24)[i : i + 8], "little") for i in (0, 8, 16)]
    return max(words)


def world_of(program):
    (world,) = program.static("shapes::WORLD")
    return world.at(world.unsigned(8), program.type_named("shapes::World"))


def test_a_vtable_that_is_none(program, facts):
    assert program.vtable_type(facts["world"]) is None
    assert program.vtable_type(facts["plus_one"]) is None
    assert program.vtable_type(8) is None


def suspended(program: Program, value: Any) -> Any:
    """Follow the await chain from a coroutine; return (layout, state, payload) of each."""
    frames, coroutines = [], Coroutines(program)
    while value is not None and (layout := coroutines.layout(value.type)) is not None:
        state: Any = layout.state(value)
        payload = value.payload(state.variant)
        frames.append((layout, state, payload))
        value = payload.of(state.awaitee) if state.awaitee is not None else None
    return frames, value


def test_an_await_chain(program, line_of):
    """WHEN a suspended future is followed THEN each await's function and line are known."""
    boxed = world_of(program).member("waiting")
    pinned = boxed.payload(boxed.variant()).member("0").member("pointer")
    frames, leaf = suspended(program, concrete(program, pinned))
    assert [(f[0].function, f[0].kind, f[1].name, f[1].place.line) for f in frames] == [
        ("shapes::top", "async_fn", "suspended", line_of("top_block")),
        ("shapes::top::{async_block#0}", "async_block", "suspended", line_of("block_await")),
        ("shapes::middle", "async_fn", "suspended", line_of("macro_await")),
        ("shapes::leaf", "async_fn", "suspended", line_of("leaf_second")),
    ]
    assert [f[0].declared.line for f in frames] == [
        line_of(name) for name in ("top", "block", "middle", "leaf")
    ]
    assert all(f[1].place.file.endswith("shapes.rs") and f[1].macro is None for f in frames)
    assert leaf.type.name == "shapes::Once"
    fields = {m.name: leaf.of(m).unsigned() for m in leaf.type.members}
    assert fields == {"polled": 1, "stuck": 1, "value": 15}


def test_live_variables(program):
    """WHEN frames are suspended THEN the variables that live across the await have values."""
    boxed = world_of(program).member("waiting")
    pinned = boxed.payload(boxed.variant()).member("0").member("pointer")
    frames, _ = suspended(program, concrete(program, pinned))
    names = [{m.name for m in live_members(f[2].type)} for f in frames]
    assert names[2] >= {"label", "value"} and names[3] >= {"kept", "depth"}
    assert not any(n.startswith("__") for each in names for n in each)
    assert frames[3][2].member("kept").unsigned() == 15
    assert frames[3][2].member("depth").unsigned() == 5
    assert frames[2][2].member("value").unsigned() == 9


def test_a_method(program, facts, line_of):
    """GIVEN an async method THEN its function is named with its type, not {impl#0}."""
    names = (f"shapes::{{impl#{number}}}::serve::{{async_fn_env#0}}" for number in range(8))
    (type_,) = filter(None, map(program.type_named, names))
    value = world_of(program).at(facts["served"], type_)
    ((layout, state, payload),), leaf = suspended(program, value)
    assert layout.function == "shapes::Service::serve"
    assert (state.name, state.place.line) == ("suspended", line_of("serve_await"))
    assert payload.member("self").deref().type.name == "shapes::Service"
    assert payload.member("by").unsigned() == 4
    assert leaf.type.name == "shapes::Once" and leaf.member("value").unsigned() == 12


def test_a_future_that_was_never_polled(program, facts, line_of):
    type_ = program.type_named("shapes::leaf::{async_fn_env#0}")
    value = world_of(program).at(facts["fresh"], type_)
    layout: Any = Coroutines(program).layout(type_)
    state = layout.state(value)
    assert (state.name, state.awaitee, state.place.line) == ("unresumed", None, line_of("leaf"))
    assert value.payload(state.variant).member("depth").unsigned() == 1
    assert sorted(s.name for s in layout.by_value.values()) == [
        "panicked", "returned", "suspended", "suspended", "unresumed",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["shapes::World", "shapes::Once", "u32"])
def test_types_that_are_no_coroutines(program, name):
    type_ = program.type_named(name)
    assert type_ is not None and Coroutines(program).layout(type_) is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("a::b::{async_fn_env#0}", True),
        ("a::b::{async_fn_env#0}<u32>", True),
        ("a::{async_block_env#12}", True),
        ("a::{async_closure_env#0}", True),
        ("a::{closure_env#0}", False),
        ("core::pin::Pin<&mut a::b::{async_fn_env#0}>", False),
        ("a::b", False),
        ("", False),
    ],
)
def test_names_of_coroutines(name, is_one):
    assert is_coroutine_name(name) == is_one


def test_variants_of_values(program):
    world = world_of(program)
    niche = program.type_named("core::option::Option<alloc::string::String>")
    missing = world.member("missing")
    assert missing.type.kind is Kind.ENUM and missing.variant().name == "None"
    assert niche is None or niche.size == 24
    with pytest.raises(LayoutError, match="no variants"):
        world.variant()
    with pytest.raises(LayoutError, match="no pointer"):
        world.deref()
    with pytest.raises(LayoutError, match="is no number"):
        world.unsigned()
    assert world.member("nowhere") is None


def test_separate_debug_information(cores, rust_program, tmp_path):
    """GIVEN a stripped program THEN its types are in the file beside it, or in one given."""
    dump = rust_program[1]
    bare, debug = tmp_path / "shapes", tmp_path / "shapes.debug"
    for command in (
        ("objcopy", "--only-keep-debug", "--compress-debug-sections=zlib", dump.program, debug),
        ("objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", dump.program, bare),
    ):
        subprocess.run(command, check=True, timeout=60)

    def opened(**options: Any) -> Any:
        return Program(open_core(dump.core, executable=bare), **options)

    beside = opened()
    assert (
        beside.type_named("shapes::World").size == rust_program[0].type_named("shapes::World").size
    )
    numbers = {each.value.address for each in beside.thread_local("shapes::NUMBER")}
    assert numbers == {dump.facts["number"], dump.facts["number_second"]}
    assert beside.function_at(dump.facts["plus_one"]).name == "shapes::plus_one"
    assert "plus_one" in beside.symbol_at(dump.facts["plus_one"]).name
    moved = debug.rename(tmp_path / "elsewhere")
    assert opened().type_named("shapes::World") is None
    assert opened(debug_files=[moved]).type_named("shapes::World") is not None
