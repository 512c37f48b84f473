"""Expressions of descriptors on the core of a real program: its source says what they give."""

from __future__ import annotations

import json
import time

import pytest

from adp_tui.engine.adp.budget import FREE
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.schema import Expression, Origin
from adp_tui.engine.dwarf.types import Type
from adp_tui.engine.errors import AdpError, BudgetError, LayoutError
from adp_tui.engine.value import Value

WORLD = "deref(static('shapes::WORLD')@Some)"
DEFINITIONS = {
    "twice(x)": "x * 2",
    "chain(start)": "walk(deref(start), n => deref(n.next))",
    "numbers(start)": "map(chain(start), n => int(n.number))",
    "hygienic(x)": "it",
    "again(x)": "other(x)",
    "other(x)": "again(x)",
}
TYPES = {"Link": "shapes::Link", "World": "shapes::World", "Missing": "shapes::Nowhere"}


class Reader:
    """Evaluates texts with ``it`` bound to the program's World."""

    def __init__(self, program):
        self.program = program
        descriptor = load(json.dumps({"adp": 1, "id": "test", "types": TYPES, "defs": DEFINITIONS}))
        assert not descriptor.problems
        self.evaluator = Evaluator(program, descriptor)
        self.world = self.raw(WORLD, {})

    def raw(self, text, env=None):
        env = {"it": self.world} if env is None else env
        return self.evaluator.evaluate(Expression(text), env)

    def __call__(self, text):
        return plain(self.raw(text))


def plain(found):
    """Turn a result into something that can be written in a table."""
    if isinstance(found, tuple):
        return [plain(each) for each in found]
    if isinstance(found, Type):
        return f"type {found.name}"
    if isinstance(found, Value):
        return f"a {found.type.name}"
    return found


@pytest.fixture(scope="module")
def read(rust_program):
    return Reader(rust_program[0])


