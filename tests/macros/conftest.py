"""The example team's folder, and programs that it is used on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.team import EXAMPLE


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """Return a project folder with a copy of the example team's ``.adp``."""
    project = tmp_path / "project"
    project.mkdir(mode=0o755)
    shutil.copytree(EXAMPLE, project / ".adp")
    for path in (project / ".adp").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return project
