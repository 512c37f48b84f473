"""What makes a function a macro."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from adp_tui.engine.dataclass import dataclass
from adp_tui.engine.errors import AdpError

__all__ = ["PLACES", "Argument", "Macro", "MacroUsageError", "macro"]

PLACES = ("global", "task", "thread", "executor", "resource")
"""What a macro can be about."""
_KINDS: dict[Any, type] = {str: str, int: int, bool: bool, "str": str, "int": int, "bool": bool}
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class MacroUsageError(AdpError):
    """There is no such macro, or it is not to be run like this."""


@dataclass(frozen=True, slots=True)
class Argument:
    """Something that a macro can be told, as ``NAME=VALUE``."""

    name: str
    kind: type
    required: bool


class Macro:
    """A function that answers a question about a program.

    Args:
        name: by which it is run.
        function: takes a ``Context``, what it is about unless that is everything, and arguments.
        on: ``global``, ``task``, ``thread``, ``executor`` or ``resource``.
        help: one sentence.
    """

    def __init__(
        self, name: str, function: Callable[..., object], *, on: str = "global", help: str = ""
    ) -> None:
        if on not in PLACES:
            raise ValueError(f"a macro is on one of {', '.join(PLACES)}, not {on}")
        self.name = name
        self.function = function
        self.on = on
        doc = inspect.getdoc(function) or ""
        self.help = help or doc.partition("\n")[0]
        self.arguments = _arguments(function, 1 if on == "global" else 2)

    def __call__(self, *arguments: Any, **named: Any) -> object:
        """Call the function itself, as another macro may."""
        return self.function(*arguments, **named)

    def bind(self, words: Sequence[str]) -> dict[str, object]:
        """Return arguments from ``NAME=VALUE``; one without a name is the first not named.

        Raises:
            AdpError: one is not known, missing, or has no such value.
        """
        known = {argument.name: argument for argument in self.arguments}
        given: dict[str, object] = {}
        for word in words:
            name, equals, text = word.partition("=")
            if not equals or name not in known:
                left = [each for each in self.arguments if each.name not in given]
                if (equals and name.isidentifier()) or not left:
                    raise MacroUsageError(f"{self.name} has no argument {name}", help=self._usage())
                name, text = left[0].name, word
            given[name] = self._value(known[name], text)
        missing = [each.name for each in self.arguments if each.required and each.name not in given]
        if missing:
            raise MacroUsageError(f"{self.name} needs {', '.join(missing)}", help=self._usage())
        return given

    def _value(self, argument: Argument, text: str) -> object:
        if argument.kind is bool:
            if text.lower() not in _WORDS:
                raise MacroUsageError(
                    f"{argument.name}={text}: yes or no is wanted", help=self._usage()
                )
            return _WORDS[text.lower()]
        if argument.kind is int:
            try:
                return int(text, 0)
            except ValueError:
                raise MacroUsageError(
                    f"{argument.name}={text}: a number is wanted", help=self._usage()
                ) from None
        return text

    def _usage(self) -> str:
        words = (f"{a.name}={a.kind.__name__}" for a in self.arguments)
        return f"it takes {', '.join(words)}" if self.arguments else "it takes no arguments"


def macro(
    name: str, *, on: str = "global", help: str = ""
) -> Callable[[Callable[..., object]], Macro]:
    """Make a function a macro: ``@macro("locks", help="which locks are held")``.

    Args:
        name: by which it is run; a word.
        on: what it is about; anything but ``global`` is its second argument.
        help: one sentence; else the first line of the function's docstring.
    """
    if not name or name != name.strip() or not name.isprintable() or name.startswith("-"):
        raise ValueError(f"{name!r} is no name for a macro")
    return lambda function: Macro(name, function, on=on, help=help)


def _arguments(function: Callable[..., object], first: int) -> tuple[Argument, ...]:
    found = list(inspect.signature(function).parameters.values())[first:]
    return tuple(
        Argument(each.name, _KINDS.get(each.annotation, str), each.default is each.empty)
        for each in found
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    )
