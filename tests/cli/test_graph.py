"""``adp-tui graph``: who waits for whom."""

from __future__ import annotations

import json
import re

import pytest


@pytest.fixture(scope="module")
def two(dump):
    return dump("hang", "two")


@pytest.fixture(scope="module")
def keys(two, adp_tui_command):
    """Return the keys of the two tasks that wait for each other, by their functions."""
    report = adp_tui_command("report", "core", two.core, "--json").report
    return {task["future"].rpartition("::")[2]: task["key"] for task in report["tasks"]}


def test_json(two, keys, adp_tui_command):
    ran = adp_tui_command("graph", "core", two.core, "--json")
    assert ran.status == 0
    graph = json.loads(ran.out)
    assert graph["schema"] == "adp-tui/graph/1"
    first, second = keys["two_first"], keys["two_second"]
    edges = {(e["from"], e["to"]): e for e in graph["edges"]}
    assert edges.keys() == {(first, second), (second, first)}
    edge = edges[first, second]
    assert (edge["kind"], edge["variable"], edge["conf"]) == ("mutex", "audit", "certain")
    assert edge["line"] == two.markers["two.second.holds"][1]
    assert edge["dead"] and edge["in_cycle"]
    assert {node["key"] for node in graph["nodes"]} == {first, second}


def test_text_and_graphviz(two, keys, adp_tui_command):
    first, second = keys["two_first"], keys["two_second"]
    text = adp_tui_command("graph", "core", two.core).out.splitlines()
    assert len(text) == 2 and all(line.startswith("* ") for line in text)
    assert re.fullmatch(
        rf"\* {first} \S+two_first → {second} \S+two_second  mutex r\d  `audit`", text[0]
    )
    dot = adp_tui_command("graph", "core", two.core, "--dot").out
    assert dot.startswith("digraph waits {") and dot.endswith("}\n")
    assert re.search(rf'"{first}" -> "{second}" \[label="mutex r\d", color=red', dot)


def test_nobody_waits_for_anybody(dump, adp_tui_command):
    ran = adp_tui_command("graph", "core", dump("tiny").core)
    assert ran.status == 0
    assert ran.out == "nobody waits for what somebody is known to have\n"


def test_what_is_open_in_a_ring_is_not_marked(dump, adp_tui_command):
    text = adp_tui_command("graph", "core", dump("hang", "free_timeout").core).out
    assert text and not any(line.startswith(("*", "!")) for line in text.splitlines())
    ran = adp_tui_command("graph", "--dot", "--json", "demo")
    assert ran.status == 2
