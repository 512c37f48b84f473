"""Which types are futures: by their poll functions, by their names, by their traits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from support.cores import Cores

from adp_tui.engine.analysis.branches import is_future_object
from adp_tui.engine.dwarf.info import DebugInfo
from adp_tui.engine.elf import file
from adp_tui.engine.elf.file import Blob, ElfFile
from adp_tui.engine.pinned import PolledTypes
from adp_tui.engine.program import Program
from adp_tui.engine.rust.coroutine import is_coroutine_name

WAYS = {
    "debug": (),
    "release": ("-O",),
    "v0": ("-C", "symbol-mangling-version=v0"),
    "release-v0": ("-O", "-C", "symbol-mangling-version=v0"),
    "dwarf5": ("-C", "dwarf-version=5"),
    "release-dwarf5": ("-O", "-C", "dwarf-version=5"),
}


@pytest.fixture(scope="module", params=WAYS)
def program(request: pytest.FixtureRequest, cores: Cores) -> Path:
    """Return a program, in every way in which it is built."""
    return cores.program("polled.rs", "--edition", "2024", *WAYS[request.param])


@pytest.fixture(scope="module", params=["searched", "tabled"])
def polled(request: pytest.FixtureRequest, program: Path) -> Iterator[PolledTypes]:
    """Return what answers for a program, whose strings are searched or sorted in a table."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "tabled":
            patch.setattr(file, "_LARGE", 1)
        debug = DebugInfo(ElfFile.open(program))
        assert (debug.search.strings.table() is not None) is (request.param == "tabled")
        yield PolledTypes(cast(Program, SimpleNamespace(infos=lambda: [(None, debug)])))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("polled::deep::Hand<polled::main::{async_block_env#0}>", True),
        ("polled::main::Inner", True),
        ("polled::deep::Lines", False),
        ("polled::deep::Plain", False),
        ("polled::deep::Hand<u8>", False),
        ("(polled::main::Inner, u8)", False),
    ],
)
def test_polled_types(polled: PolledTypes, name: str, expected: bool) -> None:
    # GIVEN types that the program pins, THEN those are polled whose Future::poll there is
    assert polled.holds(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a::b::{async_fn_env#0}", True),
        ("a::{impl#2}::b::{async_block_env#12}<T, alloc::vec::Vec<u8>>", True),
        ("a::f::{closure#0}::{async_closure_env#0}<fn(u8) -> u8>", True),
        ("a::f<b::{async_fn_env#0}<u8>>::{async_block_env#1}<u8>", True),
        ("f::Either<a::{async_block_env#0}<T>, b::{async_block_env#0}<T>>", False),
        ("f::Map<a::{async_block_env#0}>", False),
        ("fn(u64) -> a::b::{async_fn_env#0}", False),
        ("&mut a::b::{async_fn_env#0}", False),
        ("a::b::{closure_env#0}", False),
    ],
)
def test_names_of_coroutines(name: str, expected: bool) -> None:
    assert is_coroutine_name(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alloc::boxed::Box<(dyn core::future::future::Future<Output=u8> + Send), A>", True),
        ("&mut dyn core::future::future::Future<Output=()>", True),
        ("alloc::boxed::Box<dyn hyper::rt::timer::Sleep<Output=()>, A>", True),
        ("&mut dyn a::Service<R, Future=Box<dyn core::future::future::Future<Output=u8>>>", False),
        ("alloc::boxed::Box<dyn core::ops::function::FnOnce<(u8), Output=u8>>", False),
        ("alloc::boxed::Box<dyn core::any::Any, A>", False),
    ],
)  # fmt: skip
def test_trait_objects(name: str, expected: bool) -> None:
    assert is_future_object(name) is expected


@pytest.mark.parametrize("size", [100, 1 << 19])
def test_occurrences(size: int) -> None:
    # GIVEN a needle that overlaps itself and stands at both ends
    needle = b"\0\0\1\0\0"
    data = b"\7" * 10 + needle[:3] + needle + b"x" * size + needle
    blob = Blob(data, 10)
    # THEN each of its places is told, those before the section not
    expected = [at - 10 for at in range(len(data)) if data.startswith(needle, at)]
    assert list(blob.occurrences(needle)) == expected
    assert len(expected) == 3
    assert list(blob.occurrences(needle, 1, 8)) == [3]
