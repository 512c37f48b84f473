"""Where a text stands in ``.debug_str``, asked one by one and gathered."""

from __future__ import annotations

import random

import pytest

from adp_tui.engine.dwarf import strings as module
from adp_tui.engine.dwarf.strings import MANY, StringFinder
from adp_tui.engine.elf.file import Blob

UNKNOWN = tuple(f"unknown{number}" for number in range(MANY + 1))


def blob(*texts: str, before: bytes = b"\xff") -> Blob:
    return Blob(before + b"".join(text.encode() + b"\0" for text in texts), len(before))


@pytest.fixture(params=["one by one", "gathered"])
def asked(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What was looked up before."""
    return UNKNOWN if request.param == "gathered" else ()


def found(strings: Blob, text: str, asked: tuple[str, ...]) -> list[int]:
    finder = StringFinder(strings)
    for each in asked:
        assert finder.offsets(each) == []
    return finder.offsets(text)


@pytest.mark.parametrize(
    ("text", "offsets"),
    [("tokio", [0]), ("T", [14]), ("io", []), ("tok", []), ("", []), ("Header", [23])],
)
def test_whole_strings(text: str, offsets: list[int], asked: tuple[str, ...]) -> None:
    # GIVEN strings of which some end as others do
    strings = blob("tokio", "usize_T", "T", "Task_T", "Header")
    # THEN only whole ones are found
    assert found(strings, text, asked) == offsets


def test_tails_that_a_linker_merged(asked: tuple[str, ...]) -> None:
    # GIVEN strings of which none is the end of another one
    strings = blob("TaskHeader", "a_T", "MyHeader")
    # THEN the ends of longer ones are offered
    assert found(strings, "Header", asked) == [4, 17]
    assert found(strings, "MyHeader", asked) == [15]


def test_long_names_are_found_as_well(asked: tuple[str, ...]) -> None:
    long = "x" * 100
    assert found(blob("a_T", "T", long, "y"), long, asked) == [6]


def test_instances_of_a_generic(asked: tuple[str, ...]) -> None:
    names = [f"Cell<{name}>" for name in ("a", "b", "c", "d", "e", "f")]
    strings = blob("T", "a_T", *names, "MyCell<g>")
    finder = StringFinder(strings)
    for number, name in enumerate(names):
        assert finder.offsets(name) == [6 + 8 * number]
    assert finder.offsets("Cell<g>") == []


def test_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN strings of all lengths, also across the pieces in which they are read
    seed = random.Random(7)
    for _ in range(200):
        texts = {
            "".join(seed.choices("abT", k=seed.choice((1, 2, 9, 46, 47, 48, 49, 200))))
            for _ in range(40)
        }
        strings = blob("T", "a_T", *texts - {"T"})
        monkeypatch.setattr(module, "_WINDOW", seed.choice((1, 2, 7, 64, 1000)))
        finder = StringFinder(strings)
        for each in UNKNOWN:
            finder.offsets(each)
        # THEN each stands where it is said to stand
        for text in texts:
            (at,) = finder.offsets(text)
            assert strings.slice(at, at + len(text) + 1) == text.encode() + b"\0"
