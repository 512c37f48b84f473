"""``adp-tui save`` and ``adp-tui open``."""

from __future__ import annotations

import stat

import pytest
from support.alive import stayed


@pytest.fixture(scope="module")
def core(dump):
    return dump("tiny").core


def test_a_saved_core_gives_its_report(core, adp_tui_command, tmp_path):
    file = tmp_path / "it.adps"
    # GIVEN a core that was saved
    ran = adp_tui_command("save", "core", core, "-o", file)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith(f"{file}: ") and ran.err.rstrip().endswith(" kB")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # WHEN it is reported on THEN all but the target is the core's
    expected = adp_tui_command("report", "core", core, "--json", "--addresses", "--locals").report
    found = adp_tui_command("report", "open", file, "--json", "--addresses", "--locals").report
    assert (expected["target"].pop("kind"), found["target"].pop("kind")) == ("core", "snapshot")
    assert found == expected and found["tasks"]
    text = adp_tui_command("report", "open", file).out
    assert "saved snapshot" in text


def test_without_values(core, adp_tui_command, tmp_path):
    file, less = tmp_path / "it.adps", tmp_path / "less.adps"
    adp_tui_command("save", "core", core, "-o", file)
    # WHEN a saved snapshot is saved again without its memory
    ran = adp_tui_command("save", "open", file, "-o", less, "--no-values")
    assert ran.status == 0 and "without memory: there are no variables in it" in ran.err
    # THEN the report is the same, and has no variables
    expected = adp_tui_command("report", "open", file, "--json").report
    found = adp_tui_command("report", "open", less, "--json", "--locals").report
    locals = [task.pop("locals") for task in found["tasks"]]
    assert found == expected
    assert not any(any(frame) for frame in locals)
    # AND memory that is not there is not saved
    ran = adp_tui_command("save", "open", less, "-o", tmp_path / "more.adps")
    assert ran.status == 3 and "--no-values" in ran.err
    assert not (tmp_path / "more.adps").exists()


def test_a_process_is_saved(dump, adp_tui_command, tmp_path):
    file = tmp_path / "it.adps"
    with stayed(dump("tiny")) as program:
        ran = adp_tui_command("save", "--pid", program.pid, "-o", file)
        assert ran.status == 0
        expected = adp_tui_command("report", "--pid", program.pid, "--json").report
    found = adp_tui_command("report", "open", file, "--json").report
    for name in ("executors", "threads", "stacks", "resources"):
        assert found[name] == expected[name]


def test_refusals(core, adp_tui_command, tmp_path):
    file = tmp_path / "it.adps"
    file.write_bytes(b"important")
    missing = tmp_path / "missing"
    for words, status, says, advises in (
        (("save", "core", core), 2, "no file to write is named", "adp-tui save core CORE -o FILE"),
        (("save", "-o", file), 2, "nothing to save is named", "adp-tui save core CORE -o FILE"),
        (("save", "core", core, "-o", file), 3, "is there already", "--force"),
        (("save", "core", core, "-o", missing / "it"), 3, "cannot be written", "-o FILE"),
        (("report", "open", missing), 3, "cannot be read", ""),
        (("report", "open", file), 3, "is no saved snapshot", "adp-tui core"),
        (("report", "open", core), 3, "is no saved snapshot", "adp-tui core"),
        (("report", "--pid", 1, "open", file), 2, "two targets are named", "open FILE"),
    ):
        ran = adp_tui_command(*words)
        assert (ran.status, ran.out) == (status, "")
        assert says in ran.err and advises in ran.err
    assert file.read_bytes() == b"important"
    assert adp_tui_command("save", "core", core, "-o", file, "--force").status == 0
    ran = adp_tui_command("report", "core", file)
    assert ran.status == 3 and f"adp-tui open {file}" in ran.err
