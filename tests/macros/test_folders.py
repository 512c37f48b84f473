"""Where a team's descriptors are found, and what becomes of those that cannot be used."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from adp_tui.engine.adp.folder import (
    MAX_FILES,
    Folder,
    Provision,
    find_folders,
    named_folder,
    provision,
    user_folder,
)
from adp_tui.engine.errors import OpenError


def write(folder: Path, name: str, **keys: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.adp.json"
    path.write_text(json.dumps({"adp": 1, "id": name, **keys}))
    return path


def read(*folders: Path) -> Provision:
    return provision(tuple(Folder(folder, "project") for folder in folders))


def test_from_the_working_directory_up_to_the_repository(tmp_path: Path) -> None:
    # GIVEN folders in a repository, above it, and of the user
    inner = tmp_path / "repository" / "crates" / "bank"
    for path in (tmp_path, tmp_path / "repository", inner, tmp_path / "config" / "adp-tui"):
        (path / ".adp").mkdir(parents=True)
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere\n")
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    # WHEN they are looked for inside of it
    found = find_folders(inner, environment)
    # THEN the nearest comes first, the user's last, and none from above the repository
    assert [(folder.path, folder.origin) for folder in found] == [
        (inner / ".adp", "project"),
        (tmp_path / "repository" / ".adp", "project"),
        (tmp_path / "config" / "adp-tui", "user"),
    ]
    # AND outside a repository parents are not looked at
    outside = tmp_path / "other" / "place"
    outside.mkdir(parents=True)
    assert [folder.origin for folder in find_folders(outside, environment)] == ["user"]


def test_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_folder({}) == tmp_path / ".config" / "adp-tui"
    # a relative path is ignored, as the specification says
    assert user_folder({"XDG_CONFIG_HOME": "config"}) == tmp_path / ".config" / "adp-tui"
    assert user_folder({"XDG_CONFIG_HOME": "/etc/xdg"}) == Path("/etc/xdg/adp-tui")


def test_a_folder_of_somebody_else_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".adp").mkdir()
    assert len(find_folders(tmp_path, {"XDG_CONFIG_HOME": "/none"})) == 1
    uid = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    expected = 1 if uid == 0 else 0  # what is root's may be used
    assert len(find_folders(tmp_path, {"XDG_CONFIG_HOME": "/none"})) == expected


def test_naming_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".adp").mkdir()
    assert named_folder(tmp_path).path == tmp_path / ".adp"
    assert named_folder(tmp_path / ".adp").path == tmp_path / ".adp"
    with pytest.raises(OpenError, match="no such folder"):
        named_folder(tmp_path / "nowhere")


def test_what_cannot_be_used_is_listed(tmp_path: Path) -> None:
    # GIVEN one good descriptor among all kinds of bad ones
    write(tmp_path, "good")
    write(tmp_path, "newer", adp=2)
    write(tmp_path, "orphan", extends="nothing")
    (tmp_path / "text.adp.json").write_text("no JSON")
    (tmp_path / "bytes.adp.json").write_bytes(b"\xff\xfe")
    (tmp_path / "large.adp.json").write_bytes(b" " * (1 << 20) + b"  ")
    (tmp_path / "folder.adp.json").mkdir()
    (tmp_path / "lost.adp.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.adp.json")
    (tmp_path / "README.md").write_text("not looked at")
    # WHEN the folder is read
    found = read(tmp_path)
    # THEN the good one is there, and each of the others with its reason
    assert [each.id for each in found.descriptors] == ["good"]
    assert found.descriptors[0].origin.place == str(tmp_path / "good.adp.json")
    reasons = {each.name: each.why for each in found.extensions}
    assert all(each.state == "broken" for each in found.extensions)
    assert "a newer adp-tui" in reasons["newer"]
    assert "nothing" in reasons["orphan"] and "no such descriptor" in reasons["orphan"]
    assert "no JSON" in reasons["text"]
    assert "UTF-8" in reasons["bytes"]
    assert "more than 1048576 bytes" in reasons["large"]
    assert reasons["folder"] and "cannot be read" in reasons["lost"]
    assert "no regular file" in reasons["pipe"]
    assert set(reasons) == {
        "newer", "orphan", "text", "bytes", "large", "folder", "lost", "pipe",
    }  # fmt: skip


def test_extending(tmp_path: Path) -> None:
    far, near = tmp_path / "far", tmp_path / "near"
    # GIVEN one that extends the catalogue's of the same name, and one that extends that one
    write(far, "tokio-1.29", id="tokio", extends="tokio-1.29", title="far")
    write(near, "mine", id="mine", extends="tokio-1.29")
    # THEN each has what it takes over, from the nearest that there is
    mine, tokio = read(near, far).descriptors
    assert (mine.id, tokio.id) == ("mine", "tokio")
    assert mine.title == tokio.title == "far"
    assert len(tokio.waits) == len(mine.waits) > 10
    # AND one that extends itself alone is refused
    write(near, "ring", extends="ring")
    assert [each.name for each in read(near).extensions] == ["ring"]


def test_a_crowd_of_files_is_cut(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 2):
        write(tmp_path, f"n{number:04}")
    found = read(tmp_path)
    assert len(found.descriptors) == MAX_FILES
    assert "more than 256" in found.extensions[0].why


def test_names_do_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred.adp.json").write_text("{")
    (only,) = read(tmp_path).extensions
    assert "\x1b" not in only.name + only.place + only.why
