"""The lines of source around a frame: from files whose names a target chose."""

from __future__ import annotations

import os

import pytest
from fake_door import FakeDoor

from adp_tui.engine.views.records import FrameRow
from adp_tui.tui.screens.pages import WholePage
from adp_tui.tui.source import excerpt


def frame(file: str, line: int | None, dir: str | None = None) -> FrameRow:
    return FrameRow("r", 0, "f", file, file, dir, line, "")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "main.rs"
    path.write_text("".join(f"line {n}\x1b[2J\n" for n in range(1, 31)))
    return path


def test_the_lines_around_a_frame(source) -> None:
    # WHEN the excerpt of line 10 is asked for, by folder and name
    lines = excerpt(frame("main.rs", 10, str(source.parent)))
    # THEN it is marked, eight stand on each side, and nothing steers a terminal
    assert [line.number for line in lines] == list(range(2, 19))
    assert [line.text for line in lines if line.here] == ["line 10[2J"]


def test_what_is_no_source_is_not_read(source, tmp_path) -> None:
    pipe = tmp_path / "pipe.rs"
    os.mkfifo(pipe)
    secret = tmp_path / "passwd"
    secret.write_text("root\n" * 20)
    (tmp_path / "folder.rs").mkdir()
    for asked in (
        frame(str(pipe), 1),
        frame(str(secret), 1),
        frame(str(tmp_path / "folder.rs"), 1),
        frame(str(tmp_path / "gone.rs"), 1),
        frame("main.rs", 1),
        frame(str(source), 31),
        frame(str(source), 0),
        frame(str(source), None),
        frame("a\0b.rs", 1, "/"),
        FrameRow(None, 0, "f", "", None, None, 1, ""),
    ):
        assert excerpt(asked) == (), asked


async def test_v_on_a_frame_shows_its_source(start, source) -> None:
    # GIVEN a stack whose first frame is in a file of this machine
    class Sourced(FakeDoor):
        def frames(self, key):
            return (frame(str(source), 10),)

    async with start(Sourced()) as screen:
        await screen.press("enter")
        # WHEN v is typed
        await screen.pilot.press("v")
        await screen.until(lambda: isinstance(screen.app.screen, WholePage))
        await screen.pilot.pause()
        # THEN its line is marked
        assert "▶    10  line 10" in screen.text()
