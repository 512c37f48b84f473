"""Descriptors that a binary may hold to harm whoever looks at it, on the core of a real program."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.build import Dump

import adp_tui.engine.adp.budget as budget
from adp_tui.backends.core import open_core
from adp_tui.engine.adp.budget import Limits, limits_of
from adp_tui.engine.adp.descriptor import DescriptorError, load
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.schema import Descriptor, Expression, Origin
from adp_tui.engine.errors import AdpError, BudgetError
from adp_tui.engine.program import Program
from adp_tui.engine.session import Session

NOTE = Origin("note", "hostile")
SECONDS = 2.0
AT_ONCE = 100_001
"""Steps that are counted at once: of a stream of a million items."""


@pytest.fixture(scope="module")
def program(zoo: Dump) -> Iterator[Program]:
    target = open_core(zoo.core, executable=zoo.exe)
    yield Program(target)
    target.close()


def described(**parts: object) -> Descriptor:
    return load(json.dumps({"adp": 1, "id": "hostile", **parts}), origin=NOTE)


HEADER = "tokio::runtime::task::core::Header"
WAKER = "addr(static('tokio::runtime::task::waker::WAKER_VTABLE'))"
TYPES = (HEADER, "tokio::runtime::context::Context", "u8", "u64", "no::Such", "*", "x" * 900)
NUMBERS = ("0", "1", "7", "4096", "0xffffffffffffffff", "1" * 39, "0x" + "f" * 32)


OVER = ["map", "flat", "filter", "any", "all", "walk", "tree"]
CALLS = (
    "items", "entries", "len", "sum", "range", "distinct", "reverse", "str", "dyn", "fn", "sym",
    "typeof", "loc", "deref", "int", "addr", "variant", "unknown",
)  # fmt: skip


class Generator:
    """Makes expressions at random: most of them mean nothing."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def expression(self, depth: int) -> str:
        pick = self.random.choice
        if depth <= 0:
            return pick((*NUMBERS, "it", "x", "null", "'text'", WAKER, f"tls('{pick(TYPES)}')"))
        e = [self.expression(depth - self.random.randint(1, 3)) for _ in range(3)]
        op = pick(("+", "-", "*", "<<", ">>", "|", "&", "^", "==", "<", "&&", "||", "??"))
        name, call = pick(OVER), pick(CALLS)
        return pick(
            (
                f"({e[0]}) {op} ({e[1]})",
                f"{name}({e[0]}, x => {e[1]})",
                f"{call}({e[0]})",
                f"at({e[0]}, '{pick(TYPES)}')",
                f"cast({e[0]}, '{pick(TYPES)}')",
                f"first({', '.join(e)})",
                f"if({', '.join(e)})",
                f"links({e[0]}, x => {e[1]}, {e[2]}, y => {e[0]})",
                f"ring({', '.join(e)})",
                f"({e[0]}).{pick(('state', 'vtable', '0', 'nowhere'))}",
                f"({e[0]})@{pick(('Some', 'Suspended', 'None'))}",
                f"({e[0]})[{e[1]}]",
                f"{pick('*!-~')}({e[0]})",
                f"f({e[0]})",
            )
        )

    def value(self, depth: int) -> object:
        """Return what may stand where a rule expects something."""
        pick = self.random.choice
        if depth <= 0:
            return pick((None, True, -1, 1e308, "it", "#Nothing", "*" * 100, self.expression(2)))
        many = self.random.choice((0, 1, 3, 700 if depth == 2 else 2))
        if self.random.random() < 0.5:
            return [self.value(depth - 1) for _ in range(many)]
        return {pick(("type", "on", "each", "kind", "fn", "let")): self.value(depth - 1)}


def expressions(descriptor: Descriptor) -> Iterator[Expression]:
    for rule in descriptor.executors:
        yield from (e for e in (rule.each, rule.tasks, rule.count, rule.name) if e is not None)


