"""Names of functions: every symbol of real programs, compared with binutils."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from adp_tui.engine.dwarf.names import split_path
from adp_tui.engine.rust.names import (
    demangle,
    function_name,
    plain_path,
    short_type,
    split_segments,
    strip_generics,
)


def symbols(path, prefix):
    table: Any = ELFFile(path.open("rb")).get_section_by_name(".symtab")
    return sorted({s.name for s in table.iter_symbols() if s.name.startswith(prefix)})


def expected(names):
    """Return what binutils makes of symbols, less hashes and generic arguments."""
    if shutil.which("c++filt") is None:
        pytest.fail("c++filt is needed: apt-get install binutils")
    done = subprocess.run(
        ["c++filt", "--format=rust"], input="\n".join(names), capture_output=True, text=True
    )
    for line in done.stdout.splitlines():
        line = re.sub(r"\[[0-9a-f]{1,16}\]", "", line)
        line = re.sub(r"::h[0-9a-f]{16}$", "", line)
        line = re.sub(r"; \d+: usize\]", "; _]", line)
        # An inherent method of a named type is a path here.
        yield re.sub(r"<([\w:]+)>(?=::)", r"\1", strip_generics(line))


def test_every_symbol(rust_sample):
    names = symbols(rust_sample, ("_ZN", "_R"))
    assert len(names) > 200
    for name, text in zip(names, expected(names), strict=True):
        assert strip_generics(demangle(name) or "") == text, name


@pytest.mark.parametrize(
    ("symbol", "path"),
    [
        # Published with the v0 mangling scheme (RFC 2603), and in rustc's own tests.
        ("_RNvC6_123foo3bar", "123foo::bar"),
        ("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y",
         "utf8_idents::საჭმელად_გემრიელი_სადილი"),
        ("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}"),
        ("_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate",
         "std::path::PathBuf::new"),
        ("_RNSC6shapes6vtable", "shapes::{shim:vtable#0}"),
        ("_RNvC1a1b.llvm.1234", "a::b"),
        ("_ZN3foo17h05af221e174051e9E", "foo"),
        ("_ZN3foo17h05af221e174051e9E.llvm.9D1C9369", "foo"),
        ("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3barE",
         "<Test + 'static as foo::Bar<Test>>::bar"),
        ("_ZN13test$u20$test4foobE", "test test::foob"),
        ("_ZN3fooE.", "foo"),
        ("_ZN", None),
        ("_ZN3fo", None),
        ("_ZN99999999999999999999fooE", None),
        ("_R", None),
        ("_RNvC", None),
        ("_RB_", None),
        ("main", None),
        ("", None),
    ],
)  # fmt: skip
def test_known_symbols(symbol, path):
    assert demangle(symbol) == path


@given(st.text("_RNZvCIsEMXYBLKpTRQFDGSu0123456789abcxyz$.", max_size=80))
def test_any_text_is_no_exception(text):
    for prefix in ("", "_R", "_ZN", "_RNv", "_RINv"):
        demangle(prefix + text)


def test_back_references_end():
    """GIVEN symbols whose back references double the text again and again THEN each ends."""
    nested = "_RINvC1a1b" + "TB8_" * 300 + "E" * 300
    demangle(nested)
    demangle("_RINvC1a1b" + "TTuuE" + "TB9_B9_E" * 60 + "E")
    demangle("_R" + "I" * 5000 + "C1a")


FUNCTIONS = {
    "shapes::plus_one",
    "shapes::generic",
    "<shapes::shop::Apple as shapes::shop::Price>::price",
    "<shapes::shop::Pear as shapes::shop::Price>::price",
    "shapes::main",
}
COROUTINES = {
    "shapes::leaf",
    "shapes::middle",
    "shapes::top",
    "shapes::top::{async_block#0}",
    "shapes::Service::serve",
}


def test_functions_of_the_program(rust_sample, open_debug):
    """WHEN the program's functions are named THEN every mangling gives the same form."""
    debug = open_debug(rust_sample)
    names = {}
    for unit in debug.units:
        debug.sections.table(unit)
        if "shapes" in unit.name:
            for low in debug.search.functions(unit):
                function = debug.function_at(low)
                if function is not None:
                    names[function.name] = function_name(function.linkage_name, function.name)
    found = set(names.values())
    assert found >= FUNCTIONS
    polled = {n for n in names if split_path(n)[1].startswith("{async_")}
    assert polled and {names[n] for n in polled} <= COROUTINES
    assert not [text for text in found if re.search(r"h[0-9a-f]{16}|\$|_ZN|_R[A-Z]", text)]


@pytest.mark.parametrize(
    ("linkage", "name", "text"),
    [
        (None, "bank::top::{async_fn#0}", "bank::top"),
        (None, "bank::top::{async_fn_env#0}<u32>", "bank::top"),
        (None, "bank::top::{async_block_env#1}", "bank::top::{async_block#1}"),
        (None, "bank::{impl#3}::lock::{async_fn#0}<u32, bank::X>", "bank::{impl#3}::lock"),
        (None, "bank::f<fn(u8) -> bank::Y<u8>>", "bank::f"),
        ("main", None, "main"),
        (None, None, ""),
        ("evil\x1b[31m", None, "evil[31m"),
    ],
)
def test_function_names(linkage, name, text):
    assert function_name(linkage, name) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a::B<C>::d", "a::B::d"),
        ("a::B<C<D>, E>::d<F>", "a::B::d"),
        ("a::b::<C>::d", "a::b::d"),
        ("<a::B<C> as d::E<F>>::g", "<a::B as d::E>::g"),
        ("<&a::B<C> as d::E>::g", "<&a::B as d::E>::g"),
        ("<[a::B<C>] as d::E>::g", "<[a::B] as d::E>::g"),
        ("a::<B as c::D<E>>::f", "a::<B as c::D>::f"),
        ("a::b::<<C as d::E>::F>", "a::b"),
        ("a::b<<C as d::E>::F>::g", "a::b::g"),
        ("a::b<fn(C) -> D<E>>::f", "a::b::f"),
        ("a", "a"),
        ("", ""),
        ("a<", "a"),
    ],
)
def test_generic_arguments_are_left_out(path, text):
    assert strip_generics(path) == text


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("a::b::c", ["a", "b", "c"]),
        ("<a::B as c::D>::e", ["<a::B as c::D>", "e"]),
        ("a::{closure#0}::b<c::D>", ["a", "{closure#0}", "b<c::D>"]),
        ("a::(b::C, d::E)", ["a", "(b::C, d::E)"]),
        ("a<fn() -> b::C>::d", ["a<fn() -> b::C>", "d"]),
        ("", [""]),
    ],
)
def test_segments(path, segments):
    assert split_segments(path) == segments


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tokio::sync::mutex::Mutex<alloc::string::String>", "Mutex<String>"),
        ("bank::top::{async_fn_env#0}<u32>", "top::{async_fn_env#0}<u32>"),
        ("core::pin::Pin<&mut bank::{impl#2}::get::{async_fn_env#0}>",
         "Pin<&mut get::{async_fn_env#0}>"),
        ("&mut [a::B; 3]", "&mut [B; 3]"),
        ("u32", "u32"),
    ],
)  # fmt: skip
def test_short_types(name, text):
    assert short_type(name) == text


@given(st.text("ab:<>(){}#&, -=as", max_size=60))
def test_any_path_is_no_exception(text):
    for function in (strip_generics, split_segments, plain_path, short_type):
        function(text)
    function_name(None, text)
