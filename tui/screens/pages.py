"""What stands on the screens of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from textual.binding import BindingsMap

from adp_tui.engine.errors import AdpError
from adp_tui.engine.extensions import Extension
from adp_tui.engine.model import Loss
from adp_tui.engine.views.records import Summary
from adp_tui.tui.actions import ACTIONS, Action, key_names
from adp_tui.tui.screens.page import Page, Paragraph, heading
from adp_tui.tui.source import SourceLine
from adp_tui.widgets.ink import Ink, Span

__all__ = ["ErrorPage", "HelpPage", "LossesPage", "WholePage", "bug"]

_BLANK: Paragraph = ()
_KEYS = 22


class HelpPage(Page):
    """The keys of a screen, made from its bindings."""

    @classmethod
    def of(cls, bound: BindingsMap) -> HelpPage:
        """Return the page for keys as they are bound now."""
        return cls(list(_bound(bound)))

    def __init__(self, actions: Iterable[tuple[Action, str]]) -> None:
        paragraphs: list[Paragraph] = []
        for group, members in groupby(actions, key=lambda pair: pair[0].group):
            if paragraphs:
                paragraphs.append(_BLANK)
            paragraphs.append(heading(f"  {group}"))
            for action, keys in members:
                label = f"  {key_names(keys)}".ljust(_KEYS)
                paragraphs.append((Span(label, Ink.ACCENT), Span(action.help)))
        marks = (
            ("▌", "the chosen line"),
            ("✗ ! •", "an error, a warning, something to notice in this line"),
            ("… ::", "text that was cut; v shows it whole"),
            ("▸ ▾", "can be expanded, is expanded"),
            ("━", "under the title of the pane that has the focus"),
        )
        paragraphs += [_BLANK, heading("  Signs")]
        paragraphs += [(Span(f"  {mark}".ljust(_KEYS), Ink.ACCENT), Span(t)) for mark, t in marks]
        super().__init__("Keys of this screen", paragraphs)


def _bound(bound: BindingsMap) -> Iterator[tuple[Action, str]]:
    keys: dict[str, list[str]] = {}
    for key, bindings in bound.key_to_bindings.items():
        for binding in bindings:
            keys.setdefault(binding.id or "", []).append(key)
    for action in ACTIONS:
        if action.id in keys:
            yield action, ",".join(keys[action.id])


class LossesPage(Page):
    """What could not be read, and why."""

    def __init__(self, summary: Summary) -> None:
        paragraphs: list[Paragraph] = []
        for loss in summary.losses:
            paragraphs += [*_loss(loss), _BLANK]
        if not paragraphs:
            paragraphs = [(Span("  Everything that was looked for could be read."),)]
        if summary.extensions:
            paragraphs += [_BLANK, heading("  What was added to adp-tui"), _BLANK]
            for extension in summary.extensions:
                paragraphs += _extension(extension)
        count = f" · {len(summary.losses)}" if summary.losses else ""
        super().__init__(f"What could not be read{count}", paragraphs)


def _loss(loss: Loss) -> Sequence[Paragraph]:
    mark = ("  ! ", Ink.WARNING) if loss.missing else ("  • ", Ink.NOTICE)
    times = f"  {loss.count:,} times" if loss.count != 1 else ""
    lines: list[Paragraph] = [
        (Span(*mark), Span(loss.what + times, Ink.STRONG)),
        (Span("    "), Span(loss.why)),
    ]
    if loss.samples:
        at = " ".join(f"{address:#x}" for address in loss.samples)
        lines.append((Span("    at ", Ink.MUTED), Span(at, Ink.MUTED)))
    if loss.missing:
        text = "Tasks, executors, threads or frames may be missing for it."
        lines.append((Span("    "), Span(text, Ink.MUTED)))
    return lines


def _extension(extension: Extension) -> Sequence[Paragraph]:
    mark = "•" if extension.state == "used" else "!"
    ink = Ink.NOTICE if extension.state == "used" else Ink.WARNING
    what = f"{extension.kind} {extension.name}, {extension.state}"
    lines: list[Paragraph] = [
        (Span(f"  {mark} ", ink), Span(what, Ink.STRONG)),
        (Span("    ", Ink.MUTED), Span(f"of the {extension.origin}: {extension.place}", Ink.MUTED)),
    ]
    if extension.why:
        lines.append((Span("    "), Span(extension.why)))
    return lines


class WholePage(Page):
    """One line with nothing cut."""

    def __init__(
        self,
        title: str,
        fields: Iterable[tuple[str, str]],
        source: Sequence[SourceLine] = (),
    ) -> None:
        shown = [(label, text) for label, text in fields if text]
        width = min(max((len(label) for label, _ in shown), default=0), 24) + 4
        paragraphs: list[Paragraph] = [
            (Span(f"  {label}".ljust(width), Ink.MUTED), Span(text)) for label, text in shown
        ]
        if source:
            paragraphs += [_BLANK, heading("  Source, as this machine has it now"), _BLANK]
            paragraphs += [_source(line) for line in source]
        super().__init__(title, paragraphs)


def _source(line: SourceLine) -> Paragraph:
    mark = "▶" if line.here else " "
    ink = Ink.STRONG if line.here else Ink.NORMAL
    return (Span(f"  {mark} {line.number:>5}  ", Ink.MUTED), Span(line.text, ink))


class ErrorPage(Page):
    """Why something could not be done, and what to try."""

    def __init__(self, title: str, message: str, help: str = "", *, leave: bool = False) -> None:
        paragraphs: list[Paragraph] = [_BLANK]
        for at, line in enumerate(message.splitlines() or [""]):
            mark = "  ✗ " if at == 0 else "    "
            paragraphs.append((Span(mark, Ink.ERROR), Span(line)))
        if help:
            paragraphs.append(_BLANK)
            paragraphs += [(Span("    "), Span(line, Ink.STRONG)) for line in help.splitlines()]
        super().__init__(title, paragraphs)
        self.leave = leave

    @classmethod
    def of(cls, title: str, error: AdpError, *, leave: bool = False) -> ErrorPage:
        """Return the screen for an error."""
        return cls(title, error.message, error.help, leave=leave)

    def keys(self) -> Sequence[tuple[str, str]]:
        """Say that closing it quits, where it does."""
        close = "quit" if self.leave else "close"
        return (("j k", "scroll"), ("y", "copy"), ("esc", close))


def bug(text: str) -> AdpError:
    """Return the error for what nobody foresaw: adp-tui's own, with all that helps to find it."""
    return AdpError(
        f"adp-tui itself failed; this is a bug in it\n\n{text}",
        help="Please report it with the lines above (y copies them).",
    )
