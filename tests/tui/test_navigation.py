"""Panes, the detail side, following, and other screens."""

from __future__ import annotations

import pytest
from fake_door import FakeDoor
from textual.binding import Binding

from adp_tui.tui.actions import ACTIONS, FOOTER, LIST_FOOTER, bindings
from adp_tui.tui.screens.pages import HelpPage, LossesPage, WholePage
from adp_tui.widgets.bars import KeyBar


def shown(screen) -> set[str]:
    panes = (*screen.main.tables, "facts", "stack", "variables")
    return {name for name in panes if screen.main.query_one(f"#{name}").region.height}


ALL = {"executors", "threads", "tasks", "waits", "facts", "stack", "variables"}


async def test_number_keys_go_to_lists(start) -> None:
    async with start() as screen:
        assert shown(screen) == ALL
        for key, view, subject in (
            ("1", "executors", "x1"),
            ("2", "threads", "tid:4001"),
            ("4", "waits", "t1/0"),
            ("3", "tasks", "t1"),
        ):
            # WHEN a number is typed
            await screen.press(key)
            # THEN that list has the focus, and the detail is of its chosen row
            assert screen.main.focused is screen.main.tables[view]
            assert screen.main.view == view
            assert screen.main.reader.subject == subject


async def test_a_key_typed_at_once_goes_to_the_new_pane(start) -> None:
    async with start() as screen:
        # WHEN a pane is chosen and moved in without a pause
        await screen.pilot.press("2", "j")
        await screen.settled()
        # THEN the move is that pane's
        assert (screen.chosen("threads"), screen.chosen("tasks")) == ("tid:4002", "t1")


async def test_tab_goes_round(start) -> None:
    async with start() as screen:
        seen = []
        for _ in range(7):
            await screen.press("tab")
            seen.append(screen.main.pane)
        assert seen == ["waits", "facts", "stack", "variables", "executors", "threads", "tasks"]
        await screen.press("shift+tab")
        assert screen.main.pane == "threads"


async def test_open_a_task_and_go_back(start) -> None:
    async with start() as screen:
        # WHEN a task is opened
        await screen.press("j", "enter")
        # THEN its stack has the focus, the cursor on the innermost frame with variables
        assert screen.main.pane == "stack"
        assert screen.main.stack.chosen.ref == "t2.1"
        # WHEN another frame is chosen
        await screen.press("g")
        await screen.until(lambda: "transfer_t2" in screen.main.variables.title)
        # THEN its variables are shown
        assert 'note: &str = "of t2.0' in screen.text()
        # WHEN the frame is opened and a variable expanded
        await screen.press("enter", "space")
        await screen.until(lambda: screen.main.variables.item_count == 5)
        # THEN its fields stand below it
        names = [node.row.name for node in screen.main.variables.items]
        assert names == ["account", "id", "owner", "note", "lost"]
        # WHEN it is collapsed
        await screen.press("space")
        assert screen.main.variables.item_count == 3
        # WHEN esc is typed
        await screen.press("escape")
        # THEN the list has the focus again
        assert screen.main.focused is screen.main.tables["tasks"]


async def test_fields_that_cannot_be_read_say_why(start) -> None:
    async with start() as screen:
        await screen.press("enter", "enter", "G", "enter")
        await screen.until(lambda: screen.main.variables.items[2].reason)
        assert "not in the snapshot" in screen.main.variables.items[2].reason


async def test_follow_a_link_and_go_back(start) -> None:
    async with start() as screen:
        # GIVEN the thread list, and the facts of the second thread
        await screen.press("2", "j", "enter", "shift+tab")
        assert screen.main.pane == "facts"
        # WHEN the link to the task it polls is followed
        await screen.press("G", "enter")
        # THEN that task is chosen
        assert (screen.main.view, screen.chosen()) == ("tasks", "t2")
        # WHEN one goes back
        await screen.press("backspace")
        # THEN the thread is
        assert (screen.main.view, screen.chosen()) == ("threads", "tid:4002")


async def test_following_takes_a_filter_away_that_hides_the_row(start) -> None:
    async with start() as screen:
        # GIVEN only running tasks in the list (t2 is one, t1 is not)
        await screen.press("slash")
        await screen.type("state:running")
        await screen.press("enter")
        # WHEN the parent of t2 is followed
        await screen.press("enter", "shift+tab", "G", "enter")
        # THEN t1 is shown
        await screen.until(lambda: screen.chosen() == "t1")
        assert screen.main.current.query_shown.filter == ""
        # AND esc brings the filter back
        await screen.press("escape")
        assert screen.main.current.query_shown.filter == "state:running"
        assert screen.chosen() == "t2"


