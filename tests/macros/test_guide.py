"""docs/macros.md says what is there, and its examples are read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.macro_files import library_of

from adp_tui.engine import macros
from adp_tui.engine.adp.descriptor import load
from adp_tui.engine.macros import Context, Value

PAGE = (Path(__file__).parents[2] / "docs" / "macros.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


@pytest.mark.parametrize("text", blocks("json"))
def test_its_descriptors_are_read(text: str) -> None:
    whole = text if text.startswith("{") else f"{{{text}}}"
    types = {"Order": "bank::Order", "Gate": "bank::sync::Gate"}
    data = {"adp": 1, "id": "bank", "types": types, **json.loads(whole)}
    found = load(json.dumps(data))
    assert found.problems == ()
    assert found.waits or found.views or found.macros


def test_its_macro_is_one(tmp_path: Path) -> None:
    (text,) = blocks("python")
    folder = tmp_path / "project" / ".adp" / "macros"
    folder.mkdir(parents=True)
    for path in (folder, folder.parent, folder.parent.parent):
        path.chmod(0o755)
    (folder / "locks.py").write_text(text)
    (folder / "locks.py").chmod(0o644)
    (entry,) = library_of(tmp_path / "project").entries()
    assert (entry.name, entry.state) == ("locks", "ready")
    assert entry.arguments == (("kind", "str", False),)


def test_it_names_all_of_the_api() -> None:
    inside = {"ask", "evaluate", "shown", "rows", "bytes_of"}
    """What values and tables ask: not for macros."""
    for name in vars(Context):
        if not name.startswith("_") and name not in inside:
            assert f"`ctx.{name}" in PAGE, name
    for name in vars(Value):
        if not name.startswith("_") and name != "inner":
            assert f"`v.{name}" in PAGE, name
    for name in macros.__all__:
        assert re.search(rf"\b{name}\b", PAGE), name