# Left an expression, right what the source of shapes.rs implies.
TABLE = [
    # Arithmetic.
    ("1 + 2 * 3 - 4", 3),
    ("(1 + 2) * 3", 9),
    ("0x10 | 1 ^ 3 & 2", 0x10 | 1 ^ 3 & 2),
    ("1 << 4 >> 2", 4),
    ("1 << 64", 0),
    ("1 << (0 - 1)", 0),
    ("1 >> (0 - 1)", 0),
    ("~0", (1 << 64) - 1),
    ("-1", (1 << 64) - 1),
    ("3 - 5", -2),
    ("10 - 3 - 2", 5),
    ("2 < 3 && 3 <= 3 && 4 > 3 && 4 >= 4 && 1 != 2", True),
    ("1 == 2 || !0", True),
    ("null ?? 5", 5),
    ("null == null", True),
    ("null + 1", None),
    ("'a' == 'a'", True),
    ("'a' != 'b'", True),
    ("bits(0xabcd, 4, 8)", 0xBC),
    ("untag(0x1007, 7)", 0x1000),
    ("if(1 == 1, 'yes', 'no')", "yes"),
    ("twice(twice(3))", 12),
    # Fields, through wrappers.
    ("int(it.negative)", -7),
    ("int(it.atomic)", 0xDEADBEEF),
    ("int(it.letter)", ord("ß")),
    ("int(it.tagged)", 0x1001),
    ("int(it.pair.first)", 200),
    ("int(it.pair.second.second)", -2),
    ("int(it.tuple.1)", 88_888),
    ("int(it.tuple.0) + int(it.tuple.2)", 9),
    ("int(it.nested)", 31),
    ("int(it.nested@Some@Some)", 31),
    ("int(it.either.whole)", 0x0000_0002_0000_0001),
    ("map(items(it.either.half), h => int(h))", [1, 2]),
    ("map(items(it.cell), n => int(n))", [10, 20, 30, 40]),
    ("int(it.cell[2])", 30),
    ("it.cell[4]", None),
    ("it.cell[0 - 1]", None),
    ("has(it.negative) && !has(it.nowhere)", True),
    ("first(it.nowhere, null, int(it.negative))", -7),
    ("it.nowhere ?? 3", 3),
    ("addr(it.plain) - addr(it) < 4096", True),
    # Text.
    ("str(it.text)", "grüße[31m"),
    ("str(it.pair.second.first)", "static text"),
    ("it.missing@Some", None),
    ("str(it.missing)", None),
    ("str(12)", "12"),
    ("len(it.text.vec)", 12),
    # Enums: C-like, with data, by niche, with one variant.
    ("map(items(it.plain), p => variant(p))", ["Red", "Green", "Blue"]),
    ("map(items(it.plain), p => int(p) & 0xff)", [0, 7, 253]),
    ("map(items(it.shapes), s => variant(s))", ["Dot", "Line", "Box"]),
    ("map(items(it.shapes), s => int(s@Line))", [42]),
    ("map(items(it.shapes), s => int(s@Box.width) >> 40)", [1]),
    ("map(items(it.shapes), s => int(s@Box.height))", [9]),
    ("map(items(it.niches), n => variant(n))", ["Nothing", "Owned"]),
    ("map(items(it.niches), n => int(deref(n@Owned)))", [77]),
    ("int(it.lone@Only.left)", -5),
    ("int(it.lone@Only.right)", -6),
    ("map(items(it.wide), w => variant(w))", ["Small", "Large"]),
    ("map(items(it.wide), w => int(w))", [1, 0x1234_5678_9ABC]),
    ("map(items(it.mixed), m => variant(m))", ["A", "B", "C"]),
    ("map(items(it.mixed), m => int(m@A) >> 96)", [16]),
    ("map(items(it.mixed), m => int(m@B))", [-1]),
    # Streams.
    ("len(it.shapes)", 3),
    ("len(it.empty)", 0),
    ("items(it.empty)", []),
    ("map(items(it.shared), n => int(n))", [3, 4, 5, 6]),
    ("map(take(items(it.shared), 2), n => int(n))", [3, 4]),
    ("take(items(it.shared), 0 - 1)", []),
    ("map(reverse(items(it.shared)), n => int(n))", [6, 5, 4, 3]),
    ("sum(map(items(it.shared), n => int(n)))", 18),
    ("map(filter(items(it.shared), n => int(n) & 1), n => int(n))", [3, 5]),
    ("any(items(it.shared), n => int(n) == 6)", True),
    ("all(items(it.shared), n => int(n) > 3)", False),
    ("distinct(map(items(it.shared), n => int(n) >> 1))", [1, 2, 3]),
    ("range(3)", [0, 1, 2]),
    ("range(0 - 5)", []),
    ("zip(range(2), map(items(it.shared), n => int(n)))", [[0, 3], [1, 4]]),
    ("flat(range(3), x => range(x))", [0, 0, 1]),
    ("map(ring(range(4), 6, 3), n => n)", [2, 3, 0]),
    ("ring(range(2), 0, 3)", None),
    ("tree(1, n => if(n < 3, range(n + 2), null))", [1, 0, 2, 3]),
    ("tree(null, n => n)", []),
    ("numbers(it.list)", [0, 10, 20]),
    ("numbers(it.ring)", [0, 10, 20, 30]),
    ("map(links(1, n => if(n < 4, n + 1, null), 4, n => n - 1), n => n)", [1, 2, 3, 4]),
    ("links(1, n => if(n < 3, n + 1, null), 6, n => if(n > 4, n - 1, null))", [1, 2, 3, 4, 5, 6]),
    ("links(null, n => n, null, n => n)", []),
    ("sum(map(entries(it.map), e => int(e.0)))", 3),
    ("sum(map(entries(it.set), e => int(e.0)))", 1100),
    ("map(entries(it.ordered), e => int(e[0]) * 10 + int(e[1]))", [12]),
    ("addr(static('*::WORLD')) == addr(static('shapes::WORLD'))", True),
    ("static('other*::WORLD')", None),
    # Types, functions, trait objects.
    ("typename(it)", "shapes::World"),
    ("typeof(it.pair)", "type shapes::shop::Pair<u8, shapes::shop::Pair<&str, i16>>"),
    ("tparam(it.pair, 'B')", "type shapes::shop::Pair<&str, i16>"),
    ("tparam(typeof(it.pair.second), 'A')", "type &str"),
    ("tparam(it.pair, 'C')", None),
    ("map(items(it.priced), p => typename(dyn(p)))", ["shapes::shop::Apple", "shapes::shop::Pear"]),
    ("int(dyn(it.priced[0]).cents)", 250),
    ("int(dyn(it.priced[1]).0)", 99),
    ("fnname(it.callback)", "shapes::plus_one"),
    ("fnname(it.callback + 1)", None),
    ("typename(dyn(it.waiting@Some))", "shapes::top::{async_fn_env#0}"),
    ("int(at(addr(deref(it.list)), #Link).number)", 0),
    ("int(cast(deref(it.list), #Link).number)", 0),
    ("int(at(addr(deref(it.list)), 'shapes::Link').number)", 0),
    ("at(0, #Link)", None),
    ("typename(cast(it, '${T}'))", "shapes::Link"),
    # Statics and thread-locals.
    ("int(static('shapes::ANSWER')) > 0", True),
    ("static('shapes::NOTHING')", None),
    ("sum(map(tls('shapes::NUMBER'), n => int(n)))", 12 + 13),
    ("flat(tls('shapes::NAMES'), n => map(items(n), x => int(x)))", [4, 5, 6]),
    ("tls('shapes::NOTHING')", []),
]


