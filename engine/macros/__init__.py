"""Macros: a team's own questions to a program, as Python.

A macro is a function in ``.adp/macros/*.py`` that is given a ``Context`` and returns a ``Table``,
a ``Tree`` or a ``Text``. ``docs/macros.md`` is the guide.
"""

from __future__ import annotations

from adp_tui.engine.errors import AdpError
from adp_tui.engine.macros.context import Context, FrameView, WakerView
from adp_tui.engine.macros.macro import Macro, macro
from adp_tui.engine.macros.results import Link, Node, Table, Text, Tree
from adp_tui.engine.macros.values import Value
from adp_tui.engine.model import (
    Executor,
    Finding,
    Frame,
    Resource,
    Stack,
    Task,
    Thread,
    Wait,
)

__all__ = [
    "AdpError", "Context", "Executor", "Finding", "Frame", "FrameView", "Link", "Macro", "Node",
    "Resource", "Stack", "Table", "Task", "Text", "Thread", "Tree", "Value", "Wait", "WakerView",
    "macro",
]  # fmt: skip
