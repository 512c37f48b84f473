"""Macros of descriptors: a table whose rows and columns are expressions."""

from __future__ import annotations

from collections.abc import Iterator

from adp_tui.engine.adp.schema import Descriptor, Expression, MacroRule
from adp_tui.engine.errors import AdpError, FaultError
from adp_tui.engine.macros.context import Context
from adp_tui.engine.macros.macro import Macro
from adp_tui.engine.macros.results import Link, Table
from adp_tui.engine.macros.values import Value

__all__ = ["table_macro"]

_TITLES = {"task": "task", "executor": "executor", "resource": "resource"}


def table_macro(descriptor: Descriptor, rule: MacroRule) -> Macro:
    """Return the macro that makes the table of a rule.

    A cell that cannot be worked out says why; a row for each item that could be read.
    """

    def run(ctx: Context, only: str = "") -> Table:
        first = _TITLES.get(rule.on)
        names = ([first] if first else []) + list(rule.columns)
        table = Table(*names, title=rule.title or rule.name)
        done = 0
        for owner, it in _owners(ctx, rule, only):
            for item in _items(ctx, descriptor, rule, it):
                env = {"it": item, "of": it}
                cells = [_cell(ctx, descriptor, e, env) for e in rule.columns.values()]
                table.row(*([owner] if first else []), *cells)
                done += 1
            if done % 64 == 0:
                ctx.progress(done)
        return table

    macro = Macro(rule.name, run, help=rule.help or rule.title or "")
    macro.arguments = ()
    macro.on = rule.on
    return macro


def _owners(ctx: Context, rule: MacroRule, only: str) -> Iterator[tuple[object, Value | None]]:
    """Yield what the table is about, each with its value."""
    if rule.on == "global":
        yield None, None
    elif rule.on == "executor":
        for executor in ctx.executors():
            if only in ("", executor.key):
                yield executor, ctx.value(executor)
    elif rule.on == "resource":
        for resource in ctx.resources():
            if only in ("", resource.key):
                yield resource, ctx.value(resource)
    else:
        for task in [ctx.task(only)] if only else ctx.tasks():
            header = ctx.header(task)
            if header is not None:
                yield task, header


def _items(
    ctx: Context, descriptor: Descriptor, rule: MacroRule, it: Value | None
) -> Iterator[object]:
    """Yield the items of a row's owner; of one that the expression does not fit, none."""
    if rule.each is None:
        yield it
        return
    try:
        found = ctx.ask(descriptor, rule.each, {"it": it})
    except FaultError:
        raise
    except AdpError:
        # Most owners are of another type: a rule is about those that it fits.
        if rule.on == "global":
            raise
        return
    if isinstance(found, list):
        yield from (item for item in found if item is not None)
    elif found is not None:
        yield found


def _cell(
    ctx: Context, descriptor: Descriptor, expression: Expression, env: dict[str, object]
) -> object:
    try:
        found = ctx.ask(descriptor, expression, env)
    except AdpError as error:
        return f"<{error.message}>"
    if isinstance(found, Value) and found.type == "core::task::wake::Waker":
        key = ctx.woken_by(found)
        return Link(key) if key is not None else found
    if isinstance(found, list):
        return ", ".join(each.show() if isinstance(each, Value) else str(each) for each in found)
    return found