@pytest.mark.parametrize(("text", "expected"), TABLE, ids=[text for text, _ in TABLE])
def test_results(read, text, expected):
    env = {"it": read.world, "T": read.program.type_named("shapes::Link")}
    found = plain(read.raw(text, env))
    assert found == expected and isinstance(found, bool) == isinstance(expected, bool)


ERRORS = [
    ("it.nowhere", LayoutError, "has only plain, shapes"),
    ("it@Some", LayoutError, "@Some of shapes::World"),
    ("it.plain@Pink", LayoutError, "Pink"),
    ("int(it)", LayoutError, "a number in shapes::World"),
    ("deref(it.negative)", LayoutError, "i8"),
    ("deref(3)", LayoutError, "the number 3 is no pointer"),
    ("(3).field", LayoutError, "field is asked of the number 3"),
    ("nobody", LayoutError, "there is no variable nobody"),
    ("hygienic(1)", LayoutError, "there is no variable it"),
    ("nothing(1)", LayoutError, "there is no built-in nothing"),
    ("twice(1, 2)", LayoutError, "twice takes 1 arguments, not 2"),
    ("bits(1)", LayoutError, "bits takes 3 arguments, not 1"),
    ("map(1, 2)", LayoutError, "map is called with wrong arguments"),
    ("if(1)", LayoutError, "if is called with wrong arguments"),
    ("at(1)", LayoutError, "at is called with wrong arguments"),
    ("at(1, #Link, 3)", LayoutError, "at is called with wrong arguments"),
    ("#Nobody", LayoutError, "the descriptor names no type #Nobody"),
    ("#Missing", LayoutError, "the program has no type shapes::Nowhere"),
    ("at(1, 'no::Type')", LayoutError, "the program has no type no::Type"),
    ("at(1, '${it}')", LayoutError, "${it} is no type"),
    ("again(1)", LayoutError, "uses itself"),
    ("int(at(8, #Link).number)", AdpError, "8 bytes at 0x8"),
    ("bits(1, 0 - 1, 4)", LayoutError, "not negative"),
    ("range(2000000)", BudgetError, "1000000 items"),
    ("str(cast(it.priced[0], '&str'))", LayoutError, "a text claims to have"),
    ("items(cast(it.priced[0], typeof(it.shapes)))", LayoutError, "claims to have"),
    ("0xffffffffffffffff * 0xffffffffffffffff * 2", LayoutError, "128 bits"),
]


@pytest.mark.parametrize(("text", "kind", "message"), ERRORS, ids=[text for text, _, _ in ERRORS])
def test_errors(read, text, kind, message):
    """WHEN an expression does not fit the program THEN the error says which part of it."""
    with pytest.raises(kind) as caught:
        read(text)
    assert message in str(caught.value)


HUNGRY = [
    "walk(1, n => n + 1)",
    "len(map(range(900000), x => len(map(range(900000), y => 1))))",
    "map(range(1000), x => range(1000000))",
    "flat(range(1000), x => range(100000))",
    "filter(range(900000), x => any(range(900000), y => 0))",
    "tree(1, n => range(1000000))",
]


def noted(read, definitions=DEFINITIONS):
    """Return an evaluator with the budget of a descriptor from a binary."""
    text = json.dumps({"adp": 1, "id": "noted", "types": TYPES, "defs": definitions})
    return Evaluator(read.program, load(text, origin=Origin("note")))


def parsed(text):
    return Expression(text)


@pytest.mark.parametrize("text", HUNGRY)
def test_budgets(read, text):
    """WHEN an expression would run for ever THEN it ends, and what is missing is known."""
    evaluator = noted(read)
    found, problem = evaluator.attempt(parsed(text), {"it": read.world})
    assert isinstance(problem, BudgetError)
    assert evaluator.budget.steps <= evaluator.budget.limits.steps + 100_001
    assert not isinstance(found, tuple) or len(found) <= 1_000_000


