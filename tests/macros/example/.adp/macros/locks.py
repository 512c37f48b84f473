"""Which locks are held, by whom, and who waits for them."""

from __future__ import annotations

from adp_tui.engine.macros import Context, Link, Table, macro

LOCKS = ("mutex", "rwlock", "semaphore")


@macro("locks", help="Each lock with its holders and its queue.")
def locks(ctx: Context, kind: str = "") -> Table:
    """Make a row for each holder of a lock; one for a lock that nobody is known to hold."""
    table = Table("lock", "kind", "held by", "through", "since line", "waiting", title="Locks")
    for resource in ctx.resources():
        if resource.kind not in LOCKS or kind not in ("", resource.kind):
            continue
        waiting = len(resource.waiters)
        if not resource.holders:
            table.row(resource, resource.kind, None, None, None, waiting)
        for holder in resource.holders:
            who = holder.task or (f"tid:{holder.thread}" if holder.thread is not None else "")
            name = ctx.task(who) if holder.task else Link(who)
            table.row(resource, resource.kind, name, holder.variable, holder.line, waiting)
    return table
