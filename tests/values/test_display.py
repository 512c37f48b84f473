"""Each value of ``tests/programs/values.rs`` looks as the comment beside it says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from adp_tui.engine.rust.display import MAX_FIELDS, MAX_SUMMARY, fields, show

SOURCE = (Path(__file__).parents[1] / "programs" / "values.rs").read_text("utf-8")
LINES = {
    match.group(1): number
    for number, line in enumerate(SOURCE.splitlines(), 1)
    if (match := re.search(r"// line: (\w+)$", line))
}
PAIR = r'"key \d{1,3}": \[1\]'
WILDCARDS = {
    "<addr>": "0x[0-9a-f]+",
    "<number>": r"\d+",
    "<seconds>": r"\d+\.\d{3}",
    "<key>": r'"key \d{1,3}"',
    "<128 a>": "a{128}",
    "<8 pairs>": f"{PAIR}(?:, {PAIR}){{7}}",
    **{f"<line {name}>": str(number) for name, number in LINES.items()},
}


@dataclass(frozen=True)
class Expected:
    """What a comment says."""

    name: str
    text: str
    rows: tuple[str, ...]
    more: bool


def expectations() -> list[Expected]:
    """Read the comments of ``struct Sample``."""
    body = SOURCE[SOURCE.index("pub struct Sample {") :]
    body = body[: body.index("\n}\n") + 1]
    found = []
    pattern = r"^    pub (\w+): .*?, // show: (.+)\n(?:    // fields: (.+)\n)?"
    for name, text, rows in re.findall(pattern, body, re.MULTILINE):
        more = rows.endswith("; …")
        parts = re.split(r"; (?=[^;,{]+ = )", rows.removesuffix("; …")) if rows else ()
        found.append(Expected(name, text, tuple(parts), more))
    return found


EXPECTED = expectations()


def matches(expected: str, text: str) -> bool:
    """Compare a text with what a comment says."""
    pattern = re.escape(expected)
    for wildcard, meaning in WILDCARDS.items():
        pattern = pattern.replace(re.escape(wildcard), meaning)
    return re.fullmatch(pattern, text) is not None


def test_each_field_says_what_it_must_look_like(plain):
    # GIVEN the fields that the program has, and those that the comments speak of
    # THEN none is left out
    assert [e.name for e in EXPECTED] == re.findall(
        r"^    pub (\w+):", SOURCE.split("pub struct Sample {")[1].split("\n}\n")[0], re.MULTILINE
    )
    assert {e.name for e in EXPECTED} == {m.name for m in plain.value.type.members}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: e.name)
def test_a_value_is_shown_as_its_comment_says(sample, expected):
    # GIVEN a field of the sample
    value = sample.field(expected.name)

    # WHEN it is shown
    shown = show(sample.program, value)

    # THEN the text is that of the comment
    assert matches(expected.text, shown.text), (expected.text, shown.text)
    assert not shown.unreadable
    assert shown.expandable == bool(expected.rows)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: e.name)
def test_an_expanded_value_has_the_rows_of_its_comment(sample, expected):
    # GIVEN a field of the sample
    value = sample.field(expected.name)

    # WHEN it is expanded
    rows = fields(sample.program, value)

    # THEN there are the rows that the comment names
    texts = [f"{name} = {show(sample.program, child).text}" for name, child, _ in rows if child]
    if expected.more:
        assert len(texts) > len(expected.rows)
        texts = texts[: len(expected.rows)]
    assert len(texts) == len(expected.rows), texts
    assert all(map(matches, expected.rows, texts)), (expected.rows, texts)


@pytest.mark.parametrize(
    ("name", "count"),
    [("long_vec", 1000), ("long_array", 300), ("tall_tree", 500), ("big_map", 300)],
)
def test_a_long_expansion_ends_with_the_number_that_there_is(sample, name, count):
    # GIVEN more elements than an expansion has rows
    # WHEN it is expanded
    rows = fields(sample.program, sample.field(name))

    # THEN the last row says how many there are
    assert len(rows) == MAX_FIELDS + 1
    assert rows[-1] == ("…", None, f"{MAX_FIELDS} of {count} are shown")


def test_a_tree_is_shown_in_the_order_of_its_keys(sample):
    # GIVEN a B-tree of three levels, whose values are three times their keys
    # WHEN it is expanded
    rows = fields(sample.program, sample.field("tall_tree"))[:-1]

    # THEN no key is left out
    texts = [(name, show(sample.program, value).text) for name, value, _ in rows if value]
    assert texts == [(str(key), str(key * 3)) for key in range(MAX_FIELDS)]


def test_a_hash_map_is_shown_without_doubles(sample):
    # GIVEN a hash map with the keys "key 0" to "key 299"
    # WHEN it is expanded
    rows = fields(sample.program, sample.field("big_map"))[:-1]

    # THEN each row has another one of them
    names = {name for name, _, _ in rows}
    assert len(names) == MAX_FIELDS
    assert names <= {f'"key {number}"' for number in range(300)}


def test_an_instant_is_the_reading_of_the_monotonic_clock(sample):
    # GIVEN the program took an Instant while it ran
    # WHEN it is shown
    text = show(sample.program, sample.field("instant")).text

    # THEN it lies between the readings before and after
    seconds = float(text.removeprefix("Instant ").removesuffix("s since boot"))
    assert sample.began - 0.001 <= seconds <= sample.ended


def test_the_depth_of_a_summary_can_be_chosen(sample):
    # GIVEN eight structures one in another
    deep = sample.field("deep")

    # THEN so many are opened as were asked for
    assert show(sample.program, deep, 1).text == "Deep { level: 0, inner: Some(Deep {…}) }"
    assert show(sample.program, deep, 0).text == "Deep {…}"


def test_the_whole_sample_is_one_bounded_line(sample):
    # GIVEN a structure of more than a hundred values
    # WHEN it is shown and expanded
    shown = show(sample.program, sample.value)
    rows = fields(sample.program, sample.value)

    # THEN the summary is cut, and each field has a row
    assert shown.text.startswith("Sample { ")
    assert len(shown.text) == MAX_SUMMARY
    assert sorted(name for name, _, _ in rows) == sorted(e.name for e in EXPECTED)
