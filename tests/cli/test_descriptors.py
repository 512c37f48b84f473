"""``adp-tui adp lint``, ``adp explain`` and ``doctor`` on real programs."""

from __future__ import annotations

import json
import shutil

import pytest
from support.alive import stayed

POOL = "static('toy_rt::pool::POOL')"
TOY = {"adp": 1, "id": "mine", "types": {"H": "toy_rt::task::Header"}, "probe": ["#H.id"]}


@pytest.fixture(scope="module")
def toy(dump):
    return dump("toy")


@pytest.fixture(scope="module")
def lint(toy, adp_tui_command, tmp_path_factory):
    """Return what lints a descriptor of these parts against the toy: status and complaints."""
    folder = tmp_path_factory.mktemp("lint")

    def run(**parts):
        file = folder / "mine.adp.json"
        file.write_text(json.dumps({**TOY, **parts}))
        ran = adp_tui_command("adp", "lint", toy.exe, "--descriptor", file, "--json")
        (found,) = json.loads(ran.out)["descriptors"]
        assert found["origin"] == {"kind": "project", "place": str(file)}
        return ran.status, [(c["severity"], c["path"], c["message"]) for c in found["complaints"]]

    return run


@pytest.mark.parametrize("profile", ["debug", "release"])
def test_a_runtime_that_describes_itself_has_nothing_to_mend(dump, adp_tui_command, profile):
    ran = adp_tui_command("adp", "lint", dump("toy", profile=profile).exe)
    assert (ran.status, ran.out) == (0, "toy >=0.3 (note)\n  every rule resolves\n")


def test_the_catalogue_resolves_in_what_it_was_written_for(dump, adp_tui_command):
    exe = dump("zoo", tokio="1.54.1", profile="debug").exe
    ran = adp_tui_command("adp", "lint", exe, "--json")
    found = json.loads(ran.out)["descriptors"]
    assert "tokio" in {each["id"] for each in found}
    errors = [c for each in found for c in each["complaints"] if c["severity"] == "error"]
    assert errors == [] and ran.status == 0


