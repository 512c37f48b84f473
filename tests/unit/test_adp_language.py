"""The grammar of expressions, and texts that are none."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adp_tui.engine.adp.glob import Glob
from adp_tui.engine.adp.language import (
    MAX_LENGTH,
    Binary,
    Call,
    Const,
    Field,
    Index,
    Lambda,
    LanguageError,
    Name,
    TypeName,
    Unary,
    Variant,
    parse,
)

IT, ONE, TWO, THREE = Name("it"), Const(1), Const(2), Const(3)

TREES = [
    ("it", IT),
    ("42", Const(42)),
    ("0xFf", Const(255)),
    ("'a::b<c>'", Const("a::b<c>")),
    ("''", Const("")),
    ("#Header", TypeName("Header")),
    ("it.a.0", Field(Field(IT, "a"), "0")),
    ("it@Some.x", Field(Variant(IT, "Some"), "x")),
    ("it[1]", Index(IT, ONE)),
    ("*it.a", Unary("*", Field(IT, "a"))),
    ("!-~1", Unary("!", Unary("-", Unary("~", ONE)))),
    ("1+2*3", Binary("+", ONE, Binary("*", TWO, THREE))),
    ("1*2+3", Binary("+", Binary("*", ONE, TWO), THREE)),
    ("1-2-3", Binary("-", Binary("-", ONE, TWO), THREE)),
    ("1*-2", Binary("*", ONE, Unary("-", TWO))),
    ("1 ?? 2 || 3", Binary("??", ONE, Binary("||", TWO, THREE))),
    ("1 || 2 && 3", Binary("||", ONE, Binary("&&", TWO, THREE))),
    ("1 && 2 == 3", Binary("&&", ONE, Binary("==", TWO, THREE))),
    ("1 == 2 | 3", Binary("==", ONE, Binary("|", TWO, THREE))),
    ("1 | 2 ^ 3", Binary("|", ONE, Binary("^", TWO, THREE))),
    ("1 ^ 2 & 3", Binary("^", ONE, Binary("&", TWO, THREE))),
    ("1 & 2 << 3", Binary("&", ONE, Binary("<<", TWO, THREE))),
    ("1 << 2 + 3", Binary("<<", ONE, Binary("+", TWO, THREE))),
    ("(1 + 2) * 3", Binary("*", Binary("+", ONE, TWO), THREE)),
    ("f()", Call("f", ())),
    ("f(1, it.a)", Call("f", (ONE, Field(IT, "a")))),
    ("map(it, x => x.a)", Call("map", (IT, Lambda("x", Field(Name("x"), "a"))))),
    (" \n it\t. a ", Field(IT, "a")),
]


@pytest.mark.parametrize(("text", "tree"), TREES, ids=[text for text, _ in TREES])
def test_trees(text, tree):
    assert parse(text) == tree


ERRORS = [
    ("", "a value was expected but the end found at column 1"),
    ("1 +", "a value was expected but the end found at column 4"),
    ("it.", "a field's name was expected but the end found"),
    ("it@1", "a variant's name was expected but '1' found at column 4"),
    ("#1", "a type's name was expected"),
    ("f(1", "',' was expected"),
    ("f(1,)", "a value was expected but ')' found"),
    ("(1", "')' was expected"),
    ("it[1", "']' was expected"),
    ("1 2", "the end was expected but '2' found at column 3"),
    ("x => 1", "the end was expected but '=>' found"),
    ("it  $", "'$' at column 5"),
    ("'open", '"\'" at column 1'),
    ("9" * 40, "a number of at most 39 digits"),
    ("1" * (MAX_LENGTH + 1), "too long"),
    ("(" * 200 + "1" + ")" * 200, "nested too deeply"),
    ("-" * 5000 + "1", "nested too deeply"),
    ("1" + "+1" * 200, "more than 128 levels"),
    ("it" + ".a" * 200, "more than 128 levels"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS, ids=[text[:20] for text, _ in ERRORS])
def test_errors(text, message):
    """WHEN a text is no expression THEN the error says where and what was expected."""
    with pytest.raises(LanguageError) as caught:
        parse(text)
    assert message in str(caught.value) and len(str(caught.value)) < 500


@given(st.text(alphabet="it.@#01xX 'a()[],=>?|&^<+-*!~$\n", max_size=60))
def test_any_text_is_a_tree_or_an_error(text):
    with contextlib.suppress(LanguageError):
        parse(text)


GLOBS = [
    ("a::b", "a::b", True),
    ("a::b", "a::bc", False),
    ("*", "", True),
    ("a*", "a", True),
    ("a*", "ba", False),
    ("*a", "ba", True),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("a*b*c", "a-b-b-c", True),
    ("a*b*c", "acb", False),
    ("*::sleep::Sleep", "tokio::time::sleep::Sleep", True),
    ("tokio::sync::*::{impl#*}::lock<*", "tokio::sync::mutex::{impl#7}::lock<u32>", True),
    ("a?[b].*", "a?[b].c", True),
    ("a**b", "ab", True),
]


@pytest.mark.parametrize(("pattern", "name", "fits"), GLOBS)
def test_globs(pattern, name, fits):
    assert Glob(pattern).match(name) == fits


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_globs_are_those_of_a_regular_expression(pattern, name):
    regular = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert Glob(pattern).match(name) == bool(re.fullmatch(regular, name))


def test_a_glob_of_many_stars_ends():
    assert not Glob("*a" * 2000 + "b").match("a" * 100_000)
