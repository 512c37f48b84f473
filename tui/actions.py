"""Every action a person can take, with its keys and a sentence of help.

The bindings, the line of keys, the help screen and the palette are all made from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

__all__ = [
    "ACTIONS",
    "FOOTER",
    "LIST_FOOTER",
    "Action",
    "Place",
    "action_of",
    "bindings",
    "key_names",
]

Place = str
"""Where an action can be taken: ``main``, ``list`` (of processes), ``page`` (a screen of text)."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do.

    ``id`` names it in a keymap; ``call`` is what Textual runs; ``word`` stands in the line of
    keys, ``help`` in the help screen and the palette.
    """

    id: str
    keys: str
    call: str
    word: str
    help: str
    group: str
    places: tuple[Place, ...] = ("main",)


_ALL = ("main", "list", "page", "result", "macros", "trust")
_ROWS = ("main", "list")

ACTIONS: tuple[Action, ...] = (
    Action("pane.executors", "1", "pane('executors')", "", "Go to the executors.", "Panes"),
    Action("pane.threads", "2", "pane('threads')", "", "Go to the threads.", "Panes"),
    Action("pane.tasks", "3", "pane('tasks')", "", "Go to the tasks.", "Panes"),
    Action("pane.waits", "4", "pane('waits')", "", "Go to what tasks wait for.", "Panes"),
    Action("pane.findings", "5", "pane('findings')", "", "Go to what was found wrong.", "Panes"),
    Action("pane.graph", "6", "pane('graph')", "", "Go to who waits for whom, drawn.", "Panes"),
    Action(
        "pane.processes", "1", "pane('processes')", "", "Go to the processes.", "Panes", ("list",)
    ),
    Action("pane.cores", "2", "pane('cores')", "", "Go to the cores.", "Panes", ("list",)),
    Action(
        "pane.next", "tab", "cycle(1)", "next pane", "Go to the next pane.", "Panes", _ROWS
    ),
    Action(
        "pane.previous",
        "shift+tab",
        "cycle(-1)",
        "previous pane",
        "Go back a pane.",
        "Panes",
        _ROWS,
    ),
    Action(
        "pane.zoom", "z", "zoom", "zoom", "Give this pane the whole screen, or end that.", "Panes"
    ),
    Action("move.down", "j,down", "move('down')", "down", "Move down.", "Move", _ALL),
    Action("move.up", "k,up", "move('up')", "up", "Move up.", "Move", _ALL),
    Action("move.first", "g,home", "move('first')", "first", "Go to the first.", "Move", _ALL),
    Action("move.last", "G,end", "move('last')", "last", "Go to the last.", "Move", _ALL),
    Action(
        "move.half_down", "ctrl+d", "move('half_down')", "", "Half a screen down.", "Move", _ALL
    ),
    Action("move.half_up", "ctrl+u", "move('half_up')", "", "Half a screen up.", "Move", _ALL),
    Action(
        "move.page_down", "pagedown", "move('page_down')", "", "A screen down.", "Move", _ALL
    ),
    Action("move.page_up", "pageup", "move('page_up')", "", "A screen up.", "Move", _ALL),
    Action(
        "open",
        "enter",
        "open",
        "open",
        "Open: the stack of a task, the tasks of an executor; follow a wait or a link to what"
        " it leads to.",
        "Look",
    ),
    Action(
        "choose", "enter", "open", "open", "Open this process, or this core.", "Look", ("list",)
    ),
    Action(
        "back.all", "escape", "back", "all", "Show all rows again.", "Look", ("list",)
    ),
    Action(
        "ahead",
        "w",
        "along('ahead')",
        "waits for",
        "Go to what this waits for: from a task to its lock, from there to who holds it, and on;"
        " again from the same row to the next of several.",
        "Look",
    ),
    Action(
        "behind",
        "W",
        "along('behind')",
        "",
        "Go to what waits for this: from a task to the lock that it holds, from there to who"
        " waits.",
        "Look",
    ),
    Action(
        "back",
        "escape,backspace",
        "back",
        "back",
        "Go back: from the detail to its list, from a filter, from what was followed; stop"
        " what is being read.",
        "Look",
    ),
    Action(
        "expand",
        "space",
        "expand",
        "expand",
        "Expand or collapse a variable, or a task in the tree.",
        "Look",
    ),
    Action(
        "view",
        "v",
        "view",
        "whole",
        "Show the chosen line whole; of a frame its source too, where it is here.",
        "Look",
        _ROWS,
    ),
    Action("copy", "y", "copy", "copy", "Copy the chosen line to the clipboard.", "Look", _ALL),
    Action(
        "save",
        "S",
        "save",
        "save",
        "Save the snapshot to a file, which adp-tui open shows on any machine.",
        "Look",
    ),
    Action(
        "losses", "L", "losses", "losses", "Show what could not be read, and why.", "Look"
    ),
    Action(
        "filter",
        "slash",
        "filter",
        "filter",
        "Show only rows with these words; !word without it, state:idle in one column.",
        "Rows",
        _ROWS,
    ),
    Action("match.next", "n", "match(1)", "next", "Go to the next row that matches.", "Rows"),
    Action(
        "match.previous", "N", "match(-1)", "previous", "Go to the one before that matches.", "Rows"
    ),
    Action(
        "sort", "s", "sort", "sort", "Sort by the next column, at last by none.", "Rows", _ROWS
    ),
    Action("invert", "I", "invert", "invert", "Invert the order.", "Rows", _ROWS),
    Action("tree", "t", "tree", "tree", "Show tasks as a tree, or flat.", "Rows"),
    Action("again", "r", "again", "again", "Read the list again.", "Rows", ("list",)),
    Action(
        "refresh", "r", "refresh", "refresh", "Take a new snapshot of a live process.", "Process"
    ),
    Action(
        "auto", "a", "auto", "auto", "Take new snapshots by itself, or end that.", "Process"
    ),
    Action(
        "hold", "p", "hold", "pause", "Let the process stand, or run on.", "Process"
    ),
    Action("page.close", "escape,q,enter,backspace", "close", "close", "Close this screen.",
           "Program", ("page",)),
    Action("macros", "M", "macros", "macros", "List your team's macros, and run one.", "Look"),
    Action("macro.run", "enter", "open", "run", "Run this macro.", "Look", ("macros",)),
    Action("result.open", "enter", "open", "go there", "Go to what this line is about.", "Look",
           ("result",)),
    Action("line.view", "v", "view", "whole", "Show the chosen line in full.", "Look",
           ("result", "macros")),
    Action("files.trust", "T", "trust", "trust", "Look at files that are not trusted; there, trust"
           " them.", "Look", ("macros", "trust")),
    Action("list.close", "escape,q,backspace", "close", "close", "Close this screen.", "Program",
           ("result", "macros", "trust")),
    Action(
        "help",
        "question_mark,f1",
        "keys",
        "help",
        "Show the keys of this screen.",
        "Program",
        _ROWS,
    ),
    Action(
        "palette",
        "ctrl+p",
        "app.command_palette",
        "palette",
        "Find any action by its name.",
        "Program",
        _ALL,
    ),
    Action(
        "quit",
        "q",
        "leave",
        "quit",
        "Quit; go back to the list of processes, if you came from there.",
        "Program",
        _ROWS,
    ),
)  # fmt: skip
"""All actions, in the order of the help screen."""

FOOTER = (
    "open", "filter", "sort", "tree", "pane.zoom", "refresh", "hold", "losses", "help", "quit"
)  # fmt: skip
"""What stands in the line of keys, at most eight for a core, two more for a live process."""
LIST_FOOTER = ("choose", "filter", "sort", "view", "again", "help", "quit")
"""The same for the list of processes."""

_NAMES = {
    "slash": "/",
    "question_mark": "?",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
}


def action_of(id: str) -> Action:
    """Return the action with that id."""
    return next(action for action in ACTIONS if action.id == id)


def bindings(place: Place, actions: Iterable[Action] = ACTIONS) -> list[BindingType]:
    """Return the bindings of a screen; their ids serve a keymap."""
    return [
        Binding(a.keys, a.call, a.word or a.help, id=a.id, show=a.id in FOOTER, tooltip=a.help)
        for a in actions
        if place in a.places
    ]


def key_names(keys: str) -> str:
    """Return keys as people write them: ``/``, ``esc``, ``shift+tab``."""
    return " ".join(_NAMES.get(key.strip(), key.strip()) for key in keys.split(","))