def test_the_clock(read, monkeypatch):
    """WHEN an expression takes too long THEN it ends at once."""
    evaluator = noted(read)
    monkeypatch.setattr(time, "thread_time", iter(range(1, 1000, 50)).__next__)
    _, problem = evaluator.attempt(parsed("walk(1, n => n + 1)"), {})
    assert isinstance(problem, BudgetError) and "seconds" in str(problem)


def test_definitions_that_fan_out_end(read):
    """GIVEN definitions of which each uses the one before twice THEN the budget ends them."""
    definitions = {"f0(x)": "x"} | {f"f{i}(x)": f"f{i - 1}(x) + f{i - 1}(x)" for i in range(1, 60)}
    with pytest.raises(BudgetError):
        noted(read, definitions).evaluate(parsed("f59(1)"), {})


def test_an_expression_over_its_budget_three_times_is_off(read):
    evaluator, hungry = noted(read), parsed("walk(1, n => n + 1)")
    # GIVEN what swallows that it was over the budget
    found = [evaluator.attempt(hungry, {})[0] for _ in range(3)]
    assert found[0] is not None
    assert evaluator.switched_off == (hungry,)
    # THEN it is asked no more, and costs nothing
    _, problem = evaluator.attempt(hungry, {})
    assert "no more" in str(problem)
    assert evaluator.attempt(parsed("1 + 1"), {}) == (2, None)


def test_what_takes_few_steps_is_free(read):
    """A descriptor that has used up its budget still says what is cheap."""
    evaluator = noted(read)
    evaluator.attempt(parsed("walk(1, n => n + 1)"), {})
    assert evaluator.budget.left < 2 * FREE
    found, problem = evaluator.attempt(parsed("int(it.pair.second.second)"), {"it": read.world})
    assert (found, problem) == (-2, None)
    _, problem = evaluator.attempt(parsed("len(walk(1, n => if(n < 900, n + 1, null)))"), {})
    assert "used up" in str(problem)


def test_rounds_cost_what_is_done_in_them(read):
    """Arithmetic counts no steps of its own: long functions over streams do."""
    long = " + ".join(["i"] * 100)
    evaluator = noted(read)
    evaluator.attempt(parsed("len(map(range(1000), i => i))"), {})
    cheap = evaluator.budget.steps
    evaluator.attempt(parsed(f"len(map(range(1000), i => {long}))"), {})
    assert evaluator.budget.steps > cheap + 10_000


def test_memory_is_counted(read):
    """WHEN more memory is asked for than one evaluation may read THEN it ends."""
    evaluator = noted(read)
    evaluator.attempt(parsed("len(map(range(100), i => str(it.text)))"), {"it": read.world})
    assert evaluator.budget.loaded >= 100 * 4096
    _, problem = evaluator.attempt(
        parsed("len(map(range(20000), i => str(it.text)))"), {"it": read.world}
    )
    assert "MB read" in str(problem)
    assert evaluator.budget.loaded <= evaluator.budget.limits.loaded + 4096


def test_names_that_are_nowhere_cost_much(read):
    """Each goes through all names of the program."""
    evaluator = noted(read)
    evaluator.attempt(parsed("has(at(1, 'no::Such'))"), {})
    assert evaluator.budget.steps > 5000
    evaluator.attempt(parsed("has(at(1, 'no::Such'))"), {})
    assert evaluator.budget.steps < 100


def test_definitions_that_nest_too_deeply(read):
    definitions = {"f0(x)": "x"} | {f"f{i}(x)": f"1 + f{i - 1}(x)" for i in range(1, 2000)}
    descriptor = load(json.dumps({"adp": 1, "id": "deep", "defs": definitions}))
    evaluator = Evaluator(read.program, descriptor)
    with pytest.raises(BudgetError, match="too deep"):
        evaluator.evaluate(Expression("f1999(1)"), {})


def test_plans_are_kept(read):
    """WHEN an expression meets a type again THEN no debug information is read for it."""
    expression = Expression("int(it.pair.second.second)")
    first = read.evaluator.evaluate(expression, {"it": read.world})
    planner, read.evaluator.planner = read.evaluator.planner, None
    try:
        assert read.evaluator.evaluate(expression, {"it": read.world}) == first == -2
    finally:
        read.evaluator.planner = planner
