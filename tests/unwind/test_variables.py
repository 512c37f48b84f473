"""Variables of native frames hold what the program's source says."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.cores import Cores
from support.native import Stack, by_gdb, opened, stacks

from adp_tui.engine.dwarf.types import Kind
from adp_tui.engine.program import Program
from adp_tui.engine.unwind.locals import NativeVariable, scopes, variables

RUST = ("-Cpanic=abort",)
VERSIONS = {"DWARF 4": RUST, "DWARF 5": (*RUST, "-Cdwarf-version=5")}


def named(found: Sequence[NativeVariable], name: str) -> NativeVariable:
    return next(variable for variable in found if variable.name == name)


def number(variable: NativeVariable) -> int:
    assert variable.value is not None, variable.problem
    return variable.value.unsigned()


def parked(program: Program) -> list[Stack]:
    """Return the threads that wait in ``deep``, the shallowest first."""
    return sorted(stacks(program)[1:], key=lambda s: len(s.native.frames))


@pytest.fixture(scope="module", params=VERSIONS)
def debug(cores: Cores, request: pytest.FixtureRequest) -> Program:
    return opened(cores.dump(cores.program("stacks.rs", *VERSIONS[request.param])))


@pytest.fixture(scope="module", params=VERSIONS)
def release(cores: Cores, request: pytest.FixtureRequest) -> Program:
    return opened(cores.dump(cores.program("stacks.rs", *VERSIONS[request.param], "-O")))


def test_each_frame_of_a_recursion_has_its_own(debug: Program) -> None:
    for depth, stack in zip((3, 6, 9), parked(debug), strict=True):
        frames = [raw for raw, part in stack.parts if part[-1].function == "stacks::deep"]
        assert len(frames) == depth + 1
        for level, raw in enumerate(frames):
            found = variables(debug, raw)
            # let triple = level * 3;
            assert number(named(found, "level")) == level
            assert number(named(found, "triple")) == 3 * level
            # &Point { x: level + 100, y: 77 } of the outermost call
            point = named(found, "point")
            assert point.type.name == "&stacks::Point"
            assert point.value is not None
            target = point.value.deref()
            assert target is not None
            members = {name: target.member(name) for name in ("x", "y")}
            assert {n: m and m.unsigned() for n, m in members.items()} == {
                "x": depth + 100,
                "y": 77,
            }


def test_blocks_that_hold_the_place_are_looked_into(debug: Program) -> None:
    stack = parked(debug)[0]
    innermost, outer, *_ = (r for r, p in stack.parts if p[-1].function == "stacks::deep")
    # GIVEN the frame that waits inside `if level == 0 { let shape = …; let shapes = …; }`
    found = variables(debug, innermost)
    # THEN the variables of that block are there
    shapes = named(found, "shapes")
    element = shapes.type.target
    assert element is not None
    assert (element.name, shapes.type.count) == ("stacks::Shape", 2)
    assert shapes.value is not None
    first, second = shapes.value.part(0, element), shapes.value.part(element.size, element)
    assert (first.variant().name, second.variant().name) == ("Empty", "Wide")
    width = second.payload(second.variant()).member("width")
    assert width is not None
    assert width.unsigned() == 4321
    # BUT not in the frame outside of it
    assert {v.name for v in variables(debug, outer)} == {"level", "point", "barrier", "triple"}


def test_variables_of_inlined_functions_come_first(debug: Program) -> None:
    for depth, stack in zip((3, 6, 9), parked(debug), strict=True):
        raw = stack.raw("stacks::middle")
        names = [scope.name.rsplit("::", 1)[-1] for scope in scopes(debug, raw)]
        assert names == ["middle", "{closure#0}"]
        found = variables(debug, raw)
        inlined = [v for v in found if v.scope == 0]
        assert found[: len(inlined)] == tuple(inlined)
        assert {v.name for v in inlined} == {"level", "barrier", "point"}
        assert number(named(inlined, "level")) == depth
        point = named(inlined, "point").value
        assert point is not None
        x = point.member("x")
        assert x is not None
        assert x.unsigned() == depth + 100
        own = [v for v in found if v.scope == 1]
        assert number(named(own, "number")) == depth // 3


def test_type_parameters_of_a_function(debug: Program) -> None:
    (stack, *_) = stacks(debug)
    raw = stack.raw("stacks::generic")
    (scope, *_) = scopes(debug, raw)
    assert scope.name.startswith("stacks::generic<")
    assert scope.function is not None
    apply = scope.function.param("F")
    assert apply is not None
    assert apply.name == "stacks::main::{closure#1}::{closure_env#0}"
    assert number(named(variables(debug, raw), "seed")) == 40


def test_release_values_are_right_or_said_to_be_gone(release: Program) -> None:
    known = 0
    for depth, stack in zip((3, 6, 9), parked(release), strict=True):
        frames = [raw for raw, part in stack.parts if part[-1].function == "stacks::deep"]
        for level, raw in enumerate(frames):
            for variable in variables(release, raw):
                if variable.value is None:
                    assert variable.problem
                elif variable.name == "triple":
                    assert number(variable) == 3 * level
                    known += 1
                elif variable.name == "level":
                    assert number(variable) == level
                    known += 1
        # the constants of the outermost call stand in memory
        point = named(variables(release, stack.raw("stacks::middle")), "point")
        assert point.value is not None
        y = point.value.member("y")
        assert y is not None
        assert y.unsigned() == 77
        assert depth
    assert known


@pytest.mark.parametrize("flags", [(), ("-O",), ("-O", "-Cdwarf-version=5")])
def test_numbers_are_those_of_gdb(cores: Cores, flags: tuple[str, ...]) -> None:
    # GIVEN a core, and what gdb reads of the numbers and pointers in each frame
    dump = cores.dump(cores.program("stacks.rs", *RUST, *flags))
    expected, program, same = by_gdb(dump), opened(dump), 0
    for stack in stacks(program):
        theirs = iter(expected[stack.tid])
        for raw, part in stack.parts:
            found = variables(program, raw)
            for scope in range(len(part)):
                numbers = next(theirs)["variables"]
                for name, ours in _innermost(found, scope).items():
                    # gdb takes registers that any call may change for unchanged, and reads
                    # values at a function's entry from its caller: only what both know counts
                    if name in numbers:
                        assert ours == numbers[name], (part[scope], name)
                        same += 1
    assert same > (100 if not flags else 25)


def _innermost(found: Sequence[NativeVariable], scope: int) -> dict[str, int]:
    """Return the numbers of a scope, the innermost of each name."""
    by_name: dict[str, NativeVariable] = {}
    for variable in found:
        if variable.scope == scope:
            by_name.setdefault(variable.name, variable)
    return {
        name: number(variable)
        for name, variable in by_name.items()
        if variable.value is not None
        and variable.type.kind in (Kind.BASE, Kind.POINTER)
        and 0 < variable.type.size <= 8
    }
