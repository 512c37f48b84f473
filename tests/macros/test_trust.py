"""Which files of macros are run: those that were looked at, as they were then, and no others."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from support.macro_files import library_of, write

from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros import files as files_module
from adp_tui.engine.macros.files import MAX_SIZE, macro_files
from adp_tui.engine.macros.library import Library
from adp_tui.engine.macros.trust import Trust
from adp_tui.tui.arguments import parse
from adp_tui.tui.cli import main
from adp_tui.tui.trusting import trust

MARK = """
@macro("mark")
def mark(ctx):
    return "ran"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one file of macros."""
    folder = tmp_path / "project"
    write(folder, "mark.py", MARK)
    return folder


def states(library: Library) -> dict[str, str]:
    """Return the state of each macro and file."""
    return {entry.name: entry.state for entry in library.entries()}


def why(library: Library) -> str:
    (entry,) = library.entries()
    assert entry.macro is None
    return entry.why


def test_nothing_runs_before_it_is_trusted(project: Path, tmp_path: Path) -> None:
    # GIVEN a file that leaves a trace when it is run
    trace = tmp_path / "trace"
    write(project, "mark.py", f"{MARK}\nopen({str(trace)!r}, 'w').close()\n")
    library = library_of(project, trusts=False)
    # WHEN it is listed THEN it is not run, and it is said what to type
    assert states(library) == {"mark.py": "untrusted"}
    assert f"adp-tui trust {project / '.adp'}" in why(library)
    assert [each.state for each in library.extensions()] == ["untrusted"]
    assert not trace.exists()
    # AND trusted it is run, but not by showing that it is there
    library = library_of(project)
    assert [each.state for each in library.extensions()] == ["used"] and not trace.exists()
    assert states(library) == {"mark": "ready"} and trace.exists()


def test_a_changed_file_asks_again(project: Path) -> None:
    library = library_of(project)
    assert states(library) == {"mark": "ready"}
    path = write(project, "mark.py", MARK + "# changed\n")
    assert states(library) == {"mark.py": "untrusted"} and "it was changed" in why(library)
    # AND as it was before it is trusted still
    write(project, "mark.py", MARK)
    assert states(library) == {"mark": "ready"}
    # AND one that is added is not
    write(project, "other.py", MARK.replace("mark", "other"))
    assert states(library) == {"mark": "ready", "other.py": "untrusted"}
    path.unlink()
    assert states(library) == {"other.py": "untrusted"}


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
@pytest.mark.parametrize("part", ["macros/mark.py", "macros", ".", ".."])
def test_what_others_can_write_is_refused(project: Path, part: str, mode: int) -> None:
    library = library_of(project)
    assert states(library) == {"mark": "ready"}
    changed = (project / ".adp" / part).resolve()
    changed.chmod(mode | (0o111 if changed.is_dir() else 0))
    assert states(library) and not any(e.macro for e in library.entries())
    assert f"others can write to {changed}" in why(library) and "chmod go-w" in why(library)
    assert [each.state for each in library.extensions()] == ["broken"]
    # a folder in which nobody can change what belongs to others, such as /tmp, is fine
    if part == "..":
        changed.chmod(0o1777)
        assert states(library) == {"mark": "ready"}


def test_what_belongs_to_others_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = library_of(project)
    real = os.fstat

    def foreign(handle: int) -> os.stat_result:
        found = list(real(handle))
        found[stat.ST_UID] = os.geteuid() + 4711
        return os.stat_result(found)

    monkeypatch.setattr(files_module.os, "fstat", foreign)
    assert not any(entry.macro for entry in library.entries())


def test_links_are_not_followed(project: Path, tmp_path: Path) -> None:
    # GIVEN a file outside with the very bytes that are trusted
    library = library_of(project)
    path = project / ".adp" / "macros" / "mark.py"
    outside = tmp_path / "outside.py"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)
    assert states(library) == {"mark.py": "broken"} and "it is a link" in why(library)
    # AND a folder that is one
    path.unlink()
    path.parent.rmdir()
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "other", "mark.py", MARK)
    path.parent.symlink_to(tmp_path / "other" / ".adp" / "macros")
    assert not any(entry.macro for entry in library.entries())
    # AND .adp itself may be one: trust is kept under what it leads to
    link = tmp_path / "link"
    link.mkdir(mode=0o755)
    (link / ".adp").symlink_to(tmp_path / "other" / ".adp")
    assert states(library_of(link)) == {"mark": "ready"}
    assert states(library_of(tmp_path / "other", trusts=False)) == {"mark": "ready"}


def test_odd_files(project: Path) -> None:
    folder = project / ".adp" / "macros"
    os.mkfifo(folder / "pipe.py", 0o600)
    (folder / "folder.py").mkdir()
    (folder / "large.py").write_bytes(b"#" * (MAX_SIZE + 1))
    (folder / "large.py").chmod(0o600)
    (folder / "notes.txt").write_text("x")
    write(project, "syntax.py", "def\n")
    write(project, "empty.py", "\n")
    write(project, "nul.py", "x = '\0'\n")
    write(project, "leaves.py", "import sys\nsys.exit(3)\n")
    write(project, "raises.py", "raise ValueError('\\x1b[31mred')\n")
    found = {entry.name: entry for entry in library_of(project).entries()}
    assert found["mark"].state == "ready"
    reasons = {name: entry.why for name, entry in found.items() if entry.macro is None}
    assert set(reasons) == {
        "pipe.py", "folder.py", "large.py", "syntax.py", "nul.py", "leaves.py", "raises.py",
    }  # fmt: skip
    assert "regular file" in reasons["pipe.py"] and "directory" in reasons["folder.py"]
    assert "more than" in reasons["large.py"]
    assert reasons["syntax.py"].startswith("SyntaxError") and "line 2" in reasons["syntax.py"]
    assert reasons["leaves.py"].startswith("SystemExit: 3")
    assert "leaves.py:3 in <module>: sys.exit(3)" in reasons["leaves.py"]
    assert "ValueError: [31mred" in reasons["raises.py"]


def test_what_is_run_is_what_was_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WHEN a file is changed right after it was read THEN what was read is run."""
    library = library_of(project)
    real = files_module._read

    def swapped(folder: int, name: str, path: Path) -> bytes:
        data = real(folder, name, path)
        write(project, "mark.py", MARK.replace('"ran"', '"swapped"'))
        return data

    monkeypatch.setattr(files_module, "_read", swapped)
    (entry,) = library.entries()
    assert entry.macro is not None and entry.macro(None) == "ran"
    # AND the next time the change is seen
    assert states(library) == {"mark.py": "untrusted"}


