"""Where strings of a large section begin, as its table says and as they stand in it."""

from __future__ import annotations

import random

import pytest

from adp_tui.engine.dwarf import stringtable as module
from adp_tui.engine.dwarf.stringtable import StringTable
from adp_tui.engine.elf.file import Blob


def blob(*texts: bytes, before: bytes = b"\xff", after: bytes = b"") -> Blob:
    return Blob(before + b"".join(text + b"\0" for text in texts) + after, len(before))


def test_whole_strings() -> None:
    # GIVEN strings of which some end or begin as others do, and a last one without its end
    texts = (b"tokio", b"T", b"", b"usize_T", b"Header", b"\xff\xff\xff\xff")
    table = StringTable(blob(*texts, after=b"x"))
    # THEN only whole ones are found
    assert [table.find(text) for text in texts] == [0, 6, 8, 9, 17, 24]
    assert {table.find(text) for text in (b"tok", b"tokio1", b"eader", b"x", b"H", b"\xff")} == {-1}


def test_of_equal_strings_the_last_one() -> None:
    assert StringTable(blob(b"Header", b"Tail", b"Header")).find(b"Header") == 12


@pytest.mark.parametrize(
    ("contents", "empty", "abc"),
    [(b"", -1, -1), (b"x", -1, -1), (b"\0", 0, -1), (b"\0\0\0", 2, -1), (b"abcd", -1, -1),
     (b"abc\0", -1, 0), (b"abc\0\0", 4, 0)],
)  # fmt: skip
def test_short_sections(contents: bytes, empty: int, abc: int) -> None:
    table = StringTable(Blob(contents))
    assert (table.find(b""), table.find(b"abc")) == (empty, abc)


def test_what_begins_alike() -> None:
    table = StringTable(blob(b"Cell<a>", b"Cello", b"Cell<b<c>>", b"Cel", b"MyCell<d>"))
    assert list(table.beginning(b"Cell<")) == [(0, b"Cell<a>"), (14, b"Cell<b<c>>")]
    assert {at for at, _ in table.beginning(b"Ce")} == {0, 8, 14, 25}
    assert (table.count(b"Cell"), table.count(b"C"), table.count(b"x")) == (3, 4, 0)


END = b"4poll17h0123456789abcdefE"


def test_polls_by_their_legacy_names() -> None:
    texts = (b"_ZNa" + END, b"_ZNb" + END + b"x", b"b" + END, b"_ZN" + END[3:], b"_ZN", END)
    table = StringTable(blob(*texts, after=b"_ZN" + END))
    assert list(table.polls()) == [(0, b"_ZNa" + END)]


def test_slashes() -> None:
    table = StringTable(blob(b"a/b", b"", b"/", b"c//d", after=b"e/"))
    assert list(table.slashes) == [1, 5, 8, 9, 13]


def test_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN strings of all lengths, also across the pieces in which they are read
    seed = random.Random(7)
    for _ in range(200):
        texts = {
            bytes(seed.choices(b"abT/", k=seed.choice((1, 2, 3, 4, 5, 9, 200)))) for _ in range(40)
        }
        polls = {b"_ZN" + text + END for text in list(texts)[:9]}
        texts |= polls
        strings = blob(*texts, after=seed.choice((b"", b"a", b"abTab")))
        monkeypatch.setattr(module, "_WINDOW", seed.choice((1, 2, 7, 64, 1000)))
        table = StringTable(strings)
        assert table.is_complete
        # THEN each stands where it is said to stand, and so do those that begin or end alike
        for text in texts:
            at = table.find(text)
            assert strings.slice(at, at + len(text) + 1) == text + b"\0"
        for head in (b"a", b"ab", b"abTa"):
            alike = {text for text in texts if text.startswith(head)}
            assert {text for _, text in table.beginning(head)} == alike
            assert table.count(head) == len(alike)
        assert {text for _, text in table.polls()} == polls
        whole = strings.slice(0, strings.size)
        assert list(table.slashes) == [at for at, byte in enumerate(whole) if byte == ord("/")]


def test_more_strings_than_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STRINGS", 3)
    assert StringTable(blob(b"a", b"b", b"c")).is_complete
    assert not StringTable(blob(b"a", b"b", b"c", b"d")).is_complete
    monkeypatch.setattr(module, "MAX_SLASHES", 1)
    assert not StringTable(blob(b"a/", b"/")).is_complete
