"""Descriptors: what ships, what is refused and why, and hostile ones."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adp_tui.engine.adp import descriptor as descriptors
from adp_tui.engine.adp.builtins import Builtins
from adp_tui.engine.adp.catalogue import choose, load_catalogue
from adp_tui.engine.adp.descriptor import DescriptorError, load
from adp_tui.engine.adp.evaluate import Evaluator
from adp_tui.engine.adp.language import parse
from adp_tui.engine.adp.schema import Descriptor, ExecutorRule, Expression
from adp_tui.engine.adp.streams import Streams
from adp_tui.engine.errors import AdpError, LayoutError


def descriptor(**parts):
    return load(json.dumps({"adp": 1, "id": "test", **parts}))


def expressions(part):
    """Yield every expression of a descriptor."""
    if isinstance(part, Expression):
        yield part
    elif dataclasses.is_dataclass(part):
        for field in dataclasses.fields(part):
            yield from expressions(getattr(part, field.name))
    elif isinstance(part, dict):
        for value in part.values():
            yield from expressions(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from expressions(value)


@pytest.mark.parametrize("shipped", load_catalogue(), ids=lambda d: d.id)
class TestCatalogue:
    def test_every_rule_is_read(self, shipped):
        assert shipped.problems == ()
        assert shipped.for_ and (shipped.probe or not shipped.executors)

    def test_every_expression_names_what_exists(self, shipped, rust_program):
        """WHEN every expression is compiled THEN built-ins, definitions and types are there."""
        evaluator = Evaluator(rust_program[0], shipped)
        found = list(expressions(shipped))
        assert len(found) >= 2
        for expression in found:
            evaluator.compile(expression.node)

    def test_it_does_not_fit_a_program_without_the_crate(self, shipped, rust_program):
        if not shipped.probe:
            return  # It only describes types by name.
        chosen = choose(rust_program[0], [shipped])
        assert chosen.applied == ()
        ((refused, reason),) = chosen.refused
        assert refused is shipped and "the program has no type" in reason


BASE = {"adp": 1, "id": "a", "title": "all", "types": {"T": "a::T", "U": "a::U"}}


class TestExtends:
    def extend(self, *chain):
        """Return the first of these descriptors, of which each extends the next."""
        texts = {str(number): json.dumps(data) for number, data in enumerate(chain)}
        return load(texts["0"], texts)

    def test_objects_are_merged_and_lists_replaced(self):
        # GIVEN a descriptor with two of everything
        base = BASE | {
            "defs": {"one(x)": "1", "two(x)": "2"},
            "probe": ["#T.a"],
            "waits": [{"on": "#T", "kind": "lock"}],
            "polls": ["p", "q"],
        }
        # WHEN another extends it with one of each
        child = {"adp": 1, "id": "a", "extends": "1", "types": {"U": "b::U"}}
        child |= {"defs": {"two(y)": "y"}, "probe": ["#T.b"], "polls": ["r"]}
        found = self.extend(child, base)
        # THEN its entries win, its lists replace, and the rest stays
        assert found.types == {"T": "a::T", "U": "b::U"}
        assert {name: d.body.text for name, d in found.defs.items()} == {"one": "1", "two": "y"}
        assert (found.probe, found.polls) == (("#T.b",), ("r",))
        assert ([w.on for w in found.waits], found.title) == (["a::T"], "all")
        assert found.problems == ()

    def test_an_extended_one_may_extend(self):
        middle = {"adp": 1, "id": "a", "extends": "2", "polls": ["m"]}
        found = self.extend({"adp": 1, "id": "a", "extends": "1"}, middle, BASE)
        assert (found.types, found.polls) == (BASE["types"], ("m",))

    @pytest.mark.parametrize("name", ["absent", 3, ["1"], "", "../1"])
    def test_what_is_not_there(self, name):
        with pytest.raises(DescriptorError, match="no such descriptor") as caught:
            self.extend(BASE | {"extends": name}, BASE)
        assert caught.value.help

    def test_rings(self):
        for next_ in ("0", "1"):
            with pytest.raises(DescriptorError, match="extends itself"):
                self.extend(BASE | {"extends": "1"}, BASE | {"extends": next_})

    def test_too_many(self):
        chain = [BASE | {"extends": str(number + 1)} for number in range(16)]
        assert self.extend(*chain, BASE).title == "all"
        chain = [BASE | {"extends": str(number + 1)} for number in range(17)]
        with pytest.raises(DescriptorError, match="more than 16"):
            self.extend(*chain, BASE)

    def test_a_broken_one_is_named(self):
        with pytest.raises(DescriptorError, match="b: schema 7"):
            self.extend(BASE | {"extends": "1"}, {"adp": 7, "id": "b"})


def test_probes_choose(rust_program):
    """GIVEN probes that must and must not resolve THEN only what fits is applied, once."""
    program = rust_program[0]
    fits = descriptor(id="a", types={"W": "shapes::World"}, probe=["#W.pair.first", "!#W.nope"])
    again = descriptor(id="a", probe=["shapes::World.shared.len"])
    wrong = descriptor(id="b", probe=["shapes::World.nope"])
    refuted = descriptor(id="c", probe=["!shapes::World.plain"])
    chosen = choose(program, [fits, again, wrong, refuted])
    assert chosen.applied == (fits,)
    assert [d.id for d, _ in chosen.refused] == ["a", "b", "c"]
    reasons = [reason for _, reason in chosen.refused]
    assert reasons[0] == "a fits already"
    assert "nope" in reasons[1] and reasons[2] == "shapes::World.plain exists"


REFUSED = [
    ("{", "is no JSON", "json.tool"),
    ("[" * 100_000, "is no JSON", "json.tool"),
    ("[]", "is a JSON object with an id", '"adp": 1'),
    ('{"adp": 1}', "is a JSON object with an id", '"adp": 1'),
    ('{"adp": 1, "id": 5}', "is a JSON object with an id", '"adp": 1'),
    ('{"id": "x"}', "x: schema None is not understood", '"adp": 1'),
    ('{"id": "x", "adp": true}', "schema True is not understood", '"adp": 1'),
    ('{"id": "x", "adp": "1"}', "schema 1 is not understood", '"adp": 1'),
    ('{"id": "x", "adp": 0}', "schema 0 is not understood", '"adp": 1'),
    ('{"id": "x", "adp": 2}', "schema 2 is not understood", "a newer adp-tui"),
    (" " * (1 << 20) + "{}", "is too long", "split it"),
]


@pytest.mark.parametrize(("text", "message", "help"), REFUSED, ids=[m for _, m, _ in REFUSED])
def test_refused_descriptors(text, message, help):
    with pytest.raises(DescriptorError) as caught:
        load(text)
    assert message in str(caught.value) and help in caught.value.help


PROBLEMS = [
    ({"executors": [{"kind": "k", "tasks": "it."}]}, "executors[0].tasks: a field's name"),
    ({"executors": [{"tasks": "it"}]}, "executors[0]: it has no kind"),
    ({"executors": [{"kind": 3}]}, "executors[0].kind: '3' is no text"),
    ({"executors": [{"kind": "k", "tasks": 3}]}, "executors[0].tasks: '3' is no expression"),
    ({"executors": [{"kind": "k", "queues": []}]}, "executors[0].queues: an object of"),
    ({"executors": [{"kind": "k"}, {"kind": []}]}, "executors[1].kind: '[]' is no text"),
    ({"tasks": [{"type": "#Nope"}]}, "tasks[0].type: the descriptor names no type #Nope"),
    ({"tasks": [{"type": "t", "let": ["ab"]}]}, "tasks[0].let: a list of pairs of a name"),
    ({"tasks": [{"type": "t", "state": [["1", 2]]}]}, "tasks[0].state: '2' is no state"),
    ({"registered": [{"type": "t", "kind": "k", "wakers": [{}]}]},
     "registered[0].wakers[0]: it has no each"),
    ({"holders": [{"on": "t", "mode": "m"}]}, "holders[0]: it has no resource"),
    ({"holders": [{"on": "#G", "mode": "m", "resource": "it"}]},
     "holders[0].on: the descriptor names no type #G"),
    ({"holders": [{"on": "t", "mode": "m", "resource": "it", "amount": 1}]},
     "holders[0].amount: '1' is no expression"),
    ({"owners": [{"on": "t", "resource": "it"}]}, "owners[0]: it has no role"),
    ({"owners": [{"on": "t", "resource": "it", "role": 1}]}, "owners[0].role: '1' is no text"),
    ({"resources": [{"type": "t", "kind": "k", "taken": "1 -"}]}, "resources[0].taken: a value"),
    ({"defs": {"f": "1"}}, "defs f: this is no signature"),
    ({"defs": {"f(x)": "+"}}, "defs f(x): a value was expected"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "message"), PROBLEMS, ids=[m for _, m in PROBLEMS])
def test_a_broken_rule_is_left_out(parts, message):
    """WHEN one rule is broken THEN the others are read, and the problem says which and why."""
    found = descriptor(wakers=[{"fn": "kept", "task": "data"}], **parts)
    (problem,) = found.problems
    assert problem.startswith(message)
    assert [rule.fn for rule in found.wakers] == ["kept"]


def test_a_rule_is_read_whole():
    found = descriptor(
        types={"H": "a::Header"},
        **{"for": [{"crate": "a", "version": ">=1"}]},
        executors=[
            {
                "kind": "a.pool",
                "type": "#H",
                "each": "tls('a::CURRENT')",
                "queues": {"global": "len(it)"},
                "later_key": {"of": "a newer reader"},
            }
        ],
        tasks=[{"type": "#H", "let": [["st", "int(it.state)"]], "state": [["st & 1", "running"]]}],
    )
    (rule,) = found.executors
    assert found.problems == () and found.source == "test >=1"
    assert isinstance(rule, ExecutorRule) and rule.kind == "a.pool" and rule.type == "a::Header"
    assert (
        rule.each is not None
        and rule.each.text == "tls('a::CURRENT')"
        and list(rule.queues) == ["global"]
    )
    (task,) = found.tasks
    assert [(name, e.text) for name, e in task.let] == [("st", "int(it.state)")]
    assert [(e.text, state) for e, state in task.state] == [("st & 1", "running")]


def test_a_type_that_the_program_lacks_is_an_error_when_asked(rust_program):
    found = descriptor(types={"H": "a::Header"}, wakers=[{"task": "#H"}])
    evaluator = Evaluator(rust_program[0], found)
    (expression,) = expressions(found.wakers)
    with pytest.raises(LayoutError, match="the program has no type a::Header"):
        evaluator.evaluate(expression, {})


TEXT = st.sampled_from(
    [
        "it",
        "it.plain",
        "it.list",
        "#T",
        "walk(it,x=>x)",
        "map(range(9),x=>x)",
        "f(it)",
        "g()",
        "int(it)",
        "0",
        "1<<9",
        "-",
        "(",
        "deref(it)",
        "items(it)",
        "tls('shapes::NUMBER')",
        "static('shapes::WORLD')",
        "str(it)",
        "dyn(it)",
        "entries(it)",
        "variant(it)",
        "it@Some",
        "*it",
        "at(it,#T)",
        "cast(it,#T)",
        "sum(it)",
        "tree(it,x=>it)",
        "bits(it,it,it)",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 1 << 70) | st.text(max_size=8) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    [
        "type",
        "on",
        "kind",
        "fn",
        "each",
        "let",
        "tasks",
        "queues",
        "state",
        "wakers",
        "waker",
        "children",
        "future",
        "mode",
        "detail",
    ]
)
RULES = st.lists(st.dictionaries(KEYS, JSON | TEXT, max_size=6) | JSON, max_size=3) | JSON
SECTIONS = st.sampled_from(
    [
        "executors",
        "threads",
        "roles",
        "tasks",
        "kinds",
        "ignored",
        "roots",
        "blocking",
        "wakers",
        "waits",
        "resources",
        "registered",
        "holds",
        "holders",
        "owners",
        "fds",
        "adapters",
        "frames",
        "types",
        "lenses",
        "probe",
        "defs",
        "for",
        "tested",
        "title",
        "polls",
    ]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.dictionaries(SECTIONS, RULES, max_size=5))
def test_hostile_descriptors(parts, debug_program):
    """WHEN a descriptor is nonsense THEN it is refused, or its expressions are AdpErrors."""
    types = {"T": "shapes::Link"}
    defs = {"f(x)": "g() + x", "g()": "f(1)"}
    merged = {"types": types, "defs": defs, **parts, "adp": 1, "id": "hostile"}
    try:
        found = load(json.dumps(merged))
    except DescriptorError:
        return
    assert isinstance(found, Descriptor)
    choose(debug_program, [found])
    evaluator = Evaluator(debug_program, found)
    (world,) = debug_program.static("shapes::WORLD")
    for expression in expressions(found):
        try:
            evaluator.evaluate(expression, {"it": world})
        except AdpError:
            continue


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(TEXT | st.sampled_from(["+", "*", "??", ".", "@Some", "[", "]", ")", "'u8'"]),
               max_size=7))  # fmt: skip
def test_hostile_expressions(parts, debug_program):
    """WHEN any text is evaluated on a real value THEN nothing but an AdpError is raised."""
    found = descriptor(
        types={"T": "shapes::Link"}, defs={"f(x)": "x.next", "g()": "1"},
        wakers=[{"task": " ".join(parts)}],
    )  # fmt: skip
    (world,) = debug_program.static("shapes::WORLD")
    for expression in expressions(found.wakers):
        try:
            Evaluator(debug_program, found).evaluate(expression, {"it": world})
        except AdpError:
            continue


class TestPage:
    """docs/adp.md says what is implemented."""

    page = (Path(__file__).parents[2] / "docs" / "adp.md").read_text()

    def test_its_example_is_read(self):
        (example,) = re.findall(r"```json\n(.*?)```", self.page, re.S)
        found = load(example)
        assert found.problems == () and found.executors and found.tasks and found.wakers

    def test_it_names_every_rule_and_key(self):
        for section in dataclasses.fields(Descriptor):
            if section.name in ("origin", "problems", "text"):
                continue
            assert f"`{section.name.rstrip('_')}`" in self.page, section.name
            rule = re.search(r"(\w+Rule)\b", str(section.type))
            if rule is not None:
                for key in dataclasses.fields(getattr(descriptors, rule[1])):
                    assert f"`{key.name}`" in self.page, (section.name, key.name)

    def test_it_names_every_built_in(self, debug_program):
        evaluator = Evaluator(debug_program, descriptor())
        for name in re.findall(
            r'^            "(\w+)": ',
            inspect.getsource(Builtins) + inspect.getsource(Streams),
            re.M,
        ):
            assert re.search(rf"`{name}[`(]", self.page), name
            if name != "first":
                with pytest.raises(LayoutError):
                    evaluator.compile(parse(f"{name}(1, 2, 3, 4, 5)"))