def test_the_list_is_private(project: Path, tmp_path: Path) -> None:
    library = library_of(project)
    known = library.trust
    assert known is not None
    assert stat.S_IMODE(known.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.path.parent.stat().st_mode) == 0o700
    # others that could write it, a link and nonsense trust nothing
    known.path.chmod(0o666)
    assert not any(e.macro for e in library.entries()) and "written by others" in why(library)
    known.path.chmod(0o600)
    assert states(library) == {"mark": "ready"}
    kept = known.path.read_bytes()
    for nonsense in (b"{", b"[]", b'{"version": 2, "folders": {}}', b"\xff", b"[" * 100_000):
        known.path.write_bytes(nonsense)
        assert "makes no sense" in why(library)
    known.path.unlink()
    (tmp_path / "copy.json").write_bytes(kept)
    known.path.symlink_to(tmp_path / "copy.json")
    assert "cannot be read" in why(library)


def test_forgetting(project: Path) -> None:
    library = library_of(project)
    known = library.trust
    assert known is not None
    assert known.forget(project / ".adp") and not known.forget(project / ".adp")
    assert states(library) == {"mark.py": "untrusted"}


def test_many_may_trust_at_once(tmp_path: Path) -> None:
    list_ = Trust(tmp_path / "config" / "trusted.json")
    threads = [
        threading.Thread(target=list_.approve, args=(tmp_path / f"p{n}", {"a.py": f"{n}"}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list_.folders()) == 8
    assert json.loads(list_.path.read_text())["version"] == 1


def test_a_list_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AdpError, match="cannot be written"):
        Trust(tmp_path / "file" / "trusted.json").approve(tmp_path, {})


# The command.


class Command:
    """``adp-tui`` in a project, with a home of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        status = main(list(map(str, words)))
        out, err = self._capsys.readouterr()
        return status, out, err


@pytest.fixture
def command(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project.parent / "config"))
    monkeypatch.chdir(project)
    return Command(capsys)


def test_trusting_on_the_command_line(project: Path, command: Command) -> None:
    (digest,) = (file.digest for file in macro_files(project / ".adp"))
    assert command("trust", "--list")[:2] == (0, "no folder is trusted\n")
    # WHEN nobody can be asked THEN files and hashes are shown, and nothing is trusted
    status, out, err = command("trust", project)
    assert status == 2 and f"{digest}  mark.py" in out and "--yes" in err
    assert "mark.py  untrusted" in command("macro", "--list")[1]
    # WHEN it is said beforehand THEN they are trusted
    status, out, _ = command("trust", project / ".adp", "--yes")
    assert status == 0 and "1 files are trusted" in out
    assert f"{digest}  mark.py  trusted" in command("trust", "--list")[1]
    assert command("macro", "--list")[1].startswith("mark  ")
    # AND what was changed since is said
    write(project, "mark.py", MARK + "# changed\n")
    write(project, "new.py", MARK)
    out = command("trust", "--list")[1]
    assert "mark.py  was changed: not trusted" in out and "new.py  not trusted" in out
    assert "mark.py  " in command("trust", ".")[1] and ", changed" in command("trust", ".")[1]
    # AND it is forgotten
    assert command("trust", "--forget", ".")[0] == 0
    assert command("trust", "--list")[1] == "no folder is trusted\n"
    assert command("trust", "--forget", ".")[0] == 1


def test_wrong_usage_of_trust(project: Path, command: Command, tmp_path: Path) -> None:
    assert command("trust")[0] == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    status, _, err = command("trust", empty, "--yes")
    assert status == 2 and "no file to trust" in err
    # a file that others can write is left out, and said so
    (project / ".adp" / "macros" / "mark.py").chmod(0o666)
    status, out, _ = command("trust", ".", "--yes")
    assert status == 2 and "left out: others can write" in out


def test_asking(project: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project.parent / "config"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    questions: list[str] = []

    def answer(text: str):
        def ask(question: str) -> str:
            questions.append(question)
            return text

        return ask

    options = parse(["trust", str(project)])
    assert trust(options, answer("")) == 1 and trust(options, answer("no")) == 1
    assert states(library_of(project, trusts=False)) == {"mark.py": "untrusted"}
    assert trust(options, answer("Y")) == 0
    assert states(library_of(project, trusts=False)) == {"mark": "ready"}
    assert questions == ["Trust 1 files? [y/N] "] * 3
    assert "They will run with your rights" in capsys.readouterr().out