WRONG = {
    "a field that no type has": (
        {"tasks": [{"type": "#H", "id": "int(it.idd)"}]},
        ("error", "tasks[0].id", "idd"),
    ),
    "a variant that no type has": (
        {"waits": [{"on": "toy_rt::task::Join", "kind": "join", "waker": "it.header.joiner@Many"}]},
        ("error", "waits[0].waker", "Many"),
    ),
    "a path behind a definition": (
        {"defs": {"f(x)": "x.nowhere"}, "tasks": [{"type": "#H", "id": "f(it)"}]},
        ("error", "tasks[0].id", "nowhere"),
    ),
    "a path in a stream": (
        {"executors": [{"kind": "k", "each": f"map(items({POOL}.all), t => t.no)"}]},
        ("error", "executors[0].each", "no"),
    ),
    "an unknown built-in": (
        {"tasks": [{"type": "#H", "id": "magic(it)"}]},
        ("error", "tasks[0].id", "no built-in magic"),
    ),
    "a wrong number of arguments": (
        {"tasks": [{"type": "#H", "id": "int(it, 1)"}]},
        ("error", "tasks[0].id", "takes 1 arguments"),
    ),
    "a static that is nowhere": (
        {"executors": [{"kind": "k", "each": "static('toy_rt::pool::NONE')"}]},
        ("error", "executors[0].each", "no static toy_rt::pool::NONE"),
    ),
    "a variable that is none": (
        {"tasks": [{"type": "#H", "id": "that.id"}]},
        ("error", "tasks[0].id", "no variable that"),
    ),
    "what cannot be parsed": (
        {"tasks": [{"type": "#H", "id": "int("}]},
        ("error", "tasks[0].id", "a value was expected"),
    ),
    "a glob that matches nothing": (
        {"waits": [{"on": "toy_rt::slot::Gave<*", "kind": "k"}]},
        ("warning", "waits[0].on", "toy_rt::slot::Gave<*"),
    ),
    "a glob that matches no function": (
        {"roles": [{"fn": "toy_rt::pool::runs*", "role": "worker"}]},
        ("warning", "roles[0].fn", "no function of this program is toy_rt::pool::runs*"),
    ),
    "a glob that matches no instance of a function": (
        {"roles": [{"fn": "toy_rt::task::poll<toy_rt::*", "role": "worker"}]},
        ("warning", "roles[0].fn", "toy_rt::task::poll<toy_rt::*"),
    ),
    "a rule behind a wider one": (
        {"waits": [{"on": "toy_rt::*", "kind": "k"}, {"on": "toy_rt::slot::Give<*", "kind": "l"}]},
        ("warning", "waits[1]", "never used"),
    ),
    "a definition that nobody uses": (
        {"defs": {"f(x)": "x"}},
        ("warning", "defs.f", "no rule uses it"),
    ),
    "a probe that fails": ({"probe": ["#H.idd"]}, ("error", "probe", "does not apply")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(lint, name):
    parts, (severity, path, words) = WRONG[name]
    status, complaints = lint(**parts)
    assert [(s, p) for s, p, _ in complaints] == [(severity, path)]
    assert words in complaints[0][2]
    assert status == (severity == "error")


def test_one_of_the_alternatives_is_enough(lint):
    """They are written for different versions."""
    rule = {"type": "#H", "id": "int(it.old_id ?? it.id)", "name": "first(it.a, str(it.name))"}
    assert lint(tasks=[rule]) == (0, [])


@pytest.mark.parametrize(
    "glob", ["toy_rt::pool::run", "*::pool::run", "toy_rt::task::poll<toy::*", "toy_rt::*poll<*"]
)
def test_functions_are_found_by_a_glob(lint, glob):
    assert lint(roles=[{"fn": glob, "role": "worker"}]) == (0, [])


def test_a_field_that_hides_another(lint):
    """``Task`` has no field ``id``: its header has; a Mutex hides nothing."""
    pool = "toy_rt::pool::Pool"
    assert lint(executors=[{"kind": "k", "type": pool, "count": "len(it.queue)"}]) == (0, [])


def test_a_descriptor_in_a_binary_that_is_none(toy, adp_tui_command, tmp_path):
    # GIVEN a program whose note holds something else
    exe = tmp_path / "toy"
    data = toy.exe.read_bytes()
    assert data.count(b"ADP\0{") == 1
    exe.write_bytes(data.replace(b"ADP\0{", b"ADP\0["))
    # THEN it is said, and the others are there
    ran = adp_tui_command("adp", "lint", exe)
    assert ran.status == 1 and "no JSON" in ran.out
    report = adp_tui_command("report", "core", toy.core, "--exe", exe, "--json").report
    losses = {loss["what"]: loss["why"] for loss in report["losses"]}
    assert "no JSON" in losses["a descriptor in the program"]
    assert report["tasks"] == []


def test_explain_says_what_applied_and_what_it_found(toy, adp_tui_command):
    ran = adp_tui_command("adp", "explain", "core", toy.core, "--json")
    found = json.loads(ran.out)
    assert ran.status == 0
    applied = {each["id"]: each for each in found["applied"]}
    assert applied["toy"]["origin"] == {"kind": "note", "place": str(toy.exe)}
    rules = {rule["path"]: rule for rule in applied["toy"]["rules"]}
    # The source spawns eleven tasks, of which one has ended.
    tasks = rules["tasks[0].id"]
    assert (tasks["evaluations"], tasks["found"], tasks["failed"]) == (11, 11, 0)
    assert rules["tasks[0].future"]["found"] == 10 and rules["tasks[0].future"]["steps"] > 0
    (tokio,) = [each for each in found["refused"] if each["source"] == "tokio >=1.29"]
    assert "has no type tokio::runtime" in tokio["reason"]
    assert applied["toy"]["steps"]["used"] <= applied["toy"]["steps"]["total"]


def test_explain_as_text(toy, adp_tui_command):
    ran = adp_tui_command("adp", "explain", "core", toy.core)
    assert f"toy >=0.3 (note {toy.exe})\n" in ran.out
    assert "  tasks[0].id: 11 of 11 found" in ran.out
    assert "not applied: tokio >=1.29 (catalogue): the program has no type" in ran.out


def test_explain_of_a_saved_snapshot(toy, adp_tui_command, tmp_path):
    adp_tui_command("save", "core", toy.core, "-o", tmp_path / "toy.adps")
    found = json.loads(
        adp_tui_command("adp", "explain", "open", tmp_path / "toy.adps", "--json").out
    )
    assert "toy" in {each["id"] for each in found["applied"]}


def test_doctor_of_a_program(toy, adp_tui_command):
    ran = adp_tui_command("doctor", toy.exe, "--json")
    found = json.loads(ran.out)
    assert (ran.status, found["healthy"], found["losses"]) == (0, True, [])
    (runtime,) = found["runtimes"]
    assert (runtime["name"], runtime["origin"]) == ("toy", "note")
    assert found["modules"][0]["debug_information"] == "full"


def test_doctor_names_the_version(dump, adp_tui_command):
    ran = adp_tui_command("doctor", dump("zoo", tokio="1.54.1", profile="debug").exe)
    assert ran.status == 0
    assert "runtime  tokio 1.54.1, read as tokio >=1.29 (catalogue)\n" in ran.out


def test_doctor_says_what_mends_it(dump, adp_tui_command, tmp_path):
    # GIVEN a release with functions and lines only, where cargo puts it
    exe = tmp_path / "target/release/tiny"
    exe.parent.mkdir(parents=True)
    shutil.copy(dump("tiny", profile="release", debug="1").exe, exe)
    ran = adp_tui_command("doctor", exe)
    assert ran.status == 1
    assert "no types" in ran.out
    assert "`debug = 2` in [profile.release] of Cargo.toml" in ran.out


def test_doctor_of_a_stripped_program(toy, adp_tui_command, split, tmp_path):
    stripped, debug = split(toy.exe, tmp_path)
    ran = adp_tui_command("doctor", stripped)
    assert ran.status == 1 and "--debug-file toy.debug" in ran.out
    ran = adp_tui_command("doctor", stripped, "--debug-file", debug)
    assert ran.status == 0 and f"full in {debug}" in ran.out


def test_doctor_of_a_process(toy, adp_tui_command):
    with stayed(toy) as program:
        ran = adp_tui_command("doctor", program.pid, "--json")
    assert ran.status == 0
    assert json.loads(ran.out)["runtimes"][0]["name"] == "toy"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("adp",), 2),
        (("adp", "lint"), 2),
        (("adp", "explain"), 2),
        (("doctor",), 2),
        (("doctor", "/nowhere"), 3),
        (("doctor", "4194304"), 3),
        (("adp", "lint", "/nowhere"), 3),
        (("adp", "lint", "/etc/passwd"), 3),
    ],
)
def test_what_cannot_be_done(adp_tui_command, words, status):
    ran = adp_tui_command(*words)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith("adp-tui: ") and "Traceback" not in ran.err


def test_a_core_is_no_program(toy, adp_tui_command):
    ran = adp_tui_command("adp", "lint", toy.core)
    assert ran.status == 3 and "adp-tui adp explain core" in ran.err