async def test_enter_on_a_wait_goes_to_its_task(start) -> None:
    async with start() as screen:
        await screen.press("4", "j", "enter")
        assert (screen.main.view, screen.chosen()) == ("tasks", "t4")


async def test_enter_on_an_executor_shows_its_tasks(start) -> None:
    async with start() as screen:
        await screen.press("1", "enter")
        assert screen.main.view == "tasks"
        assert screen.main.current.query_shown.filter == "where:x1"
        await screen.press("escape")
        assert screen.main.view == "executors"


async def test_zoom(start) -> None:
    async with start() as screen:
        # WHEN the tasks are zoomed
        await screen.press("z")
        # THEN they have the whole screen, with more columns
        assert shown(screen) == {"tasks"}
        assert "Awaiting at" in screen.text()
        # AND esc ends it
        await screen.press("escape")
        assert shown(screen) == ALL


async def test_80_by_24_shows_a_list_with_its_stack_then_the_detail(start) -> None:
    async with start(size=(80, 24)) as screen:
        assert shown(screen) == {"tasks", "stack"}
        await screen.press("2")
        assert shown(screen) == {"threads", "stack"}
        # WHEN a row is opened
        await screen.press("enter")
        # THEN the detail takes the screen
        assert shown(screen) == {"facts", "stack", "variables"}
        await screen.press("tab")
        assert screen.main.pane == "variables"
        # AND esc brings the list back
        await screen.press("escape")
        assert shown(screen) == {"threads", "stack"}


@pytest.mark.parametrize(
    ("size", "panes"),
    [
        ((80, 50), {"tasks", "facts", "stack", "variables"}),
        ((140, 24), {"tasks", "facts", "stack", "variables"}),
        ((40, 12), {"tasks", "stack"}),
    ],
)
async def test_other_sizes(start, size, panes) -> None:
    async with start(size=size) as screen:
        assert shown(screen) == panes
        # AND the chosen pane is named, the others by number at least
        line = next(line for line in screen.lines() if "[3 Tasks 23]" in line)
        assert all(number in line for number in "124")


async def test_resizing_keeps_what_is_chosen(start) -> None:
    async with start() as screen:
        await screen.press("G")
        await screen.pilot.resize_terminal(80, 24)
        await screen.settled()
        assert screen.chosen() == "t23"
        assert "▌•t23" in screen.text()


async def test_losses(start) -> None:
    async with start() as screen:
        assert "! 2 not read L" in screen.text()
        await screen.press("L")
        assert isinstance(screen.app.screen, LossesPage)
        text = screen.text()
        assert "thread stack  3 times" in text
        assert "libc.so.6 is not at /lib; pass --sysroot" in text
        assert "0x7f00 0x7f08" in text
        await screen.press("escape")
        assert screen.app.screen is screen.main


async def test_help_lists_each_key_of_the_screen(start) -> None:
    async with start(size=(120, 70)) as screen:
        await screen.press("question_mark")
        assert isinstance(screen.app.screen, HelpPage)
        text = " ".join(screen.text().split())
        for action in ACTIONS:
            if "main" in action.places:
                assert action.help in text, action.id
        await screen.press("q")
        assert screen.app.screen is screen.main


async def test_keys_can_be_bound_again_by_id(start) -> None:
    async with start() as screen:
        # WHEN the keymap binds sorting to x
        screen.app.set_keymap({"sort": "x"})
        await screen.press("x")
        # THEN x sorts
        assert screen.main.current.query_shown.sort == "task"


async def test_the_line_of_keys_has_at_most_eight(start) -> None:
    async with start() as screen:
        keys = screen.main.query_one(KeyBar).keys
        assert 0 < len(keys) <= 8
        assert keys[-1] == ("q", "quit")
        # AND it names what makes sense in the pane
        await screen.press("enter")
        words = [word for _, word in screen.main.query_one(KeyBar).keys]
        assert "filter" not in words and "open" in words


