"""Moving, filtering, sorting and expanding lists."""

from __future__ import annotations

import threading

from fake_door import FakeDoor

from adp_tui.engine.views.records import Rows


async def test_all_panes_have_rows_and_the_detail_follows(start) -> None:
    # GIVEN a program with 23 tasks
    async with start() as screen:
        # WHEN it has been opened
        text = screen.text()
        # THEN head, panes and counts are on the screen
        assert "bank · pid 4000 · SIGABRT in thread 4001" in text
        assert "tokio 1.54.1" in text
        for title in ("1 Executors 1", "2 Threads 5", "[3 Tasks 23]", "4 Waits 13"):
            assert title in text
        # AND the first task is chosen, its facts, stack and variables stand beside it
        assert screen.chosen() == "t1"
        assert screen.main.facts.title == "Task t1"
        assert "bank::transfer_t1" in text
        assert 'note: &str = "of t1.1' in text


async def test_moving(start) -> None:
    # GIVEN 100,000 tasks
    async with start(FakeDoor(100_000)) as screen:
        page = screen.main.current.page
        half = page // 2
        for keys, expected in (
            (["j"], 2),
            (["down"], 3),
            (["k"], 2),
            (["up"], 1),
            (["ctrl+d"], 1 + half),
            (["ctrl+u"], 1),
            (["pagedown"], 1 + page),
            (["pageup"], 1),
            (["G"], 100_000),
            (["g"], 1),
            (["end"], 100_000),
            (["home"], 1),
        ):
            # WHEN a key moves
            await screen.press(*keys)
            # THEN the cursor stands there, its row has come, and the detail is its
            assert screen.chosen() == f"t{expected}", keys
            assert screen.main.facts.title == f"Task t{expected}"


async def test_only_windows_of_rows_are_read(start) -> None:
    # GIVEN 100,000 tasks
    door = FakeDoor(100_000)
    async with start(door) as screen:
        # WHEN one goes to the end and through the middle
        await screen.press("G", "pageup", "g")
        # THEN each question was for a few screens of rows
        counts = {ask[3] for ask in door.asked if ask[0] == "rows"}
        assert counts < set(range(200))
        # AND few rows are held
        assert len(screen.main.tables["tasks"]._rows) < 1000


async def test_the_door_is_asked_by_one_thread(start) -> None:
    # GIVEN a door that notes who asks
    threads = set()

    class Noting(FakeDoor):
        def _ask(self, *question: object) -> None:
            threads.add(threading.get_ident())
            super()._ask(*question)

    async with start(Noting()) as screen:
        # WHEN this and that is read
        await screen.press("j", "2", "1", "4", "s", "enter")
    # THEN one thread asked it, not the screen's
    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_rows_of_another_query_are_dropped(start) -> None:
    # GIVEN tasks under a filter
    async with start() as screen:
        tasks = screen.main.tables["tasks"]
        old = screen.main.thread
        before = FakeDoor().rows(tasks.query_shown, 0, 5)
        await screen.press("slash")
        await screen.type("running")
        await screen.press("enter")
        total = tasks.total
        # WHEN an answer to the older question comes late
        tasks.show(before)
        # THEN it changes nothing
        assert (tasks.total, tasks.query_shown.filter) == (total, "running")
        assert old is screen.main.thread


async def test_filter(start) -> None:
    # GIVEN tasks, every fifth of which runs (t2, t7, t12, t17, t22)
    async with start() as screen:
        tasks = screen.main.tables["tasks"]
        # WHEN a filter is typed
        await screen.press("slash")
        await screen.type("state:running")
        # THEN the list narrows with each letter, and the title says so
        assert (tasks.total, tasks.all) == (5, 23)
        assert "/state:running" in screen.text() and "5 of 23 match" in screen.text()
        # WHEN arrows are typed
        await screen.press("down")
        # THEN they move in the list
        assert screen.chosen() == "t7"
        # WHEN the filter is kept
        await screen.press("enter")
        assert not screen.main.filtering
        assert screen.main.focused is tasks
        # THEN n and N go on, over the end to the beginning
        await screen.press("n")
        assert screen.chosen() == "t12"
        await screen.press("N", "N", "N")
        assert screen.chosen() == "t22"
        await screen.press("n")
        assert screen.chosen() == "t2"
        # WHEN esc is typed
        await screen.press("n", "escape")
        # THEN all rows are back as before
        assert (tasks.total, tasks.query_shown.filter) == (23, "")
        # AND n still goes from match to match, among all rows
        await screen.press("g", "n")
        assert screen.chosen() == "t2"
        await screen.press("n")
        assert (screen.chosen(), tasks.total) == ("t7", 23)
        await screen.press("N", "N")
        assert screen.chosen() == "t22"


async def test_a_filter_that_is_given_up_shows_all(start) -> None:
    async with start() as screen:
        # GIVEN a filter that nothing matches
        await screen.press("slash")
        await screen.type("nonsense")
        assert screen.main.current.total == 0
        assert "none of 23 matches /nonsense" in screen.text()
        # WHEN esc is typed
        await screen.press("escape")
        # THEN all rows are shown
        assert screen.main.current.total == 23
        assert not screen.main.query_one("#filter-bar").display


async def test_n_without_a_filter_says_so(start) -> None:
    async with start() as screen:
        await screen.press("n")
        assert any("Nothing was searched" in n.message for n in screen.app._notifications)


async def test_sort_and_invert(start) -> None:
    async with start() as screen:
        tasks = screen.main.tables["tasks"]
        await screen.press("j")
        # WHEN s is typed twice
        await screen.press("s", "s")
        # THEN tasks are sorted by the second column, and the title of it says so
        assert tasks.query_shown.sort == "state"
        assert "State▲" in screen.text()
        # AND the cursor stays on its task
        assert screen.chosen() == "t2"
        # WHEN the order is inverted
        await screen.press("I")
        assert tasks.query_shown.descending
        assert "State▼" in screen.text()
        assert screen.chosen() == "t2"
        # WHEN s has gone through all columns
        for _ in range(len(tasks.columns) - 1):
            await screen.press("s")
        # THEN there is no order
        assert tasks.query_shown.sort is None


async def test_tree(start) -> None:
    async with start() as screen:
        tasks = screen.main.tables["tasks"]
        # WHEN t is typed
        await screen.press("t")
        # THEN tasks stand below their parents
        assert tasks.query_shown.group == "tree"
        assert "▾ bank::account" in screen.text()
        # WHEN the first is collapsed
        await screen.press("space")
        # THEN its child is gone
        assert tasks.total == 22
        assert "▸ bank::account" in screen.text()
        # WHEN it is expanded and the tree flattened
        await screen.press("space", "t")
        assert (tasks.total, tasks.query_shown.group) == (23, "flat")


async def test_foreign_text_is_drawn_as_it_is(start) -> None:
    # GIVEN a door whose text looks like markup and steers terminals
    class Hostile(FakeDoor):
        def rows(self, query, start=0, count=None) -> Rows:
            from dataclasses import replace

            found = super().rows(query, start, count)
            if query.view != "tasks":
                return found
            rows = tuple(
                replace(
                    r,
                    cells=(*r.cells[:2], type(r.cells[2])("[red]x[/]\x1b[2J\x9b1m"), *r.cells[3:]),
                )
                for r in found.rows
            )
            return replace(found, rows=rows)

    async with start(Hostile()) as screen:
        # THEN brackets stay, and no control character reaches the terminal
        text = screen.text()
        assert "[red]x[/]�[2J�1m" in text
        assert "\x1b" not in text and "\x9b" not in text