@pytest.mark.parametrize("block", range(10))
def test_random_descriptors_end_within_their_budget(
    program: Program, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand descriptors, with a hundredth of the budget: they would take minutes in all."""
    small = Limits(2_000, 2_000, 64 << 10, 10.0, 20.0)
    monkeypatch.setattr(budget, "_NOTED", small)
    evaluated = over = 0
    for seed in range(block * 100, block * 100 + 100):
        made = Generator(seed)
        descriptor = described(
            types={"H": HEADER},
            defs={"f(a)": made.expression(4)},
            executors=[
                {"kind": "k", "type": "*", **{name: made.expression(5) for name in
                 ("each", "tasks", "count", "name")}} for _ in range(3)
            ],
        )  # fmt: skip
        evaluator = Evaluator(program, descriptor)
        for expression in expressions(descriptor):
            _, problem = evaluator.attempt(expression, {"it": 1, "x": 2, "y": 3})
            evaluated += 1
            over += isinstance(problem, BudgetError)
            assert evaluator.budget.steps <= small.steps + AT_ONCE
            assert evaluator.budget.loaded <= small.loaded + (1 << 22)
    assert evaluated > 500 and over > 0


@pytest.mark.parametrize("seed", range(100))
def test_rules_of_wrong_types_are_left_out(seed: int) -> None:
    made = Generator(seed)
    sections = ("executors", "tasks", "waits", "types", "defs", "probe", "wakers", "lenses", "for")
    try:
        descriptor = described(**{name: made.value(3) for name in sections})
    except DescriptorError:
        return
    rules = (descriptor.executors, descriptor.tasks, descriptor.waits, descriptor.wakers)
    assert sum(map(len, rules)) <= 512


WALK = f"walk(at({WAKER}, 'u8'), n => at(addr(n) + 1, 'u8'))"
TEXTS = {
    "endless walk": f"len({WALK})",
    "walk of numbers": "len(walk(1, n => n + 1))",
    "a gigabyte": f"len(map(range(300000), i => str(at({WAKER} + i, '&str'))))",
    "streams in streams": "len(flat(range(1000), x => range(100000)))",
    "products": "len(map(range(900000), x => len(map(range(900000), y => 1))))",
    "long rounds": "sum(map(range(900000), i => " + " + ".join(["i"] * 100) + "))",
    "exponential": "f40(1)",
    "shifts": "1 << 0xffffffffffffffff << (1 << 63) * 99999999999999999999999999999999999999",
    "names": "len(map(map(range(100000), i => str(i)), s => has(at(1, 'x${s}'))))",
    "statics": "len(map(map(range(100000), i => str(i)), s => static(s)))",
    "functions": f"len(map(range(900000), i => fnname({WAKER} + i)))",
    "symbols": f"len(map(range(900000), i => sym({WAKER} + i)))",
    "a wide tree": "len(tree(1, n => range(900000)))",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_worst_expressions_end_in_time(program: Program, name: str) -> None:
    """GIVEN the real budget of a binary's own descriptor, used up as often as it may be."""
    definitions = {"f0(x)": "x"} | {f"f{i}(x)": f"f{i - 1}(x) + f{i - 1}(x)" for i in range(1, 41)}
    descriptor = described(
        defs=definitions, executors=[{"kind": "k", "each": TEXTS[name]} for _ in range(50)]
    )
    assert not descriptor.problems
    evaluator = Evaluator(program, descriptor)
    limits = limits_of("note")
    began, steps = time.thread_time(), 0
    for expression in expressions(descriptor):
        for _ in range(4):
            _, problem = evaluator.attempt(expression, {})
            if "no more" not in str(problem):
                steps += evaluator.budget.steps
            assert evaluator.budget.loaded <= limits.loaded + (1 << 22)
    # What all take together is bounded, however many there are: 50 times three that are free, of
    # which each may count a million items at once and do nothing with them.
    assert steps <= limits.total + 151 * AT_ONCE
    assert time.thread_time() - began < SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"adp": 1, "id": "x", "tasks": ' + "[" * 70 + "]" * 70 + "}",
        '{"adp": 1, "id": "x", "tasks": ' + "1" * 10_000 + "}",
        '{"adp": 1, "id": "x", "extends": "x"}',
        '{"adp": 1, "id": "x", "probe": ["' + '", "'.join(["!no::Such"] * 100) + '"]}',
        '{"adp": 99, "id": "x"}',
        '{"adp": true, "id": "x"}',
        " " * (1 << 20) + "{}",
    ],
    ids=range(8),
)
def test_what_is_no_descriptor_is_refused(text: str) -> None:
    with pytest.raises(DescriptorError):
        load(text, {}, NOTE)


def test_texts_cannot_steer_a_terminal() -> None:
    descriptor = load('{"adp": 1, "id": "x\\u001b[2J", "title": "\\u202eevil"}', origin=NOTE)
    assert (descriptor.id, descriptor.title) == ("x[2J", "evil")


def hungry() -> Descriptor:
    """Return a descriptor that fits any tokio, and of which everything takes for ever."""
    forever = f"len({WALK})"
    return described(
        types={"H": HEADER},
        probe=["#H.state"],
        executors=[{"kind": "k", "each": forever}],
        waits=[{"on": "*", "kind": "hostile", "resource": WALK, "armed": forever}],
        resources=[{"type": "*", "kind": "hostile", "waiters": WALK}],
        holders=[{"on": "*", "resource": WALK, "mode": "exclusive", "amount": forever}],
        adapters=[{"on": "*::Nothing", "children": WALK}],
    )


def test_a_hungry_descriptor_spoils_no_more_than_its_own(
    zoo: Dump, known_files: None, tmp_path: Path
) -> None:
    # GIVEN the report without it
    plain = Session(open_core(zoo.core, executable=zoo.exe))
    before, began = plain.snapshot, time.thread_time()
    plain.close()
    # WHEN it is in force, for what catalogues describe as well
    target = open_core(zoo.core, executable=zoo.exe)
    session = Session(target, descriptors=[hungry()])
    after = session.snapshot
    took = time.thread_time() - began
    session.close()
    # THEN the same tasks are there, and what was switched off is said
    assert after.tasks.address == before.tasks.address
    assert any("over its budget" in loss.why for loss in after.losses)
    assert took < 60


def test_one_rule_does_not_spoil_the_others(program: Program) -> None:
    descriptor = described(
        executors=[
            {"kind": "a", "each": "no_such_builtin(1)", "name": "str(1)"},
            {"kind": "b", "each": "1 +"},
            {"kind": "c", "each": "range(2)"},
        ]
    )
    assert [rule.kind for rule in descriptor.executors] == ["a", "c"]
    assert len(descriptor.problems) == 1 and "executors[1].each" in descriptor.problems[0]
    evaluator = Evaluator(program, descriptor)
    each, name = descriptor.executors[0].each, descriptor.executors[0].name
    assert each is not None and name is not None
    with pytest.raises(AdpError, match="no built-in"):
        evaluator.evaluate(each, {})
    assert evaluator.evaluate(name, {}) == "1"