def test_every_action_has_id_keys_and_a_sentence() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for action in ACTIONS:
        assert action.keys and action.help[0].isupper() and action.help.endswith(".")
    assert set(FOOTER) | set(LIST_FOOTER) <= set(ids)
    # No key does two things on one screen.
    for place in ("main", "page"):
        bound = [b for b in bindings(place) if isinstance(b, Binding)]
        keys = [key for b in bound for key in b.key.split(",")]
        assert len(keys) == len(set(keys))


async def test_the_palette_has_every_action(start) -> None:
    from textual.command import CommandPalette
    from textual.widgets import OptionList

    async with start() as screen:
        await screen.pilot.press("ctrl+p")
        palette = screen.app.screen
        assert isinstance(palette, CommandPalette)
        options = palette.query_one(OptionList)
        expected = [a for a in ACTIONS if "main" in a.places and a.id != "palette"]
        await screen.until(lambda: options.option_count >= len(expected) + 1)
        # WHEN one is searched and run
        await screen.pilot.press(*"invert")
        await screen.until(lambda: options.option_count == 1)
        await screen.pilot.press("enter")
        await screen.until(lambda: screen.main.current.query_shown.descending)


async def test_copy_and_the_whole_line(start) -> None:
    async with start() as screen:
        # WHEN a row is copied
        await screen.press("y")
        # THEN all of its columns are on the clipboard
        assert screen.app.clipboard.startswith("t1  idle  bank::account::transfer_1<[u8; 4]>")
        # WHEN it is looked at whole
        await screen.press("v")
        assert isinstance(screen.app.screen, WholePage)
        assert "bank::account::transfer_1<[u8; 4]>" in screen.text()
        await screen.press("escape", "enter", "enter", "j", "y")
        assert "note" in screen.app.clipboard and "[bold]no markup[/]" in screen.app.clipboard


async def test_mouse(start) -> None:
    async with start() as screen:
        # WHEN the third task is clicked
        await screen.pilot.click("#tasks", offset=(5, 4))
        await screen.settled()
        assert screen.chosen() == "t3"
        # WHEN it is clicked twice
        await screen.pilot.click("#tasks", offset=(5, 4), times=2)
        await screen.settled()
        # THEN its stack has the focus
        assert screen.main.pane == "stack"
        # WHEN a name in the line of panes is clicked
        await screen.pilot.click("#navigation", offset=(5, 0))
        await screen.settled()
        assert screen.main.view == "executors"


async def test_no_tasks_starts_with_the_threads(start) -> None:
    async with start(FakeDoor(0)) as screen:
        assert screen.main.view == "threads"
        assert screen.main.facts.title == "Thread 4001"


async def test_findings_have_a_pane_where_there_are_any(start) -> None:
    # GIVEN a process that nothing is wrong with
    door = FakeDoor()
    door.moves = True
    async with start(door) as screen:
        assert shown(screen) == ALL
        # WHEN a later snapshot has a finding
        door.findings = 1
        await screen.press("r")
        # THEN it is seen, and its detail is reached by its number
        assert shown(screen) == ALL | {"findings"}
        assert screen.main.query_one("#findings").region.y < screen.main.tables["tasks"].region.y
        await screen.press("5")
        assert (screen.main.view, screen.chosen("findings")) == ("findings", "f1")
        # WHEN it is gone THEN its pane is, once another one is chosen
        door.findings = 0
        await screen.press("3", "r")
        assert shown(screen) == ALL


async def test_the_graph_takes_the_place_of_the_lists(start) -> None:
    door = FakeDoor()
    async with start(door) as screen:
        # GIVEN a graph, which nobody has asked for
        assert not [asked for asked in door.asked if "graph" in str(asked)]
        # WHEN one goes to it
        await screen.press("6")
        # THEN it stands alone beside the detail of the chosen task
        assert shown(screen) == {"graph", "facts", "stack", "variables"}
        assert (screen.chosen("graph"), screen.main.facts.title) == ("t1/g1", "Task t1")
        # AND enter goes to that task, esc back to the graph
        await screen.press("j", "enter")
        assert (screen.main.view, screen.chosen("tasks")) == ("tasks", "t2")
        await screen.press("escape")
        assert (screen.main.view, screen.chosen("graph")) == ("graph", "t2/g2")


async def test_one_key_goes_along_the_waits(start) -> None:
    async with start() as screen:
        await screen.press("w", "w")
        assert screen.chosen("tasks") == "t3"
        await screen.press("W")
        assert screen.chosen("tasks") == "t2"
        await screen.press("escape", "escape", "escape")
        assert screen.chosen("tasks") == "t1"
